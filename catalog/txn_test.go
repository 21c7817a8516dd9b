package catalog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"praetor/catalog"
)

// fullTxn has an operation of every kind; it succeeds on fullFixture.
func fullTxn() *catalog.Txn {
	return &catalog.Txn{Ops: []catalog.TxnOp{
		{KV: &catalog.TxnKV{Verb: catalog.TxnSet, Entry: catalog.KVEntry{Key: "k", Value: []byte("txn")}}},
		{KV: &catalog.TxnKV{Verb: catalog.TxnLock, Entry: catalog.KVEntry{Key: "new", Session: "s"}}},
		{KV: &catalog.TxnKV{Verb: catalog.TxnGetTree, Entry: catalog.KVEntry{Key: "k"}}},
		{Node: &catalog.TxnNode{Verb: catalog.TxnSet, Node: catalog.Node{Node: "n2", Address: "10.0.0.2", Meta: map[string]string{"a": "b"}}}},
		{Service: &catalog.TxnService{Verb: catalog.TxnSet, Service: catalog.Service{Node: "n2", Service: "db"}}},
		{Check: &catalog.TxnCheck{Verb: catalog.TxnCAS, Check: catalog.Check{Node: "n2", CheckID: "d", ServiceID: "db"}}},
		{Node: &catalog.TxnNode{Verb: catalog.TxnGet, Node: catalog.Node{ID: "40404040-0000-0000-0000-000000000001"}}},
		{Service: &catalog.TxnService{Verb: catalog.TxnGet, Service: catalog.Service{Node: "n1", ID: "p"}}},
		{Check: &catalog.TxnCheck{Verb: catalog.TxnDelete, Check: catalog.Check{Node: "n1", CheckID: "c"}}},
	}}
}

// txn makes a few operations over the names of all other commands.
func (g generator) txn(tw *twin) *catalog.Txn {
	t := &catalog.Txn{Ops: []catalog.TxnOp{}}
	verb := func() catalog.TxnVerb {
		return pick(g, catalog.TxnSet, catalog.TxnSet, catalog.TxnCAS, catalog.TxnGet, catalog.TxnDelete, catalog.TxnDeleteCAS)
	}
	index := func(stored uint64) uint64 { return pick(g, stored, stored, stored, 0, 1) }
	for range 1 + g.IntN(3) {
		var op catalog.TxnOp
		switch g.IntN(6) {
		case 0:
			op.Node = &catalog.TxnNode{Verb: verb(), Node: catalog.Node{Node: g.node(), Address: pick(g, "1.1.1.1", "3.3.3.3"), Datacenter: "dc1"}}
			if old := tw.nodes[strings.ToLower(op.Node.Node.Node)]; old != nil {
				op.Node.Node.ModifyIndex = index(old.ModifyIndex)
			}
		case 1:
			op.Service = &catalog.TxnService{Verb: verb(), Service: *g.service()}
			s := &op.Service.Service
			s.Node = g.node()
			if old := tw.services[[2]string{strings.ToLower(s.Node), strings.ToLower(s.ID)}]; old != nil {
				s.ModifyIndex = index(old.ModifyIndex)
			}
		case 2:
			c := catalog.Check{Node: g.node(), CheckID: pick(g, "c1", "c2"), Status: pick(g, catalog.Passing, catalog.Critical), ServiceID: pick(g, "", "", "s")}
			if old := tw.checks[[2]string{strings.ToLower(c.Node), c.CheckID}]; old != nil {
				c.ModifyIndex = index(old.ModifyIndex)
			}
			op.Check = &catalog.TxnCheck{Verb: verb(), Check: c}
		default:
			op.KV = g.txnKV(tw)
		}
		t.Ops = append(t.Ops, op)
	}
	return t
}

