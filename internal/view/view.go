package view

import (
	"context"
	"math/rand/v2"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"praetor/internal/fault"
	"praetor/internal/life"
	"praetor/internal/rpc"
)

const (
	// upstreamWait is how long one upstream read may block; the longest a
	// server allows.
	upstreamWait = 10 * time.Minute
	// warmPause is the least time between two upstream reads of a view that
	// nobody waits for, and warmRate the most bytes it moves a second: an answer
	// that is only looked at now and then need not be made a thousand times a
	// second, and a long one not a hundred times.
	warmPause = 10 * time.Millisecond
	warmRate  = 10 << 20
	// After an error upstream the view tries again after between leastPause and
	// mostPause, the sooner if somebody waits.
	leastPause = 125 * time.Millisecond
	mostPause  = 15 * time.Second
	// leaderPatience is how long a cached read waits for the leader's answer if there
	// is no other; a leader answers within milliseconds.
	leaderPatience = 300 * time.Millisecond
)

// view follows one read.
type view struct {
	views *Views
	key   string
	op    *rpc.Desc
	req   rpc.Message // does not block

	cancel  atomic.Pointer[context.CancelFunc] // set by Run
	fetches *rate.Limiter
	state   atomic.Pointer[state]
	waiting atomic.Int64  // callers in next
	wake    chan struct{} // a token: somebody began to wait
	warm    atomic.Int64  // Unix nanoseconds of when it was last asked as cached

	publishing sync.Mutex // held while state is replaced

	holders int // guarded by views.mu, as is bytes
	bytes   int
}

// state is what a view knows at one time; it does not change.
type state struct {
	rep      rpc.Message // nil before the first answer
	index    uint64      // of rep
	asked    uint64      // the index to ask past upstream: >= index, see publish
	restarts int         // how often there was news without a higher index: another state was restored, or the caller's rights are others
	err      error       // of the last upstream read; rep then is from before
	lost     time.Time   // since when there is err
	bytes    int         // of rep, encoded
	over     chan struct{}
}

func (s *state) age() time.Duration {
	if s.err == nil {
		return 0
	}
	return time.Since(s.lost)
}

func newView(vs *Views, key string, op *rpc.Desc, req rpc.Message) *view {
	v := &view{views: vs, key: key, op: op, req: req, wake: make(chan struct{}, 1), fetches: rate.NewLimiter(rate.Inf, 1)}
	v.state.Store(&state{over: make(chan struct{})})
	return v
}

