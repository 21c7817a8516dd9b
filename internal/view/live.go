package view

import (
	"context"
	"hash/maphash"

	"praetor/internal/rpc"
)

// Live answers a read and tells for how long the answer holds, nil if that is not
// known. What can be answered in this process is. Another read is answered
// by the servers the first time, and followed from the second time on: then its
// answer is there, and stays there while no server can be asked, until it is
// older than the request's MaxStale.
func (vs *Views) Live(ctx context.Context, op *rpc.Desc, req rpc.Message) (rpc.Message, *rpc.Live, error) {
	if vs.opts.Here {
		return vs.askLive(ctx, op, req)
	}
	plain, name, err := nameOf(op, req)
	if err != nil {
		return nil, nil, err
	}
	v := vs.find(name)
	if v == nil {
		rep, live, err := vs.askLive(ctx, op, req)
		if err == nil && live == nil && vs.askedBefore(name) {
			v, _, err = vs.holdNamed(ctx, op, plain, name)
			if v != nil {
				v.keepWarm()
				vs.release(v)
			}
		}
		return rep, live, err
	}
	defer vs.release(v)
	v.keepWarm()
	s, err := v.first(ctx)
	switch {
	case err != nil:
		return nil, nil, err
	case s.err != nil:
		v.rouse() // somebody wants to know: it need not wait out its pause
	}
	if o := rpc.ReadOptionsOf(req); o.MaxStale > 0 && s.age() > o.MaxStale {
		return vs.askLive(ctx, op, req)
	}
	return s.rep, &rpc.Live{Changed: []<-chan struct{}{s.over}, Age: s.age}, nil
}

func (vs *Views) askLive(ctx context.Context, op *rpc.Desc, req rpc.Message) (rpc.Message, *rpc.Live, error) {
	rep, err := vs.opts.Caller.Do(ctx, op, req)
	if err != nil {
		return nil, nil, err
	}
	return rep, rpc.ReadMetaOf(rep).Live, nil
}

// newcomers remembers, more or less, what was asked once: a read asked by chance
// costs no view.
type newcomers struct {
	seed maphash.Seed
	seen [1024]uint64
}

// askedBefore reports whether a name was asked not long ago.
func (vs *Views) askedBefore(name []byte) bool {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	hash := maphash.Bytes(vs.newcomers.seed, name)
	seen := &vs.newcomers.seen[hash%uint64(len(vs.newcomers.seen))]
	before := *seen == hash
	*seen = hash
	return before
}
