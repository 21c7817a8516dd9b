package budget

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrClient and ErrAll say that there was no room: for one client, or for any.
var (
	ErrClient = errors.New("too many bytes are under way to this client")
	ErrAll    = errors.New("too many bytes are under way")
)

// Budget bounds the bytes of answers under way. It is ready with its limits set;
// they must not change afterwards.
type Budget struct {
	Most, MostPerClient int           // bytes
	Wait                time.Duration // for room

	mu        sync.Mutex
	total     int
	perClient map[string]int
	shared    map[any]*share // answers that several connections may send
	freed     chan struct{}  // closed when something is; nil while nobody waits
}

// share is an answer that several connections send. Whoever came first pays.
type share struct {
	payer string
	users int
}

// Take waits for room for an answer to a client, and returns what gives it back,
// to be called once. Without room it ends with ErrClient or ErrAll, or with ctx. An
// answer that several share, of which is what it is known by, counts once; nil
// stands for one of its own. One that is larger than a client's limit goes
// alone.
func (b *Budget) Take(ctx context.Context, client string, bytes int, of any) (give func(), err error) {
	bytes = min(bytes, b.MostPerClient)
	var patience <-chan time.Time
	for {
		freed, full := b.try(client, bytes, of)
		if full == nil {
			return func() { b.give(client, bytes, of) }, nil
		}
		if patience == nil {
			timer := time.NewTimer(b.Wait)
			defer timer.Stop()
			patience = timer.C
		}
		select {
		case <-freed:
		case <-patience:
			return nil, full
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// try takes room, or says why there is none and gives what closes when some is
// given back.
func (b *Budget) try(client string, bytes int, of any) (freed <-chan struct{}, full error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.shared[of]; s != nil {
		s.users++
		return nil, nil
	}
	switch {
	case b.perClient[client]+bytes > b.MostPerClient:
		full = ErrClient
	case b.total+bytes > b.Most:
		full = ErrAll
	default:
		b.charge(client, bytes)
		if of != nil {
			b.shared[of] = &share{client, 1}
		}
		return nil, nil
	}
	if b.freed == nil {
		b.freed = make(chan struct{})
	}
	return b.freed, full
}

// charge changes the counts; b.mu is held.
func (b *Budget) charge(client string, bytes int) {
	if b.perClient == nil {
		b.perClient, b.shared = map[string]int{}, map[any]*share{}
	}
	b.total += bytes
	if b.perClient[client] += bytes; b.perClient[client] == 0 {
		delete(b.perClient, client)
	}
}

func (b *Budget) give(client string, bytes int, of any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.shared[of]; s != nil {
		if s.users--; s.users > 0 {
			return
		}
		client = s.payer
		delete(b.shared, of)
	}
	b.charge(client, -bytes)
	if b.freed != nil {
		close(b.freed)
		b.freed = nil
	}
}

// Total is what is under way.
func (b *Budget) Total() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.total
}
