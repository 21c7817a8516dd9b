package rpc

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"praetor/internal/fault"
)

// A server that is stopped or cut off keeps its connections, and says nothing. A
// request that waits for its answer learns from the election of another leader that
// it waits in vain.

const (
	// leaderPoll is how often a request looks whether the server it was sent to
	// still leads.
	leaderPoll = 100 * time.Millisecond
	// deposedGrace is how long a server that no longer leads may take to say so:
	// one that lives does it at once, and knows what became of the request.
	deposedGrace = time.Second
)

// TextLostLeader is Consul's for a write whose outcome is not known
// (reference/internals.md §12).
const TextLostLeader = "leadership lost while committing log"

var errDeposed = errors.New("another server leads now")

// tenure watches whether the server that a request was sent to still leads.
type tenure struct {
	leader  func() Server
	address string
	depose  context.CancelCauseFunc

	mu    sync.Mutex
	timer *time.Timer // nil once end was called
	since time.Time   // when another leader was first seen; zero for not yet
}

// whileLeads returns a context that also ends, by errDeposed, when another server
// has been the leader for deposedGrace. Call end with the request's end.
func (r *Router) whileLeads(ctx context.Context, address string) (_ context.Context, end func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	t := &tenure{leader: r.opts.Leader, address: address, depose: cancel}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timer = time.AfterFunc(leaderPoll, t.look)
	return ctx, t.end
}

func (t *tenure) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timer.Stop()
	t.timer = nil
	t.depose(nil)
}

// look runs every leaderPoll; it neither blocks nor outlives end by more than a moment.
func (t *tenure) look() {
	leader := t.leader().Address
	t.mu.Lock()
	defer t.mu.Unlock()
	switch now := time.Now(); {
	case t.timer == nil:
		return
	case leader == "" || leader == t.address:
		t.since = time.Time{}
	case t.since.IsZero():
		t.since = now
	case now.Sub(t.since) >= deposedGrace:
		t.depose(errDeposed)
		return
	}
	t.timer.Reset(leaderPoll)
}

// judgeDeposed judges a request whose server no longer leads and does not answer.
func judgeDeposed(address string, op *Desc, reached bool) (verdict, error) {
	if !op.Write || !reached {
		return retry, errNoLeader()
	}
	return final, &fault.Error{
		Kind: fault.Internal, Text: TextLostLeader,
		Hint: fmt.Sprintf("(server %s did not answer and another leads now; the write may or may not have been done)", address),
	}
}
