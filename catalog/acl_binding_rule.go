package catalog

import "praetor/internal/fault"

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:65536 maps:65536

var (
	aclBindingRules     = aclTable{"acl_binding_rule", indexACLBindingRules, "binding rule"}
	aclBindingRuleTable = stored(aclBindingRules.table, 20, "ACLBindingRule", aclID[*ACLBindingRule], (*restorer).aclBindingRule,
		many(byMethod, aclBindingRuleByMethod))
)

// ACLBindingRule says what those get who log in by an auth method
// (reference/http-operator-acl.md §3.5).
type ACLBindingRule struct {
	ID          string
	Description string
	AuthMethod  string
	Selector    string // for whom it is; "" for all
	BindType    string // "service", "node", "role", "policy" or "templated-policy"
	BindName    string // a template over what is known of who logs in
	BindVars    string // the name that a templated policy is made of, a template too; "" for none
	CreateIndex uint64
	ModifyIndex uint64
}

// ACLBindingRuleCommand carries an ACLBindingRuleWrite; its result is nil or an error.
const ACLBindingRuleCommand CommandType = 17

var aclBindingRuleCommand = succeeds(ACLBindingRuleCommand, "acl.bindingrule", (*writer).aclBindingRule)

// ACLBindingRuleWrite is the command that changes binding rules.
type ACLBindingRuleWrite struct {
	Verb  ACLVerb
	Rules []*ACLBindingRule
}

func (c *ACLBindingRuleWrite) hasKnownVerb() bool { return c.Verb <= ACLDelete }

func (r *ACLBindingRule) aclID() string { return r.ID }
func (r *ACLBindingRule) aclStamp() *aclStamp {
	return &aclStamp{nil, &r.CreateIndex, &r.ModifyIndex}
}
func (r *ACLBindingRule) aclHash() []byte { return nil }
func (r *ACLBindingRule) aclTaken() error { return nil }

func aclBindingRuleByMethod(r *ACLBindingRule) []byte { return ofMethod(r.AuthMethod) }

// ACLBindingRules lists the rules of an auth method by ID, or all.
func (tx *Tx) ACLBindingRules(ws WatchSet, method string) (uint64, []*ACLBindingRule) {
	if method == "" {
		return aclList[*ACLBindingRule](tx, ws, aclBindingRules)
	}
	list := make([]*ACLBindingRule, 0)
	for r := range rows[*ACLBindingRule](tx.txn, nil, aclBindingRules.table, byMethod, tx.in.partsKey(fold(method))) {
		list = append(list, r)
	}
	return tx.watchIndex(ws, aclBindingRules.index), list
}

// ACLBindingRule returns a rule by ID, or nil. The index is the whole table's.
func (tx *Tx) ACLBindingRule(ws WatchSet, id string) (uint64, *ACLBindingRule) {
	return aclGet[*ACLBindingRule](tx, ws, aclBindingRules, id)
}

func (w *writer) aclBindingRule(c *ACLBindingRuleWrite) error {
	for _, r := range c.Rules {
		if c.Verb == ACLDelete || r == nil {
			continue
		}
		if !w.hasAuthMethod(r.AuthMethod) {
			return fault.New(fault.Rejected, TextNoAuthMethod, r.AuthMethod)
		}
	}
	return aclWrite(w, aclBindingRules, c.Verb, c.Rules, nothingTaken[*ACLBindingRule])
}

// TextNoAuthMethod refuses a rule of a method that is not there.
const TextNoAuthMethod = "cannot find auth method with name %q"

func (re *restorer) aclBindingRule(r *ACLBindingRule) error {
	return aclRestore(re, aclBindingRules, r, func(*writer, *ACLBindingRule) *ACLBindingRule { return nil })
}
