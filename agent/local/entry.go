package local

import (
	"cmp"
	"context"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/tinylib/msgp/msgp"

	"praetor/agent/checks"
	"praetor/catalog"
)

// serviceEntry is a service registered here. row is never changed, only
// replaced. order grows from one new entry to the next.
type serviceEntry struct {
	row    *catalog.Service
	token  string
	file   bool   // defined in a file: not in the journal
	parent string // the service whose sidecar this is
	checks map[string]*checkEntry
	bytes  int64 // in the journal, with the checks that came along
	order  uint64
}

// checkEntry is a check registered here. row is never changed, only replaced.
type checkEntry struct {
	row   *catalog.Check
	token string
	file  bool
	bytes int64 // in the journal, 0 if it came along with its service
	order uint64

	runner checks.Runner // nil for checks that nothing runs
	ttl    *checks.TTL   // runner, if it is one
	stop   context.CancelFunc
	owner  *owner // of runner

	criticalSince time.Time // by a result; zero while it is not
	deferred      time.Time // when a change of output alone is to be synced; zero for none

	found       bool      // status is what the runner, of another kind than TTL, found
	spoke       bool      // it has had an output since it was registered, or the agent started
	expires     time.Time // of the status of a TTL check
	statusBytes int64
}

// owner is the entry that a runner works for. It is guarded by State.mu.
type owner struct{ entry *checkEntry }

// takeOver makes e the owner of old's runner, which goes on, if it does what
// e's would. A TTL check is not taken over: registering it restarts its time.
func (e *checkEntry) takeOver(old *checkEntry) bool {
	same := old.stop != nil && old.ttl == nil && old.file == e.file && old.token == e.token &&
		old.row.Type == e.row.Type && old.row.ServiceID == e.row.ServiceID && reflect.DeepEqual(old.row.Definition, e.row.Definition)
	if same {
		e.runner, e.stop, e.owner = old.runner, old.stop, old.owner
		e.owner.entry, old.stop = e, nil
	}
	return same
}

// live is a row as the journal holds it, and where its size is kept.
type live struct {
	kind  kind
	rec   msgp.Marshaler
	bytes *int64
}

// rows lists what belongs into the journal: services, then checks, then their
// statuses, so that each finds what it refers to.
func (s *State) rows() []live {
	s.mu.Lock()
	defer s.mu.Unlock()
	var services, all, statuses []live
	for _, e := range s.services {
		if !e.file {
			services = append(services, live{kindService,
				&serviceRecord{Service: e.row, Token: e.token, Parent: e.parent}, &e.bytes})
		}
	}
	for _, e := range s.checks {
		if !e.file {
			all = append(all, live{kindCheck, &checkRecord{Check: e.row, Token: e.token}, &e.bytes})
		}
		if e.found || !e.expires.IsZero() {
			statuses = append(statuses, live{kindStatus, e.status(s.opts.Boot), &e.statusBytes})
		}
	}
	for i := range s.orphans {
		all = append(all, live{kindCheck, &s.orphans[i].rec, &s.orphans[i].size})
	}
	for _, st := range s.statuses {
		statuses = append(statuses, live{kindStatus, &st.rec, &st.size})
	}
	return slices.Concat(services, all, statuses)
}

// status is what the journal keeps of an entry, in a run of the machine.
func (e *checkEntry) status(boot string) *statusRecord {
	r := &statusRecord{CheckID: e.row.CheckID, Status: e.row.Status, Output: e.row.Output}
	if e.ttl != nil {
		r.Expires = unixNano(e.expires)
	} else {
		r.Boot = boot
	}
	return r
}

// unixNano is t.UnixNano, for times past 2262, which it cannot tell, too: there are TTLs
// of hundreds of years, for "never".
func unixNano(t time.Time) int64 {
	if t.Unix() > math.MaxInt64/int64(time.Second)-1 {
		return math.MaxInt64
	}
	return t.UnixNano()
}

// nodeAndOwn lists checks by ID: those of the node, and those of one service.
func (s *State) nodeAndOwn(serviceID string) []*catalog.Check {
	list := make([]*catalog.Check, 0, len(s.nodeChecks))
	for _, e := range s.nodeChecks {
		list = append(list, e.row)
	}
	if svc := s.services[serviceID]; svc != nil {
		for _, e := range svc.checks {
			list = append(list, e.row)
		}
	}
	slices.SortFunc(list, func(a, b *catalog.Check) int { return cmp.Compare(a.CheckID, b.CheckID) })
	return list
}
