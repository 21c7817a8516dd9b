package catalog

import (
	"io"

	"github.com/hashicorp/go-memdb"
)

// Store is the replicated state in memory. The zero value is not usable; call New.
type Store struct{}

// Entry is one committed log entry that holds a command.
type Entry struct {
	Index uint64
	Data  []byte
}

// New returns an empty store.
func New() *Store { panic("skeleton") }

// Apply runs a batch of committed commands in one transaction with one round
// of wake-ups and returns one result per entry (see CommandType). A command
// that cannot be decoded gives an error as its result and changes nothing.
func (s *Store) Apply(entries []Entry) []any { panic("skeleton") }

// Read opens a read transaction on the store as it is now. It costs two
// allocations and needs no closing.
func (s *Store) Read() *Tx { panic("skeleton") }

// Replaced returns a channel that closes when Restore replaces everything;
// blocking queries wait on it too.
func (s *Store) Replaced() <-chan struct{} { panic("skeleton") }

// WriteSnapshot streams the store as tx sees it to w.
func (tx *Tx) WriteSnapshot(w io.Writer) error { panic("skeleton") }

// Restore replaces the whole store with what r holds, all or nothing.
func (s *Store) Restore(r io.Reader) error { panic("skeleton") }

// WatchSet collects what a query depends on; nil collects nothing.
type WatchSet = memdb.WatchSet

// Tx is one moment of the store. Its rows are shared: do not change them.
type Tx struct{}

// LastIndex returns the index of the last command applied.
func (tx *Tx) LastIndex() uint64 { panic("skeleton") }

// Nodes lists all nodes by name.
func (tx *Tx) Nodes(ws WatchSet) (uint64, []*Node) { panic("skeleton") }

// Node finds a node by name (any case), by full ID, or by a unique ID prefix of
// at least two hex digits; nil if there is none.
func (tx *Tx) Node(ws WatchSet, nameOrID string) (uint64, *Node) { panic("skeleton") }

// NodeServices returns a node and its services, or nil.
func (tx *Tx) NodeServices(ws WatchSet, nameOrID string) (uint64, *NodeServices) { panic("skeleton") }

// NodeChecks lists the checks on a node (its own and its services').
func (tx *Tx) NodeChecks(ws WatchSet, name string) (uint64, []*Check) { panic("skeleton") }

// Services maps every service name to its distinct tags, sorted.
func (tx *Tx) Services(ws WatchSet) (uint64, map[string][]string) { panic("skeleton") }

// ServiceInstances lists the instances of a service by node name, then ID.
func (tx *Tx) ServiceInstances(ws WatchSet, name string) (uint64, []*Instance) { panic("skeleton") }

// ServiceHealth lists them with their checks.
func (tx *Tx) ServiceHealth(ws WatchSet, name string) (uint64, []*InstanceHealth) {
	panic("skeleton")
}

// ServiceChecks lists the checks attached to instances of a service.
func (tx *Tx) ServiceChecks(ws WatchSet, name string) (uint64, []*Check) { panic("skeleton") }

// ChecksInState lists the checks with a status; "any" lists all.
func (tx *Tx) ChecksInState(ws WatchSet, status string) (uint64, []*Check) { panic("skeleton") }

// KVGet returns a key's entry, or nil. The index is the entry's, or for an
// absent key the table's.
func (tx *Tx) KVGet(ws WatchSet, key string) (uint64, *KVEntry) { panic("skeleton") }

// KVList returns the entries whose keys start with prefix, in key order.
func (tx *Tx) KVList(ws WatchSet, prefix string) (uint64, []*KVEntry) { panic("skeleton") }

// KVKeys returns keys that start with prefix, each cut after the first
// separator past the prefix, without repeats; "" cuts nothing.
func (tx *Tx) KVKeys(ws WatchSet, prefix, separator string) (uint64, []string) { panic("skeleton") }

// Autopilot returns the replicated autopilot configuration, or nil before the
// first leader wrote it.
func (tx *Tx) Autopilot() *Autopilot { panic("skeleton") }
