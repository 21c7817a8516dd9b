package rpc

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/peer"

	"praetor/internal/budget"
	"praetor/internal/fault"
)

const (
	// Replies under way have so many bytes together, and those to one agent so many: one
	// of the largest. A follower that forwards counts as an agent.
	maxUnderWay         = 2 * maxReplyBytes
	maxUnderWayPerAgent = maxReplyBytes
	// freeReply is a reply that does not count.
	freeReply = 1 << 20
	// transferRoom is what a transfer holds while it is under way: a chunk that is
	// encoded, one that is sent, and what made them.
	transferRoom = 512 << 10
	// underWayWait is how long a reply waits for room: less than a request may take.
	underWayWait = 10 * time.Second
)

// textFull is the error that the caller gets.
const textFull = "too many replies of this server are under way and not read: at most %d MB in all, %d MB to one agent; try again later"

func newUnderWay() *budget.Budget {
	return &budget.Budget{Most: maxUnderWay, MostPerClient: maxUnderWayPerAgent, Wait: underWayWait}
}

// room takes room for what is sent to the agent that asked.
func (r *Router) room(ctx context.Context, bytes int) (give func(), err error) {
	give, err = r.underWay.Take(ctx, agentOf(ctx), bytes, nil)
	if errors.Is(err, budget.ErrClient) || errors.Is(err, budget.ErrAll) {
		err = fault.New(fault.Overloaded, textFull, r.underWay.Most>>20, r.underWay.MostPerClient>>20)
	}
	return give, err
}

// agentOf is the address of who asked, without its port.
func agentOf(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	return hostOf(p.Addr)
}

// countedReply is a reply that has room until its last byte is sent.
type countedReply struct {
	Message
	give func()
}

// count gives a reply room if it is large.
func (r *Router) count(ctx context.Context, rep Message) (Message, error) {
	size := rep.Msgsize()
	if size <= freeReply {
		return rep, nil
	}
	give, err := r.room(ctx, size)
	if err != nil {
		return nil, err
	}
	return &countedReply{rep, sync.OnceFunc(give)}, nil
}

// encode encodes the reply into a buffer that gives the room back. gRPC frees
// buffers when they are sent or their stream breaks; should it ever forget one,
// the collector does not.
func (c *countedReply) encode() (mem.BufferSlice, error) {
	out, err := c.MarshalMsg(make([]byte, 0, c.Msgsize()))
	if err != nil {
		c.give()
		return nil, err
	}
	runtime.AddCleanup(&out[0], func(give func()) { give() }, c.give)
	return mem.BufferSlice{mem.NewBuffer(&out, giving{c.give})}, nil
}

// giving is the pool of one buffer.
type giving struct{ give func() }

// Get implements mem.BufferPool; nobody asks it for another.
func (giving) Get(length int) *[]byte {
	b := make([]byte, length)
	return &b
}

// Put implements mem.BufferPool.
func (g giving) Put(*[]byte) { g.give() }

var _ mem.BufferPool = giving{}
