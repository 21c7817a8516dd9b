package local

import (
	"cmp"
	"slices"

	"praetor/catalog"
	"praetor/internal/fault"
)

// Definitions are what the configuration files define.
type Definitions struct {
	Services []ServiceDefinition
	Checks   []CheckDefinition
}

// ServiceDefinition is a service with its checks, all defaults filled in.
type ServiceDefinition struct {
	Service *catalog.Service
	Checks  []*catalog.Check
	Token   string // "" means Tokens.ConfigFile, then Tokens.Default
	Parent  string // the ID of the service whose sidecar this is; "" for others
}

// CheckDefinition is a check of the node, or with ServiceID of a service.
type CheckDefinition struct {
	Check *catalog.Check
	Token string
}

// LoadDefinitions registers what files define, once, after Open and before Run.
// A registration over HTTP with the same ID is forgotten.
func (s *State) LoadDefinitions(defs Definitions) error { return s.load(defs) }

// Reload puts defs in the place of the definitions loaded before. Checks that
// are defined in both keep their status and output. What was registered over
// HTTP stays if it is kept on disk; without a data folder it goes, and with it
// what stands for maintenance (reference/config.md §10: everything is dropped
// and loaded again).
func (s *State) Reload(defs Definitions) error { return s.load(defs) }

// load applies all definitions as one change: nothing is synced half-way. Of several
// services with one ID the last counts, and the checks of all.
func (s *State) load(defs Definitions) error {
	defs = defs.clone()
	var (
		c        change
		services [][]*checkEntry
		alone    []*checkEntry
	)
	for _, d := range defs.Services {
		s.complete(d.Service, d.Checks)
		s.warnOfNames(d.Service)
		if d.Service.ID == "" {
			return fault.New(fault.Invalid, "Failed to register service %q: Service name missing", "")
		}
	}
	defs.dropDoubled()
	for _, d := range defs.Services {
		entries, err := s.newChecks(d.Checks, d.Token, true)
		if err != nil {
			return fault.New(fault.Invalid, "Failed to register service %q: %w", d.Service.Service, err)
		}
		services = append(services, entries)
	}
	for _, d := range defs.Checks {
		e, err := s.newCheck(d.Check, d.Token, true)
		if err != nil {
			return fault.New(fault.Invalid, "Failed to register check %q: %w", cmp.Or(d.Check.Name, d.Check.CheckID), err)
		}
		alone = append(alone, e)
	}
	if err := s.checkOwners(defs); err != nil {
		return err
	}
	s.purge(&c, defs)
	// What is in a file needs no journal, and wins over it at each start anyway.
	c.anyway = "a registration over HTTP that was under an ID of a file comes back once the file no longer defines it"
	c.apply = func(int64) error {
		s.applyDefinitions(defs, services, alone)
		return nil
	}
	return s.commit(&c)
}

// clone copies the rows: the configuration keeps its own.
func (d Definitions) clone() Definitions {
	c := Definitions{Services: slices.Clone(d.Services), Checks: slices.Clone(d.Checks)}
	for i := range c.Services {
		svc := *c.Services[i].Service
		c.Services[i].Service = &svc
		c.Services[i].Checks = slices.Clone(c.Services[i].Checks)
		for j, chk := range c.Services[i].Checks {
			row := *chk
			c.Services[i].Checks[j] = &row
		}
	}
	for i := range c.Checks {
		row := *c.Checks[i].Check
		c.Checks[i].Check = &row
	}
	return c
}

// dropDoubled leaves of each check its last definition, wherever the others are: with
// the same service, with another, or by themselves. d is a clone.
func (d *Definitions) dropDoubled() {
	later := map[string]bool{}
	doubled := func(c *catalog.Check) bool {
		seen := later[c.CheckID]
		later[c.CheckID] = true
		return seen
	}
	alone := make([]CheckDefinition, 0, len(d.Checks))
	for _, def := range slices.Backward(d.Checks) {
		if def.Check.CheckID == "" {
			def.Check.CheckID = def.Check.Name
		}
		if !doubled(def.Check) {
			alone = append(alone, def)
		}
	}
	slices.Reverse(alone)
	d.Checks = alone
	for i := range slices.Backward(d.Services) {
		own := slices.Clone(d.Services[i].Checks)
		slices.Reverse(own)
		own = slices.DeleteFunc(own, doubled)
		slices.Reverse(own)
		d.Services[i].Checks = own
	}
}

