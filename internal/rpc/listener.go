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

	"praetor/internal/logging"
	"praetor/internal/tlsconf"
)

const (
	// handshakeTimeout is what a connection gets for its handshake, and maxPerIP
	// how many connections one address may hold, unless Limit says otherwise;
	// more are closed.
	handshakeTimeout = 5 * time.Second
	maxPerIP         = 100
	// maxUnmet bounds connections that have not shaken hands yet, over all
	// addresses, at some 10 KB each; more are closed.
	maxUnmet = 1024
	// maxRaft bounds Raft connections over all addresses. A server opens at most
	// six to another one at a time.
	maxRaft = 512
	// maxUncertified bounds connections of those who have no certificate yet. Each asks for
	// two things and leaves.
	maxUncertified = 64
	// acceptQueue is how many sorted connections of a kind may wait for their
	// Accept; more wait until their handshake would have timed out.
	acceptQueue = 128
)

// ListenerOptions says whom a Listener lets in.
type ListenerOptions struct {
	Identity Identity
	// Knows reports whether a server may speak Raft with this one: by its ID, or
	// by its IP address if id is "", since builds that know no hello do not say
	// it. nil knows everybody.
	Knows func(id, ip string) bool
	// IsTwin reports whether another process than the one that dials, of this
	// instance, has the ID of a server. nil finds none.
	IsTwin func(id string, instance uint64) bool
	// Gone is told the ID of an agent that was let in when one of its connections has
	// ended, which may be all that is known of it. It must not wait. nil is not told.
	Gone func(id string)
	// TLS says who is let in with TLS and without, and who may act as a server; nil
	// lets everybody in, without.
	TLS *tlsconf.Source
	// Uncertified lets in who shows no certificate, over TLS, whatever TLS says. He gets to
	// no other half than Listener.Uncertified.
	Uncertified bool
	Logger      hclog.Logger // nil: none
}

// Listener shares one port between RPC and Raft connections, told apart in the
// handshake.
type Listener struct {
	port        net.Listener
	opts        ListenerOptions
	logger      hclog.Logger
	raft        *half
	rpc         *half
	uncertified *half // nil: nobody is let in so
	closed      chan struct{}
	once        sync.Once
	work        sync.WaitGroup // one per connection being sorted

	handshake, maxPerIP atomic.Int64 // nanoseconds; 0 = any number

	warned         logging.Seldom // of connections refused
	warnedPlain    logging.Seldom // of those that are refused since they come without TLS
	warnedTLS      logging.Seldom // of handshakes of TLS that failed
	warnedUnproven sync.Once      // that those who prove nothing are let in

	mu    sync.Mutex
	perIP map[string]int
	unmet map[net.Conn]struct{}
}

// NewListener takes over l.
func NewListener(l net.Listener, opts ListenerOptions) *Listener {
	if opts.Logger == nil {
		opts.Logger = hclog.NewNullLogger()
	}
	if opts.Knows == nil {
		opts.Knows = func(string, string) bool { return true }
	}
	made := &Listener{
		port:   l,
		opts:   opts,
		logger: opts.Logger,
		raft:   newHalf(l.Addr(), maxRaft),
		rpc:    newHalf(l.Addr(), 0),
		closed: make(chan struct{}),
		perIP:  make(map[string]int),
		unmet:  make(map[net.Conn]struct{}),
	}
	if opts.Uncertified {
		made.uncertified = newHalf(l.Addr(), maxUncertified)
	}
	made.Limit(maxPerIP, handshakeTimeout)
	return made
}

// Limit bounds the connections that one address may hold, 0 for any number, and the time
// that a connection gets to say what it is for and prove it. It holds for connections from now on.
func (l *Listener) Limit(perIP int, handshake time.Duration) {
	l.maxPerIP.Store(int64(perIP))
	l.handshake.Store(int64(handshake))
}

// Raft gives the Raft connections.
func (l *Listener) Raft() net.Listener { return l.raft }

