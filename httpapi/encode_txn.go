package httpapi

import (
	"praetor/catalog"
	"praetor/internal/rpc"
)

// appendTxnAnswer appends what became of a transaction, and leaves the object open
// (reference/http-kv-session-txn.md §3.2, §3.3).
func appendTxnAnswer(b []byte, a *catalog.TxnAnswer) []byte {
	if len(a.Errors) == 0 {
		b = appendList(append(b, `{"Results":`...), a.Results, appendTxnResult)
		return append(b, `,"Errors":null`...)
	}
	return appendList(append(b, `{"Results":null,"Errors":`...), a.Errors, func(b []byte, e catalog.TxnError) []byte {
		b = appendInt(b, `{"OpIndex":`, int64(e.OpIndex))
		return append(appendText(b, `,"What":`, e.What), '}')
	})
}

// appendTxnResult shows absent tags as such, where other answers have an empty list.
func appendTxnResult(b []byte, r catalog.TxnResult) []byte {
	switch {
	case r.KV != nil:
		b = appendKVEntry(append(b, `{"KV":`...), r.KV)
	case r.Node != nil:
		b = appendNode(append(b, `{"Node":`...), r.Node)
	case r.Service != nil:
		b = appendNodeServiceWith(append(b, `{"Service":`...), r.Service, appendNullableStrings)
	default:
		b = appendCheckWith(append(b, `{"Check":`...), r.Check, appendNullableStrings)
	}
	return append(b, '}')
}

// appendMeta appends what a read says of itself, in its body.
func appendMeta(b []byte, m *rpc.ReadMeta, index uint64, level string, filtered bool) []byte {
	b = appendUint(b, `,"Index":`, index)
	b = appendInt(b, `,"LastContact":`, int64(m.LastContact))
	b = appendBool(b, `,"KnownLeader":`, m.KnownLeader)
	b = appendText(b, `,"ConsistencyLevel":`, level)
	return appendBool(b, `,"NotModified":false,"Backend":0,"ResultsFilteredByACLs":`, filtered)
}
