package catalog

import (
	"slices"

	"praetor/internal/fault"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:65536 maps:65536

var (
	aclPolicies    = aclTable{"acl_policy", indexACLPolicies, "policy"}
	aclPolicyTable = stored(aclPolicies.table, 13, "ACLPolicy", aclID[*ACLPolicy], (*restorer).aclPolicy,
		unique(byName, aclPolicyByName))
)

// ACLPolicy is a text of access rules under a name (reference/http-operator-acl.md
// §3.3).
type ACLPolicy struct {
	ID          string
	Name        string
	Description string
	Rules       string
	Datacenters []string `msg:"Datacenters,allownil"` // where it holds; nil for everywhere
	Hash        []byte   // of all but the indexes
	CreateIndex uint64
	ModifyIndex uint64
}

// ACLPolicyCommand carries an ACLPolicyWrite; its result is nil or an error.
const ACLPolicyCommand CommandType = 12

var aclPolicyCommand = succeeds(ACLPolicyCommand, "acl.policy", (*writer).aclPolicy)

// ACLPolicyWrite is the command that changes policies.
type ACLPolicyWrite struct {
	Verb     ACLVerb
	Policies []*ACLPolicy
}

func (c *ACLPolicyWrite) hasKnownVerb() bool { return c.Verb <= ACLDelete }

func (p *ACLPolicy) aclID() string       { return p.ID }
func (p *ACLPolicy) aclStamp() *aclStamp { return &aclStamp{&p.Hash, &p.CreateIndex, &p.ModifyIndex} }

func (p *ACLPolicy) aclTaken() error {
	return fault.New(fault.Rejected, "Invalid Policy: A Policy with Name %q already exists", p.Name)
}

func (p *ACLPolicy) aclHash() []byte {
	said := *p
	said.Hash, said.CreateIndex, said.ModifyIndex = nil, 0, 0
	return aclSum(said)
}

func aclPolicyByName(p *ACLPolicy) []byte { return home.partsKey(fold(p.Name)) }

// ACLPolicies lists all policies by name.
func (tx *Tx) ACLPolicies(ws WatchSet) (uint64, []*ACLPolicy) {
	index, list := aclList[*ACLPolicy](tx, ws, aclPolicies)
	slices.SortFunc(list, func(a, b *ACLPolicy) int { return byACLName(a.Name, a.ID, b.Name, b.ID) })
	return index, list
}

// ACLPolicy returns a policy by ID, or nil. The index is the whole table's.
func (tx *Tx) ACLPolicy(ws WatchSet, id string) (uint64, *ACLPolicy) {
	return aclGet[*ACLPolicy](tx, ws, aclPolicies, id)
}

// ACLPolicyNamed returns a policy by name, or nil. The index is the whole table's.
func (tx *Tx) ACLPolicyNamed(ws WatchSet, name string) (uint64, *ACLPolicy) {
	return tx.index(aclPolicies.index), firstWatch[*ACLPolicy](tx.txn, ws, aclPolicies.table, byName, tx.in.partsKey(fold(name)))
}

func (w *writer) aclPolicy(c *ACLPolicyWrite) error {
	return aclWrite(w, aclPolicies, c.Verb, c.Policies, w.aclPolicyTaken)
}

// aclPolicyTaken returns another policy of the same name, or nil.
func (w *writer) aclPolicyTaken(p *ACLPolicy) *ACLPolicy {
	other := first[*ACLPolicy](w.txn, aclPolicies.table, byName, aclPolicyByName(p))
	if other != nil && !sameID(other.ID, p.ID) {
		return other
	}
	return nil
}

func (re *restorer) aclPolicy(p *ACLPolicy) error {
	return aclRestore(re, aclPolicies, p, (*writer).aclPolicyTaken)
}
