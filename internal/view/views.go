package view

import (
	"container/list"
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"praetor/internal/fault"
	"praetor/internal/rpc"
	"praetor/internal/telemetry"
)

// Options say how to build Views. Caller is required.
type Options struct {
	Caller rpc.Caller
	// Here means that Caller answers the reads given to Live in this process.
	Here bool
	// Idle is how long a view lives unasked; 0 means 10 minutes.
	Idle time.Duration
	// MaxViews bounds the views; 0 means 8192: with a goroutine and an upstream
	// read each that is 100 MB at worst.
	MaxViews int
	// MaxBytes bounds what answers hold together; 0 means 256 MiB.
	MaxBytes int
	// DefaultQueryTime and MaxQueryTime are the waits of blocking reads;
	// 0 means 5 and 10 minutes (reference/http-api.md §5).
	DefaultQueryTime, MaxQueryTime time.Duration
	// Metrics counts what upstream reads and views come to; nil counts nothing.
	Metrics *telemetry.Metrics
}

func (o *Options) fill() {
	if o.Idle <= 0 {
		o.Idle = 10 * time.Minute
	}
	if o.MaxViews <= 0 {
		o.MaxViews = 8192
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 256 << 20
	}
}

// Views are the live answers of one agent.
type Views struct {
	opts  Options
	begin chan *view // to Run

	mu     sync.Mutex
	byKey  map[string]*list.Element
	latest list.List // of *view, the latest asked first
	bytes  int

	newcomers newcomers

	fetches atomic.Pointer[fetchLimit]

	fetched, failed, bypassed, expired *telemetry.Counter
}

// New returns Views that answer once Run runs.
func New(opts Options) *Views {
	opts.fill()
	vs := &Views{
		opts: opts, begin: make(chan *view), byKey: map[string]*list.Element{}, newcomers: newcomers{seed: maphash.MakeSeed()},
		fetched: opts.Metrics.Counter("cache.fetch_success"), failed: opts.Metrics.Counter("cache.fetch_error"),
		bypassed: opts.Metrics.Counter("cache.bypass"), expired: opts.Metrics.Counter("cache.evict_expired"),
	}
	vs.LimitFetches(-1, 1)
	return vs
}

// fetchLimit bounds how often one view may ask upstream.
type fetchLimit struct {
	perSecond rate.Limit
	burst     int
}

// LimitFetches bounds how often each view asks upstream: so often a second, and so often
// at once. A negative rate is no limit. Views that live take it over when they ask next.
func (vs *Views) LimitFetches(perSecond float64, burst int) {
	l := &fetchLimit{rate.Limit(perSecond), burst}
	if perSecond < 0 {
		l.perSecond = rate.Inf
	}
	vs.fetches.Store(l)
}

// Run follows views until ctx ends.
func (vs *Views) Run(ctx context.Context) error {
	var following sync.WaitGroup
	defer following.Wait()
	for {
		select {
		case v := <-vs.begin:
			ctx, cancel := context.WithCancel(ctx)
			v.cancel.Store(&cancel)
			following.Go(func() {
				defer cancel()
				v.follow(ctx)
			})
		case <-ctx.Done():
			return nil
		}
	}
}

// Answer is a reply with what its view knows of it.
type Answer[Rep any] struct {
	// Reply is shared: it must not be changed.
	Reply *Rep
	// Hit reports whether the answer was there when it was asked for.
	Hit bool
	// Age is for how long the view has been out of touch with the servers.
	Age time.Duration
}

// Await answers a blocking read. Its request must not ask for consistency.
func Await[Req, Rep any](ctx context.Context, vs *Views, op rpc.Op[Req, Rep], req *Req) (*Rep, error) {
	msg := any(req).(rpc.Message)
	v, made, err := vs.hold(ctx, op.Desc, msg)
	switch {
	case err != nil:
		return nil, err
	case v == nil: // no room
		return op.Call(ctx, vs.opts.Caller, req)
	}
	defer vs.release(v)
	s, err := v.first(ctx)
	if err != nil {
		return nil, err
	}
	o := rpc.ReadOptionsOf(msg)
	if s.index > o.MinIndex && !made {
		return plainly(ctx, vs, op, msg)
	}
	restarts := s.restarts
	if s, err = v.next(ctx, s, o.MinIndex, vs.patience(o)); err != nil {
		return nil, err
	}
	if s.index < o.MinIndex && s.restarts == restarts { // time is up, for a reader who knew more
		return plainly(ctx, vs, op, msg)
	}
	return any(s.rep).(*Rep), nil
}

// fromAny asks any server what a read asks: what it knows, as stale as that may be.
func fromAny[Req, Rep any](ctx context.Context, vs *Views, op rpc.Op[Req, Rep], msg rpc.Message) (*Rep, error) {
	now := op.Follow(msg, 0, 0)
	rpc.ReadOptionsOf(now).Stale = true
	return op.Call(ctx, vs.opts.Caller, any(now).(*Req))
}

// plainly asks the servers what a blocking read asks, without blocking: its reader
// must not be given a lower index than he has seen.
func plainly[Req, Rep any](ctx context.Context, vs *Views, op rpc.Op[Req, Rep], msg rpc.Message) (*Rep, error) {
	now := op.Follow(msg, 0, 0)
	return op.Call(ctx, vs.opts.Caller, any(now).(*Req))
}

