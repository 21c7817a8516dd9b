package local

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"time"

	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// The pauses of anti-entropy (reference/internals.md §4), each stretched by
// the cluster's scale where the table there says so.
const (
	fullEvery   = 60 * time.Second
	soonWithin  = 3 * time.Second
	retryAfter  = 15 * time.Second
	scaleFrom   = 128 // members up to which scale is 1
	syncTimeout = 2 * time.Minute
)

// Bounds of one request.
const (
	maxMembers  = 256
	maxReqBytes = 1 << 20 // far below what RPC and the log take
)

// SyncSoon asks for a full sync within seconds: a new server, a new leader, or
// a new token may make work what failed before. It never blocks.
func (s *State) SyncSoon() {
	select {
	case s.soon <- struct{}{}:
	default:
	}
}

// Quiesce ends anti-entropy permanently: nothing more goes to the catalog, and what
// was under way has arrived or failed when it returns. A node that leaves calls
// it first, or it would register itself again behind its own goodbye.
func (s *State) Quiesce() { s.turn <- struct{}{} }

// SyncError is why the catalog does not have all that is registered here, as the last
// attempts found; "" for no reason.
func (s *State) SyncError() string {
	if text := s.syncErr.Load(); text != nil {
		return *text
	}
	return ""
}

// scale is 1 for small clusters and grows with the logarithm of larger ones.
func scale(members int) int {
	if members <= scaleFrom {
		return 1
	}
	return int(math.Ceil(math.Log2(float64(members))-math.Log2(scaleFrom))) + 1
}

// upTo is a random duration below d times the cluster's scale.
func (s *State) upTo(d time.Duration) time.Duration {
	return rand.N(d * time.Duration(scale(s.opts.ClusterSize())))
}

// sync keeps the catalog in step until ctx ends.
func (s *State) sync(ctx context.Context) error {
	next := newAlarm(0)         // the next full sync
	late := newAlarm(time.Hour) // the next output held back
	defer next.Stop()
	defer late.Stop()
	down := true // not reached, or not yet: changes wait for next
	for {
		wake := s.wake
		if down {
			wake = nil
		}
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-s.soon:
			next.sooner(s.upTo(soonWithin))
			continue
		case <-next.C:
			next.in(fullEvery + s.upTo(fullEvery))
			err = s.syncFull(ctx)
			down = false
			if err == nil {
				s.syncErr.Store(nil)
				s.unreached(false)
			}
		case <-wake:
			err = s.syncChanges(ctx)
		case <-late.C:
			s.ring(time.Now())
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			s.logFailed(err)
			text := err.Error()
			s.syncErr.Store(&text)
			down = !isPartial(err)
			s.unreached(down)
			next.sooner(retryAfter + s.upTo(retryAfter))
		}
		late.in(s.nextRing())
	}
}

// logFailed logs at ERROR, but for the one failure that every start has.
func (s *State) logFailed(err error) {
	if err.Error() == rpc.TextNoServers && s.opts.Joined != nil && !s.opts.Joined() {
		s.logger.Debug("not synced yet: no server is known before the first join")
		return
	}
	s.logger.Error("failed to sync remote state", "error", err)
}

// alarm is a timer that knows when it goes off.
type alarm struct {
	*time.Timer
	at time.Time
}

func newAlarm(d time.Duration) *alarm { return &alarm{time.NewTimer(d), time.Now().Add(d)} }

func (a *alarm) in(d time.Duration) {
	a.at = time.Now().Add(d)
	a.Reset(d)
}

// sooner brings it forward, never back.
func (a *alarm) sooner(d time.Duration) {
	if time.Now().Add(d).Before(a.at) {
		a.in(d)
	}
}

// ring makes checks dirty whose output has been held back long enough.
func (s *State) ring(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, at := range s.dirty.deferred {
		if now.Before(at) {
			continue
		}
		delete(s.dirty.deferred, id)
		s.checks[id].deferred = time.Time{}
		s.dirty.checks[id] = struct{}{}
		s.nudge()
	}
}

func (s *State) nextRing() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := time.Now().Add(time.Hour)
	for _, at := range s.dirty.deferred {
		if at.Before(next) {
			next = at
		}
	}
	return time.Until(next)
}

// partial is the error of a sync of which some members were refused; the rest
// went well, unless the node itself was refused.
type partial struct {
	err  error
	node bool
}

func (p partial) Error() string { return p.err.Error() }
func (p partial) Unwrap() error { return p.err }

func isPartial(err error) bool {
	_, ok := err.(partial)
	return ok
}

func isNodeRefused(err error) bool {
	p, ok := err.(partial)
	return ok && p.node
}

// syncChanges sends what is dirty, as long as there is something.
func (s *State) syncChanges(ctx context.Context) error {
	var refused error
	for ctx.Err() == nil {
		runtime.Gosched() // behind those who are about to change something
		list, arrived := s.take()
		err := s.sendAll(ctx, list)
		release(arrived)
		if err != nil && (!isPartial(err) || isNodeRefused(err)) {
			return err // if the node was refused, the rest would go to another's
		}
		if err != nil {
			refused = err
		}
		if len(list) == 0 {
			break
		}
	}
	return refused
}

