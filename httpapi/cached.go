package httpapi

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"praetor/internal/rpc"
	"praetor/internal/view"
)

// isCached tells whether a request wants what the agent has, and may.
func (x *exchange) isCached() bool {
	return x.traits&cacheable != 0 && !x.api.opts.NoCache && x.has("cached")
}

// streams says, where it is so for Consul, that an answer is not one server's
// but comes from what the agent follows (reference/http-api.md §7).
func (x *exchange) streams() {
	if x.traits&streamed != 0 && !x.api.opts.NoStreaming && !x.has("near") && !x.has("merge-central-config") {
		x.w.Header()["X-Consul-Query-Backend"] = headerStreaming
	}
}

// fetchCached answers from a view, and says how old the answer is.
func fetchCached[Req, Rep any](x *exchange, views *view.Views, op rpc.Op[Req, Rep], req *Req) (*Rep, error) {
	ans, err := view.Cached(x.r.Context(), views, op, req)
	if err != nil {
		return nil, err
	}
	x.streams()
	x.shared = true
	x.writeCache(ans.Hit, ans.Age)
	if ans.Age == 0 {
		return ans.Reply, nil
	}
	// Its reader must know that no server was heard since: the shared reply
	// says what was true when it came.
	late := *ans.Reply
	if m, ok := any(&late).(interface{ Meta() *rpc.ReadMeta }); ok {
		m.Meta().LastContact += ans.Age
		m.Meta().KnownLeader = false
	}
	return &late, nil
}

func (x *exchange) writeCache(hit bool, age time.Duration) {
	h := x.w.Header()
	if !hit {
		h["X-Cache"] = headerMiss
		return
	}
	h["X-Cache"] = headerHit
	h["Age"] = []string{strconv.Itoa(int(age.Seconds()))}
}

// freshness is what a request's Cache-Control asks of a remembered answer
// (RFC 9111 §5.2.1, RFC 5861 §4).
type freshness struct {
	maxAge       time.Duration // of an answer; below 0 means any
	staleIfError time.Duration // age up to which an answer is better than an error
}

// freshness reads Cache-Control.
func (x *exchange) freshness() (freshness, error) {
	f := freshness{maxAge: -1}
	for part := range strings.SplitSeq(strings.ToLower(x.header("Cache-Control")), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		var into *time.Duration
		switch name {
		case "must-revalidate":
			f.maxAge = 0
			continue
		case "max-age":
			into = &f.maxAge
		case "stale-if-error":
			into = &f.staleIfError
		default:
			continue
		}
		seconds, err := strconv.ParseUint(value, 10, 31)
		if err != nil {
			return f, invalid(textCacheControl)
		}
		*into = time.Duration(seconds) * time.Second
	}
	return f, nil
}

// maxMemories is more than the few questions without an index that are asked;
// maxMemoryBytes bounds their replies together.
const (
	maxMemories    = 256
	maxMemoryBytes = 32 << 20
)

// memories keep the replies to reads that have no index to follow, until
// somebody wants a newer one.
type memories struct {
	mu    sync.Mutex
	kept  map[string]memory
	bytes int
}

type memory struct {
	reply any
	at    time.Time
	bytes int
}

func (m *memories) get(key string) (memory, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	mem, ok := m.kept[key]
	return mem, ok
}

func (m *memories) set(key string, mem memory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil {
		m.kept = map[string]memory{}
	}
	m.forget(key)
	for old := range m.kept {
		if len(m.kept) < maxMemories && m.bytes+mem.bytes <= maxMemoryBytes {
			break
		}
		m.forget(old)
	}
	if mem.bytes <= maxMemoryBytes {
		m.kept[key] = mem
		m.bytes += mem.bytes
	}
}

// forget drops a reply, if it is there; m.mu is held.
func (m *memories) forget(key string) {
	m.bytes -= m.kept[key].bytes
	delete(m.kept, key)
}

// remember answers from memory if the request allows it, and from call otherwise.
// The reply may be shared: it must not be changed.
func remember[Rep any](x *exchange, key string, call func(context.Context) (*Rep, error)) (*Rep, error) {
	if !x.isCached() {
		return call(x.r.Context())
	}
	want, err := x.freshness()
	if err != nil {
		return nil, err
	}
	mem, known := x.api.memories.get(key)
	age := time.Since(mem.at)
	if known && (want.maxAge < 0 || age < want.maxAge) {
		x.writeCache(true, age)
		return mem.reply.(*Rep), nil
	}
	rep, err := call(x.r.Context())
	switch {
	case err == nil:
		x.api.memories.set(key, memory{rep, time.Now(), len(key) + any(rep).(rpc.Message).Msgsize()})
		x.writeCache(false, 0)
	case known && age < want.staleIfError:
		x.writeCache(true, age)
		return mem.reply.(*Rep), nil
	}
	return rep, err
}
