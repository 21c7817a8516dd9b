package catalog

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false

// KVEntry is one key with its value (reference/http-kv-session-txn.md §1).
type KVEntry struct {
	LockIndex   uint64
	Key         string
	Flags       uint64
	Value       []byte
	Session     string
	CreateIndex uint64
	ModifyIndex uint64
}

// KVVerb is what a KVWrite does.
type KVVerb uint8

// The verbs. The Result of each is a bool: whether the write took place.
const (
	KVSet        KVVerb = iota // write; always true
	KVCAS                      // write if ModifyIndex is still Entry.ModifyIndex (0: if absent)
	KVDelete                   // delete; true also when absent
	KVDeleteCAS                // delete if ModifyIndex is still Entry.ModifyIndex; true when absent
	KVDeleteTree               // delete every key that starts with Entry.Key; always true
)

// KVWrite is the command that changes keys.
type KVWrite struct {
	Verb  KVVerb
	Entry KVEntry
}
