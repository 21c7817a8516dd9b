package memnet

import (
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// maxBuffered bounds the bytes on their way in one direction, so that a slow
// reader slows its writer.
const maxBuffered = 64 << 10

// link is the wire between the two ends of a connection.
type link struct {
	net  *Network
	ends [2]netip.AddrPort // dialer, accepter

	mu     sync.Mutex
	cond   sync.Cond
	broken bool    // reset: nothing goes through any more
	flows  [2]flow // flows[i] carries what end i wrote
	ways   [2]Way  // ways[i] is what happens to it
	rand   *rand.Rand
	closed [2]bool  // end i has called Close
	timers [2]timer // deadlines of end i
}

// flow is one direction of a link.
type flow struct {
	buf  []byte
	off  int  // bytes of buf already read
	done bool // its writer will send no more

	travels []parcel  // the last bytes of buf, which have not arrived, in order
	last    time.Time // when the last of them, or those before them, arrive
}

// parcel is bytes that arrive together.
type parcel struct {
	bytes int
	at    time.Time // zero: when the way is free
}

// arrived is how many bytes can be read.
func (f *flow) arrived() int {
	now := time.Now()
	for len(f.travels) > 0 && !f.travels[0].at.IsZero() && !f.travels[0].at.After(now) {
		f.travels = f.travels[1:]
	}
	n := len(f.buf) - f.off
	for _, p := range f.travels {
		n -= p.bytes
	}
	return n
}

// timer holds one end's deadlines and what wakes it when they pass.
type timer struct {
	read, write deadline
}

type deadline struct {
	at   time.Time
	wake *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (d *deadline) stop() {
	if d.wake != nil {
		d.wake.Stop()
		d.wake = nil
	}
}

// conn is one end of a link.
type conn struct {
	*link
	i int // which end
}

func newLink(n *Network, dialer, accepter netip.AddrPort) (near, far *conn) {
	l := &link{net: n, ends: [2]netip.AddrPort{dialer, accepter}}
	l.cond.L = &l.mu
	l.rand = rand.New(rand.NewPCG(n.rand.Uint64(), 0))
	return &conn{l, 0}, &conn{l, 1}
}

func (l *link) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = true
	l.flows = [2]flow{}
	l.cond.Broadcast()
}

// Read waits for bytes, the end of the peer's writing (io.EOF), a reset, a
// deadline or Close.
func (c *conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	in := &c.flows[1-c.i]
	for {
		switch {
		case c.closed[c.i]:
			return 0, c.fail("read", net.ErrClosed)
		case c.timers[c.i].read.passed():
			return 0, c.fail("read", os.ErrDeadlineExceeded)
		case c.broken:
			return 0, c.fail("read", os.NewSyscallError("read", syscall.ECONNRESET))
		case len(p) == 0:
			return 0, nil
		}
		if ready := in.arrived(); ready > 0 {
			n := in.take(p[:min(len(p), ready)])
			c.cond.Broadcast()
			return n, nil
		}
		if in.done && len(in.travels) == 0 && !c.ways[1-c.i].Blocked {
			return 0, io.EOF
		}
		c.cond.Wait()
	}
}

// Write hands over all of p, waiting for room, unless a reset, a deadline or
// Close comes first; then it says how much went.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := &c.flows[c.i]
	written := 0
	for {
		switch {
		case c.closed[c.i]:
			return written, c.fail("write", net.ErrClosed)
		case c.timers[c.i].write.passed():
			return written, c.fail("write", os.ErrDeadlineExceeded)
		case c.broken:
			return written, c.fail("write", os.NewSyscallError("write", syscall.ECONNRESET))
		case out.done, c.closed[1-c.i] && !c.ways[1-c.i].Blocked:
			return written, c.fail("write", os.NewSyscallError("write", syscall.EPIPE))
		}
		if n := out.put(p[written:]); n > 0 {
			written += n
			c.sendOff(n)
			c.cond.Broadcast()
		}
		if written == len(p) {
			return written, nil
		}
		c.cond.Wait()
	}
}