func (g generator) txnKV(tw *twin) *catalog.TxnKV {
	op := &catalog.TxnKV{Entry: g.kvWrite(tw).Entry, Verb: pick(g,
		catalog.TxnSet, catalog.TxnSet, catalog.TxnCAS, catalog.TxnGet, catalog.TxnDelete, catalog.TxnDeleteCAS, catalog.TxnGetOrEmpty, catalog.TxnGetTree,
		catalog.TxnLock, catalog.TxnUnlock, catalog.TxnDeleteTree, catalog.TxnCheckIndex, catalog.TxnCheckSession, catalog.TxnCheckNotExists)}
	if op.Entry.Session == "" {
		op.Entry.Session = pick(g, g.sessionID(), "")
	}
	return op
}

// clone is a twin that may be thrown away.
func (tw *twin) clone() *twin {
	c := newTwin()
	c.index, c.freed = tw.index, slices.Clone(tw.freed)
	copyRows(c.nodes, tw.nodes)
	copyRows(c.services, tw.services)
	copyRows(c.checks, tw.checks)
	copyRows(c.kv, tw.kv)
	copyRows(c.places, tw.places)
	copyRows(c.sessions, tw.sessions)
	c.twinMesh = tw.twinMesh.clone()
	return c
}

func copyRows[K comparable, V any](to, from map[K]*V) {
	for key, row := range from {
		own := *row
		to[key] = &own
	}
}

// txn works on a copy, which takes the twin's place if all went well.
func (tw *twin) txn(t *catalog.Txn) *catalog.TxnAnswer {
	try, answer := tw.clone(), &catalog.TxnAnswer{Results: []catalog.TxnResult{}}
	for i := range t.Ops {
		results, what := try.txnOp(&t.Ops[i])
		// What comes later must not change what was answered.
		for _, r := range results {
			answer.Results = append(answer.Results, catalog.TxnResult{KV: own(r.KV), Node: own(r.Node), Service: own(r.Service), Check: own(r.Check)})
		}
		if what != "" {
			answer.Errors = append(answer.Errors, catalog.TxnError{OpIndex: i, What: what})
		}
	}
	if answer.Errors != nil {
		answer.Results = nil
		return answer
	}
	*tw = *try
	return answer
}

