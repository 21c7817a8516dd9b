package catalog

import (
	"fmt"
	"hash/fnv"
	"strings"

	"praetor/internal/memdb"
)

const tableIndex = "index"

var indexTable = func() *table {
	t := stored(tableIndex, 6, "Index", indexRowID, (*restorer).indexRow)
	row := t.restore
	t.restore = func(re *restorer, body []byte) error {
		if isHistory(body) {
			return restoreRow(body, re.historyRecord)
		}
		return row(re, body)
	}
	return t
}()

func indexRowID(r *indexRow) []byte { return []byte(r.Key) }

// The names of index rows.
const (
	indexLast            = "last"              // every command
	indexNodes           = "nodes"             // node rows, and instances coming, changing, going
	indexServices        = "services"          // instances coming, changing, going
	indexChecks          = "checks"            // check rows
	indexKVs             = "kvs"               // keys
	indexTombstones      = "tombstones"        // deletions of keys
	indexServiceExtinct  = "service_extinct"   // a service lost its last instance
	indexNodeGone        = "node_gone"         // a node was removed
	indexCoordinates     = "coordinates"       // coordinates
	indexSessions        = "sessions"          // sessions
	indexQueries         = "queries"           // prepared queries
	indexConfigs         = "configs"           // config entries
	indexACLPolicies     = "acl_policies"      // ACL policies
	indexACLRoles        = "acl_roles"         // ACL roles
	indexACLTokens       = "acl_tokens"        // ACL tokens
	indexACLAuthMethods  = "acl_auth_methods"  // auth methods
	indexACLBindingRules = "acl_binding_rules" // binding rules
	indexACLBootstrap    = "acl_bootstrap"     // the first management token was made
	indexACLs            = "acls"              // any of the ACL rows
	indexCARoots         = "ca_roots"          // roots of the mesh
	indexCAConfig        = "ca_config"         // how its authority signs

	// One row per service that has instances. The first moves with everything
	// health/service shows; the second, without checks, is what catalog/service
	// watches (but its index is the first's: reference/http-api.md §5).
	prefixHealth    = "service/"
	prefixInstances = "instances/"

	// One row per service that something serves inside the mesh; it moves with
	// all that health/connect shows.
	prefixMesh = "mesh/"

	// One row per node: its record and instances, not checks.
	prefixNode = "node/"

	// Rows that always exist and are never in a snapshot, see birthKey.
	prefixBirth = "birth/"
)

// tableIndexes are the rows that stand for whole tables.
var tableIndexes = []string{
	indexNodes, indexServices, indexChecks, indexKVs, indexTombstones, indexSessions, indexCoordinates, indexQueries, indexConfigs,
	indexACLPolicies, indexACLRoles, indexACLTokens, indexACLAuthMethods, indexACLBindingRules, indexACLs,
	indexCARoots, indexCAConfig,
}

// birthRows is how finely births are told apart: more rows wake fewer watchers
// for nothing, but every new store writes them.
const birthRows = 64

// birthKey names one of birthRows rows that a watcher of a missing service sleeps
// on. Each moves only when a service with the same hash gets its first instance.
func birthKey(foldedName string) string {
	h := fnv.New32a()
	h.Write([]byte(foldedName))
	return birthRow(h.Sum32() % birthRows)
}

func birthRow(n uint32) string { return fmt.Sprintf("%s%02x", prefixBirth, n) }

// seedIndexes writes the rows that are watched before they ever move: the
// channel of a missing row would close with every change nearby.
func seedIndexes(txn *memdb.Txn) {
	for _, key := range []string{indexNodes, indexServices, indexChecks, indexServiceExtinct, indexNodeGone, indexCoordinates, indexSessions, indexQueries, indexConfigs,
		indexACLPolicies, indexACLRoles, indexACLTokens, indexACLAuthMethods, indexACLBindingRules, indexACLs, indexCARoots, indexCAConfig} {
		txn.Insert(tableIndex, &indexRow{Key: key})
	}
	for n := range uint32(birthRows) {
		txn.Insert(tableIndex, &indexRow{Key: birthRow(n)})
	}
}

// inSnapshot reports whether an index row is written to snapshots. The last
// index is in the header.
func (r *indexRow) inSnapshot() bool {
	return r.Key != "" && r.Value != 0 && r.Key != indexLast && !strings.HasPrefix(r.Key, prefixBirth)
}

// index returns the value of an index row, 0 if there is none.
func (tx *Tx) index(key string) uint64 {
	if row := first[*indexRow](tx.txn, tableIndex, byID, []byte(tx.in.name(key))); row != nil {
		return row.Value
	}
	return 0
}

// watchIndex is index and watches the row.
func (tx *Tx) watchIndex(ws WatchSet, key string) uint64 {
	if row := firstWatch[*indexRow](tx.txn, ws, tableIndex, byID, []byte(tx.in.name(key))); row != nil {
		return row.Value
	}
	return 0
}

// bump moves an index row to the command's index when the batch is committed.
func (w *writer) bump(key string) { w.bumps[w.in.name(key)] = w.index }

// drop removes an index row when the batch is committed.
func (w *writer) drop(key string) { w.bumps[w.in.name(key)] = 0 }

// flushIndexes writes the rows that the batch moved, each once.
func (w *writer) flushIndexes() {
	for key, value := range w.bumps {
		row := &indexRow{Key: key, Value: value}
		if value != 0 {
			w.txn.Insert(tableIndex, row)
		} else {
			w.txn.Delete(tableIndex, row)
		}
	}
}

// indexRow takes an index row of a snapshot.
func (re *restorer) indexRow(r *indexRow) error {
	old := first[*indexRow](re.w.txn, tableIndex, byID, indexRowID(r))
	switch {
	case !r.inSnapshot():
		return fmt.Errorf("index row %q = %d does not belong here", r.Key, r.Value)
	case old != nil && old.Value != 0: // new databases hold some at 0
		return errTwice
	}
	re.w.txn.Insert(tableIndex, r)
	return re.indexes(0, r.Value)
}
