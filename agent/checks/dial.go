package checks

import (
	"context"
	"crypto/tls"
	"net"
)

type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// dialTLS opens a connection, with TLS on it if config is given.
func dialTLS(ctx context.Context, dial dialer, address string, config *tls.Config) (net.Conn, error) {
	conn, err := dial(ctx, "tcp", address)
	if err != nil || config == nil {
		return conn, err
	}
	secured := tls.Client(conn, withServerName(config, address))
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secured, nil
}

// withServerName fills in the name to verify from the address dialled.
func withServerName(config *tls.Config, address string) *tls.Config {
	if config.ServerName != "" {
		return config
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	config = config.Clone()
	config.ServerName = host
	return config
}
