package raftstore

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// streamLayer gives raft's transport its connections, and tracks them all so that
// Close can end them. A connection to this server itself is an in-memory pipe.
type streamLayer struct {
	id       string
	address  string
	listener net.Listener
	dial     func(context.Context, Peer) (net.Conn, error)

	ctx      context.Context // ends with abort: no dial, no connection after it
	cancel   context.CancelFunc
	accepted chan net.Conn
	closed   chan struct{}
	close    sync.Once
	wg       sync.WaitGroup // the accept loop, and every accepted connection

	mu sync.Mutex

	conns map[*trackedConn]struct{}
}

func newStreamLayer(id, address string, listener net.Listener, dial func(context.Context, Peer) (net.Conn, error)) *streamLayer {
	s := &streamLayer{
		id: id, address: address, listener: listener, dial: dial,
		accepted: make(chan net.Conn), closed: make(chan struct{}),
		conns: make(map[*trackedConn]struct{}),
	}
	// No caller's context: it lives as long as the layer.
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.wg.Add(1)
	go s.acceptLoop() // Close waits
	return s
}

// acceptDelay keeps a listener that fails from spinning.
const acceptDelay = 50 * time.Millisecond

func (s *streamLayer) acceptLoop() {
	defer s.wg.Done()
	for {
		conn, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) || (err != nil && s.ctx.Err() != nil) {
			return
		}
		if err != nil {
			select {
			case <-s.ctx.Done():
				return
			case <-time.After(acceptDelay):
			}
			continue
		}
		select {
		case s.accepted <- conn:
		case <-s.ctx.Done():
			_ = conn.Close()
			return
		}
	}
}

// Accept returns the next connection another server opened. It fails after
// Close only: raft's transport logs every failure.
func (s *streamLayer) Accept() (net.Conn, error) {
	for {
		select {
		case <-s.closed:
			return nil, net.ErrClosed
		case conn := <-s.accepted:
			if conn, err := s.track(conn, true); err == nil {
				return conn, nil
			}
		}
	}
}

// Dial opens a connection to a server, named by a target.
func (s *streamLayer) Dial(target raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	peer := peerOf(target)
	if peer.ID == s.id {
		return s.dialSelf()
	}
	ctx, cancel := s.ctx, context.CancelFunc(func() {})
	if timeout > 0 {
		ctx, cancel = context.WithTimeout(s.ctx, timeout)
	}
	defer cancel()
	conn, err := s.dial(ctx, peer)
	if err != nil {
		return nil, err
	}
	return s.track(conn, false)
}

func (s *streamLayer) dialSelf() (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case s.accepted <- there:
		return s.track(here, false)
	case <-s.ctx.Done():
		return nil, net.ErrClosed
	}
}

func (s *streamLayer) track(conn net.Conn, accepted bool) (net.Conn, error) {
	t := &trackedConn{Conn: conn, layer: s, accepted: accepted}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	s.conns[t] = struct{}{}
	if accepted {
		s.wg.Add(1)
	}
	return t, nil
}

// abort ends all dials and connections; new ones fail.
func (s *streamLayer) abort() {
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := range s.conns {
		_ = t.Conn.Close()
	}
}

// redial closes the connections that were opened here; raft opens others.
func (s *streamLayer) redial() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := range s.conns {
		if !t.accepted {
			_ = t.Conn.Close()
		}
	}
}

// Close ends everything; raft's transport calls it last.
func (s *streamLayer) Close() error {
	s.abort()
	s.close.Do(func() { close(s.closed) })
	return s.listener.Close()
}

// wait returns when nothing of the layer runs any more: raft's transport
// closes an accepted connection where it stops serving it.
func (s *streamLayer) wait() { s.wg.Wait() }

// Addr is the address other servers know this one by.
func (s *streamLayer) Addr() net.Addr { return advertised(s.address) }

type advertised string

func (a advertised) Network() string { return "tcp" }
func (a advertised) String() string  { return string(a) }

// trackedConn tells its layer when it is closed.
type trackedConn struct {
	net.Conn
	layer    *streamLayer
	accepted bool
	once     sync.Once
}

// Read reads; what this server ended itself reads as an end, not as a fault.
func (t *trackedConn) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	if err != nil && t.layer.ctx.Err() != nil {
		err = io.EOF
	}
	return n, err
}

// Close closes the connection.
func (t *trackedConn) Close() error {
	err := t.Conn.Close()
	t.once.Do(func() {
		t.layer.mu.Lock()
		delete(t.layer.conns, t)
		t.layer.mu.Unlock()
		if t.accepted {
			t.layer.wg.Done()
		}
	})
	return err
}

var _ raft.StreamLayer = (*streamLayer)(nil)