func own[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// refusesCAS is the rule of comparisons of all but keys.
func refusesCAS(verb catalog.TxnVerb, stored, asked uint64) string {
	switch {
	case verb == catalog.TxnCAS && stored != asked:
		return "set"
	case verb == catalog.TxnDeleteCAS && (stored != asked || stored == 0):
		return "delete"
	}
	return ""
}

func (tw *twin) txnOp(op *catalog.TxnOp) ([]catalog.TxnResult, string) {
	switch {
	case op.KV != nil:
		return tw.txnKV(op.KV)
	case op.Node != nil:
		return tw.txnNode(op.Node)
	case op.Service != nil:
		return tw.txnService(op.Service)
	}
	return tw.txnCheck(op.Check)
}

func (tw *twin) txnNode(op *catalog.TxnNode) ([]catalog.TxnResult, string) {
	name, stored := strings.ToLower(op.Node.Node), uint64(0)
	if old := tw.nodes[name]; old != nil {
		stored = old.ModifyIndex
	}
	refused := refusesCAS(op.Verb, stored, op.Node.ModifyIndex)
	switch {
	case refused != "":
		return nil, fmt.Sprintf("failed to %s node %q, index is stale", refused, op.Node.Node)
	case op.Verb == catalog.TxnGet && stored == 0:
		return nil, fmt.Sprintf("node %q doesn't exist", op.Node.Node)
	case op.Verb == catalog.TxnDelete || op.Verb == catalog.TxnDeleteCAS:
		if stored != 0 {
			tw.removeNode(name)
		}
		return nil, ""
	case op.Verb != catalog.TxnGet:
		tw.register(&catalog.Register{Node: op.Node.Node, Address: op.Node.Address, Datacenter: op.Node.Datacenter})
	}
	return []catalog.TxnResult{{Node: tw.nodes[name]}}, ""
}

func (tw *twin) txnService(op *catalog.TxnService) ([]catalog.TxnResult, string) {
	s := op.Service
	key, stored := [2]string{strings.ToLower(s.Node), strings.ToLower(s.ID)}, uint64(0)
	if old := tw.services[key]; old != nil {
		stored = old.ModifyIndex
	}
	refused := refusesCAS(op.Verb, stored, s.ModifyIndex)
	switch {
	case refused != "":
		return nil, fmt.Sprintf("failed to %s service %q on node %q, index is stale", refused, s.ID, s.Node)
	case op.Verb == catalog.TxnGet && stored == 0:
		return nil, fmt.Sprintf("service %q on node %q doesn't exist", s.ID, s.Node)
	case op.Verb == catalog.TxnDelete || op.Verb == catalog.TxnDeleteCAS:
		tw.removeService(key[0], s.ID)
		return nil, ""
	case op.Verb != catalog.TxnGet && tw.nodes[key[0]] == nil:
		return nil, "Missing node registration"
	case op.Verb != catalog.TxnGet:
		tw.putService(key[0], s.Node, &s)
	}
	return []catalog.TxnResult{{Service: tw.services[key]}}, ""
}

func (tw *twin) txnCheck(op *catalog.TxnCheck) ([]catalog.TxnResult, string) {
	c := op.Check
	key, stored := [2]string{strings.ToLower(c.Node), c.CheckID}, uint64(0)
	if old := tw.checks[key]; old != nil {
		stored = old.ModifyIndex
	}
	refused := refusesCAS(op.Verb, stored, c.ModifyIndex)
	switch {
	case refused != "":
		return nil, fmt.Sprintf("failed to %s check %q on node %q, index is stale", refused, c.CheckID, c.Node)
	case op.Verb == catalog.TxnGet && stored == 0:
		return nil, fmt.Sprintf("check %q on node %q doesn't exist", c.CheckID, c.Node)
	case op.Verb == catalog.TxnDelete || op.Verb == catalog.TxnDeleteCAS:
		tw.removeCheck(key[0], c.CheckID)
		return nil, ""
	case op.Verb != catalog.TxnGet && tw.nodes[key[0]] == nil:
		return nil, "Missing node registration"
	case op.Verb != catalog.TxnGet && c.ServiceID != "" && tw.services[[2]string{key[0], strings.ToLower(c.ServiceID)}] == nil:
		return nil, "Missing service registration"
	case op.Verb != catalog.TxnGet:
		tw.putCheck(key[0], c.Node, &c)
	}
	return []catalog.TxnResult{{Check: tw.checks[key]}}, ""
}

func (tw *twin) txnKV(op *catalog.TxnKV) ([]catalog.TxnResult, string) {
	key, old := op.Entry.Key, tw.kv[op.Entry.Key]
	write := func(verb catalog.KVVerb, refusal string) ([]catalog.TxnResult, string) {
		if !tw.kvWrite(&catalog.KVWrite{Verb: verb, Entry: op.Entry}) {
			return nil, fmt.Sprintf(refusal, key)
		}
		e := own(tw.kv[key])
		if e == nil || verb == catalog.KVDelete || verb == catalog.KVDeleteCAS || verb == catalog.KVDeleteTree {
			return nil, ""
		}
		e.Value = nil
		return []catalog.TxnResult{{KV: e}}, ""
	}
	if key == "" {
		return nil, "Must provide key"
	}
	switch op.Verb {
	case catalog.TxnSet:
		return write(catalog.KVSet, "")
	case catalog.TxnCAS:
		return write(catalog.KVCAS, "failed to set key %q, index is stale")
	case catalog.TxnDelete:
		return write(catalog.KVDelete, "")
	case catalog.TxnDeleteCAS:
		return write(catalog.KVDeleteCAS, "failed to delete key %q, index is stale")
	case catalog.TxnDeleteTree:
		return write(catalog.KVDeleteTree, "")
	case catalog.TxnLock, catalog.TxnUnlock:
		switch {
		case op.Entry.Session == "":
			return nil, "missing session"
		case op.Verb == catalog.TxnUnlock:
			return write(catalog.KVUnlock, "failed to unlock key %q, lock isn't held, or is held by another session")
		case tw.sessions[op.Entry.Session] == nil:
			return nil, fmt.Sprintf("invalid session %q", op.Entry.Session)
		}
		return write(catalog.KVLock, "failed to lock key %q, lock is already held")
	case catalog.TxnGetTree:
		var results []catalog.TxnResult
		for _, e := range tw.list(key) {
			results = append(results, catalog.TxnResult{KV: e})
		}
		return results, ""
	case catalog.TxnCheckNotExists:
		if old != nil {
			return nil, fmt.Sprintf("key %q exists", key)
		}
		return nil, ""
	}
	bare := own(old)
	switch {
	case old == nil && op.Verb == catalog.TxnGetOrEmpty:
		return []catalog.TxnResult{{KV: &catalog.KVEntry{Key: key}}}, ""
	case op.Verb == catalog.TxnGetOrEmpty, op.Verb == catalog.TxnGet && old != nil:
		return []catalog.TxnResult{{KV: old}}, ""
	case op.Verb == catalog.TxnGet:
		return nil, fmt.Sprintf("key %q doesn't exist", key)
	case op.Verb == catalog.TxnCheckIndex && old == nil:
		return nil, fmt.Sprintf("failed to check index, key %q doesn't exist", key)
	case op.Verb == catalog.TxnCheckIndex && old.ModifyIndex != op.Entry.ModifyIndex:
		return nil, fmt.Sprintf("failed index check for key %q, current modify index %d != %d", key, old.ModifyIndex, op.Entry.ModifyIndex)
	case op.Verb == catalog.TxnCheckSession && old == nil:
		return nil, fmt.Sprintf("failed to check session, key %q doesn't exist", key)
	case op.Verb == catalog.TxnCheckSession && old.Session != op.Entry.Session:
		return nil, fmt.Sprintf("failed session check for key %q, current session %q != %q", key, old.Session, op.Entry.Session)
	}
	bare.Value = nil
	return []catalog.TxnResult{{KV: bare}}, ""
}

// fail makes a transaction fail after all that it does.
func fail(t *catalog.Txn) *catalog.Txn {
	t.Ops = append(t.Ops, catalog.TxnOp{KV: &catalog.TxnKV{Verb: catalog.TxnGet, Entry: catalog.KVEntry{Key: "never"}}})
	return t
}

// A transaction that fails leaves the store as it was and wakes nobody, wherever
// in a batch it stands; what stands before and after it counts.
func TestFailedTransactionChangesNothing(t *testing.T) {
	f := fullFixture(t)
	before, beforeCounts := splitSnapshot(t, f.snapshot()), text(f.store.Read().Counts())
	ws := catalog.WatchSet{}
	tx := f.store.Read()
	tx.Nodes(ws)
	tx.ChecksInState(ws, "any")
	tx.KVList(ws, "")
	tx.Sessions(ws)
	if freed := f.tell(catalog.TxnCommand, fail(fullTxn())); freed != nil {
		t.Errorf("freed %v, want nothing", freed)
	}
	if got := splitSnapshot(t, f.snapshot()); fmt.Sprint(got) != fmt.Sprint(before) {
		t.Errorf("got\n%q\nwant\n%q", got, before)
	}
	if got := text(f.store.Read().Counts()); got != beforeCounts || isWoken(ws) || f.store.Read().LastIndex() != f.index {
		t.Errorf("counts %s, woken %v, index %d; want %s, false, %d", got, isWoken(ws), f.store.Read().LastIndex(), beforeCounts, f.index)
	}
	put := func(key string) []byte {
		return encode(t, catalog.KVWriteCommand, &catalog.KVWrite{Entry: catalog.KVEntry{Key: key}})
	}
	results := f.store.Apply([]catalog.Entry{
		{Index: 100, Data: put("first")}, {Index: 101, Data: encode(t, catalog.TxnCommand, fail(fullTxn()))}, {Index: 102, Data: put("last")},
		{Index: 103, Data: encode(t, catalog.TxnCommand, fullTxn())}, {Index: 104, Data: encode(t, catalog.TxnCommand, fail(&catalog.Txn{}))},
	})
	if got := len(results[1].(*catalog.TxnAnswer).Errors); got != 1 {
		t.Errorf("the failing one has %d errors, want 1", got)
	}
	if answer := results[3].(*catalog.TxnAnswer); answer.Errors != nil || len(answer.Results) != 8 {
		t.Errorf("the good one: %s, want 8 results", text(answer))
	}
	_, keys := f.store.Read().KVKeys(nil, "", "")
	if want := []string{"first", "k", "last", "locked", "new"}; !slices.Equal(keys, want) {
		t.Errorf("keys %v, want %v", keys, want)
	}
	if f.store.Read().LastIndex() != 104 {
		t.Errorf("last index %d, want 104", f.store.Read().LastIndex())
	}
	restoresToItself(t, f.store)
}

func TestTransactionsTellAllThatIsWrong(t *testing.T) {
	f := fullFixture(t)
	kv := func(verb catalog.TxnVerb, key string) catalog.TxnOp {
		return catalog.TxnOp{KV: &catalog.TxnKV{Verb: verb, Entry: catalog.KVEntry{Key: key, ModifyIndex: 1}}}
	}
	check := func(verb catalog.TxnVerb, node, name string) catalog.TxnOp { // without an ID
		return catalog.TxnOp{Check: &catalog.TxnCheck{Verb: verb, Check: catalog.Check{Node: node, Name: name, ModifyIndex: 99}}}
	}
	ops := []struct {
		op   catalog.TxnOp
		want string
	}{
		{kv("bogus", "a"), "unknown KV operation: bogus"},
		{kv("bogus", ""), "Must provide key"},
		{kv(catalog.TxnSet, ""), "Must provide key"},
		{kv(catalog.TxnGetTree, ""), "Must provide key"},
		{kv(catalog.TxnGet, "x"), `key "x" doesn't exist`},
		{kv(catalog.TxnCheckNotExists, "k"), `key "k" exists`},
		{kv(catalog.TxnCAS, "k"), `failed to set key "k", index is stale`},
		{kv(catalog.TxnDeleteCAS, "k"), `failed to delete key "k", index is stale`},
		{kv(catalog.TxnLock, "k"), "missing session"},
		{kv(catalog.TxnUnlock, "k"), "missing session"},
		{kv(catalog.TxnCheckSession, "x"), `failed to check session, key "x" doesn't exist`},
		{kv(catalog.TxnCheckSession, "locked"), `failed session check for key "locked", current session "s" != ""`},
		{kv(catalog.TxnCheckIndex, "x"), `failed to check index, key "x" doesn't exist`},
		{kv(catalog.TxnCheckIndex, "k"), `failed index check for key "k", current modify index 2 != 1`},
		{catalog.TxnOp{Node: &catalog.TxnNode{Verb: "zz"}}, "unknown node operation: zz"},
		{catalog.TxnOp{Service: &catalog.TxnService{Verb: catalog.TxnLock}}, "unknown service operation: lock"},
		{catalog.TxnOp{Check: &catalog.TxnCheck{}}, "unknown check operation: "},
		{catalog.TxnOp{Node: &catalog.TxnNode{Verb: catalog.TxnSet, Node: catalog.Node{ID: "x"}}}, "Must provide node"},
		{catalog.TxnOp{Node: &catalog.TxnNode{Verb: catalog.TxnGet}}, `node "" doesn't exist`},
		{catalog.TxnOp{Service: &catalog.TxnService{Verb: catalog.TxnGet, Service: catalog.Service{Node: "n1", Service: "p"}}}, `service "" on node "n1" doesn't exist`},
		{catalog.TxnOp{Node: &catalog.TxnNode{Verb: catalog.TxnGet, Node: catalog.Node{ID: "x"}}}, `node "x" doesn't exist`},
		{catalog.TxnOp{Node: &catalog.TxnNode{Verb: catalog.TxnSet, Node: catalog.Node{Node: "n1", ID: "other"}}},
			`failed inserting node: Error while renaming Node ID: "other": Node name n1 is reserved by node 40404040-0000-0000-0000-000000000001 with name n1 (10.0.0.1)`},
		{catalog.TxnOp{Service: &catalog.TxnService{Verb: catalog.TxnSet, Service: catalog.Service{Node: "n1"}}}, "Must provide service name (Service.Service)"},
		{catalog.TxnOp{Service: &catalog.TxnService{Verb: catalog.TxnDelete, Service: catalog.Service{Node: "n1", ID: "p"}}},
			"Must provide service name (Service.Service) when service ID is provided"},
		{catalog.TxnOp{Service: &catalog.TxnService{Verb: catalog.TxnSet, Service: catalog.Service{Service: "x", Meta: map[string]string{"": ""}, Node: "n1"}}},
			"Invalid Service Meta for node n1 and serviceID x: Couldn't load metadata pair ('', ''): Key cannot be blank"},
		{check(catalog.TxnSet, "n1", ""), "failed health check lookup: index error: object is missing a value for this index"},
		{check(catalog.TxnSet, "", "x"), "failed health check lookup: index error: object is missing a value for this index"},
		{check(catalog.TxnSet, "zz", "x"), "Missing node registration"},
		{check(catalog.TxnCAS, "n1", ""), "failed check lookup: index error: object is missing a value for this index"},
		{check(catalog.TxnGet, "", "x"), "failed check lookup: index error: object is missing a value for this index"},
		{check(catalog.TxnGet, "n1", "x"), "failed check lookup: index error: object is missing a value for this index"}, // a name is no ID here
		{check(catalog.TxnDelete, "n1", ""), "check lookup failed: index error: object is missing a value for this index"},
		{check(catalog.TxnDeleteCAS, "n1", ""), "check lookup failed: failed check lookup: index error: object is missing a value for this index"},
		{check(catalog.TxnDeleteCAS, "n1", "x"), `failed to delete check "x" on node "n1", index is stale`},
		{check(catalog.TxnCAS, "n1", "x"), `failed to set check "x" on node "n1", index is stale`},
		{catalog.TxnOp{}, "an operation that does nothing"},
	}
	all := &catalog.Txn{}
	for _, o := range ops {
		all.Ops = append(all.Ops, o.op)
	}
	answer := f.apply(catalog.TxnCommand, all).(*catalog.TxnAnswer)
	if len(answer.Errors) != len(ops) || answer.Results != nil {
		t.Fatalf("got %s, want %d errors", text(answer), len(ops))
	}
	for i, o := range ops {
		if e := answer.Errors[i]; e.OpIndex != i || e.What != o.want {
			t.Errorf("got %d: %s\nwant %d: %s", e.OpIndex, e.What, i, o.want)
		}
	}
}

// TestChecksTakeTheirNameForAnID: whoever writes one in a transaction may leave the ID out.
func TestChecksTakeTheirNameForAnID(t *testing.T) {
	f := fullFixture(t)
	for i, verb := range []catalog.TxnVerb{catalog.TxnSet, catalog.TxnDelete, catalog.TxnSet, catalog.TxnDeleteCAS, catalog.TxnCAS} {
		c := catalog.Check{Node: "n1", Name: "by name"}
		if _, checks := f.store.Read().NodeChecks(nil, "n1"); i == 3 {
			c.ModifyIndex = checks[slices.IndexFunc(checks, func(c *catalog.Check) bool { return c.CheckID == "by name" })].ModifyIndex
		}
		answer := f.apply(catalog.TxnCommand, &catalog.Txn{Ops: []catalog.TxnOp{{Check: &catalog.TxnCheck{Verb: verb, Check: c}}}}).(*catalog.TxnAnswer)
		if len(answer.Errors) > 0 || len(answer.Results) > 0 && answer.Results[0].Check.CheckID != "by name" {
			t.Errorf("%d %s: %s", i, verb, text(answer))
		}
	}
}

func TestReadTransactionDoesNotWrite(t *testing.T) {
	f := fullFixture(t)
	answer := f.store.Read().ReadTxn([]catalog.TxnOp{
		{KV: &catalog.TxnKV{Verb: catalog.TxnGet, Entry: catalog.KVEntry{Key: "k"}}},
		{KV: &catalog.TxnKV{Verb: catalog.TxnDelete, Entry: catalog.KVEntry{Key: "k"}}},
	})
	if len(answer.Errors) != 1 || answer.Errors[0].OpIndex != 1 {
		t.Errorf("got %s, want the second refused", text(answer))
	}
}