// sendAll sends what was taken, in as many requests as it needs, and puts back what
// reached no server.
func (s *State) sendAll(ctx context.Context, list []member) error {
	var refused error
	for len(list) > 0 {
		n := batchLen(list)
		err := s.send(ctx, list[:n])
		if err != nil && !isPartial(err) {
			s.putBack(list)
			return err
		}
		if err != nil {
			refused = err
		}
		if isNodeRefused(err) {
			return err
		}
		list = list[n:]
	}
	return refused
}

// batchLen is how many of the first members fit into one request.
func batchLen(list []member) int {
	n, bytes := 1, list[0].bytes
	for n < len(list) && n < maxMembers && list[n].token == list[0].token {
		if bytes += list[n].bytes; bytes > maxReqBytes {
			break
		}
		n++
	}
	return n
}

// send brings one batch to the catalog and judges its members. Refused ones
// are not sent again before the next full sync finds them missing.
func (s *State) send(ctx context.Context, list []member) error {
	req := &ops.CatalogSyncRequest{
		WriteOptions: rpc.WriteOptions{Datacenter: s.opts.Datacenter, Token: list[0].token},
	}
	for i := range list {
		if list[i].put != nil {
			req.Registers = append(req.Registers, list[i].put)
		} else {
			req.Deregisters = append(req.Deregisters, list[i].remove)
		}
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	reply, err := ops.CatalogSync.Call(ctx, s.opts.Caller, req)
	if fault.KindOf(err) == fault.Denied {
		for i := range list {
			s.logBlocked(ctx, &list[i], err.Error())
		}
		return nil
	}
	if err != nil {
		return err
	}
	if len(reply.Errors) != len(list) || len(reply.Denied) != len(list) {
		return fault.New(fault.Internal, "sync of %d members answered with %d", len(list), len(reply.Errors))
	}
	if why := reply.Errors[0]; list[0].about == aboutNode && why != "" && !reply.Denied[0] {
		s.nodeRefused(&list[0], why)
		return partial{fault.New(fault.Rejected, "%s", why), true}
	}
	var refused error
	for i := range list {
		switch {
		case reply.Errors[i] == "":
			s.logSynced(&list[i])
		case reply.Denied[i]:
			s.logBlocked(ctx, &list[i], reply.Errors[i])
		case s.serviceIsMissing(&list[i], reply.Errors[i]):
			s.nudge()
		default:
			refused = partial{err: fault.New(fault.Rejected, "%s", reply.Errors[i])}
			s.logRefused(&list[i], reply.Errors[i])
		}
	}
	return refused
}

// nodeRefused keeps the node dirty without waking anybody: whatever is sent next
// goes behind another attempt to register it.
func (s *State) nodeRefused(m *member, why string) {
	s.logRefused(m, why)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirty.node = true
}

// serviceIsMissing reports whether a check was refused because somebody removed
// its service from the catalog. Then both are sent again, together.
func (s *State) serviceIsMissing(m *member, refusal string) bool {
	if m.about != aboutCheck || !strings.HasPrefix(refusal, "Unknown service ID ") {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.checks[m.id]
	if e == nil || s.services[e.row.ServiceID] == nil {
		return false
	}
	s.dirty.services[e.row.ServiceID] = struct{}{}
	s.dirty.checks[m.id] = struct{}{}
	return true
}

// The lines operators look for (reference/cli.md §2.4), by subject.
var lines = [...]struct{ what, done, blocked, refused string }{
	aboutNode:        {"node", "Synced node info", "Node info update blocked by ACLs", "Node info update failed"},
	aboutService:     {"service", "Synced service", "Service registration blocked by ACLs", "Service registration failed"},
	aboutCheck:       {"check", "Synced check", "Check registration blocked by ACLs", "Check registration failed"},
	aboutGoneService: {"service", "Deregistered service", "Service deregistration blocked by ACLs", "Service deregistration failed"},
	aboutGoneCheck:   {"check", "Deregistered check", "Check deregistration blocked by ACLs", "Check deregistration failed"},
}

func (s *State) logSynced(m *member) {
	if !s.logger.IsInfo() {
		return
	}
	if m.about == aboutNode {
		s.logger.Info(lines[m.about].done)
		return
	}
	s.logger.Info(lines[m.about].done, lines[m.about].what, m.id)
}

// logBlocked says that a token may not do something, and in detail what it lacks.
func (s *State) logBlocked(ctx context.Context, m *member, why string) {
	s.logger.Warn(lines[m.about].blocked, lines[m.about].what, s.nameOf(m), "accessorID", s.opts.Accessor(ctx, m.token))
	s.logger.Debug("Permission is missing", lines[m.about].what, s.nameOf(m), "error", why)
}

func (s *State) logRefused(m *member, why string) {
	s.logger.Warn(lines[m.about].refused, lines[m.about].what, s.nameOf(m), "error", why)
}

// nameOf is what a line calls a member: the node by its name.
func (s *State) nameOf(m *member) string {
	if m.about == aboutNode {
		return s.opts.NodeName
	}
	return m.id
}
