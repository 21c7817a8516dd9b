package httpserver

import (
	"net"
	"sync/atomic"
	"time"
)

// handshaking gives TLS handshakes a time of their own. The HTTP server bounds
// them by the time it has for headers: it sets that deadline first of all on a
// connection, and takes it back when hands are shaken.
type handshaking struct {
	net.Listener
	timeout time.Duration
}

// Accept implements net.Listener.
func (l *handshaking) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &handshakingConn{Conn: conn, timeout: l.timeout}, nil
}

type handshakingConn struct {
	net.Conn
	timeout time.Duration
	begun   atomic.Bool
}

// SetReadDeadline implements net.Conn.
func (c *handshakingConn) SetReadDeadline(t time.Time) error {
	if !c.begun.Swap(true) {
		t = time.Now().Add(c.timeout)
	}
	return c.Conn.SetReadDeadline(t)
}

// NetConn returns the connection below.
func (c *handshakingConn) NetConn() net.Conn { return c.Conn }

// CloseWrite ends our half; see countedConn.
func (c *handshakingConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

var (
	_ net.Listener = (*handshaking)(nil)
	_ net.Conn     = (*handshakingConn)(nil)
)
