package httpapi

import (
	"cmp"
	"errors"
	"math"
	"net/http"

	"praetor/catalog"
	"praetor/internal/definition"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/shape"
)

// txnBody is one operation of a transaction: an object with one of its members.
type txnBody struct {
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
		Definition *lenient[txnDefinitionBody]
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

// decodeTxn reads the operations of a transaction, without empty ones.
func (x *exchange) decodeTxn() ([]catalog.TxnOp, error) {
	var bodies []*txnBody
	if err := x.decodeTxnBody(&bodies); err != nil {
		return nil, err
	}
	if n := len(bodies); n > ops.MaxTxnOps {
		return nil, fault.New(fault.TooLarge, "Transaction contains too many operations (%d > %d)", n, ops.MaxTxnOps)
	}
	list := make([]catalog.TxnOp, 0, len(bodies))
	for _, b := range bodies {
		op, given := b.op()
		if !given {
			continue
		}
		if most := x.api.opts.KVMaxValueSize; op.KV != nil && uint64(len(op.KV.Entry.Value)) > most {
			return nil, fault.New(fault.TooLarge, "Value for key %q is too large (%d > %d bytes)", op.KV.Entry.Key, len(op.KV.Entry.Value), most)
		}
		list = append(list, op)
	}
	return list, nil
}

func (x *exchange) decodeTxnBody(v any) error {
	most := max(x.api.opts.TxnMaxBytes, x.api.opts.KVMaxValueSize)
	if n := x.r.ContentLength; n > 0 && uint64(n) > most {
		return tooLarge(n, most, settingTxnSize)
	}
	body := x.open(int64(min(most, math.MaxInt64)))
	err := definition.Decode(shape.NewReader(body), v)
	var tooBig *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooBig):
		return tooLarge(tooBig.Limit+1, most, settingTxnSize) // at least so many: it came in chunks
	}
	return invalid("Failed to parse body: %w", err)
}

// op is the operation; false if the object is empty.
func (b *txnBody) op() (op catalog.TxnOp, given bool) {
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
		body.Definition = &lenient[definitionBody]{d.Value.definitionBody}
		given := &body.Definition.Value
		given.Interval = cmp.Or(d.Value.IntervalDuration, given.Interval)
		given.Timeout = cmp.Or(d.Value.TimeoutDuration, given.Timeout)
		given.DeregisterCriticalServiceAfter = cmp.Or(d.Value.DeregisterCriticalServiceAfterDuration, given.DeregisterCriticalServiceAfter)
	}
	check := body.check()
	check.ModifyIndex = body.ModifyIndex
	return &catalog.TxnCheck{Verb: b.Verb, Check: *check}
}
