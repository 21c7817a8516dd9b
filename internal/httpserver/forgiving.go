package httpserver

import (
	"errors"
	"net"
	"sync/atomic"
	"syscall"
)

// forgiving accepts connections whose clients may leave before they are answered.
type forgiving struct{ net.Listener }

// Accept implements net.Listener.
func (l forgiving) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &forgivingConn{Conn: conn}, nil
}

// forgivingConn takes answers that nobody will read. net/http gives a connection
// up with the first answer that it cannot write; but writes that were sent behind
// that request have arrived, and are to be carried out. Reading ends with what came.
type forgivingConn struct {
	net.Conn
	left atomic.Bool // the client has closed both halves
}

// Write implements net.Conn.
func (c *forgivingConn) Write(p []byte) (int, error) {
	if c.left.Load() {
		return len(p), nil
	}
	n, err := c.Conn.Write(p)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		c.left.Store(true)
		return len(p), nil
	}
	return n, err
}

// CloseWrite ends our half; see countedConn.
func (c *forgivingConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// NetConn returns the connection below.
func (c *forgivingConn) NetConn() net.Conn { return c.Conn }

var (
	_ net.Listener = forgiving{}
	_ net.Conn     = (*forgivingConn)(nil)
)
