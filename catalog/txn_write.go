package catalog

import (
	"errors"
	"fmt"
)

// transact runs one Txn. It may have to be undone, so nothing of the batch but it
// is in the memdb transaction: apply saw to that.
func (w *writer) transact(t *Txn) any {
	answer := runTxn(t.Ops, w.txnOp)
	if len(answer.Errors) > 0 {
		w.undo()
	}
	return answer
}

// txnOp runs one operation, which sees what those before it did.
func (w *writer) txnOp(op *TxnOp) ([]TxnResult, error) {
	switch {
	case op.IsRead():
		return (&Tx{txn: w.txn, in: w.in}).txnRead(op)
	case op.KV != nil:
		return w.txnKV(op.KV)
	case op.Node != nil:
		return w.txnNode(op.Node)
	case op.Service != nil:
		return w.txnService(op.Service)
	default:
		return w.txnCheck(op.Check)
	}
}

// kvVerbs are the verbs of KVWrite that do what those of transactions do.
var kvVerbs = map[TxnVerb]KVVerb{
	TxnSet: KVSet, TxnCAS: KVCAS, TxnLock: KVLock, TxnUnlock: KVUnlock,
	TxnDelete: KVDelete, TxnDeleteCAS: KVDeleteCAS, TxnDeleteTree: KVDeleteTree,
}

// kvRefusals say why a verb did not take place.
var kvRefusals = map[TxnVerb]string{
	TxnCAS:       "failed to set key %q, index is stale",
	TxnDeleteCAS: "failed to delete key %q, index is stale",
	TxnLock:      "failed to lock key %q, lock is already held",
	TxnUnlock:    "failed to unlock key %q, lock isn't held, or is held by another session",
}

func (w *writer) txnKV(op *TxnKV) ([]TxnResult, error) {
	switch done := w.kvWrite(&KVWrite{Verb: kvVerbs[op.Verb], Entry: op.Entry}).(type) {
	case error:
		return nil, done
	case bool:
		if !done {
			return nil, fmt.Errorf(kvRefusals[op.Verb], op.Entry.Key)
		}
	}
	switch op.Verb {
	case TxnDelete, TxnDeleteCAS, TxnDeleteTree:
		return nil, nil
	}
	return []TxnResult{{KV: first[*KVEntry](w.txn, tableKV, byID, kvID(&op.Entry)).bare()}}, nil
}

// casFits reports whether a comparison holds. modified is the index of what is
// stored, 0 if nothing is; index is the one asked for, 0 to set what must be new.
func casFits(verb TxnVerb, modified, index uint64) bool {
	switch verb {
	case TxnCAS:
		return modified == index
	case TxnDeleteCAS:
		return modified == index && modified != 0
	}
	return true
}

// stale is the refusal of a comparison that does not hold.
func (v TxnVerb) stale(what string) error {
	if v == TxnCAS {
		return errors.New("failed to set " + what + ", index is stale")
	}
	return errors.New("failed to delete " + what + ", index is stale")
}

func (v TxnVerb) deletes() bool { return v == TxnDelete || v == TxnDeleteCAS }

func (w *writer) txnNode(op *TxnNode) ([]TxnResult, error) {
	n, modified := &op.Node, uint64(0)
	old := first[*Node](w.txn, tableNode, byID, nodeID(n))
	if old != nil {
		modified = old.ModifyIndex
	}
	if !casFits(op.Verb, modified, n.ModifyIndex) {
		return nil, op.Verb.stale(fmt.Sprintf("node %q", n.Node))
	}
	if op.Verb.deletes() {
		if old != nil {
			w.removeNode(old)
		}
		return nil, nil
	}
	plan, err := w.planNode(&Register{
		ID: n.ID, Node: n.Node, Address: n.Address, Datacenter: n.Datacenter,
		TaggedAddresses: n.TaggedAddresses, NodeMeta: n.Meta, Locality: n.Locality,
	})
	if err != nil {
		return nil, err
	}
	w.putNode(plan)
	return []TxnResult{{Node: plan.row}}, nil
}

// errNoNode and errNoService are what a registration alone makes good itself.
var (
	errNoNode    = errors.New("Missing node registration")
	errNoService = errors.New("Missing service registration")
)

func (w *writer) txnService(op *TxnService) ([]TxnResult, error) {
	s, modified := &op.Service, uint64(0)
	old := first[*Service](w.txn, tableService, byID, serviceID(s))
	if old != nil {
		modified = old.ModifyIndex
	}
	if !casFits(op.Verb, modified, s.ModifyIndex) {
		return nil, op.Verb.stale(fmt.Sprintf("service %q on node %q", s.ID, s.Node))
	}
	if op.Verb.deletes() {
		if old != nil {
			w.removeService(old)
		}
		return nil, nil
	}
	if first[*Node](w.txn, tableNode, byID, w.in.nodeKey(s.Node)) == nil {
		return nil, errNoNode
	}
	if err := s.planMeta(s.Node); err != nil {
		return nil, err
	}
	w.putService(s)
	return []TxnResult{{Service: first[*Service](w.txn, tableService, byID, serviceID(s))}}, nil
}

// checkLookups say what looking up a check was for.
var checkLookups = map[TxnVerb]string{
	TxnSet: "failed health check lookup: %w", TxnCAS: "failed check lookup: %w",
	TxnDelete: "check lookup failed: %w", TxnDeleteCAS: "check lookup failed: failed check lookup: %w",
}

func (w *writer) txnCheck(op *TxnCheck) ([]TxnResult, error) {
	c, modified := &op.Check, uint64(0)
	if !c.hasKey() {
		return nil, fmt.Errorf(checkLookups[op.Verb], errCheckKey)
	}
	old := first[*Check](w.txn, tableCheck, byID, checkID(c))
	if old != nil {
		modified = old.ModifyIndex
	}
	if !casFits(op.Verb, modified, c.ModifyIndex) {
		return nil, op.Verb.stale(fmt.Sprintf("check %q on node %q", c.CheckID, c.Node))
	}
	if op.Verb.deletes() {
		if old != nil {
			w.noteCheckAs(EventDeregistered, "", old)
			w.removeCheck(old)
		}
		return nil, nil
	}
	switch {
	case first[*Node](w.txn, tableNode, byID, w.in.nodeKey(c.Node)) == nil:
		return nil, errNoNode
	case c.ServiceID != "" && first[*Service](w.txn, tableService, byID, w.in.serviceKey(c.Node, c.ServiceID)) == nil:
		return nil, errNoService
	}
	w.putCheck(c)
	return []TxnResult{{Check: first[*Check](w.txn, tableCheck, byID, checkID(c))}}, nil
}
