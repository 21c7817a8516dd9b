package ops

import (
	"praetor/catalog"
	"praetor/internal/rpc"
)

var (
	// KVHistory lists the changes of one key, the latest first.
	KVHistory = rpc.Read[KVHistoryRequest, KVHistoryReply]("KV.History")
	// KVAt reads what a key was at a moment of the past.
	KVAt = rpc.Read[KVAtRequest, KVAtReply]("KV.At")
	// CatalogHistory lists changes of the catalog, the latest first.
	CatalogHistory = rpc.Read[CatalogHistoryRequest, CatalogHistoryReply]("Catalog.History")
)

type KVHistoryRequest struct {
	rpc.ReadOptions
	Key   string
	Limit int // 0 for as many as a reply may have
}

type KVHistoryReply struct {
	rpc.ReadMeta
	Changes []*catalog.KeyChange
}

// KVAtRequest names the moment by its index, or where that is 0 by its time in
// nanoseconds since 1970.
type KVAtRequest struct {
	rpc.ReadOptions
	Key   string
	Index uint64
	Time  int64
}

// KVAtReply has no Entry if the key was not there.
type KVAtReply struct {
	rpc.ReadMeta
	Entry *catalog.KVEntry
}

// CatalogHistoryRequest wants changes of a service, of a node and of a kind; "" stands for all.
type CatalogHistoryRequest struct {
	rpc.ReadOptions
	Service string
	Node    string
	Kind    string
	Since   int64 // nanoseconds since 1970
	Limit   int   // 0 for as many as a reply may have
}

type CatalogHistoryReply struct {
	rpc.ReadMeta
	Changes []*catalog.CatalogChange
}