// RPC gives the RPC connections.
func (l *Listener) RPC() net.Listener { return l.rpc }

// Uncertified gives the RPC connections of those who have no certificate yet; nil where
// nobody is let in so.
func (l *Listener) Uncertified() net.Listener {
	if l.uncertified == nil {
		return nil
	}
	return l.uncertified
}

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
		if l.uncertified != nil {
			l.uncertified.Close()
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		for c := range l.unmet {
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

// admit counts a new connection and starts the handshake, or closes it.
func (l *Listener) admit(conn net.Conn) {
	ip := hostOf(conn.RemoteAddr())
	if why := l.enter(conn, ip); why != "" {
		l.refused(why, ip)
		conn.Close()
		return
	}
	in := &counted{Conn: conn}
	in.leave = func() {
		l.leave(ip)
		l.gone(in)
	}
	l.work.Go(func() { // waited for by Run
		l.sort(in, conn)
	})
}

// gone tells that a connection has ended, unless it is this listener's own end.
func (l *Listener) gone(conn *counted) {
	if l.opts.Gone == nil || conn.half == nil || conn.half == l.uncertified || conn.peer.ID == "" {
		return
	}
	select {
	case <-l.closed:
	default:
		l.opts.Gone(conn.peer.ID)
	}
}

// refused logs that a connection was, but not each of a flood.
func (l *Listener) refused(why, ip string) {
	if left, due := l.warned.Due(time.Now()); due {
		l.logger.Warn("connection refused", "reason", why, "from", ip, "others_not_logged", left)
	}
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
	if len(l.unmet) >= maxUnmet {
		return "too many connections that did not say who they are"
	}
	l.perIP[ip]++
	l.unmet[conn] = struct{}{}
	return ""
}

func (l *Listener) leave(ip string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.perIP[ip]--; l.perIP[ip] == 0 {
		delete(l.perIP, ip)
	}
}

// sort shakes hands and passes the connection on.
func (l *Listener) sort(conn *counted, raw net.Conn) {
	timeout := time.Duration(l.handshake.Load())
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	err := conn.SetDeadline(time.Now().Add(timeout))
	var to *half
	if err == nil {
		to, err = l.meet(conn)
	}
	l.mu.Lock()
	delete(l.unmet, raw)
	l.mu.Unlock()
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err == nil {
		err = to.offer(conn, deadline.C)
	}
	if err == nil {
		return
	}
	conn.Close()
	l.dropped(conn, err)
}

// dropped logs why hands were not shaken.
func (l *Listener) dropped(conn *counted, err error) {
	var stranger *unwelcome
	var shake *shakeError
	switch {
	case errors.As(err, &stranger):
		l.refused(stranger.why, hostOf(conn.RemoteAddr()))
	case errors.Is(err, tlsconf.ErrPlain):
		l.seldom(&l.warnedPlain, hclog.Warn, "Non-TLS connection attempted with VerifyIncoming set", conn)
	case errors.As(err, &shake):
		l.seldom(&l.warnedTLS, hclog.Error, "failed TLS handshake", conn, "error", shake.err)
	default:
		l.logger.Debug("connection dropped", "from", conn.RemoteAddr(), "error", err)
	}
}

// seldom logs what strangers can provoke.
func (l *Listener) seldom(line *logging.Seldom, level hclog.Level, text string, conn net.Conn, args ...any) {
	left, due := line.Due(time.Now())
	if !due {
		return
	}
	l.logger.Log(level, text, append(append([]any{"conn", "from=" + conn.RemoteAddr().String()}, args...), leftOut(left)...)...)
}

// leftOut says how many lines like it were not logged, if there were any.
func leftOut(lines int64) []any {
	if lines == 0 {
		return nil
	}
	return []any{"others_not_logged", lines}
}

// hostOf names a peer for counting: its address without the port.
func hostOf(addr net.Addr) string {
	address := addr.String()
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}
