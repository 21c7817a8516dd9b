package checks

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"

	"golang.org/x/net/http2"

	"praetor/catalog"
)

// newH2Ping builds a check that sends an HTTP/2 PING frame and waits for its
// acknowledgement.
func newH2Ping(c *catalog.Check, o *Options) (Runner, error) {
	d := &c.Definition
	timeout := orDefault(d.Timeout, networkTimeout)
	var config *tls.Config
	if d.H2PingUseTLS {
		config = o.tlsConfig(d)
		config.NextProtos = []string{http2.NextProtoTLS}
	}
	dial := o.Dial
	return newPeriodic(c, o, func(ctx context.Context) result {
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

func ping(ctx context.Context, conn net.Conn) error {
	stop := context.AfterFunc(ctx, func() { conn.Close() }) // ends a hanging preface; runs at most once
	defer stop()
	client, err := (&http2.Transport{AllowHTTP: true}).NewClientConn(conn)
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Ping(ctx)
}
