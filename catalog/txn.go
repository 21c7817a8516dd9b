package catalog

import (
	"fmt"
	"strings"

	"praetor/internal/fault"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:65536 maps:65536

// TxnVerb is what an operation of a transaction does
// (reference/http-kv-session-txn.md §3.1).
type TxnVerb string

// The verbs. Keys know all, the others only the first five.
const (
	TxnGet       TxnVerb = "get"
	TxnSet       TxnVerb = "set"
	TxnCAS       TxnVerb = "cas"
	TxnDelete    TxnVerb = "delete"
	TxnDeleteCAS TxnVerb = "delete-cas"

	TxnGetOrEmpty     TxnVerb = "get-or-empty"
	TxnGetTree        TxnVerb = "get-tree"
	TxnLock           TxnVerb = "lock"
	TxnUnlock         TxnVerb = "unlock"
	TxnDeleteTree     TxnVerb = "delete-tree"
	TxnCheckIndex     TxnVerb = "check-index"
	TxnCheckSession   TxnVerb = "check-session"
	TxnCheckNotExists TxnVerb = "check-not-exists"
)

// TxnCommand carries a Txn; its result is a *TxnAnswer or an error.
const TxnCommand CommandType = 9

var txnCommand = answers(TxnCommand, "txn", (*writer).transact)

// Txn is the command that does several things, all or none of them. Its result
// is a *TxnAnswer.
type Txn struct {
	Ops []TxnOp
}

// TxnOp is one operation: the one member that is not nil.
type TxnOp struct {
	KV      *TxnKV
	Node    *TxnNode
	Service *TxnService
	Check   *TxnCheck
}

// TxnKV works on keys. To compare an index is to compare Entry.ModifyIndex.
type TxnKV struct {
	Verb  TxnVerb
	Entry KVEntry
}

// TxnNode works on a node, which get also finds by its ID.
type TxnNode struct {
	Verb TxnVerb
	Node Node
}

// TxnService works on an instance on Service.Node.
type TxnService struct {
	Verb    TxnVerb
	Service Service
}

// TxnCheck works on a check.
type TxnCheck struct {
	Verb  TxnVerb
	Check Check
}

// TxnAnswer is what became of a transaction. If there are errors nothing was
// done, and there are no results.
type TxnAnswer struct {
	Results []TxnResult
	Errors  []TxnError
}

// TxnResult is what one operation gave: the one member that is not nil.
type TxnResult struct {
	KV      *KVEntry
	Node    *Node
	Service *Service
	Check   *Check
}

// TxnError says why an operation failed.
type TxnError struct {
	OpIndex int
	What    string
}

// IsRead reports whether an operation changes nothing. Of verbs that nobody
// knows, those on keys count as reads, as recorded (conformance txn/client_agent).
func (op *TxnOp) IsRead() bool {
	switch {
	case op.Node != nil:
		return op.Node.Verb == TxnGet
	case op.Service != nil:
		return op.Service.Verb == TxnGet
	case op.Check != nil:
		return op.Check.Verb == TxnGet
	case op.KV == nil:
		return true
	}
	switch op.KV.Verb {
	case TxnSet, TxnCAS, TxnLock, TxnUnlock, TxnDelete, TxnDeleteCAS, TxnDeleteTree:
		return false
	}
	return true
}

// Prepare fills in defaults and says what is wrong with an operation taken by
// itself; kind fault.Rejected. Apply calls it; a leader may call it earlier to
// refuse before logging.
func (op *TxnOp) Prepare() error {
	switch {
	case op.KV != nil:
		return op.KV.prepare()
	case op.Node != nil:
		return op.Node.prepare()
	case op.Service != nil:
		return op.Service.prepare()
	case op.Check != nil:
		return op.Check.prepare()
	}
	return fault.New(fault.Rejected, "an operation that does nothing")
}

func (op *TxnKV) prepare() error {
	if op.Entry.Key == "" {
		return fault.New(fault.Rejected, "Must provide key")
	}
	switch op.Verb {
	case TxnGet, TxnSet, TxnCAS, TxnDelete, TxnDeleteCAS, TxnGetOrEmpty, TxnGetTree, TxnLock, TxnUnlock, TxnDeleteTree,
		TxnCheckIndex, TxnCheckSession, TxnCheckNotExists:
		return nil
	}
	return fault.New(fault.Rejected, "unknown KV operation: %s", op.Verb)
}

// checkVerb refuses what only keys know.
func checkVerb(what string, verb TxnVerb) error {
	switch verb {
	case TxnGet, TxnSet, TxnCAS, TxnDelete, TxnDeleteCAS:
		return nil
	}
	return fault.New(fault.Rejected, "unknown %s operation: %s", what, verb)
}

func (op *TxnNode) prepare() error {
	if err := checkVerb("node", op.Verb); err != nil {
		return err
	}
	n := &op.Node
	n.ID, n.TaggedAddresses, n.Meta = strings.ToLower(n.ID), nilEmptyMap(n.TaggedAddresses), nilEmptyMap(n.Meta)
	if n.Node == "" && op.Verb != TxnGet {
		return fault.New(fault.Rejected, "Must provide node")
	}
	return nil
}

func (op *TxnService) prepare() error {
	if err := checkVerb("service", op.Verb); err != nil {
		return err
	}
	if op.Verb == TxnGet { // by its ID alone, as recorded (conformance txn/service_ops)
		return nil
	}
	return op.Service.prepare()
}

func (op *TxnCheck) prepare() error {
	if err := checkVerb("check", op.Verb); err != nil {
		return err
	}
	if op.Verb != TxnGet && op.Check.CheckID == "" { // get asks for the ID alone
		op.Check.CheckID = op.Check.Name
	}
	if op.Check.Status == "" {
		op.Check.Status = Critical
	}
	op.Check.Definition.prepare()
	return nil
}

// ReadTxn runs operations that change nothing.
func (tx *Tx) ReadTxn(ops []TxnOp) *TxnAnswer {
	return runTxn(ops, func(op *TxnOp) ([]TxnResult, error) {
		if !op.IsRead() {
			return nil, fault.New(fault.Internal, "a read transaction that writes")
		}
		return tx.txnRead(op)
	})
}

// runTxn runs all operations, also after one that failed: who asked learns of
// all that is wrong.
func runTxn(ops []TxnOp, run func(op *TxnOp) ([]TxnResult, error)) *TxnAnswer {
	answer := &TxnAnswer{Results: make([]TxnResult, 0, len(ops))}
	for i := range ops {
		err := ops[i].Prepare()
		if err == nil {
			var results []TxnResult
			results, err = run(&ops[i])
			answer.Results = append(answer.Results, results...)
		}
		if err != nil {
			answer.Errors = append(answer.Errors, TxnError{OpIndex: i, What: err.Error()})
		}
	}
	if len(answer.Errors) > 0 {
		answer.Results = nil
	}
	return answer
}

// txnRead runs one operation that changes nothing.
func (tx *Tx) txnRead(op *TxnOp) ([]TxnResult, error) {
	switch {
	case op.KV != nil:
		return tx.txnReadKV(op.KV)
	case op.Node != nil:
		n := tx.txnNode(&op.Node.Node)
		if n == nil {
			return nil, fmt.Errorf("node %q doesn't exist", op.Node.Node.label())
		}
		return []TxnResult{{Node: n}}, nil
	case op.Service != nil:
		s := first[*Service](tx.txn, tableService, byID, tx.in.serviceKey(op.Service.Service.Node, op.Service.Service.ID))
		if s == nil {
			return nil, fmt.Errorf("service %q on node %q doesn't exist", op.Service.Service.ID, op.Service.Service.Node)
		}
		return []TxnResult{{Service: s}}, nil
	default:
		if !op.Check.Check.hasKey() {
			return nil, fmt.Errorf("failed check lookup: %w", errCheckKey)
		}
		c := first[*Check](tx.txn, tableCheck, byID, tx.in.checkKey(op.Check.Check.Node, op.Check.Check.CheckID))
		if c == nil {
			return nil, fmt.Errorf("check %q on node %q doesn't exist", op.Check.Check.CheckID, op.Check.Check.Node)
		}
		return []TxnResult{{Check: c}}, nil
	}
}

// txnNode finds a node by its ID if it has one, else by its name.
func (tx *Tx) txnNode(n *Node) *Node {
	if n.ID != "" {
		return first[*Node](tx.txn, tableNode, byUUID, tx.in.text(foldUUID(n.ID)))
	}
	return first[*Node](tx.txn, tableNode, byID, tx.in.nodeKey(n.Node))
}

// label is how errors call a node.
func (n *Node) label() string {
	if n.Node == "" {
		return n.ID
	}
	return n.Node
}

func (tx *Tx) txnReadKV(op *TxnKV) ([]TxnResult, error) {
	key := op.Entry.Key
	if op.Verb == TxnGetTree {
		results := make([]TxnResult, 0)
		for e := range rows[*KVEntry](tx.txn, nil, tableKV, byID, tx.in.text(key)) {
			results = append(results, TxnResult{KV: e})
		}
		return results, nil
	}
	e := first[*KVEntry](tx.txn, tableKV, byID, tx.in.text(key))
	switch {
	case op.Verb == TxnCheckNotExists && e != nil:
		return nil, fmt.Errorf("key %q exists", key)
	case op.Verb == TxnCheckNotExists:
		return nil, nil
	case op.Verb == TxnGetOrEmpty && e == nil:
		return []TxnResult{{KV: &KVEntry{Key: key}}}, nil
	case op.Verb == TxnGet && e == nil:
		return nil, fmt.Errorf("key %q doesn't exist", key)
	case op.Verb == TxnCheckSession && e == nil:
		return nil, fmt.Errorf("failed to check session, key %q doesn't exist", key)
	case op.Verb == TxnCheckSession && e.Session != op.Entry.Session:
		return nil, fmt.Errorf("failed session check for key %q, current session %q != %q", key, e.Session, op.Entry.Session)
	case op.Verb == TxnCheckIndex && e == nil:
		return nil, fmt.Errorf("failed to check index, key %q doesn't exist", key)
	case op.Verb == TxnCheckIndex && e.ModifyIndex != op.Entry.ModifyIndex:
		return nil, fmt.Errorf("failed index check for key %q, current modify index %d != %d", key, e.ModifyIndex, op.Entry.ModifyIndex)
	case op.Verb == TxnCheckSession || op.Verb == TxnCheckIndex:
		return []TxnResult{{KV: e.bare()}}, nil
	}
	return []TxnResult{{KV: e}}, nil
}

// bare is an entry without its value.
func (e *KVEntry) bare() *KVEntry {
	b := *e
	b.Value = nil
	return &b
}
