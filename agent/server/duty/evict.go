package duty

import (
	"context"
	"fmt"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

func (s *Set) registerEvictions(m *kernel.Mux) {
	kernel.Handle(m, ops.CatalogEvict, kernel.Decides("node:write, or service:write on what goes"), s.catalogEvict)
	kernel.Handle(m, ops.EvictOrder, kernel.Open("whoever has been given an order's ID may fetch it"), s.evictOrder)
	kernel.Handle(m, ops.EvictReport, kernel.Open("whoever has been given an order's ID may report"), s.evictReport)
}

// catalogEvict removes something where it comes from. The rights needed are
// those of a deregistration.
func (s *Set) catalogEvict(ctx context.Context, az *acl.Authorizer, req *ops.CatalogEvictRequest) (*ops.CatalogEvictReply, error) {
	if err := s.Current(ctx); err != nil {
		return nil, err
	}
	d, tx := &req.Deregister, s.Store.Read()
	if err := kernel.MayDeregister(az, tx, d); err != nil {
		return nil, err
	}
	e := eviction{Deregister: d, what: evicted(d), service: serviceOf(tx, d), listed: isListed(tx, d)}
	if az.Allows(acl.Node.Write(d.Node)) {
		e.service = "" // whatever it is, it may go
	}
	m, known := s.memberNamed(d.Node)
	if err := refuseEviction(d, m, known); err != nil {
		return nil, err
	}
	ctx = s.By(ctx, az)
	s.Logger.Info("evicting", "what", e.what, "node", d.Node, "agent", known && m.Status == gossip.Alive)
	if !known || m.Status != gossip.Alive {
		return s.evictAbandoned(ctx, e, m, known)
	}
	return s.evictAtAgent(ctx, e, m)
}

// eviction is one on its way.
type eviction struct {
	*catalog.Deregister
	what    string // it in words
	service string // the name the caller's right holds for, "" for any
	listed  bool   // the catalog has it
}

func evicted(d *catalog.Deregister) string {
	switch {
	case d.ServiceID != "":
		return fmt.Sprintf("service %q", d.ServiceID)
	case d.CheckID != "":
		return fmt.Sprintf("check %q", d.CheckID)
	}
	return fmt.Sprintf("node %q", d.Node)
}

// serviceOf is the name of the service that goes or loses a check, as far as
// the catalog knows.
func serviceOf(tx *catalog.Tx, d *catalog.Deregister) string {
	if d.ServiceID == "" {
		if c := kernel.CheckWithID(tx, d.Node, d.CheckID); c != nil {
			return kernel.ServiceOf(c)
		}
		return ""
	}
	_, services := kernel.NodeNamed(tx, d.Node)
	if svc := kernel.ServiceWithID(services, d.ServiceID); svc != nil {
		return svc.Service
	}
	return ""
}

func isListed(tx *catalog.Tx, d *catalog.Deregister) bool {
	node, services := kernel.NodeNamed(tx, d.Node)
	switch {
	case node == nil:
		return false
	case d.ServiceID != "":
		return kernel.ServiceWithID(services, d.ServiceID) != nil
	case d.CheckID != "":
		return kernel.CheckWithID(tx, d.Node, d.CheckID) != nil
	}
	return true
}

func (s *Set) memberNamed(node string) (gossip.Member, bool) {
	for _, m := range s.LAN.Members() {
		if kernel.NodeKey(m.Name) == kernel.NodeKey(node) {
			return m, true
		}
	}
	return gossip.Member{}, false
}

// refuseEviction refuses what the leader itself would bring back at once.
func refuseEviction(d *catalog.Deregister, m gossip.Member, known bool) error {
	if !known {
		return nil
	}
	_, isServer := gossip.ParseServer(m)
	switch alive := m.Status == gossip.Alive; {
	case kernel.ServiceKey(d.ServiceID) == kernel.ConsulService && isServer && alive:
		return fault.New(fault.Invalid, "service %q on node %q says that the node is a server: it goes when the server leaves", d.ServiceID, d.Node)
	case d.ServiceID == "" && d.CheckID == catalog.SerfHealth:
		return fault.New(fault.Invalid, "check %q is what gossip says of node %q: it goes with the node", d.CheckID, d.Node)
	case d.ServiceID == "" && d.CheckID == "" && alive:
		return fault.New(fault.Invalid, "node %q is alive: its agent would register it again; stop that agent, or run 'leave' on its machine; "+
			"'force-leave %s' forgets a node whose agent has failed", d.Node, d.Node)
	}
	return nil
}

// evictAbandoned removes from the catalog what no living agent answers for.
func (s *Set) evictAbandoned(ctx context.Context, e eviction, m gossip.Member, known bool) (*ops.CatalogEvictReply, error) {
	if !e.listed {
		return notListed(e), nil
	}
	if !known {
		return s.evictListed(ctx, e, false, "no agent runs on node %q, so nothing registers it again", e.Node)
	}
	return s.evictListed(ctx, e, true, "the agent of node %q is %s; should it start again with its data folder, it registers what it knew", e.Node, m.Status)
}

// evictListed removes something from the catalog and says why from there.
func (s *Set) evictListed(ctx context.Context, e eviction, mayReturn bool, why string, args ...any) (*ops.CatalogEvictReply, error) {
	if _, _, err := s.Apply(ctx, catalog.DeregisterCommand, e.Deregister); err != nil {
		return nil, err
	}
	return &ops.CatalogEvictReply{
		Action: ops.EvictedFromCatalog, MayReturn: mayReturn,
		Detail: sentence("removed %s from the catalog: "+why, append([]any{e.what}, args...)...),
	}, nil
}

func notListed(e eviction) *ops.CatalogEvictReply {
	rep := &ops.CatalogEvictReply{Action: ops.EvictedNothing}
	switch {
	case e.ServiceID != "":
		rep.Detail = sentence("there is no %s on node %q; ensure that the service ID is passed, not the service name", e.what, e.Node)
	case e.CheckID != "":
		rep.Detail = sentence("there is no %s on node %q; ensure that the check ID is passed, not the check name", e.what, e.Node)
	default:
		rep.Detail = sentence("there is no %s in the catalog", e.what)
	}
	return rep
}

// evictAtAgent asks the living agent of the node. One that does not answer may
// be of another version, or in trouble: then the catalog has to do.
func (s *Set) evictAtAgent(ctx context.Context, e eviction, m gossip.Member) (*ops.CatalogEvictReply, error) {
	answer, err := s.askToEvict(ctx, e, m.Name)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && !e.listed:
		return nil, fault.New(fault.Rejected, "the agent of node %q was asked to remove %s, which the catalog does not have: %w", e.Node, e.what, err)
	case err != nil:
		return s.evictListed(ctx, e, true, "the agent of node %q did not do it (%s) and may bring it back within two minutes; "+
			"deregister it there, or stop that agent", e.Node, err)
	}
	switch answer.Outcome {
	case ops.EvictRefused:
		return nil, fault.New(fault.Rejected, "the agent of node %q refused to remove %s: %s", e.Node, e.what, answer.Reason)
	case ops.EvictUnknown:
		if !e.listed {
			return notListed(e), nil
		}
		return s.evictListed(ctx, e, false, "the agent of node %q does not have it", e.Node)
	}
	// The agent tells the catalog itself, a little later: who asked sees it now.
	if _, _, err := s.Apply(ctx, catalog.DeregisterCommand, e.Deregister); err != nil {
		s.Logger.Warn("evicted at the agent, whose sync has to tell the catalog", "what", e.what, "node", e.Node, "error", err)
	}
	rep := &ops.CatalogEvictReply{Action: ops.EvictedAtAgent}
	rep.Detail = sentence("removed %s at the agent of node %q, from its data folder too, and from the catalog", e.what, e.Node)
	if answer.File != "" {
		rep.MayReturn = true
		rep.Detail = sentence("removed %s at the agent of node %q and from the catalog, until that agent starts or reloads: %s on its machine defines it; remove it there to be rid of it",
			e.what, e.Node, answer.File)
	}
	return rep, nil
}

// sentence words what was done, with a full stop.
func sentence(format string, args ...any) string {
	text := fmt.Sprintf(format, args...)
	return text + "."
}
