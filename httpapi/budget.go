package httpapi

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"praetor/internal/fault"
)

const (
	// Answers under way may have so many bytes together, and those to one address so
	// many: what slow readers can make an agent hold. Those who read empty
	// it in milliseconds.
	maxUnderWay          = 256 << 20
	maxUnderWayPerClient = 64 << 20
	// freeAnswer is an answer that does not count: connections cost as much.
	freeAnswer = 64 << 10
	// underWayWait is how long an answer waits for room.
	underWayWait = 10 * time.Second
	// retryAfter is what a refused client is told, in seconds.
	retryAfter = 5
)

// The texts of refusals.
const (
	textClientFull = "too many answers to this address are under way and not read: at most %d MB; read them, or ask for less at once"
	textAgentFull  = "too many answers are under way and not read by their clients: at most %d MB; try again later"
)

// budget bounds the bytes of answers under way. The zero value with its limits is
// ready.
type budget struct {
	most, mostPerClient int // bytes
	wait                time.Duration

	mu        sync.Mutex
	total     int
	perClient map[string]int
	shared    map[any]*share // answers that several connections may send
	freed     chan struct{}  // closed when something is; nil while nobody waits
}

// share is an answer that several connections send. Whose client came first pays.
type share struct {
	payer string
	users int
}

// take waits for room for an answer to a client, and returns what gives it back.
// An answer that many share, of which is what it is known by, counts once.
func (b *budget) take(ctx context.Context, client string, bytes int, of any) (give func(), err error) {
	bytes = min(bytes, b.mostPerClient) // a larger one goes alone
	var patience <-chan time.Time
	for {
		full, freed := b.try(client, bytes, of)
		if full == nil {
			return func() { b.give(client, bytes, of) }, nil
		}
		if patience == nil {
			timer := time.NewTimer(b.wait)
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
func (b *budget) try(client string, bytes int, of any) (full error, freed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.shared[of]; s != nil {
		s.users++
		return nil, nil
	}
	switch {
	case b.perClient[client]+bytes > b.mostPerClient:
		full = fault.New(fault.Limit, textClientFull, b.mostPerClient>>20)
	case b.total+bytes > b.most:
		full = fault.New(fault.Overloaded, textAgentFull, b.most>>20)
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
	return full, b.freed
}

// charge changes the counts; b.mu is held.
func (b *budget) charge(client string, bytes int) {
	if b.perClient == nil {
		b.perClient, b.shared = map[string]int{}, map[any]*share{}
	}
	b.total += bytes
	if b.perClient[client] += bytes; b.perClient[client] == 0 {
		delete(b.perClient, client)
	}
}

func (b *budget) give(client string, bytes int, of any) {
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

// room takes room for a part of this exchange's answer. If there is none it answers
// so, and returns nil.
func (x *exchange) room(bytes int, of any) (give func()) {
	if bytes <= freeAnswer {
		return func() {}
	}
	give, err := x.api.underWay.take(x.r.Context(), clientAddress(x.r), bytes, of)
	if err != nil {
		delete(x.w.Header(), "Content-Encoding")
		x.w.Header()["Retry-After"] = []string{strconv.Itoa(retryAfter)}
		x.fail(err)
	}
	return give
}

// clientAddress is the address of a client without its port; all of a Unix socket
// are one.
func clientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
