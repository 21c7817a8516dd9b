package catalog

import (
	"encoding/binary"
	"time"

	"praetor/internal/fault"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:65536 maps:65536

const (
	bySecret  = "secret"
	byExpires = "expires"
)

var (
	aclTokens     = aclTable{"acl_token", indexACLTokens, "token"}
	aclTokenTable = stored(aclTokens.table, 15, "ACLToken", aclID[*ACLToken], (*restorer).aclToken,
		unique(bySecret, aclTokenBySecret), many(byExpires, aclTokenByExpires), many(byMethod, aclTokenByMethod))
)

// ACLToken is a secret and what it grants (reference/http-operator-acl.md §3.2).
// The accessor ID is its public name.
type ACLToken struct {
	AccessorID        string
	SecretID          string
	Name              string
	Description       string
	Policies          []string             `msg:"Policies,allownil"` // IDs; those that are gone grant nothing
	Roles             []string             `msg:"Roles,allownil"`    // IDs; those that are gone grant nothing
	ServiceIdentities []ACLServiceIdentity `msg:"ServiceIdentities,allownil"`
	NodeIdentities    []ACLNodeIdentity    `msg:"NodeIdentities,allownil"`
	TemplatedPolicies []ACLTemplatedPolicy `msg:"TemplatedPolicies,allownil"`
	Local             bool                 // it holds in this datacenter alone
	AuthMethod        string               // that it was made by, "" for none
	Expires           int64                // nanoseconds since 1970, 0 for never
	Created           int64                // nanoseconds since 1970
	Hash              []byte               // of all but the indexes
	CreateIndex       uint64
	ModifyIndex       uint64
}

// ACLTokenCommand carries an ACLTokenWrite; its result is nil or an error.
const ACLTokenCommand CommandType = 14

var aclTokenCommand = succeeds(ACLTokenCommand, "acl.token", (*writer).aclToken)

// ACLTokenWrite is the command that changes tokens.
type ACLTokenWrite struct {
	Verb   ACLVerb
	Tokens []*ACLToken

	// Bootstrap makes the first management token. It succeeds once, and again if
	// ResetIndex is the index of the last time.
	Bootstrap  bool
	ResetIndex uint64
}

// HasExpired reports whether the token's time is over.
func (t *ACLToken) HasExpired(now time.Time) bool {
	return t.Expires != 0 && t.Expires <= now.UnixNano()
}

func (c *ACLTokenWrite) hasKnownVerb() bool { return c.Verb <= ACLDelete }

func (t *ACLToken) aclID() string       { return t.AccessorID }
func (t *ACLToken) aclStamp() *aclStamp { return &aclStamp{&t.Hash, &t.CreateIndex, &t.ModifyIndex} }

func (t *ACLToken) aclTaken() error {
	return fault.New(fault.Rejected, "Invalid Token: SecretID is already in use")
}

func (t *ACLToken) aclHash() []byte {
	said := *t
	said.Hash, said.CreateIndex, said.ModifyIndex = nil, 0, 0
	return aclSum(said)
}

// aclTokenBySecret is exact: secrets are compared whole, case counts.
func aclTokenBySecret(t *ACLToken) []byte { return home.partsKey(t.SecretID) }

func aclTokenByMethod(t *ACLToken) []byte { return ofMethod(t.AuthMethod) }

func aclTokenByExpires(t *ACLToken) []byte {
	if t.Expires == 0 {
		return nil
	}
	return expiresKey(t.Expires)
}

func expiresKey(at int64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, 8), uint64(at))
}

// ACLTokens lists all tokens by accessor.
func (tx *Tx) ACLTokens(ws WatchSet) (uint64, []*ACLToken) {
	return aclList[*ACLToken](tx, ws, aclTokens)
}