// sendOff puts the last n bytes that were written on their way.
func (c *conn) sendOff(n int) {
	out, way := &c.flows[c.i], c.ways[c.i]
	if way == (Way{}) && len(out.travels) == 0 {
		return // they are there
	}
	if way.Blocked {
		out.travels = append(out.travels, parcel{bytes: n})
		return
	}
	c.arriveLocked(out, way, n)
}

// arriveLocked has n bytes arrive in their time, after those before them.
func (l *link) arriveLocked(f *flow, w Way, n int) {
	wait, whole := w.takes(l.rand)
	if !whole {
		wait += resent
	}
	at := time.Now().Add(wait)
	if at.Before(f.last) {
		at = f.last
	}
	f.last = at
	f.travels = append(f.travels, parcel{n, at})
	time.AfterFunc(time.Until(at), l.wakeAll)
}

// setWay says what happens to what end i writes. What a blocked way kept sets off.
func (l *link) setWay(i int, w Way) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ways[i] = w
	f := &l.flows[i]
	if w.Blocked {
		return
	}
	kept := f.travels
	f.travels = nil
	for _, p := range kept {
		if p.at.IsZero() {
			l.arriveLocked(f, w, p.bytes)
		} else {
			f.travels = append(f.travels, p)
		}
	}
	l.cond.Broadcast()
}

func (f *flow) take(p []byte) int {
	n := copy(p, f.buf[f.off:])
	f.off += n
	if f.off == len(f.buf) {
		f.buf, f.off = f.buf[:0], 0
	}
	return n
}

func (f *flow) put(p []byte) int {
	n := min(len(p), maxBuffered-(len(f.buf)-f.off))
	if f.off > 0 && len(f.buf)+n > cap(f.buf) {
		f.buf = f.buf[:copy(f.buf, f.buf[f.off:])]
		f.off = 0
	}
	f.buf = append(f.buf, p[:n]...)
	return n
}

// Close ends both directions. The peer still reads what was written before.
func (c *conn) Close() error {
	if err := c.close(); err != nil {
		return err
	}
	c.net.forgetIfClosed(c.link)
	return nil
}

func (c *conn) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed[c.i] {
		return c.fail("close", net.ErrClosed)
	}
	c.closed[c.i] = true
	c.flows[c.i].done = true
	c.timers[c.i].read.stop()
	c.timers[c.i].write.stop()
	c.cond.Broadcast()
	return nil
}

// forgetIfClosed drops a link once both ends are done with it; until then a
// Cut must still find it.
func (n *Network) forgetIfClosed(l *link) {
	l.mu.Lock()
	both := l.closed[0] && l.closed[1]
	l.mu.Unlock()
	if both {
		n.forget(l)
	}
}

// CloseWrite ends this end's writing; the peer reads io.EOF after the rest.
func (c *conn) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed[c.i] {
		return c.fail("close", net.ErrClosed)
	}
	c.flows[c.i].done = true
	c.cond.Broadcast()
	return nil
}

// LocalAddr and RemoteAddr are *net.TCPAddr.
func (c *conn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.ends[c.i]) }
func (c *conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.ends[1-c.i]) }

// SetDeadline sets both deadlines; the zero time means none.
func (c *conn) SetDeadline(t time.Time) error {
	return c.setDeadlines(t, &c.timers[c.i].read, &c.timers[c.i].write)
}

// SetReadDeadline makes Read fail with os.ErrDeadlineExceeded from t on.
func (c *conn) SetReadDeadline(t time.Time) error {
	return c.setDeadlines(t, &c.timers[c.i].read)
}

// SetWriteDeadline makes Write fail with os.ErrDeadlineExceeded from t on.
func (c *conn) SetWriteDeadline(t time.Time) error {
	return c.setDeadlines(t, &c.timers[c.i].write)
}

func (c *conn) setDeadlines(t time.Time, ds ...*deadline) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed[c.i] {
		return c.fail("set", net.ErrClosed)
	}
	for _, d := range ds {
		d.stop()
		d.at = t
		if wait := time.Until(t); !t.IsZero() && wait > 0 {
			d.wake = time.AfterFunc(wait, c.wakeAll)
		}
	}
	c.cond.Broadcast()
	return nil
}

func (l *link) wakeAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cond.Broadcast()
}

func (c *conn) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

var _ net.Conn = (*conn)(nil)
