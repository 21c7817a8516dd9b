package httpserver

import (
	"context"
	"errors"
	"net"
	"net/http"
	"syscall"
	"time"
)

const (
	// peerCheck is how often a connection whose client has ended its half is
	// looked at: is the other half still there? The kernel knows after the client
	// closed all of it, when it answers one of our keepalive probes (every 15 s)
	// with a reset: at the latest some 75 s later on Linux. Meanwhile the connection
	// counts as the client's, but makes room when the client needs it.
	peerCheck = 2 * time.Second
	// finishTimeout bounds a write whose client has left. All writes have bounds of
	// their own below it; only restoring a large snapshot comes near.
	finishTimeout = 10 * time.Minute
	// stopWrites is how long a write may go on once the server stops.
	stopWrites = time.Second
)

// ErrClientGone ends the context of a read whose client has closed its connection.
var ErrClientGone = errors.New("the client has closed its connection")

// lasting gives each request the life that its method promises. net/http ends a
// request's context as soon as it reads the end of the client's half of the
// connection. But a write that arrived whole is carried out though its client has
// left, and a client that only ended its own half (nc -N) waits for an answer.
type lasting struct {
	next http.Handler
}

// ServeHTTP implements http.Handler.
func (l lasting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if IsSafe(r.Method) && r.ProtoMajor > 1 {
		l.next.ServeHTTP(w, r) // HTTP/2 says so when a client gives a request up
		return
	}
	life := begin(r)
	defer life.end()
	l.next.ServeHTTP(w, r.WithContext(life.ctx))
}

// IsSafe reports whether a method only reads (RFC 9110 §9.2.1).
func IsSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// life is one request's: its own context, and what watches over it once net/http
// has ended the one it came with.
type life struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	write  bool
	stop   func() bool   // stops the watch if it has not begun
	ended  chan struct{} // closed when the watch has ended
}

func begin(r *http.Request) *life {
	came := r.Context()
	l := &life{write: !IsSafe(r.Method), ended: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancelCause(context.WithoutCancel(came))
	l.stop = context.AfterFunc(came, l.watch) // end waits for it
	return l
}

// end ends the request, and waits for its watch.
func (l *life) end() {
	l.cancel(context.Canceled)
	if !l.stop() {
		<-l.ended
	}
}

// watch runs from when net/http ended the request's context to the request's end:
// the client has ended its half of the connection, or the server stops.
func (l *life) watch() {
	defer close(l.ended)
	ticker := time.NewTicker(peerCheck)
	defer ticker.Stop()
	over := time.NewTimer(finishTimeout)
	defer over.Stop()
	stopping := Serving(l.ctx).Done()
	if c := layer[*countedConn](connOf(l.ctx)); c != nil && !l.write {
		c.conns.park(c.client, l)
		defer c.conns.unpark(c.client, l)
	}
	for {
		if !l.write && isGone(connOf(l.ctx)) {
			l.cancel(ErrClientGone)
		}
		select {
		case <-l.ctx.Done():
			return
		case <-stopping:
			stopping = nil
			if !l.write {
				l.cancel(context.Canceled)
				return
			}
			over.Reset(stopWrites)
		case <-ticker.C:
		case <-over.C:
			if l.write {
				l.cancel(context.DeadlineExceeded)
			}
		}
	}
}

// servingKey and connKey find in a request's context the server's own and the
// connection.
type (
	servingKey struct{}
	connKey    struct{}
)

func withServing(ctx context.Context) context.Context {
	return context.WithValue(ctx, servingKey{}, ctx)
}

// Serving returns the context that ends when the server stops; without a Server
// that is never.
func Serving(ctx context.Context) context.Context {
	if serving, ok := ctx.Value(servingKey{}).(context.Context); ok {
		return serving
	}
	return context.WithoutCancel(ctx)
}

func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

func connOf(ctx context.Context) net.Conn {
	conn, _ := ctx.Value(connKey{}).(net.Conn)
	return conn
}

// isGone reports whether nobody can read what is written to conn any more. A
// client that ended only its own half is not gone.
func isGone(conn net.Conn) bool {
	if c := layer[*forgivingConn](conn); c != nil && c.left.Load() {
		return true
	}
	socket := layer[syscall.Conn](conn)
	return socket != nil && isReset(socket)
}

// layer finds one of the connections that we and TLS put around the operating
// system's, or that itself; the zero value if there is none.
func layer[C any](conn net.Conn) (found C) {
	for {
		if c, ok := conn.(C); ok {
			return c
		}
		outer, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return found
		}
		conn = outer.NetConn()
	}
}

var _ http.Handler = lasting{}
