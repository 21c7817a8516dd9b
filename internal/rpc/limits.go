package rpc

import (
	"context"
	"math"
	"net/netip"
	"sync"
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

// Agreed are the limits that the cluster keeps for all its servers, each of which
// refuses what comes faster. A negative rate is no limit.
type Agreed struct {
	ReadRate, WriteRate float64
	Alone               bool     // a server's own limits do not count beside them
	Except              []string // names of operations that have no limit
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

// repairs are the operations that change what the cluster agreed on, which it never
// forbids: a rate of nothing could not be taken back.
const repairs = "Config"

// limiter is the Limits in force.
type limiter struct {
	out         *rate.Limiter // nil: no limit
	read, write *rate.Limiter
	mode        string
	alone       bool
	except      map[string]bool
}

// Limit puts limits in force, for requests from now on.
func (r *Router) Limit(l Limits) {
	set := &limiter{out: newLimiter(l.Rate, l.Burst), mode: l.Mode}
	if l.Mode == modePermissive || l.Mode == modeEnforcing {
		set.read, set.write = perSecond(l.ReadRate), perSecond(l.WriteRate)
	}
	if l.ClientTimeout > 0 {
		r.clientTimeout.Store(int64(l.ClientTimeout))
	}
	r.limiter.Store(set)
}

// LimitAsAgreed puts in force what the cluster agreed on, nil for nothing.
func (r *Router) LimitAsAgreed(a *Agreed) {
	if a == nil {
		r.agreed.Store(nil)
		return
	}
	set := &limiter{mode: modeEnforcing, read: perSecond(a.ReadRate), write: perSecond(a.WriteRate), alone: a.Alone, except: map[string]bool{}}
	for _, name := range a.Except {
		set.except[name] = true
	}
	r.agreed.Store(set)
}

// perSecond lets burstFactor seconds' worth come at once.
func perSecond(limit float64) *rate.Limiter {
	return newLimiter(limit, int(math.Ceil(burstFactor*limit)))
}

func newLimiter(perSecond float64, burst int) *rate.Limiter {
	if perSecond < 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(perSecond), burst)
}

// passes reports whether another request may go.
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
func (r *Router) admitIn(ctx context.Context, op *Desc, h hop) error {
	if h == hopHere || exempt[op.family()] {
		return nil
	}
	own := r.limiter.Load()
	if all := r.agreed.Load(); all != nil {
		if all.alone || all.except[op.Name] {
			own = nil
		}
		if op.family() != repairs && !all.except[op.Name] {
			if err := r.admitBy(ctx, all, op); err != nil {
				return err
			}
		}
	}
	return r.admitBy(ctx, own, op)
}

func (r *Router) admitBy(ctx context.Context, l *limiter, op *Desc) error {
	if l == nil || l.read == nil && l.write == nil {
		return nil
	}
	bucket, kind := l.read, limitRead
	if op.Write {
		bucket, kind = l.write, limitWrite
	}
	if passes(bucket) {
		return nil
	}
	r.tooFast.incr(exceeded{kind, l.mode, op.Name})
	r.nameSource(ctx, op, kind, l.mode)
	switch {
	case l.mode != modeEnforcing:
		return nil
	case op.Write && r.opts.IsLeader():
		return fault.New(fault.Overloaded, textTooFastToWrite)
	}
	return fault.New(fault.Limit, textTooFast)
}

// nameSource logs who asked too fast: each client once in warnPause, and warnClients of them
// at most.
func (r *Router) nameSource(ctx context.Context, op *Desc, kind, mode string) {
	client, agent := sourceOf(ctx)
	if client == "" {
		client, agent = agent, ""
	}
	host := client
	if address, err := netip.ParseAddrPort(client); err == nil {
		host = address.Addr().String()
	}
	left, due := r.warned.due(host, time.Now())
	if !due {
		return
	}
	args := []any{"rpc", op.Name, "source_addr", client, "limit_type", kind, "limit_enforced", mode == modeEnforcing}
	if agent != "" {
		args = append(args, "through", agent)
	}
	if left > 0 {
		args = append(args, "lines_left_out", left)
	}
	r.opts.Logger.Warn("RPC exceeded allowed rate limit", args...)
}

// warnClients is how many clients are named in warnPause.
const warnClients = 10

// named thins out log lines about clients.
type named struct {
	mu    sync.Mutex
	since time.Time
	hosts map[string]bool // that had a line since then; warnClients at most
	left  int             // lines left out since the last
}

// due reports whether it is time for a line about a client, and how many were left out
// before it.
func (n *named) due(host string, now time.Time) (left int, due bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.since) >= warnPause {
		n.since, n.hosts = now, make(map[string]bool, warnClients)
	}
	if n.hosts[host] || len(n.hosts) >= warnClients {
		n.left++
		return 0, false
	}
	n.hosts[host] = true
	left, n.left = n.left, 0
	return left, true
}

// Values of the label limit_type.
const (
	limitRead  = "global/read"
	limitWrite = "global/write"
)

// exceeded tells apart requests that came too fast, as Consul's metric does. All
// values are ours, so there are not many.
type exceeded struct{ limit, mode, op string }

// tooFast counts requests that came too fast.
type tooFast struct {
	metrics *telemetry.Metrics
	byKind  sync.Map // *telemetry.Counter by exceeded
}

func (t *tooFast) incr(e exceeded) {
	counter, ok := t.byKind.Load(e)
	if !ok {
		counter, _ = t.byKind.LoadOrStore(e, t.metrics.Counter("rpc.rate_limit.exceeded",
			telemetry.Label{Name: "limit_type", Value: e.limit}, telemetry.Label{Name: "mode", Value: e.mode}, telemetry.Label{Name: "op", Value: e.op}))
	}
	counter.(*telemetry.Counter).Incr()
}

// limits is a Router's part of them.
type limits struct {
	clientTimeout atomic.Int64            // nanoseconds
	limiter       atomic.Pointer[limiter] // nil: no limits
	agreed        atomic.Pointer[limiter] // nil: none that all servers keep
	exceeded      *telemetry.Counter      // requests that were not sent
	tooFast       tooFast                 // requests that came too fast
	warned        named
}
