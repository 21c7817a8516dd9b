package rpc

import (
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"praetor/internal/fault"
	"praetor/internal/telemetry"
)

// Limits are how many requests a Router lets pass (reference/config.md §3). A negative rate
// is no limit.
type Limits struct {
	// ClientTimeout bounds a request that does not block; 0 leaves it as it is.
	ClientTimeout time.Duration
	// Rate and Burst bound what a client agent sends to servers.
	Rate  float64
	Burst int
	// Mode says what a server does with reads and writes that come faster than
	// ReadRate and WriteRate a second: disabled, permissive (count and log) or
	// enforcing (refuse).
	Mode                string
	ReadRate, WriteRate float64
}

// The words of Limits.Mode; any other is as good as disabled.
const (
	modePermissive = "permissive"
	modeEnforcing  = "enforcing"
)

// Texts of refusals (reference/internals.md §12).
const (
	textRateExceeded   = "RPC rate limit exceeded"
	textTooFast        = "rate limit exceeded, try again later or against a different server"
	textTooFastToWrite = "rate limit exceeded for operation that can only be performed by the leader, try again later"
)

// burstFactor is how many seconds' worth of requests may come at once.
const burstFactor = 10

// warnPause is the least time between two log lines about requests that come too fast.
const warnPause = time.Second

// exempt operations are never refused: they tell how the cluster is, and repair it.
// The rest of a name after the dot does not count.
var exempt = map[string]bool{"Status": true, "Operator": true}

// limiter is the Limits in force.
type limiter struct {
	out         *rate.Limiter // nil: no limit
	read, write *rate.Limiter
	mode        string
}

// Limit puts limits in force, for requests from now on.
func (r *Router) Limit(l Limits) {
	set := &limiter{out: newLimiter(l.Rate, l.Burst), mode: l.Mode}
	if l.Mode == modePermissive || l.Mode == modeEnforcing {
		set.read = newLimiter(l.ReadRate, burstFactor*int(l.ReadRate))
		set.write = newLimiter(l.WriteRate, burstFactor*int(l.WriteRate))
	}
	if l.ClientTimeout > 0 {
		r.clientTimeout.Store(int64(l.ClientTimeout))
	}
	r.limiter.Store(set)
}

func newLimiter(perSecond float64, burst int) *rate.Limiter {
	if perSecond < 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(perSecond), burst)
}

// passes tells whether another request may go.
func passes(l *rate.Limiter) bool { return l == nil || l.Allow() }

// admitOut lets a client agent's request go to servers, or refuses it.
func (r *Router) admitOut() error {
	if l := r.limiter.Load(); l != nil && !passes(l.out) {
		r.exceeded.Incr()
		return fault.New(fault.Limit, textRateExceeded)
	}
	return nil
}

// admitIn lets a request to this server in, or refuses it. What servers ask each other on
// their own account is not counted.
func (r *Router) admitIn(op *Desc, h hop) error {
	l := r.limiter.Load()
	if l == nil || l.read == nil && l.write == nil || h == hopHere || exempt[op.family()] {
		return nil
	}
	bucket, kind := l.read, "read"
	if op.Write {
		bucket, kind = l.write, "write"
	}
	if passes(bucket) {
		return nil
	}
	r.tooFast.Incr(kind)
	if r.warned.due(time.Now()) {
		r.opts.Logger.Warn("RPC exceeded allowed rate limit", "rpc", op.Name, "type", kind, "limit_enforced", l.mode == modeEnforcing)
	}
	switch {
	case l.mode != modeEnforcing:
		return nil
	case op.Write && r.opts.IsLeader():
		return fault.New(fault.Overloaded, textTooFastToWrite)
	}
	return fault.New(fault.Limit, textTooFast)
}

// seldom thins out log lines.
type seldom struct{ last atomic.Int64 } // Unix nanoseconds

func (s *seldom) due(now time.Time) bool {
	last := s.last.Load()
	return now.UnixNano()-last >= int64(warnPause) && s.last.CompareAndSwap(last, now.UnixNano())
}

// limits is a Router's part of them.
type limits struct {
	clientTimeout atomic.Int64            // nanoseconds
	limiter       atomic.Pointer[limiter] // nil: no limits
	exceeded      *telemetry.Counter      // requests that were not sent
	tooFast       *telemetry.Counters     // requests that came too fast, by read and write
	warned        seldom
}
