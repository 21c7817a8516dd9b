package httpapi

import (
	"strconv"
	"strings"
	"time"

	"praetor/internal/rpc"
	"praetor/internal/view"
)

// readOptions reads what all reads share: datacenter, token, blocking, consistency,
// Cache-Control (reference/http-api.md §3, §5 to §7).
func (x *exchange) readOptions() (rpc.ReadOptions, error) {
	o := rpc.ReadOptions{Token: x.token}
	if x.query != nil {
		o.Datacenter = x.datacenter()
		if err := x.readBlocking(&o); err != nil {
			return o, err
		}
		if err := x.readConsistency(&o); err != nil {
			return o, err
		}
	}
	if _, err := x.freshness(); err != nil { // though nothing is cached here
		return o, err
	}
	if most := x.api.opts.DiscoveryMaxStale; most > 0 && x.traits&discovery != 0 &&
		!o.Stale && !o.Consistent && !x.has("leader") {
		o.Stale, o.MaxStale = true, most
	}
	return o, nil
}

func (x *exchange) readBlocking(o *rpc.ReadOptions) error {
	wait, err := x.readWait()
	if err != nil {
		return err
	}
	if s := x.query.Get("index"); s != "" {
		if o.MinIndex, err = strconv.ParseUint(s, 10, 64); err != nil {
			return invalid(textInvalidIndex)
		}
	}
	if o.MinIndex > 0 {
		o.MaxWait = wait
	}
	return nil
}

// readWait reads ?wait, bounded.
func (x *exchange) readWait() (time.Duration, error) {
	wait := time.Duration(0)
	if s := x.query.Get("wait"); s != "" {
		var err error
		if wait, err = time.ParseDuration(s); err != nil {
			return 0, invalid(textInvalidWait)
		}
	}
	if wait <= 0 {
		wait = x.api.opts.DefaultQueryTime
	}
	if most := x.api.opts.MaxQueryTime; most > 0 {
		wait = min(wait, most)
	}
	return wait, nil
}

func (x *exchange) readConsistency(o *rpc.ReadOptions) error {
	o.Stale, o.Consistent = x.has("stale"), x.has("consistent")
	if s := x.query.Get("max_stale"); s != "" {
		most, err := time.ParseDuration(s)
		if err != nil {
			return invalid("Invalid max_stale value %q", s)
		}
		if most > 0 {
			o.Stale, o.MaxStale = true, most
		}
	}
	switch {
	case o.Stale && o.Consistent:
		return invalid(textStaleAndCons)
	case o.Consistent && x.has("cached"):
		return invalid(textCacheAndCons)
	}
	return nil
}

// ask runs a read and writes its meta headers.
func ask[Req, Rep any](x *exchange, op rpc.Op[Req, Rep], req *Req) (*Rep, error) {
	rep, err := fetch(x, op, req)
	if err != nil {
		x.writeFailedMeta()
		return nil, err
	}
	if m, ok := any(rep).(interface{ Meta() *rpc.ReadMeta }); ok {
		x.shared = x.shared || m.Meta().Shared
		x.writeMeta(m.Meta())
	}
	return rep, nil
}

// fetch gets the answer to a read from its view where it may have one, from the
// servers otherwise.
func fetch[Req, Rep any](x *exchange, op rpc.Op[Req, Rep], req *Req) (*Rep, error) {
	views, o := x.api.opts.Views, rpc.ReadOptionsOf(any(req).(rpc.Message))
	switch {
	case views == nil || o == nil || x.traits&viewed == 0:
	case x.isCached() && x.traits&acting == 0:
		return fetchCached(x, views, op, req)
	case o.MinIndex > 0 && !o.Consistent:
		rep, err := view.Await(x.r.Context(), views, op, req)
		if err != nil {
			return nil, x.followedError(err)
		}
		x.noteStreaming()
		x.shared = true
		return rep, nil
	}
	return op.Call(x.r.Context(), x.api.opts.Caller, req)
}

// writeMeta writes what an answer says about itself (reference/http-api.md §2.2).
func (x *exchange) writeMeta(m *rpc.ReadMeta) {
	h := x.w.Header()
	h["X-Consul-Index"] = []string{strconv.FormatUint(max(m.Index, 1), 10)}
	h["X-Consul-Knownleader"] = headerFalse
	if m.KnownLeader {
		h["X-Consul-Knownleader"] = headerTrue
	}
	h["X-Consul-Lastcontact"] = headerZero
	if m.LastContact >= time.Millisecond {
		h["X-Consul-Lastcontact"] = []string{strconv.FormatInt(m.LastContact.Milliseconds(), 10)}
	}
	if _, set := h["X-Consul-Query-Backend"]; !set {
		h["X-Consul-Query-Backend"] = headerBackend
	}
	if x.traits&effective != 0 && m.Consistency != "" {
		h["X-Consul-Effective-Consistency"] = []string{m.Consistency}
	}
	if m.Filtered {
		x.writeFiltered()
	}
}

// writeFailedMeta writes what endpoints with metaAlways say of a read that failed.
func (x *exchange) writeFailedMeta() {
	if x.traits&metaAlways != 0 {
		x.writeMeta(&rpc.ReadMeta{})
	}
}

// writeFiltered says that a token hid something. The anonymous one is not told.
func (x *exchange) writeFiltered() {
	if x.token != "" {
		x.w.Header()["X-Consul-Results-Filtered-By-Acls"] = headerTrue
	}
}

// nodeMeta reads ?node-meta=key:value, of which all must match.
func (x *exchange) nodeMeta() map[string]string {
	pairs := x.query["node-meta"]
	if len(pairs) == 0 {
		return nil
	}
	meta := make(map[string]string, len(pairs))
	for _, p := range pairs {
		key, value, _ := strings.Cut(p, ":")
		meta[key] = value
	}
	return meta
}