// ACLToken returns a token by accessor, or nil. The index is the whole table's.
func (tx *Tx) ACLToken(ws WatchSet, accessor string) (uint64, *ACLToken) {
	return aclGet[*ACLToken](tx, ws, aclTokens, accessor)
}

// ACLTokenWithSecret returns the token with a secret, or nil. The index is the
// whole table's.
func (tx *Tx) ACLTokenWithSecret(ws WatchSet, secret string) (uint64, *ACLToken) {
	return tx.index(aclTokens.index), firstWatch[*ACLToken](tx.txn, ws, aclTokens.table, bySecret, tx.in.partsKey(secret))
}

// ACLTokensExpired lists up to limit tokens whose time is over, oldest first.
func (tx *Tx) ACLTokensExpired(now time.Time, limit int) []*ACLToken {
	var list []*ACLToken
	for t := range rows[*ACLToken](tx.txn, nil, aclTokens.table, byExpires, tx.in.all()) {
		if len(list) == limit || !t.HasExpired(now) {
			break
		}
		list = append(list, t)
	}
	return list
}

// ACLNextExpiry returns when the next token's time is over, 0 if none has an end.
func (tx *Tx) ACLNextExpiry() int64 {
	if t := firstUnder[*ACLToken](tx.txn, aclTokens.table, byExpires, tx.in.all()); t != nil {
		return t.Expires
	}
	return 0
}

// ACLBootstrapped returns the index of the last bootstrap, 0 if there was none.
func (tx *Tx) ACLBootstrapped() uint64 { return tx.index(indexACLBootstrap) }

func (w *writer) aclToken(c *ACLTokenWrite) error {
	if c.Bootstrap {
		if err := w.mayBootstrap(c.ResetIndex); err != nil {
			return err
		}
	}
	for _, t := range c.Tokens {
		if c.Verb != ACLDelete && (t == nil || t.SecretID == "") {
			return fault.New(fault.Internal, "an ACL token needs a secret")
		}
		if c.Verb == ACLCreate && t.AuthMethod != "" && !w.hasAuthMethod(t.AuthMethod) { // it went while somebody logged in
			return fault.New(fault.Denied, "ACL not found: auth method %q not found", t.AuthMethod)
		}
	}
	if err := aclWrite(w, aclTokens, c.Verb, c.Tokens, w.aclTokenTaken); err != nil {
		return err
	}
	if c.Bootstrap {
		w.bump(indexACLBootstrap)
	}
	return nil
}

// Refusals of a bootstrap, reference/http-operator-acl.md §3.1 and security.md §9.
const (
	textBootstrapDone  = "ACL bootstrap no longer allowed (reset index: %d)"
	textBootstrapIndex = "Invalid bootstrap reset index (specified %d, reset index: %d)"
)

func (w *writer) mayBootstrap(reset uint64) error {
	last := w.lastBump(indexACLBootstrap)
	switch {
	case last == 0 || reset == last:
		return nil
	case reset == 0:
		return fault.New(fault.Denied, textBootstrapDone, last)
	}
	return fault.New(fault.Rejected, textBootstrapIndex, reset, last)
}

// lastBump returns the value of an index row as the commands before this one left
// it, those of the same batch too.
func (w *writer) lastBump(key string) uint64 {
	if value, moved := w.bumps[w.in.name(key)]; moved {
		return value
	}
	if row := first[*indexRow](w.txn, tableIndex, byID, w.in.text(key)); row != nil {
		return row.Value
	}
	return 0
}

// aclTokenTaken returns another token of the same secret, or nil.
func (w *writer) aclTokenTaken(t *ACLToken) *ACLToken {
	other := first[*ACLToken](w.txn, aclTokens.table, bySecret, aclTokenBySecret(t))
	if other != nil && !sameID(other.AccessorID, t.AccessorID) {
		return other
	}
	return nil
}

func (re *restorer) aclToken(t *ACLToken) error {
	return aclRestore(re, aclTokens, t, (*writer).aclTokenTaken)
}
