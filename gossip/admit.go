package gossip

import (
	"fmt"
	"sync"

	"github.com/hashicorp/serf/serf"

	"praetor/internal/fault"
)

// Texts of refused admissions, reference/internals.md §1.1.
const (
	textConflictSelf  = "Member '%s' has conflicting node ID '%s' with this agent's ID"
	textConflictOther = "Member '%s' has conflicting node ID '%s' with member '%s'"
	textWrongDC       = "Member '%s' part of wrong datacenter '%s'"
	textNotServer     = "Member '%s' is not a server"
	textNameTaken     = "Node name '%s' is taken by a living agent at %s: give this agent another name (-node), or stop the other one"
)

// hintSharedID stands behind textConflictSelf.
const hintSharedID = "(two agents cannot share an ID: delete node-id in the data_dir of the one that is a copy of the other, or set another node_id, and start it again)"

// AdmitLAN returns the admission rule of a LAN pool for the agent of this
// name, datacenter and node ID: everybody is in the same datacenter, and no two
// members share a node ID. Members that left, and those without an ID tag,
// conflict with nobody. Nor may a living agent elsewhere have this agent's name;
// address is this agent's own, "" if it is not known.
func AdmitLAN(name, dc, id, address string) func([]Member) error {
	return func(members []Member) error {
		owners := make(map[string]string, len(members))
		for i := range members {
			m := &members[i]
			if isTwin(m, name, id, address) {
				return fault.New(fault.Conflict, textNameTaken, name, m.Addr)
			}
			if err := admitID(m, id, name, owners); err != nil {
				return err
			}
			if m.Tags[tagDatacenter] != dc {
				return fault.New(fault.Rejected, textWrongDC, m.Name, m.Tags[tagDatacenter])
			}
		}
		return nil
	}
}

// isTwin reports whether m is another living agent with this agent's name. The
// same address is this agent before it lost its data, the same ID this agent
// before it moved.
func isTwin(m *Member, name, id, address string) bool {
	return m.Name == name && m.Status != Failed && m.Status != Left &&
		m.Tags[tagID] != "" && m.Tags[tagID] != id && address != "" && m.Addr.String() != address
}

// admitID checks one member's ID and notes it in owners, ID to name.
func admitID(m *Member, selfID, selfName string, owners map[string]string) error {
	id := m.Tags[tagID]
	if id == "" || m.Status == Left {
		return nil
	}
	if id == selfID && m.Name != selfName {
		return &fault.Error{Kind: fault.Rejected, Text: fmt.Sprintf(textConflictSelf, m.Name, id), Hint: hintSharedID}
	}
	if other, taken := owners[id]; taken && other != m.Name {
		return fault.New(fault.Rejected, textConflictOther, m.Name, id, other)
	}
	owners[id] = m.Name
	return nil
}

// AdmitWAN returns the admission rule of a WAN pool: servers only.
func AdmitWAN() func([]Member) error {
	return func(members []Member) error {
		for i := range members {
			if _, ok := ParseServer(members[i]); !ok {
				return fault.New(fault.Rejected, textNotServer, members[i].Name)
			}
		}
		return nil
	}
}

// admission asks Options.Admit on serf's behalf. Serf calls it for the members
// of a join and for each single alive message.
type admission struct {
	self    string // this member's name
	id      string // and ID
	address string // and address, "" if it was not given
	admit   func([]Member) error
	unknown chan struct{} // holds a token when others did not know this agent

	mu   sync.Mutex
	twin *Member         // the last one that was in the way
	gone map[string]bool // addresses of those that do not answer any more
}

func newAdmission(opts *Options) *admission {
	return &admission{
		self: opts.Name, id: opts.Tags[tagID], address: opts.AdvertiseAddr, admit: opts.Admit,
		unknown: make(chan struct{}, 1), gone: make(map[string]bool),
	}
}

// NotifyMerge refuses by returning an error.
func (a *admission) NotifyMerge(peers []*serf.Member) error {
	members := make([]Member, 0, len(peers))
	known := len(peers) == 1 // a newcomer, or news of one member
	for _, p := range peers {
		known = known || p.Name == a.self
		if err := checkName(p.Name); err != nil {
			return err
		}
		if m := memberOf(p); !a.isGone(&m) {
			members = append(members, m)
		}
	}
	if !known {
		wake(a.unknown)
	}
	// News of ourselves alone is not a matter of admission: refusing it would
	// leave us out of our own list.
	if a.admit == nil || len(peers) == 1 && a.isSelf(peers[0]) {
		return nil
	}
	return a.admit(members)
}

func (a *admission) isSelf(m *serf.Member) bool {
	return m.Name == a.self && (a.address == "" || m.Addr.String() == a.address)
}

// isGone reports whether a member is this agent's twin of which forget was told.
// Any other twin is noted.
func (a *admission) isGone(m *Member) bool {
	if !isTwin(m, a.self, a.id, a.address) {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gone[m.Addr.String()] {
		return true
	}
	a.twin = m
	return false
}

// takeTwin returns the twin that was in the way since the last call, nil for none.
func (a *admission) takeTwin() *Member {
	a.mu.Lock()
	defer a.mu.Unlock()
	twin := a.twin
	a.twin = nil
	return twin
}

// maxGone bounds the addresses that are remembered.
const maxGone = 16

// forget lets what others say of a twin pass.
func (a *admission) forget(twin Member) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.gone) >= maxGone {
		clear(a.gone)
	}
	a.gone[twin.Addr.String()] = true
}

var _ serf.MergeDelegate = (*admission)(nil)
