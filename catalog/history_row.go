package catalog

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=true
//msgp:limit arrays:4194304 maps:65536

// Note is what a leader puts beside a command for the history: who asked for it. It stands
// outside the command, so that a server that knows no notes applies the same.
type Note struct {
	Accessor string `msg:"a,omitempty"` // the public name of the token; "" for none
	Agent    string `msg:"n,omitempty"` // the node of the agent that was asked, as that agent says
	Event    string `msg:"e,omitempty"` // what happened beside what the command does: EventElected or EventRestored
}

// KeyChange is one change of a key.
type KeyChange struct {
	Index    uint64
	Time     int64  // nanoseconds since 1970, by the clock of the leader that took it in; 0 if unknown
	Accessor string `msg:"Accessor,omitempty"`
	Agent    string `msg:"Agent,omitempty"`
	Key      string
	Op       string   // one of the Key... constants
	Old      *KVEntry `msg:"Old,omitempty"` // before; nil if there was none
	// New is what it was after, nil if it was gone. The history does not keep it: it is Old of
	// the key's next change, or what the key is now.
	New *KVEntry `msg:"New,omitempty"`
}

// What changed a key.
const (
	KeySet         = "set"
	KeyDelete      = "delete"
	KeyDeleteTree  = "delete-tree"
	KeyLock        = "lock"
	KeyUnlock      = "unlock"
	KeySessionGone = "session-end" // the session that held it ended
)

// CatalogChange is one thing that happened to the catalog.
type CatalogChange struct {
	Index     uint64
	Time      int64  // as KeyChange.Time
	Accessor  string `msg:"Accessor,omitempty"`
	Agent     string `msg:"Agent,omitempty"`
	Kind      string // what it is about: one of the Kind... constants
	Event     string // what happened to it: one of the Event... constants
	Node      string `msg:"Node,omitempty"` // of KindLeader the new leader
	Service   string `msg:"Service,omitempty"`
	ServiceID string `msg:"ServiceID,omitempty"`
	CheckID   string `msg:"CheckID,omitempty"`
	CheckName string `msg:"CheckName,omitempty"`
	From      string `msg:"From,omitempty"`    // the status of a check before, "" if it is new
	To        string `msg:"To,omitempty"`      // and after
	Output    string `msg:"Output,omitempty"`  // of a check, its beginning
	Address   string `msg:"Address,omitempty"` // of a node or an instance after it; with its port, if it has one
}

// What a CatalogChange is about.
const (
	KindNode     = "node"
	KindService  = "service"
	KindCheck    = "check"
	KindLeader   = "leader"
	KindSnapshot = "snapshot"
)

// What happened.
const (
	EventRegistered   = "registered"
	EventChanged      = "changed" // of a check: its status
	EventDeregistered = "deregistered"
	EventElected      = "elected"  // of KindLeader
	EventRestored     = "restored" // of KindSnapshot: the history begins anew
)

// historyRecord is a part of a history in a snapshot. Versions that know no history read an
// index row of a name that nobody asks for, and pass Rows over.
type historyRecord struct {
	Key   string
	Value uint64 // the index of its last row
	Rows  []byte // a historyChunk
}

// historyChunk is some rows of one journal.
type historyChunk struct {
	From     uint64           `msg:"From"` // as journal.from
	FromTime int64            `msg:"FromTime"`
	Keys     []*KeyChange     `msg:"Keys,omitempty"`
	Catalog  []*CatalogChange `msg:"Catalog,omitempty"`
}
