package wire

import (
	"cmp"

	"praetor/catalog"
	"praetor/internal/definition"
	"praetor/internal/rpc"
)

// AppendTxnAnswer appends what became of a transaction, and leaves the object open
// (reference/http-kv-session-txn.md §3.2, §3.3).
func AppendTxnAnswer(b []byte, a *catalog.TxnAnswer) []byte {
	if len(a.Errors) == 0 {
		b = AppendList(append(b, `{"Results":`...), a.Results, appendTxnResult)
		return append(b, `,"Errors":null`...)
	}
	return AppendList(append(b, `{"Results":null,"Errors":`...), a.Errors, func(b []byte, e catalog.TxnError) []byte {
		b = AppendInt(b, `{"OpIndex":`, int64(e.OpIndex))
		return append(AppendText(b, `,"What":`, e.What), '}')
	})
}

// appendTxnResult shows absent tags as such, where other answers have an empty list.
func appendTxnResult(b []byte, r catalog.TxnResult) []byte {
	switch {
	case r.KV != nil:
		b = AppendKVEntry(append(b, `{"KV":`...), r.KV)
	case r.Node != nil:
		b = AppendNode(append(b, `{"Node":`...), r.Node)
	case r.Service != nil:
		b = AppendNodeServiceWith(append(b, `{"Service":`...), r.Service, AppendNullableStrings)
	default:
		b = AppendCheckWith(append(b, `{"Check":`...), r.Check, AppendNullableStrings)
	}
	return append(b, '}')
}

// AppendMeta appends what a read says of itself, in its body.
func AppendMeta(b []byte, m *rpc.ReadMeta, index uint64, level string, filtered bool) []byte {
	b = AppendUint(b, `,"Index":`, index)
	b = AppendInt(b, `,"LastContact":`, int64(m.LastContact))
	b = AppendBool(b, `,"KnownLeader":`, m.KnownLeader)
	b = AppendText(b, `,"ConsistencyLevel":`, level)
	return AppendBool(b, `,"NotModified":false,"Backend":0,"ResultsFilteredByACLs":`, filtered)
}

// TxnOp is one operation of a transaction: an object with one of its members.
type TxnOp struct {
	KV      *txnKVBody
	Node    *txnNodeBody
	Service *txnServiceBody
	Check   *txnCheckBody
}

type txnKVBody struct {
	Verb      catalog.TxnVerb
	Key       string
	Value     []byte
	Flags     uint64
	Index     uint64
	Session   string
	Namespace string // accepted and ignored
	Partition string // "
}

type txnNodeBody struct {
	Verb catalog.TxnVerb
	Node struct {
		nodeRow          // its Datacenter is ignored: there is only the one that is asked
		PeerName  string // clients send back what they read
		Partition string // "
	}
}

type nodeRow = catalog.Node

type txnServiceBody struct {
	Verb    catalog.TxnVerb
	Node    string
	Service struct {
		nodeServiceBody
		Namespace string // accepted and ignored
		Partition string // "
	}
}

type txnCheckBody struct {
	Verb  catalog.TxnVerb
	Check struct {
		checkBody
		Definition *Lenient[txnDefinitionBody]
		Namespace  string // accepted and ignored
		Partition  string // "
	}
}

// txnDefinitionBody has another name for each duration.
type txnDefinitionBody struct {
	definitionBody
	IntervalDuration                       definition.Duration
	TimeoutDuration                        definition.Duration
	DeregisterCriticalServiceAfterDuration definition.Duration
}

// Row is the operation as the catalog takes it; false if the object is empty.
func (b *TxnOp) Row() (op catalog.TxnOp, given bool) {
	switch {
	case b == nil:
		return op, false
	case b.KV != nil:
		op.KV = b.KV.op()
	case b.Node != nil:
		op.Node = b.Node.op()
	case b.Service != nil:
		op.Service = b.Service.op()
	case b.Check != nil:
		op.Check = b.Check.op()
	default:
		return op, false
	}
	return op, true
}

func (b *txnKVBody) op() *catalog.TxnKV {
	return &catalog.TxnKV{Verb: b.Verb, Entry: catalog.KVEntry{
		Key: b.Key, Value: b.Value, Flags: b.Flags, Session: b.Session, ModifyIndex: b.Index,
	}}
}

func (b *txnNodeBody) op() *catalog.TxnNode {
	n := b.Node.nodeRow
	n.Datacenter, n.CreateIndex = "", 0
	return &catalog.TxnNode{Verb: b.Verb, Node: n}
}

func (b *txnServiceBody) op() *catalog.TxnService {
	svc := b.Service.service()
	svc.Node, svc.ModifyIndex = b.Node, b.Service.ModifyIndex
	return &catalog.TxnService{Verb: b.Verb, Service: *svc}
}

func (b *txnCheckBody) op() *catalog.TxnCheck {
	body := b.Check.checkBody
	if d := b.Check.Definition; d != nil {
		body.Definition = &Lenient[definitionBody]{d.Value.definitionBody}
		given := &body.Definition.Value
		given.Interval = cmp.Or(d.Value.IntervalDuration, given.Interval)
		given.Timeout = cmp.Or(d.Value.TimeoutDuration, given.Timeout)
		given.DeregisterCriticalServiceAfter = cmp.Or(d.Value.DeregisterCriticalServiceAfterDuration, given.DeregisterCriticalServiceAfter)
	}
	check := body.check()
	check.ModifyIndex = body.ModifyIndex
	return &catalog.TxnCheck{Verb: b.Verb, Check: *check}
}
