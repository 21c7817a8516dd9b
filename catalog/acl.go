package catalog

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"strings"

	"praetor/internal/fault"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:65536 maps:65536

// ACLVerb is what the writes of policies, roles and tokens do with their rows.
type ACLVerb uint8

// The verbs.
const (
	ACLCreate ACLVerb = iota // the IDs are the leader's choice and must be new
	ACLUpdate                // the rows must exist
	ACLPut                   // as the primary datacenter has them, new or not
	ACLDelete                // of which only the IDs count; those that are gone are no error
)

// ACLServiceIdentity stands for the rules of a service that acts for itself.
type ACLServiceIdentity struct {
	ServiceName string
	Datacenters []string `msg:"Datacenters,allownil"`
}

// ACLNodeIdentity stands for the rules of an agent.
type ACLNodeIdentity struct {
	NodeName   string
	Datacenter string
}

// ACLTemplatedPolicy stands for the rules that a built-in template makes of a name.
type ACLTemplatedPolicy struct {
	TemplateID   string
	TemplateName string
	Name         string   // the template's one variable; "" if it has none
	Datacenters  []string `msg:"Datacenters,allownil"`
}

// aclRow is what all ACL rows have in common.
type aclRow interface {
	comparable
	aclID() string
	aclStamp() *aclStamp
	aclHash() []byte // of what the row says, without indexes
	aclTaken() error // says that another row has what must be this one's own
}

// aclStamp says when a row changed, and what it says in short.
type aclStamp struct {
	hash             *[]byte // nil for rows that no other datacenter copies
	created, changed *uint64
}

// aclTable is where the rows of one kind are, and what they are called.
type aclTable struct{ table, index, what string }

// aclID finds rows by ID in any case.
func aclID[R aclRow](r R) []byte { return home.text(strings.ToLower(r.aclID())) }

func aclGet[R aclRow](tx *Tx, ws WatchSet, t aclTable, id string) (uint64, R) {
	return tx.index(t.index), firstWatch[R](tx.txn, ws, t.table, byID, tx.in.text(strings.ToLower(id)))
}

func aclList[R aclRow](tx *Tx, ws WatchSet, t aclTable) (uint64, []R) {
	list := make([]R, 0)
	for r := range rows[R](tx.txn, nil, t.table, byID, tx.in.all()) {
		list = append(list, r)
	}
	return tx.watchIndex(ws, t.index), list
}

// aclWrite changes rows of one kind: all of them or, with an error, none. taken
// returns the row of another ID that has what must be a row's own, or nil.
func aclWrite[R aclRow](w *writer, t aclTable, verb ACLVerb, list []R, taken func(R) R) error {
	for _, r := range list {
		if err := aclCheck(w, t, verb, r, taken); err != nil {
			return err
		}
	}
	for _, r := range list {
		old, found := aclOld[R](w, t, r)
		if verb == ACLDelete {
			if found {
				remove(w.txn, t.table, old)
			}
			continue
		}
		var none R
		if other := taken(r); other != none { // in the primary it has another name, or is gone
			remove(w.txn, t.table, other)
		}
		stamp := r.aclStamp()
		*stamp.created, *stamp.changed = w.index, w.index
		if stamp.hash != nil {
			*stamp.hash = r.aclHash()
		}
		if found {
			*stamp.created = *old.aclStamp().created
		}
		w.txn.Insert(t.table, r)
	}
	w.bump(t.index)
	w.bump(indexACLs)
	return nil
}

// nothingTaken is for rows that have nothing to themselves but their ID.
func nothingTaken[R aclRow](R) (none R) { return none }

func aclOld[R aclRow](w *writer, t aclTable, r R) (old R, found bool) {
	var none R
	old = first[R](w.txn, t.table, byID, aclID(r))
	return old, old != none
}

func aclCheck[R aclRow](w *writer, t aclTable, verb ACLVerb, r R, taken func(R) R) error {
	var none R
	if r == none || r.aclID() == "" {
		return fault.New(fault.Internal, "an ACL %s needs an ID", t.what)
	}
	_, found := aclOld[R](w, t, r)
	switch {
	case verb == ACLCreate && found:
		return fault.New(fault.Conflict, "there is an ACL %s %q", t.what, r.aclID())
	case verb == ACLUpdate && !found:
		return fault.New(fault.Rejected, "cannot find %s %s", t.what, r.aclID())
	case (verb == ACLCreate || verb == ACLUpdate) && taken(r) != none:
		return r.aclTaken()
	}
	return nil
}

// aclSum hashes what a row says. What is hashed is JSON: its members have one
// order, and a member that is added later changes no hash as long as it is empty.
func aclSum(said any) []byte {
	text, err := json.Marshal(said)
	if err != nil {
		panic("catalog: " + err.Error()) // it holds nothing that JSON has no form for
	}
	sum := sha256.Sum256(text)
	return sum[:]
}

// aclRestore takes a row of a snapshot.
func aclRestore[R aclRow](re *restorer, t aclTable, r R, taken func(*writer, R) R) error {
	var none R
	switch {
	case r.aclID() == "":
		return errNoKey
	case re.holds(t.table, byID, aclID(r)):
		return errTwice
	case taken(re.w, r) != none:
		return r.aclTaken()
	}
	re.w.txn.Insert(t.table, r)
	stamp := r.aclStamp()
	return re.indexes(*stamp.created, *stamp.changed)
}

// byACLName orders rows by name, then by ID.
func byACLName(nameA, idA, nameB, idB string) int {
	return cmp.Or(cmp.Compare(nameA, nameB), cmp.Compare(idA, idB))
}

// ACLGeneration returns the index of the last change to any ACL row: what tokens grant
// stays the same as long as it does.
func (tx *Tx) ACLGeneration(ws WatchSet) uint64 { return tx.watchIndex(ws, indexACLs) }
