package duty

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"time"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/gossip"
)

// reconcileInterval is how often all members are compared with the catalog.
const reconcileInterval = 60 * time.Second

// restShare is how many times longer than a look at all members took the loop lets
// events gather before it looks again. When thousands join, each brings events, and
// to look at all for each would keep a core busy.
const restShare = 9

// reconcileLoop keeps the catalog true to the pool: each event at once, all
// members from time to time, at the start, and after events were missed.
func (s *Set) reconcileLoop(ctx context.Context) {
	ticker := time.NewTicker(reconcileInterval)
	defer ticker.Stop()
	s.evidence = newEvidence()
	defer s.evidence.all.Wait() // their ctx has ended
	defer s.vetting.stop()
	s.ReconcileAll(ctx)
	suspects := s.reapUnknown(ctx, nil)
	events, rested := s.memberEvents, (<-chan time.Time)(nil) // events is nil during a rest
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.ReconcileAll(ctx)
			suspects = s.reapUnknown(ctx, suspects)
		case e := <-events:
			took := s.reconcileNamed(ctx, s.drainEvents(e))
			events, rested = nil, time.After(restShare*took)
		case <-rested:
			events = s.memberEvents
		case h := <-s.evidence.heard:
			s.reconcileHeard(ctx, h)
		case member := <-s.vetting.passed:
			s.reconcileVetted(ctx, member)
		}
		if s.missed.Swap(false) {
			s.ReconcileAll(ctx)
		}
	}
}

// drainEvents collects the members of an event and of all that wait behind it,
// each once, as they were at their last event.
func (s *Set) drainEvents(e gossip.Event) map[string]gossip.Member {
	changed := map[string]gossip.Member{}
	for {
		for _, m := range e.Members {
			changed[kernel.NodeKey(m.Name)] = m
		}
		select {
		case e = <-s.memberEvents:
		default:
			return changed
		}
	}
}

// reconcileNamed brings the catalog in line with members that changed. An event
// may be old, even of an earlier term: what counts is what the pool says now. It
// returns how long the look at the pool took.
func (s *Set) reconcileNamed(ctx context.Context, changed map[string]gossip.Member) (took time.Duration) {
	began := time.Now()
	members := s.LAN.Members()
	took = time.Since(began)
	for _, m := range members {
		if _, ok := changed[kernel.NodeKey(m.Name)]; ok {
			s.reconcileOne(ctx, m, false)
			delete(changed, kernel.NodeKey(m.Name))
		}
	}
	for _, m := range changed {
		s.reconcileOne(ctx, m, true)
	}
	return took
}

// ReconcileAll makes one pass over all members. Most are clients that are as
// they should be: those are told by what is read once.
func (s *Set) ReconcileAll(ctx context.Context) {
	defer s.took.reconcile.Since(time.Now())
	tx := s.Store.Read()
	_, list := tx.Nodes(nil)
	nodes := make(map[string]*catalog.Node, len(list))
	for _, n := range list {
		nodes[kernel.NodeKey(n.Node)] = n
	}
	passing := map[string]bool{}
	_, checks := tx.ChecksInState(nil, catalog.Passing)
	for _, c := range checks {
		if c.CheckID == catalog.SerfHealth {
			passing[kernel.NodeKey(c.Node)] = true
		}
	}
	for _, m := range s.LAN.Members() {
		key := kernel.NodeKey(m.Name)
		_, isServer := gossip.ParseServer(m)
		if m.Status == gossip.Alive && !isServer && passing[key] && isNodeOf(m, nodes[key]) {
			continue
		}
		s.reconcileOne(ctx, m, false)
	}
}

// reconcileOne brings the catalog in line with one member, at once or when it
// was asked.
func (s *Set) reconcileOne(ctx context.Context, m gossip.Member, reaped bool) {
	if rival, doubtful := s.isDoubtful(m, reaped); doubtful {
		s.ask(ctx, m, reaped, rival)
		return
	}
	s.reconcileWith(ctx, m, func() error { return s.reconcileMember(ctx, m, reaped) })
}

// reconcileWith does what reconciles a member, and tells of its failure.
func (s *Set) reconcileWith(ctx context.Context, m gossip.Member, do func() error) {
	if ctx.Err() != nil {
		return
	}
	start := time.Now()
	err := do()
	s.took.reconcileMember.Since(start)
	if err != nil && ctx.Err() == nil && !errors.Is(err, context.Canceled) && !errors.Is(err, errVetting) {
		s.Logger.Error("failed to reconcile member", "member", m.Name, "error", err)
	}
}

// maxAskedUnknown bounds how many nodes are asked in one pass of reapUnknown, one
// after the other: each that is silent costs its time-out, and the loop serves
// members' events, too. A thousand dead nodes are gone after an hour; who is not
// asked stays.
const maxAskedUnknown = 16

// nodeAnswers reports whether the agent of a node that gossip does not know
// answers at the node's address, at the port that this server has for gossip.
func (s *Set) nodeAnswers(ctx context.Context, name string) bool {
	node, _ := kernel.NodeNamed(s.Store.Read(), name)
	self, known := s.memberNamed(s.Name)
	if node == nil || !known || net.ParseIP(node.Address) == nil {
		return false
	}
	return s.answers(ctx, gossip.Member{Name: node.Node, Addr: net.ParseIP(node.Address), Port: self.Port, Tags: map[string]string{"id": node.ID}})
}

// reapUnknown removes nodes that gossip registered but did not know at two
// passes in a row, and returns those that it does not know now. One pass would
// not do: a leader that just started may not have met its members yet.
func (s *Set) reapUnknown(ctx context.Context, suspects map[string]bool) map[string]bool {
	known := map[string]bool{kernel.NodeKey(s.Name): true}
	for _, m := range s.LAN.Members() {
		known[kernel.NodeKey(m.Name)] = true
	}
	unknown, due := map[string]bool{}, []string{}
	_, checks := s.Store.Read().ChecksInState(nil, "any")
	for _, c := range checks {
		key := kernel.NodeKey(c.Node)
		if c.CheckID != catalog.SerfHealth || known[key] {
			continue
		}
		unknown[key] = true
		if suspects[key] {
			due = append(due, c.Node)
		}
	}
	for _, node := range someOf(due, maxAskedUnknown) {
		if !s.nodeAnswers(ctx, node) && s.deregisterUnknown(ctx, node) {
			delete(unknown, kernel.NodeKey(node))
		}
	}
	return unknown
}

// someOf picks at most n, by lot: those who answer each time must not keep the
// others from their turn.
func someOf(names []string, n int) []string {
	rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names[:min(n, len(names))]
}

// deregisterUnknown reports whether the node is gone.
func (s *Set) deregisterUnknown(ctx context.Context, node string) bool {
	s.Logger.Info("deregistering member", "member", node, "reason", "unknown to gossip")
	_, _, err := s.Apply(ctx, catalog.DeregisterCommand, &catalog.Deregister{Node: node})
	if err != nil && ctx.Err() == nil {
		s.Logger.Error("failed to deregister member", "member", node, "error", err)
	}
	return err == nil
}
