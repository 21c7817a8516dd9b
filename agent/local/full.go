package local

import (
	"context"
	"maps"
	"slices"
	"strings"

	"praetor/catalog"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// consulService is what servers register for themselves: the leader's business.
const consulService = "consul"

// syncFull compares all that is registered here with what the catalog has, and
// sends the differences.
func (s *State) syncFull(ctx context.Context) error {
	waiting := s.setAside()
	remote, err := s.readCatalog(ctx)
	if err != nil {
		s.mu.Lock()
		s.dirty.merge(waiting)
		s.mu.Unlock()
		return err
	}
	s.compare(remote)
	s.removeAgain(waiting)
	return s.syncChanges(ctx)
}

// removeAgain keeps removals that were waiting: a stale answer may not yet show
// what is to be removed.
func (s *State) removeAgain(waiting dirty) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range waiting.goneServices {
		if s.services[id] == nil {
			s.dirty.goneServices[id] = struct{}{}
		}
	}
	for id := range waiting.goneChecks {
		if s.checks[id] == nil {
			s.dirty.goneChecks[id] = struct{}{}
		}
	}
}

// setAside empties the dirty sets: what is in them before the catalog is read
// will show, what comes after must not be lost.
func (s *State) setAside() dirty {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := s.dirty
	s.arrivals.underWay = true
	s.dirty = newDirty()
	s.dirty.deferred = waiting.deferred
	return waiting
}

// view is what the catalog has of this node.
type view struct {
	node     *catalog.Node // nil if unknown
	services []*catalog.Service
	checks   []*catalog.Check
}

func (s *State) readCatalog(ctx context.Context) (*view, error) {
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	opts := rpc.ReadOptions{Datacenter: s.opts.Datacenter, Token: s.opts.Tokens().agentToken(), Stale: true}
	services, err := ops.CatalogNode.Call(ctx, s.opts.Caller, &ops.CatalogNodeRequest{ReadOptions: opts, Node: s.opts.NodeName})
	if err != nil {
		return nil, err
	}
	checks, err := ops.HealthNode.Call(ctx, s.opts.Caller, &ops.HealthNodeRequest{ReadOptions: opts, Node: s.opts.NodeName})
	if err != nil {
		return nil, err
	}
	v := &view{checks: checks.Checks}
	if ns := services.NodeServices; ns != nil {
		v.node, v.services = ns.Node, ns.Services
	}
	return v, nil
}

// compare marks what differs (reference/internals.md §4).
func (s *State) compare(v *view) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.compareNode(v.node)
	s.compareServices(v.services)
	s.compareChecks(v.checks)
}

func (s *State) compareNode(n *catalog.Node) {
	if n == nil || n.ID != s.opts.NodeID || !n.Locality.Equal(s.opts.Locality) ||
		!maps.Equal(n.TaggedAddresses, s.opts.TaggedAddresses) || !maps.Equal(n.Meta, s.nodeMeta) {
		s.dirty.node = true
	}
}

// compareServices knows that to the catalog IDs that differ in case are one instance. Of two here
// it has one, whichever was written last, and the other is not missing.
func (s *State) compareServices(remote []*catalog.Service) {
	known, here := make(map[string]*catalog.Service, len(remote)), make(map[string]bool, len(s.services))
	for id := range s.services {
		here[strings.ToLower(id)] = true
	}
	for _, r := range remote {
		id := strings.ToLower(r.ID)
		known[id] = r
		if !here[id] && id != consulService {
			s.dirty.goneServices[r.ID] = struct{}{}
		}
	}
	for id, e := range s.services {
		r := known[strings.ToLower(id)]
		if r == nil {
			s.dirty.services[id] = struct{}{}
			continue
		}
		if r.ID != id {
			if s.services[r.ID] == nil {
				s.dirty.services[id] = struct{}{} // spelled otherwise before
			}
			continue
		}
		if _, changed := s.dirty.services[id]; changed {
			continue // since the catalog was read
		}
		if row := adopt(e.row, r); !sameService(row, e.row) {
			e.row = row
			s.serviceView = nil
		}
		if !sameService(e.row, r) {
			s.dirty.services[id] = struct{}{}
		}
	}
}

func (s *State) compareChecks(remote []*catalog.Check) {
	known := make(map[string]*catalog.Check, len(remote))
	for _, r := range remote {
		known[r.CheckID] = r
		_, goes := s.dirty.goneServices[r.ServiceID]
		goes = goes && r.ServiceID != ""
		if s.checks[r.CheckID] == nil && r.CheckID != catalog.SerfHealth && !goes {
			s.dirty.goneChecks[r.CheckID] = struct{}{}
		}
	}
	for id, e := range s.checks {
		r := known[id]
		if r == nil || !s.upToDate(e, r) {
			s.dirty.checks[id] = struct{}{}
		}
	}
}

// upToDate reports whether the catalog's row of a check will do. Output that is
// being held back may differ.
func (s *State) upToDate(e *checkEntry, r *catalog.Check) bool {
	if !sameButOutput(e.row, r) || e.deferred.IsZero() && e.row.Output != r.Output {
		return false
	}
	if owner := s.services[e.row.ServiceID]; owner != nil {
		return r.ServiceName == owner.row.Service && slices.Equal(r.ServiceTags, owner.row.Tags)
	}
	return true
}
