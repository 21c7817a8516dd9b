package ops

import (
	"praetor/catalog"
	"praetor/internal/rpc"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false

var (
	// KVApply changes keys.
	KVApply = rpc.Write[KVApplyRequest, KVApplyReply]("KV.Apply").Briefly()
	// KVGet reads one key; the reply's Entry is nil if it is absent.
	KVGet = rpc.ReadState[KVGetRequest, KVGetReply]("KV.Get").Briefly()
	// KVList reads every key under a prefix.
	KVList = rpc.ReadState[KVListRequest, KVListReply]("KV.List")
	// KVStream is KVList for what does not fit a reply: the entries follow it, one
	// after the other.
	KVStream = rpc.ReadTransfer[KVListRequest, KVStreamReply]("KV.Stream")
	// KVKeys lists keys under a prefix, folded at a separator.
	KVKeys = rpc.ReadState[KVKeysRequest, KVKeysReply]("KV.Keys")
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
	// MaxBytes, when not zero, asks for no entries if they have more than so many
	// bytes together.
	MaxBytes int
}

// KVListReply has no entries if they are TooLarge for the request.
type KVListReply struct {
	rpc.ReadMeta
	Entries  []*catalog.KVEntry
	TooLarge bool
}

// KVStreamReply comes before the entries. In the process that made it it has them
// itself, and nothing follows.
type KVStreamReply struct {
	rpc.ReadMeta
	Entries []*catalog.KVEntry `msg:"-"`
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
