package httpapi

import (
	"strconv"
	"strings"
	"time"

	"praetor/internal/rpc"
	"praetor/internal/view"
)

// isCached reports whether a request wants what the agent has, and may.
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
		seconds, err := strconv.ParseUint(value, 10, 31)
		if err != nil {
			return f, invalid(textCacheControl)
		}
		*into = time.Duration(seconds) * time.Second
	}
	return f, nil
}
