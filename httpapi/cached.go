package httpapi

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"praetor/internal/filter"
	"praetor/internal/rpc"
	"praetor/internal/view"
)

// isCached reports whether a request wants what the agent has, and may.
func (x *exchange) isCached() bool {
	return x.traits&cacheable != 0 && !x.api.opts.NoCache && x.has("cached")
}

// isFollowed reports whether Consul answers, once it is cached or blocks, with what the agent follows
// (reference/http-api.md §7).
func (x *exchange) isFollowed() bool {
	return x.traits&streamed != 0 && !x.api.opts.NoStreaming && !x.has("near") && !x.has("merge-central-config")
}

// noteStreaming says of an answer that it is not one server's.
func (x *exchange) noteStreaming() {
	if x.isFollowed() {
		x.w.Header()["X-Consul-Query-Backend"] = headerStreaming
	}
}

// followedError is an error as it reads where an answer is followed: who follows gets the fault of a filter bare.
func (x *exchange) followedError(err error) error {
	if text, of := strings.CutPrefix(err.Error(), filter.Prefix); of && x.isFollowed() {
		return rejected("%s", text)
	}
	return err
}

// fetchCached answers from a view, and says how old the answer is.
func fetchCached[Req, Rep any](x *exchange, views *view.Views, op rpc.Op[Req, Rep], req *Req) (*Rep, error) {
	ans, err := view.Cached(x.r.Context(), views, op, req)
	if err != nil {
		return nil, x.followedError(err)
	}
	x.noteStreaming()
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

// askCached answers from a view whatever the request says of that, as Consul's agents do
// with what they follow themselves.
func askCached[Req, Rep any](x *exchange, op rpc.Op[Req, Rep], req *Req) (*Rep, error) {
	if views := x.api.opts.Views; views != nil {
		return fetchCached(x, views, op, req)
	}
	x.writeCache(false, 0)
	return op.Call(x.r.Context(), x.api.opts.Caller, req)
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

// freshness is what a request's Cache-Control asks of a cached reply
// (RFC 9111 §5.2.1, RFC 5861 §4).
type freshness struct {
	maxAge       time.Duration // of a reply
	staleIfError time.Duration // age up to which an answer is better than an error
}

// freshness reads Cache-Control.
func (x *exchange) freshness() (freshness, error) {
	f := freshness{maxAge: maxReplyAge}
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
		seconds, err := strconv.ParseUint(value, 10, 31) // of what is too large: the most
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return f, invalid(textCacheControl)
		}
		*into = time.Duration(seconds) * time.Second
	}
	return f, nil
}
