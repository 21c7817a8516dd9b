package rpc

import (
	"context"
	"fmt"
	"net"
	"time"
)

type dialer = func(context.Context, string) (net.Conn, error)

// DialRaft wraps dial so that the other side's Listener sees a Raft connection.
func DialRaft(dial func(context.Context, string) (net.Conn, error)) func(context.Context, string) (net.Conn, error) {
	return dialAs(raftByte, dial)
}

func dialRPC(dial dialer) dialer { return dialAs(rpcByte, dial) }

// dialAs dials and says what the connection is for.
func dialAs(purpose byte, dial dialer) dialer {
	return func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := dial(ctx, address)
		if err != nil {
			return nil, err
		}
		if err := sayFirst(ctx, conn, purpose); err != nil {
			conn.Close()
			return nil, fmt.Errorf("open connection to %s: %w", address, err)
		}
		return conn, nil
	}
}

func sayFirst(ctx context.Context, conn net.Conn, purpose byte) error {
	deadline := time.Now().Add(handshakeTimeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if err := conn.SetWriteDeadline(deadline); err != nil {
		return err
	}
	if _, err := conn.Write([]byte{purpose}); err != nil {
		return err
	}
	return conn.SetWriteDeadline(time.Time{})
}
