package catalog

import (
	"slices"
	"strings"

	"praetor/internal/fault"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:65536 maps:65536

var (
	aclRoles     = aclTable{"acl_role", indexACLRoles, "role"}
	aclRoleTable = stored(aclRoles.table, 14, "ACLRole", aclID[*ACLRole], (*restorer).aclRole,
		unique(byName, aclRoleByName))
)

// ACLRole is a set of grants under a name (reference/http-operator-acl.md §3.4).
type ACLRole struct {
	ID                string
	Name              string
	Description       string
	Policies          []string             `msg:"Policies,allownil"` // IDs; those that are gone grant nothing
	ServiceIdentities []ACLServiceIdentity `msg:"ServiceIdentities,allownil"`
	NodeIdentities    []ACLNodeIdentity    `msg:"NodeIdentities,allownil"`
	TemplatedPolicies []ACLTemplatedPolicy `msg:"TemplatedPolicies,allownil"`
	Hash              []byte               // of all but the indexes
	CreateIndex       uint64
	ModifyIndex       uint64
}

// ACLRoleCommand carries an ACLRoleWrite; its result is nil or an error.
const ACLRoleCommand CommandType = 13

var aclRoleCommand = succeeds(ACLRoleCommand, "acl.role", (*writer).aclRole)

// ACLRoleWrite is the command that changes roles.
type ACLRoleWrite struct {
	Verb  ACLVerb
	Roles []*ACLRole
}

func (c *ACLRoleWrite) hasKnownVerb() bool { return c.Verb <= ACLDelete }

func (r *ACLRole) aclID() string       { return r.ID }
func (r *ACLRole) aclStamp() *aclStamp { return &aclStamp{&r.Hash, &r.CreateIndex, &r.ModifyIndex} }

func (r *ACLRole) aclTaken() error {
	return fault.New(fault.Rejected, "Invalid Role: A Role with Name %q already exists", r.Name)
}

func (r *ACLRole) aclHash() []byte {
	said := *r
	said.Hash, said.CreateIndex, said.ModifyIndex = nil, 0, 0
	return aclSum(said)
}

func aclRoleByName(r *ACLRole) []byte { return home.partsKey(fold(r.Name)) }

// ACLRoles lists all roles by name.
func (tx *Tx) ACLRoles(ws WatchSet) (uint64, []*ACLRole) {
	index, list := aclList[*ACLRole](tx, ws, aclRoles)
	slices.SortFunc(list, func(a, b *ACLRole) int { return byACLName(a.Name, a.ID, b.Name, b.ID) })
	return index, list
}

// ACLRole returns a role by ID, or nil. The index is the whole table's.
func (tx *Tx) ACLRole(ws WatchSet, id string) (uint64, *ACLRole) {
	return aclGet[*ACLRole](tx, ws, aclRoles, id)
}

// ACLRoleNamed returns a role by name, or nil. The index is the whole table's.
func (tx *Tx) ACLRoleNamed(ws WatchSet, name string) (uint64, *ACLRole) {
	return tx.index(aclRoles.index), firstWatch[*ACLRole](tx.txn, ws, aclRoles.table, byName, tx.in.partsKey(fold(name)))
}

func (w *writer) aclRole(c *ACLRoleWrite) error {
	return aclWrite(w, aclRoles, c.Verb, c.Roles, w.aclRoleTaken)
}

// aclRoleTaken returns another role of the same name, or nil.
func (w *writer) aclRoleTaken(r *ACLRole) *ACLRole {
	other := first[*ACLRole](w.txn, aclRoles.table, byName, aclRoleByName(r))
	if other != nil && !sameID(other.ID, r.ID) {
		return other
	}
	return nil
}

func (re *restorer) aclRole(r *ACLRole) error {
	return aclRestore(re, aclRoles, r, (*writer).aclRoleTaken)
}

func sameID(a, b string) bool { return strings.EqualFold(a, b) }
