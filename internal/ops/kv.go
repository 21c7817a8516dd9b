package ops

import (
	"praetor/catalog"
	"praetor/internal/rpc"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false

var (
	// KVApply changes keys.
	KVApply = rpc.Write[KVApplyRequest, KVApplyReply]("KV.Apply")
	// KVGet reads one key; the reply's Entry is nil if it is absent.
	KVGet = rpc.Read[KVGetRequest, KVGetReply]("KV.Get")
	// KVList reads every key under a prefix.
	KVList = rpc.Read[KVListRequest, KVListReply]("KV.List")
	// KVKeys lists keys under a prefix, folded at a separator.
	KVKeys = rpc.Read[KVKeysRequest, KVKeysReply]("KV.Keys")
)

type KVApplyRequest struct {
	rpc.WriteOptions
	Write catalog.KVWrite
}

type KVApplyReply struct {
	Done  bool
	Index uint64
}

type KVGetRequest struct {
	rpc.ReadOptions
	Key string
}

type KVGetReply struct {
	rpc.ReadMeta
	Entry *catalog.KVEntry
}

type KVListRequest struct {
	rpc.ReadOptions
	Prefix string
}

type KVListReply struct {
	rpc.ReadMeta
	Entries []*catalog.KVEntry
}

type KVKeysRequest struct {
	rpc.ReadOptions
	Prefix    string
	Separator string
}

type KVKeysReply struct {
	rpc.ReadMeta
	Keys []string
}
