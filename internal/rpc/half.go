package rpc

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// counted is a connection that gives back its places when it closes.
type counted struct {
	net.Conn
	peer  peerInfo
	first []byte // read already, to be read again
	leave func()
	half  *half // nil until it has a place there
	once  sync.Once
}

// Read reads what the handshake read too far, then the rest.
func (c *counted) Read(b []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(b, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}

// Close closes the connection.
func (c *counted) Close() error {
	c.once.Do(func() {
		c.leave()
		if c.half != nil {
			c.half.open.Add(-1)
		}
	})
	return c.Conn.Close()
}

// half is the listener for one kind of connection.
type half struct {
	addr   net.Addr
	most   int64        // connections open at a time; 0: any number
	open   atomic.Int64 // connections that have a place
	queue  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newHalf(addr net.Addr, most int64) *half {
	return &half{addr: addr, most: most, queue: make(chan net.Conn, acceptQueue), closed: make(chan struct{})}
}

// offer queues a connection, if there is room for it until timeout.
func (h *half) offer(c *counted, timeout <-chan time.Time) error {
	c.half = h
	if h.open.Add(1) > h.most && h.most > 0 {
		return &unwelcome{"too many connections of its kind", 0}
	}
	select {
	case <-h.closed:
		return net.ErrClosed
	case <-timeout:
		return errors.New("nobody accepted it")
	case h.queue <- c:
	}
	select {
	case <-h.closed: // Close may have emptied the queue before c was in it
		h.drain()
	default:
	}
	return nil
}

// Accept gives the next connection.
func (h *half) Accept() (net.Conn, error) {
	select {
	case <-h.closed:
	default:
		select {
		case c := <-h.queue:
			return c, nil
		case <-h.closed:
		}
	}
	return nil, &net.OpError{Op: "accept", Net: h.addr.Network(), Addr: h.addr, Err: net.ErrClosed}
}

// Close ends accepting and closes what waits.
func (h *half) Close() error {
	h.once.Do(func() {
		close(h.closed)
		h.drain()
	})
	return nil
}

func (h *half) drain() {
	for {
		select {
		case c := <-h.queue:
			c.Close()
		default:
			return
		}
	}
}

// Addr is the port's.
func (h *half) Addr() net.Addr { return h.addr }

var _ net.Listener = (*half)(nil)
