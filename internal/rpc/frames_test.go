package rpc_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"praetor/internal/rpc"
)

// TestARequestIsOneWriteOfItsSender: nothing is sent beside it to measure the connection.
func TestARequestIsOneWriteOfItsSender(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.elect("dc1", w.server("dc1", "10.0.0.1"))
		var writes atomic.Int64
		c := &node{name: "client", ip: "10.0.0.9"}
		dialer := w.dialer(c, "dc1")
		network := dialer.Network
		dialer.Network = func(ctx context.Context, address string) (net.Conn, error) {
			conn, err := network(ctx, address)
			return countingConn{conn, &writes}, err
		}
		c.router = rpc.NewRouter(rpc.Options{Datacenter: "dc1", Dialer: dialer})
		c.stop = func() { _ = c.router.Close() }
		w.nodes = append(w.nodes, c)
		w.tellAll()
		const requests = 100
		for i := range requests + 1 {
			if _, err := opWrite.Call(t.Context(), c.router, &rpc.WriteOptions{}); err != nil {
				t.Fatal(err)
			}
			pass(time.Millisecond) // or what is sent beside it goes with the next one
			if i == 0 {
				writes.Store(0) // what opening the connection took
			}
		}
		if n := writes.Load(); n > requests*3/2 {
			t.Errorf("%d requests took %d writes", requests, n)
		}
	})
}

type countingConn struct {
	net.Conn
	writes *atomic.Int64
}

func (c countingConn) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}
