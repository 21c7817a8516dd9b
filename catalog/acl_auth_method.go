package catalog

import (
	"slices"
	"time"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:65536 maps:65536

// byMethod finds rules and tokens by the auth method that they belong to.
const byMethod = "method"

var (
	aclAuthMethods     = aclTable{"acl_auth_method", indexACLAuthMethods, "auth method"}
	aclAuthMethodTable = stored(aclAuthMethods.table, 19, "ACLAuthMethod", aclID[*ACLAuthMethod], (*restorer).aclAuthMethod)
)

// ACLAuthMethod is a way to log in from outside (reference/http-operator-acl.md §3.5).
// Its name is its ID, in any case.
type ACLAuthMethod struct {
	Name          string
	Type          string
	DisplayName   string
	Description   string
	MaxTokenTTL   time.Duration // 0: its tokens have no end
	TokenLocality string        // "local", "global", or "" for local
	Config        []byte        // a JSON object, or null; may hold a token of Kubernetes': secret
	CreateIndex   uint64
	ModifyIndex   uint64
}

// ACLAuthMethodCommand carries an ACLAuthMethodWrite; its result is nil or an error.
const ACLAuthMethodCommand CommandType = 16

var aclAuthMethodCommand = succeeds(ACLAuthMethodCommand, "acl.authmethod", (*writer).aclAuthMethod)

// ACLAuthMethodWrite is the command that changes auth methods. With a method go its
// rules and the tokens that were made by it.
type ACLAuthMethodWrite struct {
	Verb    ACLVerb
	Methods []*ACLAuthMethod
}

func (c *ACLAuthMethodWrite) hasKnownVerb() bool { return c.Verb <= ACLDelete }

func (m *ACLAuthMethod) aclID() string { return m.Name }
func (m *ACLAuthMethod) aclStamp() *aclStamp {
	return &aclStamp{nil, &m.CreateIndex, &m.ModifyIndex}
}
func (m *ACLAuthMethod) aclHash() []byte { return nil }
func (m *ACLAuthMethod) aclTaken() error { return nil }

// ofMethod is the key of what belongs to a method, nil for what belongs to none.
func ofMethod(name string) []byte {
	if name == "" {
		return nil
	}
	return home.partsKey(fold(name))
}

// ACLAuthMethods lists all auth methods by name.
func (tx *Tx) ACLAuthMethods(ws WatchSet) (uint64, []*ACLAuthMethod) {
	index, list := aclList[*ACLAuthMethod](tx, ws, aclAuthMethods)
	slices.SortFunc(list, func(a, b *ACLAuthMethod) int { return byACLName(a.Name, "", b.Name, "") })
	return index, list
}

// ACLAuthMethod returns an auth method by name, or nil. The index is the whole table's.
func (tx *Tx) ACLAuthMethod(ws WatchSet, name string) (uint64, *ACLAuthMethod) {
	return aclGet[*ACLAuthMethod](tx, ws, aclAuthMethods, name)
}

func (w *writer) aclAuthMethod(c *ACLAuthMethodWrite) error {
	if err := aclWrite(w, aclAuthMethods, c.Verb, c.Methods, nothingTaken[*ACLAuthMethod]); err != nil {
		return err
	}
	if c.Verb != ACLDelete {
		return nil
	}
	for _, m := range c.Methods {
		aclEndMethod[*ACLBindingRule](w, aclBindingRules, m.Name)
		aclEndMethod[*ACLToken](w, aclTokens, m.Name)
	}
	return nil
}

func (w *writer) hasAuthMethod(name string) bool {
	return first[*ACLAuthMethod](w.txn, aclAuthMethods.table, byID, aclID(&ACLAuthMethod{Name: name})) != nil
}

// aclEndMethod removes the rows that belong to a method.
func aclEndMethod[R aclRow](w *writer, t aclTable, method string) {
	list := slices.Collect(rows[R](w.txn, nil, t.table, byMethod, ofMethod(method)))
	for _, r := range list {
		remove(w.txn, t.table, r)
	}
	if len(list) > 0 {
		w.bump(t.index)
	}
}

func (re *restorer) aclAuthMethod(m *ACLAuthMethod) error {
	return aclRestore(re, aclAuthMethods, m, func(*writer, *ACLAuthMethod) *ACLAuthMethod { return nil })
}
