package httpapi

import (
	"net/http"
	"slices"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// txn runs a transaction; one that only reads goes where reads go
// (reference/http-kv-session-txn.md §3).
func txn(x *exchange) error {
	list, err := x.decodeTxn()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(list, func(op catalog.TxnOp) bool { return !op.IsRead() }) {
		return txnRead(x, list)
	}
	rep, err := ops.TxnApply.Call(x.r.Context(), x.api.opts.Caller, &ops.TxnApplyRequest{WriteOptions: x.writeOptions(), Ops: list})
	if err != nil {
		return err
	}
	return x.replyTxn(&rep.Answer, nil)
}

func txnRead(x *exchange, list []catalog.TxnOp) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	opts.MinIndex, opts.MaxWait = 0, 0
	rep, err := ops.TxnRead.Call(x.r.Context(), x.api.opts.Caller, &ops.TxnReadRequest{ReadOptions: opts, Ops: list})
	if err != nil {
		return err
	}
	x.writeMeta(&rep.ReadMeta)
	delete(x.w.Header(), "X-Consul-Index") // there is nothing to wait for
	delete(x.w.Header(), "X-Consul-Query-Backend")
	return x.replyTxn(&rep.Answer, &rep.ReadMeta)
}

// replyTxn answers with what became of a transaction; meta is nil for those that write.
func (x *exchange) replyTxn(answer *catalog.TxnAnswer, meta *rpc.ReadMeta) error {
	status := http.StatusOK
	if len(answer.Errors) > 0 {
		status = http.StatusConflict
	}
	return x.replyStatus(status, func(b []byte) []byte {
		b = wire.AppendTxnAnswer(b, answer)
		if meta != nil {
			b = wire.AppendMeta(b, meta, meta.Index, "", meta.Filtered && x.token != "")
		}
		return append(b, '}')
	})
}
