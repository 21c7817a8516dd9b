package rpc

import "time"

const (
	defaultWait = 5 * time.Minute  // of a blocking read that does not say (reference/internals.md §12)
	maxWait     = 10 * time.Minute // what longer waits are cut to
)

// target reads where a request wants to go. One without options stays here.
func target(req Message) (datacenter string, stale bool) {
	if r, ok := req.(Routed); ok {
		datacenter, _, stale = r.Target()
	}
	return datacenter, stale
}

func readOptions(req Message) *ReadOptions {
	if r, ok := req.(interface{ Read() *ReadOptions }); ok {
		return r.Read()
	}
	return nil
}

// blocks tells whether a request may take minutes.
func blocks(req Message) bool {
	o := readOptions(req)
	return o != nil && o.MinIndex > 0
}

// patience is how long a request that leaves this process may take in all.
func (r *Router) patience(req Message) time.Duration {
	o := readOptions(req)
	if o == nil || o.MinIndex == 0 {
		return r.opts.ClientTimeout
	}
	wait := waitOf(o)
	return wait + wait/16 + r.opts.HoldTimeout
}

func waitOf(o *ReadOptions) time.Duration {
	if o.MaxWait <= 0 {
		return defaultWait
	}
	return min(o.MaxWait, maxWait)
}

// shorten returns a blocking read with the time already spent taken off its
// wait, so that a second try ends when the first would have.
func shorten(op *Desc, req Message, spent time.Duration) Message {
	if op.clone == nil || !blocks(req) {
		return req
	}
	c := op.clone(req)
	o := readOptions(c)
	o.MaxWait = max(waitOf(o)-spent, time.Millisecond)
	return c
}

// freshen returns the request to ask instead if rep is older than the request
// allows, nil if rep will do.
func freshen(op *Desc, req, rep Message) Message {
	o := readOptions(req)
	if o == nil || !o.Stale || o.MaxStale <= 0 || op.clone == nil {
		return nil
	}
	m, ok := rep.(interface{ Meta() *ReadMeta })
	if !ok || m.Meta().LastContact <= o.MaxStale {
		return nil
	}
	c := op.clone(req)
	readOptions(c).Stale = false
	return c
}

// withoutToken returns a copy of the request that another datacenter may see,
// false if the request cannot be stripped.
func withoutToken(op *Desc, req Message) (Message, bool) {
	if op.clone == nil {
		return nil, false
	}
	c := op.clone(req)
	s, ok := c.(interface{ dropToken() })
	if !ok {
		return nil, false
	}
	s.dropToken()
	return c, true
}
