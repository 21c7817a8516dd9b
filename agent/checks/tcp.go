package checks

import (
	"context"
	"crypto/tls"
	"fmt"

	"praetor/catalog"
)

// newTCP builds a check that passes when a connection can be opened.
func newTCP(c *catalog.Check, o *Options) (Runner, error) {
	d := &c.Definition
	timeout := orDefault(d.Timeout, networkTimeout)
	dial := o.Dial
	return newPeriodic(c, o, func(ctx context.Context) result {
		var config *tls.Config
		if d.TCPUseTLS {
			config = o.tlsConfig(d)
		}
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		conn, err := dialTLS(ctx, dial, d.TCP, config)
		if err != nil {
			return result{status: catalog.Critical, output: err.Error()}
		}
		conn.Close()
		what := "TCP"
		if config != nil {
			what = "TCP+TLS"
		}
		return result{status: catalog.Passing, output: fmt.Sprintf("%s connect %s: Success", what, d.TCP)}
	}), nil
}
