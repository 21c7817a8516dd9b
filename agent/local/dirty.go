package local

import (
	"cmp"
	"slices"
	"time"

	"praetor/catalog"
)

// dirty is what the catalog does not know yet. It is guarded by State.mu.
type dirty struct {
	node         bool
	services     map[string]struct{}
	checks       map[string]struct{}
	goneServices map[string]struct{}
	goneChecks   map[string]struct{}
	deferred     map[string]time.Time // checks of which only the output changed
}

func newDirty() dirty {
	return dirty{
		services: map[string]struct{}{}, checks: map[string]struct{}{},
		goneServices: map[string]struct{}{}, goneChecks: map[string]struct{}{},
		deferred: map[string]time.Time{},
	}
}

// empty reports whether there is nothing to send now.
func (d *dirty) empty() bool {
	return !d.node && len(d.services)+len(d.checks)+len(d.goneServices)+len(d.goneChecks) == 0
}

// merge adds what o has; deferrals are not moved around.
func (d *dirty) merge(o dirty) {
	d.node = d.node || o.node
	for _, m := range [][2]map[string]struct{}{
		{d.services, o.services}, {d.checks, o.checks}, {d.goneServices, o.goneServices}, {d.goneChecks, o.goneChecks},
	} {
		for id := range m[1] {
			m[0][id] = struct{}{}
		}
	}
}

// nudge wakes the sync loop; it never blocks.
func (s *State) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// What a member of a batch is about, in the order in which they are sent.
type subject uint8

const (
	aboutNode subject = iota
	aboutService
	aboutCheck
	aboutGoneService
	aboutGoneCheck
)

// member is one registration or removal on its way to the catalog.
type member struct {
	about  subject
	id     string
	order  uint64 // of its entry; removals have none
	token  string
	put    *catalog.Register // one of the two
	remove *catalog.Deregister
	checks []string // that go along with a service
	bytes  int      // about what it takes in a request
}

const maxTaken = 4096 // members built at once; the rest waits for its turn

// take empties the dirty sets into members: the node, then registrations, those
// with one token together and in the order in which they were first made, then
// removals. It also returns what to close once they have been sent (see arrivals).
func (s *State) take() ([]member, chan struct{}) {
	tokens := s.opts.Tokens()
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []member
	if s.dirty.node {
		s.dirty.node = false
		list = append(list, member{about: aboutNode, token: tokens.agentToken(), put: s.nodeRegister()})
	}
	for id := range s.dirty.services {
		if len(list) >= maxTaken {
			break
		}
		delete(s.dirty.services, id)
		if e := s.services[id]; e != nil {
			list = append(list, s.serviceMember(e, tokens))
		}
	}
	for id := range s.dirty.checks {
		if len(list) >= maxTaken {
			break
		}
		e := s.checks[id]
		if e != nil && e.row.ServiceID != "" {
			if _, waits := s.dirty.services[e.row.ServiceID]; waits {
				continue // it goes along
			}
		}
		delete(s.dirty.checks, id)
		if e != nil {
			list = append(list, s.checkMember(e, tokens))
		}
	}
	for id := range s.dirty.goneServices {
		if len(list) >= maxTaken {
			break
		}
		delete(s.dirty.goneServices, id)
		if s.sameInstance(id) == "" {
			list = append(list, s.removal(aboutGoneService, id, tokens))
		}
	}
	for id := range s.dirty.goneChecks {
		if len(list) >= maxTaken {
			break
		}
		delete(s.dirty.goneChecks, id)
		list = append(list, s.removal(aboutGoneCheck, id, tokens))
	}
	slices.SortFunc(list, func(a, b member) int {
		return cmp.Or(cmp.Compare(rank(a.about), rank(b.about)), cmp.Compare(a.token, b.token),
			cmp.Compare(a.about, b.about), cmp.Compare(a.order, b.order), cmp.Compare(a.id, b.id))
	})
	s.arrivals.underWay = len(list) > 0
	if !s.dirty.empty() {
		return list, nil // cut off at maxTaken
	}
	return list, s.arrivals.cut()
}

// rank keeps the node first and removals last; in between tokens rule, but a
// service goes before checks of it that have another token.
func rank(about subject) int {
	switch about {
	case aboutNode:
		return 0
	case aboutService:
		return 1
	case aboutCheck:
		return 2
	}
	return 3
}

func (s *State) nodeRegister() *catalog.Register {
	return &catalog.Register{
		ID: s.opts.NodeID, Node: s.opts.NodeName, Address: s.opts.Address, Datacenter: s.opts.Datacenter,
		TaggedAddresses: s.opts.TaggedAddresses, NodeMeta: s.nodeMeta, Locality: s.opts.Locality,
	}
}

// onNode is a registration that leaves the node as it is.
func (s *State) onNode() *catalog.Register {
	return &catalog.Register{
		ID: s.opts.NodeID, Node: s.opts.NodeName, Address: s.opts.Address, Datacenter: s.opts.Datacenter,
		SkipNodeUpdate: true,
	}
}

// serviceMember registers a service and those of its checks that wait and have
// the same token.
func (s *State) serviceMember(e *serviceEntry, tokens Tokens) member {
	m := member{about: aboutService, id: e.row.ID, order: e.order, token: tokens.registrationToken(e.token, e.file), put: s.onNode()}
	m.put.Service = sentService(e.row)
	for id, c := range e.checks {
		if _, waits := s.dirty.checks[id]; !waits || tokens.registrationToken(c.token, c.file) != m.token {
			continue
		}
		delete(s.dirty.checks, id)
		m.checks = append(m.checks, id)
		m.put.Checks = append(m.put.Checks, s.sent(c))
	}
	m.bytes = m.put.Msgsize()
	return m
}

func (s *State) checkMember(e *checkEntry, tokens Tokens) member {
	m := member{about: aboutCheck, id: e.row.CheckID, order: e.order, token: tokens.registrationToken(e.token, e.file), put: s.onNode()}
	m.put.Checks = []*catalog.Check{s.sent(e)}
	m.bytes = m.put.Msgsize()
	return m
}

// sent is a check as the catalog gets it: how it is run is the agent's business.
func (s *State) sent(e *checkEntry) *catalog.Check {
	row := *e.row
	row.Definition = catalog.CheckDefinition{}
	e.deferred = time.Time{}
	delete(s.dirty.deferred, row.CheckID)
	return &row
}

func (s *State) removal(about subject, id string, tokens Tokens) member {
	m := member{about: about, id: id, token: tokens.agentToken(), remove: &catalog.Deregister{Node: s.opts.NodeName}}
	if about == aboutGoneService {
		m.remove.ServiceID = id
	} else {
		m.remove.CheckID = id
	}
	m.bytes = m.remove.Msgsize()
	return m
}

// putBack makes members dirty again, unless they are out of date.
func (s *State) putBack(list []member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range list {
		m := &list[i]
		switch m.about {
		case aboutNode:
			s.dirty.node = true
		case aboutService:
			if s.services[m.id] != nil {
				s.dirty.services[m.id] = struct{}{}
			}
			for _, id := range m.checks {
				s.putBackCheck(id)
			}
		case aboutCheck:
			s.putBackCheck(m.id)
		case aboutGoneService:
			if s.services[m.id] == nil {
				s.dirty.goneServices[m.id] = struct{}{}
			}
		case aboutGoneCheck:
			if s.checks[m.id] == nil {
				s.dirty.goneChecks[m.id] = struct{}{}
			}
		}
	}
}

func (s *State) putBackCheck(id string) {
	if s.checks[id] != nil {
		s.dirty.checks[id] = struct{}{}
	}
}
