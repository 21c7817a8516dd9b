package duty

import (
	"context"
	"strings"
	"time"

	autopilot "github.com/hashicorp/raft-autopilot"

	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/acl"
	"praetor/internal/ops"
)

// Take returns the sessions that are due, and what puts each back.
func (t *SessionTimers) Take(now time.Time) map[string]func(now time.Time) {
	due := map[string]func(time.Time){}
	for _, timer := range t.take(now) {
		due[timer.id] = func(now time.Time) { t.again(timer, now) }
	}
	return due
}

// Next is how long it is until one is due.
func (t *SessionTimers) Next(now time.Time) time.Duration {
	wait, _ := t.next(now)
	return wait
}

// SomeOf picks those whose turn it is.
var SomeOf = someOf

// Kept is how many keys are known.
func (d *LockDelays) Kept() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.until)
}

// NewPromoter is what autopilot asks who shall vote, by the rules given.
func NewPromoter() autopilot.Promoter { return &promoter{} }

// PilotConfig is a configuration with the rules given.
func PilotConfig(zones, upgrades, disabled bool) *autopilot.Config {
	return &autopilot.Config{ServerStabilizationTime: 10 * time.Second, Ext: placing{zones, upgrades, disabled}}
}

// Candidates lists whom the first configuration would hold, and why it is not time yet.
func (s *Set) Candidates() (servers []gossip.ServerInfo, why string) {
	servers, o := s.candidates()
	return servers, strings.TrimSpace(o.text + " " + o.member)
}

// FirstConn makes some dials.
var FirstConn = firstConn

// ErrVetting is what a server gets that is being asked.
var ErrVetting = errVetting

// EnsurePeer gives a member its place in Raft.
func (s *Set) EnsurePeer(ctx context.Context, m gossip.Member) error {
	info, _ := gossip.ParseServer(m)
	return s.ensurePeer(ctx, info)
}

// RemovePeer takes a member's.
func (s *Set) RemovePeer(m gossip.Member) error {
	info, _ := gossip.ParseServer(m)
	return s.removePeer(info)
}

// StopVetting waits until nobody is asked any more.
func (s *Set) StopVetting() { s.vetting.stop() }

// Claims is how many servers are asked, or have shown who they are.
func (s *Set) Claims() int {
	s.vetting.mu.Lock()
	defer s.vetting.mu.Unlock()
	return len(s.vetting.claims)
}

// ReconcileMember brings the catalog in line with a member that need not be asked.
func (s *Set) ReconcileMember(ctx context.Context, m gossip.Member, reaped bool) error {
	return s.reconcileMember(ctx, m, reaped)
}

// ReapUnknown is a pass over the nodes that gossip does not know.
func (s *Set) ReapUnknown(ctx context.Context, suspects map[string]bool) map[string]bool {
	return s.reapUnknown(ctx, suspects)
}

// AddOrder tells nobody of an order for a node; await waits for the report.
func (s *Set) AddOrder(node string) (id string, await func() (*ops.EvictReportRequest, error), err error) {
	id, made, err := s.orders.add(node, ops.EvictOrderReply{ServiceID: "w1"})
	return id, func() (*ops.EvictReportRequest, error) { return awaitReport(context.TODO(), made, nil) }, err
}

// RemoveOrder ends one.
func (s *Set) RemoveOrder(id string) { s.orders.remove(id) }

// Evict is the handler, which the router calls on a leader that is ready.
func (s *Set) Evict(ctx context.Context, d catalog.Deregister) (*ops.CatalogEvictReply, error) {
	return s.catalogEvict(ctx, acl.Unrestricted, &ops.CatalogEvictRequest{Deregister: d})
}

// StoreCoordinates stores what was reported until ctx ends.
func (s *Set) StoreCoordinates(ctx context.Context) { s.storeCoordinates(ctx) }

// ReapDeletions forgets deletions until ctx ends.
func (s *Set) ReapDeletions(ctx context.Context) { s.reapDeletions(ctx) }

// Graveyard knows deletions.
type Graveyard struct{ g graveyard }

// Look is what is ripe.
func (g *Graveyard) Look(index uint64, now time.Time) uint64 { return g.g.look(index, now) }

// PilotDelegate is what autopilot asks.
func (s *Set) PilotDelegate() autopilot.ApplicationIntegration { return pilotDelegate{s} }

// EntryChanges are the writes that make our entries theirs.
var EntryChanges = entryChanges

// ApplyAll makes changes of which some may need others.
func (s *Set) ApplyAll(ctx context.Context, writes []*catalog.ConfigWrite) error {
	return s.applyAll(ctx, writes)
}
