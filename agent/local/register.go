package local

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"praetor/catalog"
	"praetor/internal/definition"
	"praetor/internal/fault"
)

// AddService registers svc, or replaces the one with its ID, with checks; it
// takes over both. Checks of an earlier registration stay unless replaceChecks
// is set; checks that exist keep their status and output. The registration
// is on disk when it returns; the catalog learns of it soon after.
// What makes no sense is for package definition to find before.
func (s *State) AddService(_ context.Context, svc *catalog.Service, given []*catalog.Check, replaceChecks bool, token string) error {
	return s.addService(&serviceRecord{Service: svc, Token: token, Checks: given, Replace: replaceChecks})
}

// AddSidecar is AddService for the sidecar proxy of a service, to be removed
// with it.
func (s *State) AddSidecar(_ context.Context, parentID string, svc *catalog.Service, given []*catalog.Check, replaceChecks bool, token string) error {
	return s.addService(&serviceRecord{Service: svc, Token: token, Parent: parentID, Checks: given, Replace: replaceChecks})
}

func (s *State) addService(r *serviceRecord) error {
	s.complete(r.Service, r.Checks)
	if r.Service.ID == "" {
		return fault.New(fault.Invalid, "Missing service name")
	}
	r.Checks = definition.LastOfEach(r.Checks)
	s.warnOfNames(r.Service)
	entries, err := s.newChecks(r.Checks, r.Token, false)
	if err != nil {
		return err
	}
	rec, err := encode(kindService, r)
	if err != nil {
		return err
	}
	return s.commit(&change{records: []record{rec}, apply: func(bytes int64) error {
		s.putService(&serviceEntry{row: r.Service, token: r.Token, parent: r.Parent, bytes: bytes}, entries, r.Replace)
		return nil
	}})
}

// complete fills in what a registration may leave out.
func (s *State) complete(svc *catalog.Service, given []*catalog.Check) {
	svc.Node = s.opts.NodeName
	if svc.ID == "" {
		svc.ID = svc.Service
	}
	if svc.Weights == (catalog.Weights{}) {
		svc.Weights = definition.DefaultWeights()
	}
	definition.AutoTaggedAddresses(svc)
	definition.AttachChecks(svc, given)
}

func (s *State) newChecks(rows []*catalog.Check, token string, file bool) ([]*checkEntry, error) {
	entries := make([]*checkEntry, len(rows))
	for i, row := range rows {
		var err error
		if entries[i], err = s.newCheck(row, token, file); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// RemoveService removes a service with its checks and its sidecar. Where the disk is
// full, or fails, it is done all the same, and written later.
func (s *State) RemoveService(_ context.Context, id string) error {
	if s.Service(id) == nil {
		return errUnknownService(id)
	}
	rec, err := encode(kindRemoveService, &removal{id})
	if err != nil {
		return err
	}
	back := fmt.Sprintf("service %q comes back", id)
	return s.commit(&change{records: []record{rec}, anyway: back, apply: func(int64) error {
		if s.services[id] == nil {
			return errUnknownService(id) // another was faster
		}
		s.removeService(id)
		return nil
	}})
}

// AddCheck registers a check, or replaces the one with its ID, whose status and
// output it keeps; it takes over chk.
func (s *State) AddCheck(_ context.Context, chk *catalog.Check, token string) error {
	if chk.CheckID == "" {
		chk.CheckID = chk.Name
	}
	if chk.CheckID == "" {
		return fault.New(fault.Invalid, "Missing check name")
	}
	if chk.ServiceID != "" && s.Service(chk.ServiceID) == nil {
		return errNoService(chk.ServiceID)
	}
	if chk.Type == "" {
		chk.Type = definition.CheckType(chk)
	}
	e, err := s.newCheck(chk, token, false)
	if err != nil {
		return err
	}
	rec, err := encode(kindCheck, &checkRecord{Check: chk, Token: token})
	if err != nil {
		return err
	}
	c := &change{records: []record{rec}, apply: func(bytes int64) error {
		e.bytes = bytes
		return s.putCheck(e)
	}}
	if isMaintenance(chk.CheckID) {
		c.anyway = fmt.Sprintf("maintenance (check %q) ends", chk.CheckID)
	}
	return s.commit(c)
}

// isMaintenance reports whether a check takes a service, or the node, out of service.
func isMaintenance(checkID string) bool {
	return checkID == catalog.NodeMaintenance || strings.HasPrefix(checkID, catalog.ServiceMaintenancePrefix)
}

// RemoveCheck removes a check, likewise.
func (s *State) RemoveCheck(_ context.Context, id string) error {
	if s.Check(id) == nil {
		return errUnknownCheck(id)
	}
	rec, err := encode(kindRemoveCheck, &removal{id})
	if err != nil {
		return err
	}
	back := fmt.Sprintf("check %q comes back", id)
	return s.commit(&change{records: []record{rec}, anyway: back, apply: func(int64) error {
		if s.checks[id] == nil {
			return errUnknownCheck(id)
		}
		s.removeCheck(id)
		return nil
	}})
}

// The texts are parsed by clients (reference/http-agent.md §3.4, §4.3).
func errUnknownService(id string) error {
	return fault.New(fault.NotFound, "Unknown service ID %q. Ensure that the service ID is passed, not the service name.", id)
}

func errUnknownCheck(id string) error {
	return fault.New(fault.NotFound, "Unknown check ID %q. Ensure that the check ID is passed, not the check name.", id)
}

// FreePort returns the lowest port in [first, last] that no service here has,
// 0 if all are taken.
func (s *State) FreePort(first, last int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var taken []int
	for _, e := range s.services {
		if p := e.row.Port; p >= first && p <= last {
			taken = append(taken, p)
		}
	}
	slices.Sort(taken)
	port := first
	for _, p := range taken {
		if p == port {
			port++
		}
	}
	if port > last {
		return 0
	}
	return port
}