// first returns what the view knows, waiting for its first answer.
func (v *view) first(ctx context.Context) (*state, error) {
	for {
		s := v.state.Load()
		switch {
		case s.rep != nil:
			return s, nil
		case s.err != nil:
			return nil, s.err
		}
		select {
		case <-s.over:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// soon is first with little patience: a server that has no leader waits for one.
func (v *view) soon(ctx context.Context) (*state, error) {
	ctx, cancel := context.WithTimeout(ctx, leaderPatience)
	defer cancel()
	return v.first(ctx)
}

// lend gives a view that has no answer yet one of another read of the same, until its
// own comes.
func (v *view) lend(rep rpc.Message) {
	v.publishing.Lock()
	defer v.publishing.Unlock()
	if old := v.state.Load(); old.rep == nil && old.err == nil {
		v.publishLocked(rep)
	}
}

// next waits until the view's index is past min, or the view restarts, or patience is
// over. An error of the upstream read that comes meanwhile is its answer.
func (v *view) next(ctx context.Context, s *state, min uint64, patience time.Duration) (*state, error) {
	if s.index > min {
		return s, nil
	}
	v.waiting.Add(1)
	defer v.waiting.Add(-1)
	v.rouse()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for restarts := s.restarts; ; {
		select {
		case <-s.over:
		case <-timer.C:
			return v.state.Load(), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		s = v.state.Load()
		switch {
		case s.err != nil:
			return nil, s.err
		case s.index > min || s.restarts != restarts:
			return s, nil
		}
	}
}

// rouse lets a view that sleeps look whether it is wanted.
func (v *view) rouse() {
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

// keepWarm makes the view follow its read for some time though nobody waits.
func (v *view) keepWarm() {
	was := v.isWarm()
	v.warm.Store(time.Now().UnixNano())
	if !was {
		v.rouse()
	}
}

func (v *view) isWarm() bool {
	return time.Since(time.Unix(0, v.warm.Load())) < v.views.opts.Idle
}

// follow asks upstream, again and again, until nobody wants to know, the answer
// is a refusal, or ctx ends.
func (v *view) follow(ctx context.Context) {
	pause := leastPause
	for v.wanted(ctx) {
		v.awaitTurn(ctx)
		rep, err := v.views.opts.Caller.Do(ctx, v.op, v.ask())
		if err != nil && ctx.Err() == nil {
			v.views.failed.Incr()
		}
		switch {
		case ctx.Err() != nil:
			v.end(errStopped)
			return
		case err == nil:
			v.views.fetched.Incr()
			pause = leastPause
			v.publish(rep)
		case v.state.Load().rep == nil || isRefusal(err):
			v.end(err)
			return
		default:
			v.fail(err)
			life.Pause(ctx, leastPause)
			v.sleepOrWake(ctx, rand.N(pause))
			pause = min(2*pause, mostPause)
		}
	}
	v.end(errStopped)
}

// awaitTurn waits until the view may ask upstream again.
func (v *view) awaitTurn(ctx context.Context) {
	if l := v.views.fetches.Load(); v.fetches.Limit() != l.perSecond || v.fetches.Burst() != l.burst {
		v.fetches.SetLimit(l.perSecond)
		v.fetches.SetBurst(l.burst)
	}
	_ = v.fetches.Wait(ctx) // ends early only with ctx, as the caller will see
}

// isRefusal reports whether asking again would be answered the same.
func isRefusal(err error) bool {
	switch fault.KindOf(err) {
	case fault.NoLeader, fault.Internal, fault.Limit, fault.Rejected:
		return false
	}
	return true
}

// ask is the next upstream read.
func (v *view) ask() rpc.Message {
	s := v.state.Load()
	if s.rep == nil {
		return v.req
	}
	return v.op.Follow(v.req, s.asked, upstreamWait)
}

// wanted waits until somebody wants the view to go on; false if it has ended.
func (v *view) wanted(ctx context.Context) bool {
	if v.state.Load().rep == nil {
		return ctx.Err() == nil
	}
	for ctx.Err() == nil {
		switch {
		case v.waiting.Load() > 0:
			return true
		case v.isWarm():
			v.sleepOrWake(ctx, v.state.Load().warmPause())
			return ctx.Err() == nil
		case !v.sleepOrWake(ctx, v.views.opts.Idle) && v.views.retire(v, false):
			return false
		}
	}
	return false
}

// warmPause is how long a view that nobody waits for rests after s.
func (s *state) warmPause() time.Duration {
	return max(warmPause, time.Duration(s.bytes)*time.Second/warmRate)
}

// sleepOrWake reports whether it was woken.
func (v *view) sleepOrWake(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-v.wake:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// publish gives out an answer. One of a read that blocked in vain is the last, though
// its index may have moved: no waiting reader is told, but upstream is asked past it.
func (v *view) publish(rep rpc.Message) {
	v.publishing.Lock()
	defer v.publishing.Unlock()
	v.publishLocked(rep)
}

func (v *view) publishLocked(rep rpc.Message) {
	old := v.state.Load()
	index := rpc.ReadMetaOf(rep).Index
	now := &state{rep: rep, index: index, asked: index, restarts: old.restarts, over: make(chan struct{})}
	switch same := old.rep != nil && inVain(old.rep, rep); {
	case same && old.err == nil && index <= old.asked:
		return
	case same:
		now.rep, now.index, now.asked = old.rep, old.index, max(index, old.asked)
		if old.err == nil {
			now.bytes, now.over = old.bytes, old.over
			v.state.Store(now)
			return
		}
	case index < old.asked, old.rep != nil && index == old.index:
		now.restarts++
	}
	now.bytes = now.rep.Msgsize()
	v.replace(old, now)
	v.views.grew(v, now.bytes)
}

// inVain reports whether rep answers a read whose time was up, and says what old
// says. It may change rep's meta data while it looks. Before its time is up a read is
// answered with the index that it had when access rules have changed what it may see.
func inVain(old, rep rpc.Message) bool {
	meta := rpc.ReadMetaOf(rep)
	if !meta.Expired {
		return false
	}
	was := *meta
	*meta = *rpc.ReadMetaOf(old)
	same := reflect.DeepEqual(old, rep)
	*meta = was
	return same
}

// fail notes that upstream does not answer.
func (v *view) fail(err error) {
	v.publishing.Lock()
	defer v.publishing.Unlock()
	old := v.state.Load()
	now := &state{rep: old.rep, index: old.index, asked: old.asked, restarts: old.restarts, err: err, lost: old.lost, bytes: old.bytes, over: make(chan struct{})}
	if old.err == nil {
		now.lost = time.Now()
	}
	v.replace(old, now)
}

// end takes the view out of use and answers all who wait with err.
func (v *view) end(err error) {
	v.views.retire(v, true)
	v.publishing.Lock()
	defer v.publishing.Unlock()
	old := v.state.Load()
	v.replace(old, &state{err: err, lost: time.Now(), over: make(chan struct{})})
}

func (v *view) replace(old, now *state) {
	v.state.Store(now)
	close(old.over)
}