// checkOwners refuses checks of services that neither a file defines nor
// someone registered.
func (s *State) checkOwners(defs Definitions) error {
	owners := make(map[string]bool, len(defs.Services)+1)
	owners[""] = true
	for _, d := range defs.Services {
		owners[d.Service.ID] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range defs.Checks {
		id := d.Check.ServiceID
		if e := s.services[id]; !owners[id] && (e == nil || e.file) {
			return fault.New(fault.Invalid, "Failed to register check %q: %w", d.Check.Name, errNoService(id))
		}
	}
	return nil
}

// purge adds to c the removal of everything that the journal holds under an ID
// that a file defines.
func (s *State) purge(c *change, defs Definitions) {
	s.mu.Lock()
	defer s.mu.Unlock()
	drop := func(k kind, id string) {
		if r, err := encode(k, &removal{id}); err == nil {
			c.records = append(c.records, r)
		}
	}
	for _, d := range defs.Services {
		if e := s.services[d.Service.ID]; e != nil && !e.file {
			drop(kindForgetService, d.Service.ID)
		}
		for _, chk := range d.Checks {
			if e := s.checks[chk.CheckID]; e != nil && !e.file {
				drop(kindForgetCheck, chk.CheckID)
			}
		}
	}
	for _, d := range defs.Checks {
		if e := s.checks[d.Check.CheckID]; e != nil && !e.file {
			drop(kindForgetCheck, d.Check.CheckID)
		}
	}
}

func (s *State) applyDefinitions(defs Definitions, services [][]*checkEntry, alone []*checkEntry) {
	s.dropStale(defs)
	for i, d := range defs.Services {
		for _, e := range services[i] {
			s.restoreStatus(e, s.statuses[e.row.CheckID])
		}
		s.putService(&serviceEntry{row: d.Service, token: d.Token, file: true, parent: d.Parent}, services[i], false)
	}
	for _, e := range alone {
		s.restoreStatus(e, s.statuses[e.row.CheckID])
		if err := s.putCheck(e); err != nil {
			// Its service was there a moment ago.
			s.logger.Warn("check from a file not registered", "check", e.row.CheckID, "error", err)
		}
	}
	s.adoptOrphans()
	s.renameOwners()
}

// renameOwners tells checks that no file defines what their services are called now.
func (s *State) renameOwners() {
	for id, e := range s.checks {
		owner := s.services[e.row.ServiceID]
		if e.file || owner == nil || e.row.ServiceName == owner.row.Service && slices.Equal(e.row.ServiceTags, owner.row.Tags) {
			continue
		}
		row := *e.row
		row.ServiceName, row.ServiceTags = owner.row.Service, owner.row.Tags
		e.row, s.checkView = &row, nil
		s.dirty.checks[id] = struct{}{}
		s.nudge()
	}
}

// dropStale removes what files defined before and no longer do, and what is
// neither in a file nor on disk. Before the first definitions there is none.
func (s *State) dropStale(defs Definitions) {
	services, checks := map[string]bool{}, map[string]bool{}
	for _, d := range defs.Services {
		services[d.Service.ID] = true
		for _, c := range d.Checks {
			checks[c.CheckID] = true
		}
	}
	for _, d := range defs.Checks {
		checks[d.Check.CheckID] = true
	}
	for id, e := range s.checks {
		if (e.file || s.opts.Dir == "") && !checks[id] {
			s.removeCheck(id)
		}
	}
	for id, e := range s.services {
		if (e.file || s.opts.Dir == "") && !services[id] {
			s.removeService(id)
		}
	}
}

// adoptOrphans registers restored checks whose services came from files, and
// forgets the others.
func (s *State) adoptOrphans() {
	for _, o := range s.orphans {
		if s.checks[o.rec.Check.CheckID] != nil {
			continue // now in a file itself
		}
		if s.services[o.rec.Check.ServiceID] == nil {
			s.logger.Warn("restored check belongs to no service", "check", o.rec.Check.CheckID, "service", o.rec.Check.ServiceID)
			continue
		}
		s.restoreCheck(&o, s.statuses[o.rec.Check.CheckID])
	}
	s.orphans, s.statuses = nil, nil
}