// Cached answers a read from its view as long as there is one, also while no
// server can be asked. A request with an index waits for a later answer. As long as
// nobody leads, the first answer is what any server knows.
func Cached[Req, Rep any](ctx context.Context, vs *Views, op rpc.Op[Req, Rep], req *Req) (Answer[Rep], error) {
	msg := any(req).(rpc.Message)
	v, made, err := vs.hold(ctx, op.Desc, msg)
	switch {
	case err != nil:
		return Answer[Rep]{}, err
	case v == nil:
		rep, err := op.Call(ctx, vs.opts.Caller, req)
		if fault.KindOf(err) == fault.NoLeader {
			rep, err = fromAny(ctx, vs, op, msg)
		}
		return Answer[Rep]{Reply: rep}, err
	}
	defer vs.release(v)
	hit := !made && v.state.Load().rep != nil
	v.keepWarm()
	s, err := v.soon(ctx)
	if err != nil {
		rep, late := fromAny(ctx, vs, op, msg)
		if late == nil {
			v.lend(any(rep).(rpc.Message))
			return Answer[Rep]{Reply: rep}, nil
		}
		if s, err = v.first(ctx); err != nil {
			return Answer[Rep]{}, err
		}
	}
	if o := rpc.ReadOptionsOf(msg); o.MinIndex > 0 && s.index <= o.MinIndex {
		restarts := s.restarts
		if s, err = v.next(ctx, s, o.MinIndex, vs.patience(o)); err != nil {
			return Answer[Rep]{}, err
		}
		if s.index < o.MinIndex && s.restarts == restarts {
			if rep, err := plainly(ctx, vs, op, msg); err == nil {
				return Answer[Rep]{Reply: rep}, nil
			} // what the view knows is better than nothing
		}
	}
	return Answer[Rep]{Reply: any(s.rep).(*Rep), Hit: hit, Age: s.age()}, nil
}

func (vs *Views) patience(o *rpc.ReadOptions) time.Duration {
	return o.Patience(vs.opts.DefaultQueryTime, vs.opts.MaxQueryTime)
}

// hold returns the view of a request, made if there is none, and keeps it from
// ending until it is released. It is nil if there is no room for another.
func (vs *Views) hold(ctx context.Context, op *rpc.Desc, req rpc.Message) (v *view, made bool, err error) {
	plain, name, err := nameOf(op, req)
	if err != nil {
		return nil, false, err
	}
	return vs.holdNamed(ctx, op, plain, name)
}

// nameOf returns a read without its blocking, and the name of its view.
func nameOf(op *rpc.Desc, req rpc.Message) (plain rpc.Message, name []byte, err error) {
	plain = op.Follow(req, 0, 0)
	name, err = plain.MarshalMsg(append([]byte(op.Name), 0))
	return plain, name, err
}

// find returns a view that there is, held.
func (vs *Views) find(name []byte) *view {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	e := vs.byKey[string(name)]
	if e == nil {
		return nil
	}
	vs.latest.MoveToFront(e)
	v := e.Value.(*view)
	v.holders++
	return v
}

func (vs *Views) holdNamed(ctx context.Context, op *rpc.Desc, plain rpc.Message, name []byte) (v *view, made bool, err error) {
	if v = vs.find(name); v != nil {
		return v, false, nil
	}
	v, made = vs.insert(op, plain, name)
	if v == nil {
		vs.bypassed.Incr()
	}
	if !made {
		return v, false, nil
	}
	select {
	case vs.begin <- v:
		return v, true, nil
	case <-ctx.Done():
		v.end(ctx.Err())
		vs.release(v)
		return nil, false, ctx.Err()
	}
}

// insert makes a view, held, unless another did meanwhile or there is no room.
func (vs *Views) insert(op *rpc.Desc, plain rpc.Message, name []byte) (v *view, made bool) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	if e := vs.byKey[string(name)]; e != nil {
		v = e.Value.(*view)
		v.holders++
		return v, false
	}
	if len(vs.byKey) >= vs.opts.MaxViews && !vs.dropOldest() {
		return nil, false
	}
	v = newView(vs, string(name), op, plain)
	v.holders++
	vs.byKey[v.key] = vs.latest.PushFront(v)
	return v, true
}

func (vs *Views) release(v *view) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	v.holders--
	vs.shrink()
}

// grew accounts for a view's new answer.
func (vs *Views) grew(v *view, bytes int) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	if vs.byKey[v.key] == nil || vs.byKey[v.key].Value != v {
		return // dropped meanwhile
	}
	vs.bytes += bytes - v.bytes
	v.bytes = bytes
	vs.shrink()
}

// shrink drops views that nobody holds until the bound on bytes holds.
func (vs *Views) shrink() {
	for vs.bytes > vs.opts.MaxBytes && vs.dropOldest() {
	}
}

// dropOldest ends the view that was not asked for the longest time, among those
// that nobody holds; false if there is none.
func (vs *Views) dropOldest() bool {
	for e := vs.latest.Back(); e != nil; e = e.Prev() {
		if v := e.Value.(*view); v.holders == 0 {
			vs.forget(e)
			if cancel := v.cancel.Load(); cancel != nil {
				(*cancel)()
			}
			return true
		}
	}
	return false
}

func (vs *Views) forget(e *list.Element) {
	v := vs.latest.Remove(e).(*view)
	delete(vs.byKey, v.key)
	vs.bytes -= v.bytes
}

// retire forgets a view unless somebody holds it, who must be told by ending it
// first; force retires it anyway.
func (vs *Views) retire(v *view, force bool) bool {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	if v.holders > 0 && !force {
		return false
	}
	if e := vs.byKey[v.key]; e != nil && e.Value == v {
		vs.forget(e)
		if !force {
			vs.expired.Incr()
		}
	}
	return true
}

// Len returns how many views there are.
func (vs *Views) Len() int {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	return len(vs.byKey)
}

// errStopped is what those get who wait while the agent stops.
var errStopped = errors.New("agent is shutting down")
