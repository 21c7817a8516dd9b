package rpc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// The first byte of a connection says what it is for. The numbers are those
// that Consul gives to the same purposes (reference/internals.md §12).
const (
	raftByte = 1
	rpcByte  = 8
)

const (
	// handshakeTimeout is what a connection gets to say its first byte, and
	// maxPerIP how many connections one address may hold, unless Limit says
	// otherwise; more are closed.
	handshakeTimeout = 5 * time.Second
	maxPerIP         = 100
	// maxSilent bounds connections that have not said their first byte yet,
	// over all addresses; more are closed.
	maxSilent = 1024
	// acceptQueue is how many sorted connections of a kind may wait for their
	// Accept; more wait until their handshake would have timed out.
	acceptQueue = 128
)

// Listener shares one port between RPC and Raft connections, told apart by
// their first byte.
type Listener struct {
	port   net.Listener
	logger hclog.Logger
	raft   *half
	rpc    *half
	closed chan struct{}
	once   sync.Once
	work   sync.WaitGroup // one per connection being sorted

	handshake, maxPerIP atomic.Int64 // nanoseconds; 0 = any number

	mu     sync.Mutex
	perIP  map[string]int
	silent map[net.Conn]struct{}
}

// NewListener takes over l.
func NewListener(l net.Listener, logger hclog.Logger) *Listener {
	if logger == nil {
		logger = hclog.NewNullLogger()
	}
	made := &Listener{
		port:   l,
		logger: logger,
		raft:   newHalf(l.Addr()),
		rpc:    newHalf(l.Addr()),
		closed: make(chan struct{}),
		perIP:  make(map[string]int),
		silent: make(map[net.Conn]struct{}),
	}
	made.Limit(maxPerIP, handshakeTimeout)
	return made
}

// Limit bounds the connections that one address may hold, 0 for any number, and the time
// that a connection gets to say what it is for. It holds for connections from now on.
func (l *Listener) Limit(perIP int, handshake time.Duration) {
	l.maxPerIP.Store(int64(perIP))
	l.handshake.Store(int64(handshake))
}

// Raft gives the Raft connections.
func (l *Listener) Raft() net.Listener { return l.raft }

// RPC gives the RPC connections.
func (l *Listener) RPC() net.Listener { return l.rpc }

// Run sorts connections until ctx ends or the port breaks. It closes the port
// and both halves; connections already accepted stay open.
func (l *Listener) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	defer l.work.Wait()
	defer l.Close()
	var pause time.Duration
	for {
		conn, err := l.port.Accept()
		if err == nil {
			pause = 0
			l.admit(conn)
			continue
		}
		select {
		case <-l.closed:
			return nil
		default:
		}
		if !isTemporary(err) {
			return fmt.Errorf("accept on %s: %w", l.port.Addr(), err)
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		l.logger.Warn("cannot accept connections; trying again", "after", pause, "error", err)
		if !l.sleep(pause) {
			return nil
		}
	}
}

// Close closes the port, both halves and every connection nobody accepted.
// Calling it twice is fine.
func (l *Listener) Close() error {
	err := error(nil)
	l.once.Do(func() {
		close(l.closed)
		err = l.port.Close()
		l.raft.Close()
		l.rpc.Close()
		l.mu.Lock()
		defer l.mu.Unlock()
		for c := range l.silent {
			c.Close()
		}
	})
	return err
}

func (l *Listener) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.closed:
		return false
	}
}

// isTemporary tells a shortage (files, memory) from a port that is gone.
func isTemporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// admit counts a new connection and starts sorting it, or closes it.
func (l *Listener) admit(conn net.Conn) {
	ip := ipOf(conn)
	if why := l.enter(conn, ip); why != "" {
		l.logger.Warn("connection refused", "reason", why, "from", ip)
		conn.Close()
		return
	}
	l.work.Go(func() { // waited for by Run
		l.sort(&counted{Conn: conn, leave: func() { l.leave(ip) }}, conn)
	})
}

func (l *Listener) enter(conn net.Conn, ip string) (refused string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.closed:
		return "closing"
	default:
	}
	if most := int(l.maxPerIP.Load()); most > 0 && l.perIP[ip] >= most {
		return "too many connections from one address"
	}
	if len(l.silent) >= maxSilent {
		return "too many connections that say nothing"
	}
	l.perIP[ip]++
	l.silent[conn] = struct{}{}
	return ""
}

func (l *Listener) leave(ip string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.perIP[ip]--; l.perIP[ip] == 0 {
		delete(l.perIP, ip)
	}
}

// sort reads the first byte and hands the connection on.
func (l *Listener) sort(conn *counted, raw net.Conn) {
	deadline := time.NewTimer(time.Duration(l.handshake.Load()))
	defer deadline.Stop()
	to, err := l.readFirst(conn)
	l.mu.Lock()
	delete(l.silent, raw)
	l.mu.Unlock()
	if err != nil {
		conn.Close()
		l.logger.Debug("connection dropped", "from", conn.RemoteAddr(), "error", err)
		return
	}
	if !to.offer(conn, deadline.C) {
		conn.Close()
	}
}

func (l *Listener) readFirst(conn net.Conn) (*half, error) {
	if err := conn.SetReadDeadline(time.Now().Add(time.Duration(l.handshake.Load()))); err != nil {
		return nil, fmt.Errorf("set deadline: %w", err)
	}
	var first [1]byte
	if _, err := conn.Read(first[:]); err != nil {
		return nil, fmt.Errorf("read first byte: %w", err)
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("clear deadline: %w", err)
	}
	switch first[0] {
	case raftByte:
		return l.raft, nil
	case rpcByte:
		return l.rpc, nil
	}
	return nil, fmt.Errorf("unknown first byte %#x", first[0])
}

// ipOf names the peer for counting.
func ipOf(conn net.Conn) string {
	addr := conn.RemoteAddr().String()
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

// counted is a connection that gives back its place when it closes.
type counted struct {
	net.Conn
	leave func()
	once  sync.Once
}

func (c *counted) Close() error {
	c.once.Do(c.leave)
	return c.Conn.Close()
}

// half is the listener for one kind of connection.
type half struct {
	addr   net.Addr
	queue  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newHalf(addr net.Addr) *half {
	return &half{addr: addr, queue: make(chan net.Conn, acceptQueue), closed: make(chan struct{})}
}

// offer queues a connection; false if there is no room until timeout.
func (h *half) offer(c net.Conn, timeout <-chan time.Time) bool {
	select {
	case <-h.closed:
		return false
	case <-timeout:
		return false
	case h.queue <- c:
	}
	select {
	case <-h.closed: // Close may have emptied the queue before c was in it
		h.drain()
	default:
	}
	return true
}

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

func (h *half) Addr() net.Addr { return h.addr }

var _ net.Listener = (*half)(nil)
