package ops

import (
	"praetor/catalog"
	"praetor/internal/rpc"
)

var (
	// TxnApply does several things, all or none of them.
	TxnApply = rpc.Write[TxnApplyRequest, TxnApplyReply]("Txn.Apply")
	// TxnRead reads several things at one moment. It does not block.
	TxnRead = rpc.ReadState[TxnReadRequest, TxnReadReply]("Txn.Read")
)

// MaxTxnOps is how many operations a transaction may have
// (reference/http-kv-session-txn.md §3).
const MaxTxnOps = 128

type TxnApplyRequest struct {
	rpc.WriteOptions
	Ops []catalog.TxnOp
}

type TxnApplyReply struct {
	Answer catalog.TxnAnswer
	Index  uint64 // 0 if nothing was logged
}

// TxnReadRequest holds only operations that are reads.
type TxnReadRequest struct {
	rpc.ReadOptions
	Ops []catalog.TxnOp
}

// TxnReadReply has no meta data where the operations were refused unseen.
type TxnReadReply struct {
	rpc.ReadMeta
	Answer catalog.TxnAnswer
}
