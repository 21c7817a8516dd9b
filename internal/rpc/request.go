package rpc

import (
	"math/rand/v2"
	"time"
)

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

// ReadOptionsOf returns the options of a read, nil for other requests.
func ReadOptionsOf(req Message) *ReadOptions {
	if r, ok := req.(interface{ ReadOpts() *ReadOptions }); ok {
		return r.ReadOpts()
	}
	return nil
}

// ReadMetaOf returns the meta data of the reply to a read, nil for other replies.
func ReadMetaOf(rep Message) *ReadMeta {
	if m, ok := rep.(interface{ Meta() *ReadMeta }); ok {
		return m.Meta()
	}
	return nil
}

// in returns a copy of a request for a datacenter.
func (d *Desc) in(req Message, datacenter string) Message {
	c := d.clone(req)
	to, _ := addressee(c)
	*to = datacenter
	return c
}

// under returns a request with another token, itself if the token is the same.
func (d *Desc) under(req Message, token string) Message {
	if _, own := addressee(req); own == nil || *own == token {
		return req
	}
	c := d.clone(req)
	_, own := addressee(c)
	*own = token
	return c
}

// addressee points at where a request goes and at its token, nil without options.
func addressee(req Message) (datacenter, token *string) {
	if o := ReadOptionsOf(req); o != nil {
		return &o.Datacenter, &o.Token
	}
	if w, ok := req.(interface{ WriteOpts() *WriteOptions }); ok {
		return &w.WriteOpts().Datacenter, &w.WriteOpts().Token
	}
	return nil, nil
}

// Follow returns a copy of a read that blocks until the answer's index is past
// min, for wait at most; 0 and 0 make one that does not block.
func (d *Desc) Follow(req Message, min uint64, wait time.Duration) Message {
	c := d.clone(req)
	o := ReadOptionsOf(c)
	o.MinIndex, o.MaxWait = min, wait
	return c
}

// blocks reports whether a request may take minutes.
func blocks(req Message) bool {
	o := ReadOptionsOf(req)
	return o != nil && o.MinIndex > 0
}

// patience is how long a request that leaves this process may take in all.
func (r *Router) patience(req Message) time.Duration {
	o := ReadOptionsOf(req)
	if o == nil || o.MinIndex == 0 {
		return time.Duration(r.clientTimeout.Load())
	}
	wait := waitOf(o)
	return wait + wait/jitterFraction + r.opts.HoldTimeout
}

// jitterFraction: a blocking read may take up to a sixteenth longer than asked
// (reference/http-api.md §5), so that many do not come back at once.
const jitterFraction = 16

// Patience is how long a blocking read waits, jitter included. most is what
// longer waits are cut to, usual the wait of one that does not say; 0 means 10
// and 5 minutes.
func (o *ReadOptions) Patience(usual, most time.Duration) time.Duration {
	if usual <= 0 {
		usual = defaultWait
	}
	if most <= 0 {
		most = maxWait
	}
	wait := o.MaxWait
	if wait <= 0 {
		wait = usual
	}
	wait = min(wait, most)
	if jitter := wait / jitterFraction; jitter > 0 {
		wait += rand.N(jitter)
	}
	return wait
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
	o := ReadOptionsOf(c)
	o.MaxWait = max(waitOf(o)-spent, time.Millisecond)
	return c
}

// freshen returns the request to ask instead if rep is older than the request
// allows, nil if rep will do.
func freshen(op *Desc, req, rep Message) Message {
	o := ReadOptionsOf(req)
	if o == nil || !o.Stale || o.MaxStale <= 0 || op.clone == nil {
		return nil
	}
	if m := ReadMetaOf(rep); m == nil || m.LastContact <= o.MaxStale {
		return nil
	}
	c := op.clone(req)
	ReadOptionsOf(c).Stale = false
	return c
}
