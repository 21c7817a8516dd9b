package httpserver

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

const (
	// writeTimeout is how long a client may take nothing of what is being sent to
	// it. A blocking query that waits sends nothing, and a slow reader who goes on
	// reading is waited for.
	writeTimeout = 30 * time.Second
	// renewEvery spares setting the deadline of each of many writes.
	renewEvery = time.Second
	// steadyChunk is how much of an answer is given to an HTTP/2 stream at once:
	// there, so much must be taken in time.
	steadyChunk = 16 << 10
)

// steadyConn is a connection whose other side must go on reading.
type steadyConn struct {
	net.Conn
	timeout time.Duration
	renewed atomic.Int64 // Unix nanoseconds
	given   atomic.Bool  // somebody set a deadline: it counts
}

// Write implements net.Conn: it ends when nothing was taken for some time.
func (c *steadyConn) Write(b []byte) (int, error) {
	written := 0
	for {
		if err := c.renew(written > 0); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(b[written:])
		written += n
		if n == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return written, err
		}
	}
}

func (c *steadyConn) renew(always bool) error {
	if c.given.Load() {
		if always {
			return os.ErrDeadlineExceeded
		}
		return nil
	}
	now := time.Now()
	if last := c.renewed.Load(); !always && now.UnixNano()-last < int64(min(renewEvery, c.timeout/4)) {
		return nil
	}
	c.renewed.Store(now.UnixNano())
	return c.Conn.SetWriteDeadline(now.Add(c.timeout))
}

// SetWriteDeadline implements net.Conn: TLS says goodbye within a time of its own.
func (c *steadyConn) SetWriteDeadline(t time.Time) error {
	c.given.Store(!t.IsZero())
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline implements net.Conn.
func (c *steadyConn) SetDeadline(t time.Time) error {
	c.given.Store(!t.IsZero())
	return c.Conn.SetDeadline(t)
}

// NetConn returns the connection below.
func (c *steadyConn) NetConn() net.Conn { return c.Conn }

// CloseWrite ends our half; see countedConn.
func (c *steadyConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// steadyStream is the answer on an HTTP/2 stream, whose window its client may
// keep shut while the connection goes on.
type steadyStream struct {
	http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
}

// Write implements http.ResponseWriter.
func (s *steadyStream) Write(b []byte) (written int, err error) {
	if s.control.SetWriteDeadline(time.Now().Add(s.timeout)) == nil {
		defer s.control.SetWriteDeadline(time.Time{}) // what was set can be unset
	}
	for err == nil && written < len(b) {
		n := 0
		n, err = s.ResponseWriter.Write(b[written:min(len(b), written+steadyChunk)])
		written += n
		_ = s.control.SetWriteDeadline(time.Now().Add(s.timeout))
	}
	return written, err
}

// FlushError sends what was written.
func (s *steadyStream) FlushError() error {
	if s.control.SetWriteDeadline(time.Now().Add(s.timeout)) == nil {
		defer s.control.SetWriteDeadline(time.Time{})
	}
	return s.control.Flush()
}

// Unwrap is for http.ResponseController.
func (s *steadyStream) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// steady bounds the time of both directions of an exchange: what its client must
// send of the body, whether or not a handler reads it, and take of the answer.
func steady(w http.ResponseWriter, r *http.Request, body, write time.Duration) (http.ResponseWriter, *http.Request) {
	hasBody := r.Body != nil && r.Body != http.NoBody
	if !hasBody && r.ProtoMajor != 2 {
		return w, r
	}
	control := http.NewResponseController(w)
	if timed := (&timedBody{r.Body, control, time.Now().Add(body)}); hasBody && timed.renew() == nil {
		copied := *r // net/http looks at the body of its own
		copied.Body = timed
		r = &copied
	}
	if r.ProtoMajor == 2 {
		w = &steadyStream{w, control, write}
	}
	return w, r
}

// timedBody is a body that must keep coming and has a deadline until it has ended:
// then the connection waits for the next request, or for its client to go, as long as
// need be.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
	end     time.Time
}

// renew sets by when more must have come.
func (b *timedBody) renew() error {
	by := time.Now().Add(BodyStall)
	if b.end.Before(by) {
		by = b.end
	}
	return b.control.SetReadDeadline(by)
}

// Read implements io.Reader.
func (b *timedBody) Read(p []byte) (int, error) {
	_ = b.renew() // it could be set before
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.control.SetReadDeadline(time.Time{}) // what was set can be unset
	}
	return n, err
}

var (
	_ net.Conn            = (*steadyConn)(nil)
	_ http.ResponseWriter = (*steadyStream)(nil)
	_ io.ReadCloser       = (*timedBody)(nil)
)
