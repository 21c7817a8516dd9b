package checks

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/net/http2"

	"praetor/catalog"
)

// newH2Ping builds a check that sends an HTTP/2 PING frame and waits for its
// acknowledgement.
func newH2Ping(c *catalog.Check, o *Options) (Runner, error) {
	d := &c.Definition
	timeout := orDefault(d.Timeout, networkTimeout)
	dial := o.Dial
	return newPeriodic(c, o, func(ctx context.Context) result {
		var config *tls.Config
		if d.H2PingUseTLS {
			config = o.tlsConfig(d)
			config.NextProtos = []string{http2.NextProtoTLS}
		}
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		conn, err := dialTLS(ctx, dial, d.H2PING, config)
		if err != nil {
			return result{status: catalog.Critical, output: fmt.Sprintf("Failed to dial to %s: %s", d.H2PING, err)}
		}
		defer conn.Close()
		if err := ping(ctx, conn); err != nil {
			return result{status: catalog.Critical, output: fmt.Sprintf("HTTP2 ping failed: %s", err)}
		}
		return result{status: catalog.Passing, output: "HTTP2 ping was successful"}
	}), nil
}

// maxH2Frames is how many frames a server may send before its acknowledgement;
// a greeting takes two or three.
const maxH2Frames = 100

// ping greets, sends one PING and waits for the same bytes back.
func ping(ctx context.Context, conn net.Conn) error {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Now()) }) // runs at most once
	defer stop()
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return err
	}
	framer := http2.NewFramer(conn, conn)
	if err := framer.WriteSettings(); err != nil {
		return err
	}
	data := [8]byte{'p', 'r', 'a', 'e', 't', 'o', 'r'}
	if err := framer.WritePing(false, data); err != nil {
		return err
	}
	for range maxH2Frames {
		frame, err := framer.ReadFrame()
		if err != nil {
			return err
		}
		if p, ok := frame.(*http2.PingFrame); ok && p.IsAck() && p.Data == data {
			return nil
		}
	}
	return fmt.Errorf("no acknowledgement among %d frames", maxH2Frames)
}
