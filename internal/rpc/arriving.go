package rpc

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/mem"

	"praetor/internal/budget"
	"praetor/internal/fault"
)

// Requests are bounded in bytes together, twice. Until one is whole, what came of it lies
// in gRPC's buffers, out of sight: its connection's bytes count, less those of messages
// that were read. From then until it is answered it has its place in a budget.

const (
	// maxPartial is how many bytes of requests that are not whole all connections hold,
	// maxPartialPerConn one of them: two of the largest.
	maxPartial        = 512 << 20
	maxPartialPerConn = 2 * maxRequestBytes
	// freePartial is what a connection may hold however full others are.
	freePartial = 1 << 20
	// framing is the least that is taken off for a message beside its own bytes: what
	// headers, frames and pings have between two messages. Without a little too much a
	// connection's count would grow for ever.
	framing = 256

	// Requests in work have so many bytes together, and those of one agent so many.
	// Decoded they are up to three times as large.
	maxInWork         = 4 * maxRequestBytes
	maxInWorkPerAgent = 2 * maxRequestBytes
	// freeRequest is a request that does not count.
	freeRequest = 1 << 20
)

const textBusy = "too many large requests to this server are under way: at most %d MB in all, %d MB of one agent; try again later"

func newInWork() *budget.Budget {
	return &budget.Budget{Most: maxInWork, MostPerClient: maxInWorkPerAgent, Wait: underWayWait}
}

// partial is what all connections hold, with its limits.
type partial struct {
	bytes         atomic.Int64
	most, perConn int64
	refused       func(from net.Addr, bytes int64)
}

var errPartial = errors.New("too many bytes of requests that are not whole")

// partialConn counts the bytes of one connection that were not read as messages yet.
type partialConn struct {
	net.Conn
	all    *partial
	asks   chan struct{} // one for each in work that came in a batch
	bytes  atomic.Int64
	closed atomic.Bool
}

// Read breaks the connection once it holds too much.
func (c *partialConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	mine, all := c.bytes.Add(int64(n)), c.all.bytes.Add(int64(n))
	if mine > c.all.perConn || all > c.all.most && mine > freePartial {
		if !c.closed.Swap(true) {
			c.all.refused(c.RemoteAddr(), mine)
		}
		return 0, errPartial
	}
	return n, err
}

// read takes off what a message had.
func (c *partialConn) read(bytes int) {
	for {
		held := c.bytes.Load()
		off := min(held, int64(bytes+framing))
		if c.bytes.CompareAndSwap(held, held-off) {
			c.all.bytes.Add(-off)
			return
		}
	}
}

// Close closes the connection, whose bytes count no more.
func (c *partialConn) Close() error {
	err := c.Conn.Close()
	c.all.bytes.Add(-c.bytes.Swap(0))
	return err
}

// receive decodes a message that a server is sent. Call done, also after an error, when
// what it asks for is done.
func (r *Router) receive(ctx context.Context, m Message, decode func(any) error) (done func(), err error) {
	a := &arriving{Message: m, ctx: ctx, r: r}
	if err = decode(a); err == nil && a.full != nil {
		err = toStatus(a.full)
	}
	if a.give == nil {
		return func() {}, err
	}
	return a.give, err
}

// arriving is a message as the codec gets it to decode.
type arriving struct {
	Message
	ctx  context.Context // the stream's
	r    *Router
	give func() // nil: it has no room
	full error  // why it has none. What the codec returns would be a fault of the message.
}

// unmarshal takes room for the message if it is large, then decodes it.
func (a *arriving) unmarshal(c codec, data mem.BufferSlice) error {
	size := data.Len()
	if met, ok := metOf(a.ctx); ok && met.conn != nil {
		defer met.conn.read(size)
	}
	if size > freeRequest {
		a.give, a.full = a.r.inWork.Take(a.ctx, agentOf(a.ctx), size, nil)
	}
	switch {
	case errors.Is(a.full, budget.ErrClient), errors.Is(a.full, budget.ErrAll):
		a.full = fault.New(fault.Overloaded, textBusy, a.r.inWork.Most>>20, a.r.inWork.MostPerClient>>20)
		return nil
	case a.full != nil:
		return nil
	}
	return c.Unmarshal(data, a.Message)
}

// refusePartial logs a connection that held too much.
func (r *Router) refusePartial(from net.Addr, bytes int64) {
	if left, due := r.warned.due(hostOf(from), time.Now()); due {
		r.opts.Logger.Warn("broke a connection that holds too much of requests that are not whole",
			"from", from, "bytes", bytes, "most", r.partial.perConn, "most_in_all", r.partial.most, "lines_left_out", left)
	}
}
