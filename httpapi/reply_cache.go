package httpapi

import (
	"context"
	"sync"
	"time"

	"praetor/catalog"
	"praetor/internal/cache"
	"praetor/internal/rpc"
)

const (
	// replyCacheBytes bounds what cached replies hold: of the few reads without an
	// index, thousands.
	replyCacheBytes = 32 << 20
	// maxReplyAge is how old a reply gets for those who name no age
	// (reference/http-api.md §7).
	maxReplyAge = 72 * time.Hour
)

// replyCache keeps the replies to reads that have no index to follow, until
// somebody wants a newer one.
type replyCache struct {
	mu      sync.Mutex
	replies cache.Map[replyKey, cachedReply]
}

// replyKey is what makes two such reads ask the same.
type replyKey struct {
	scope catalog.Scope
	text  string
}

type cachedReply struct {
	reply any
	at    time.Time
}

func (c *replyCache) get(key replyKey) (cachedReply, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.replies.Get(key)
}

func (c *replyCache) put(key replyKey, reply rpc.Message) {
	bytes := len(key.text) + key.scope.Size() + reply.Msgsize()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.replies.Put(key, cachedReply{reply, time.Now()}, bytes)
}

// callCached answers from the reply cache if the request allows it, and from call
// otherwise. The reply may be shared: it must not be changed.
func callCached[Rep any](x *exchange, text string, call func(context.Context) (*Rep, error)) (*Rep, error) {
	if !x.isCached() {
		return call(x.r.Context())
	}
	want, err := x.freshness()
	if err != nil {
		return nil, err
	}
	key := replyKey{x.scope, text}
	cached, known := x.api.replies.get(key)
	age := time.Since(cached.at)
	if known && age < want.maxAge {
		x.writeCache(true, age)
		return cached.reply.(*Rep), nil
	}
	rep, err := call(x.r.Context())
	switch {
	case err == nil:
		x.api.replies.put(key, any(rep).(rpc.Message))
		x.writeCache(false, 0)
	case known && age < want.staleIfError:
		x.writeCache(true, age)
		return cached.reply.(*Rep), nil
	}
	return rep, err
}
