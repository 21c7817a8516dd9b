package server_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

func txnKV(verb catalog.TxnVerb, key, session string) catalog.TxnOp {
	return catalog.TxnOp{KV: &catalog.TxnKV{Verb: verb, Entry: catalog.KVEntry{Key: key, Value: []byte("v"), Session: session}}}
}

func (s *lone) txn(list ...catalog.TxnOp) catalog.TxnAnswer {
	s.t.Helper()
	rep, err := ops.TxnApply.Call(context.Background(), s.Router(), &ops.TxnApplyRequest{Ops: list})
	if err != nil {
		s.t.Fatal(err)
	}
	return rep.Answer
}

func (s *lone) readTxn(opts rpc.ReadOptions, list ...catalog.TxnOp) *ops.TxnReadReply {
	s.t.Helper()
	rep, err := ops.TxnRead.Call(context.Background(), s.Router(), &ops.TxnReadRequest{ReadOptions: opts, Ops: list})
	if err != nil {
		s.t.Fatal(err)
	}
	return rep
}

// wantErrors compares the errors of a transaction, each as "OpIndex What".
func wantErrors(t *testing.T, answer catalog.TxnAnswer, want ...string) {
	t.Helper()
	var got []string
	for _, e := range answer.Errors {
		got = append(got, fmt.Sprint(e.OpIndex, " ", e.What))
	}
	if !slices.Equal(got, want) || len(want) > 0 && answer.Results != nil {
		t.Errorf("errors:\n got %q, %d results\nwant %q", got, len(answer.Results), want)
	}
}

// TestServicesThatNoProxyCouldBeAreRefusedAtBothDoors: before anything else that is wrong with them.
// Who deletes one is not asked.
func TestServicesThatNoProxyCouldBeAreRefusedAtBothDoors(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		one := func(text string) string { return "1 error occurred:\n\t* " + text + "\n\n" }
		for _, c := range []struct {
			service catalog.Service
			want    string
		}{
			{catalog.Service{Service: "p", Kind: "connect-proxy", Port: 1, Address: "0.0.0.0"}, one("Proxy.DestinationServiceName must be non-empty for Connect proxy services")},
			{catalog.Service{ID: "x", Connect: &catalog.Connect{Native: true}}, one("Port or SocketPath must be set for a Connect native service.")},
			{catalog.Service{Service: "m", Ports: []catalog.ServicePort{{Name: "a", Port: 1}}}, one("one of the Ports must be marked as Default")},
			{catalog.Service{Service: "z", Locality: &catalog.Locality{Zone: "z"}}, one("zone cannot be set without region")},
		} {
			svc := c.service
			svc.Node = "n"
			wantText(t, s.register(catalog.Register{Service: &c.service}), c.want)
			for _, verb := range []catalog.TxnVerb{catalog.TxnSet, catalog.TxnCAS} {
				wantErrors(t, s.txn(catalog.TxnOp{Service: &catalog.TxnService{Verb: verb, Service: svc}}), "0 "+c.want)
			}
		}
		wantErrors(t, s.txn(catalog.TxnOp{Service: &catalog.TxnService{Verb: catalog.TxnDelete, Service: catalog.Service{Node: "n", Service: "p", Kind: "connect-proxy"}}}))
	})
}

func TestTransactionsAreAllOrNothing(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		node := catalog.TxnOp{Node: &catalog.TxnNode{Verb: catalog.TxnSet, Node: catalog.Node{Node: "n", Address: "10.0.0.9", Datacenter: "elsewhere"}}}
		answer := s.txn(node, txnKV(catalog.TxnSet, "b", ""), txnKV(catalog.TxnGet, "a", ""))
		if wantErrors(t, answer); len(answer.Results) != 3 || answer.Results[0].Node.Datacenter != "dc1" || answer.Results[2].KV == nil {
			t.Errorf("results %+v", answer.Results)
		}
		if node.Node.Node.Datacenter != "elsewhere" {
			t.Error("the request was changed")
		}
		wantErrors(t, s.txn(txnKV(catalog.TxnSet, "c", ""), txnKV(catalog.TxnGet, "none", "")), `1 key "none" doesn't exist`)
		if _, entry := s.Store().Read().KVGet(nil, "c"); entry != nil {
			t.Error("half of a transaction took place")
		}
		before := s.Store().Read().LastIndex()
		bad := catalog.TxnOp{Node: &catalog.TxnNode{Verb: catalog.TxnSet, Node: catalog.Node{Node: "m", ID: "x"}}}
		wantErrors(t, s.txn(txnKV("bogus", "a", ""), txnKV(catalog.TxnGet, "none", ""), txnKV(catalog.TxnSet, "", ""), bad),
			"0 unknown KV operation: bogus", "2 Must provide key", "3 Bad node ID: uuid string is wrong length")
		if after := s.Store().Read().LastIndex(); after != before {
			t.Errorf("what was refused at once went into the log, from %d to %d", before, after)
		}
	})
}

func TestTransactionsMindLockDelays(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		owner, other := s.session(catalog.Session{LockDelay: 10 * time.Second}), s.session(catalog.Session{})
		if wantErrors(t, s.txn(txnKV(catalog.TxnLock, "k", owner))); t.Failed() {
			return
		}
		s.destroy(owner)
		wantErrors(t, s.txn(txnKV(catalog.TxnLock, "k", other), txnKV(catalog.TxnLock, "free", other)), `0 failed to lock key "k" due to lock delay`)
		time.Sleep(11 * time.Second)
		wantErrors(t, s.txn(txnKV(catalog.TxnLock, "k", other)))
		wantErrors(t, s.txn(txnKV(catalog.TxnLock, "k", owner)), fmt.Sprintf("0 invalid session %q", owner))
	})
}

func TestReadTransactionsAreReads(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		before := s.Store().Read().LastIndex()
		for mode, opts := range map[string]rpc.ReadOptions{
			"leader": {MinIndex: 99, MaxWait: time.Hour}, "stale": {Stale: true}, "consistent": {Consistent: true},
		} {
			rep := s.readTxn(opts, txnKV(catalog.TxnGet, "a", ""))
			if wantErrors(t, rep.Answer); len(rep.Answer.Results) != 1 || rep.Index != 1 || !rep.KnownLeader || rep.Consistency != mode {
				t.Errorf("%s: %+v", mode, rep)
			}
		}
		rep := s.readTxn(rpc.ReadOptions{}, txnKV(catalog.TxnGetTree, "", ""))
		if wantErrors(t, rep.Answer, "0 Must provide key"); rep.Index != 0 || rep.KnownLeader {
			t.Errorf("refused unseen, and yet %+v", rep.ReadMeta)
		}
		rep = s.readTxn(rpc.ReadOptions{}, txnKV(catalog.TxnGet, "none", ""))
		if wantErrors(t, rep.Answer, `0 key "none" doesn't exist`); rep.Index != 1 || !rep.KnownLeader {
			t.Errorf("refused at sight, and yet %+v", rep.ReadMeta)
		}
		if rep := s.readTxn(rpc.ReadOptions{}, txnKV(catalog.TxnDelete, "a", "")); len(rep.Answer.Errors) != 1 {
			t.Errorf("a write among the reads: %+v", rep.Answer)
		}
		if after := s.Store().Read().LastIndex(); after != before {
			t.Errorf("reads went into the log, from %d to %d", before, after)
		}
	})
}

// txnRights may do things to what is listed.
func TestTransactionsNeedTheRightsOfEveryOperation(t *testing.T) {
	who := &switched{acl.AllowAll{}}
	virtual(t, func(o *server.Options) { o.ACL = who }, func(s *lone) {
		s.put("mine", "1")
		s.put("theirs", "1")
		s.mustRegister(catalog.Register{Node: "n", Address: "a", Service: &catalog.Service{ID: "d1", Service: "db"}, Checks: []*catalog.Check{
			{CheckID: "db", ServiceID: "d1"}, {CheckID: "alive"},
		}})
		synctest.Wait()
		who.Resolver = rights{acl.Node.Read("n"), acl.Service.Read("web"), acl.Service.Write("web"), acl.Key.Read("mine"), acl.Key.Write("mine")}
		service := func(verb catalog.TxnVerb, id, name string) catalog.TxnOp {
			return catalog.TxnOp{Service: &catalog.TxnService{Verb: verb, Service: catalog.Service{Node: "n", ID: id, Service: name}}}
		}
		check := func(verb catalog.TxnVerb, id, serviceID string) catalog.TxnOp {
			return catalog.TxnOp{Check: &catalog.TxnCheck{Verb: verb, Check: catalog.Check{Node: "n", CheckID: id, ServiceID: serviceID}}}
		}
		refusal := func(i int, permission, name string) string {
			return fmt.Sprintf(`%d Permission denied: token with AccessorID 'acc' lacks permission '%s' on %q`, i, permission, name)
		}
		list := []catalog.TxnOp{
			txnKV(catalog.TxnSet, "mine", ""), txnKV(catalog.TxnSet, "theirs", ""), txnKV(catalog.TxnDeleteTree, "mine", ""), txnKV(catalog.TxnGet, "theirs", ""),
			{Node: &catalog.TxnNode{Verb: catalog.TxnDelete, Node: catalog.Node{Node: "n"}}},
			service(catalog.TxnSet, "w1", "web"), service(catalog.TxnSet, "D1", "web"), service(catalog.TxnDelete, "x", "mail"),
			check(catalog.TxnSet, "c", "w1"), check(catalog.TxnSet, "c", ""), check(catalog.TxnSet, "db", "w1"), check(catalog.TxnSet, "c", "nothing"),
			check(catalog.TxnSet, "alive", "w1"), check(catalog.TxnSet, "c", "W1"),
		}
		rep, err := ops.TxnApply.Call(context.Background(), s.Router(), &ops.TxnApplyRequest{WriteOptions: rpc.WriteOptions{Token: "t"}, Ops: list})
		if err != nil {
			t.Fatal(err)
		}
		wantErrors(t, rep.Answer, refusal(1, "key:write", "theirs"), refusal(2, "key:write", "mine"), refusal(4, "node:write", "n"),
			refusal(6, "service:write", "db"), refusal(7, "service:write", "mail"),
			refusal(9, "node:write", "n"), refusal(10, "service:write", "db"), refusal(11, "node:write", "n"),
			refusal(12, "node:write", "n"))
		// What may not be read is left out of the answer.
		reads := s.readTxn(rpc.ReadOptions{Token: "t"}, txnKV(catalog.TxnGet, "mine", ""), txnKV(catalog.TxnGet, "theirs", ""), service(catalog.TxnGet, "d1", ""),
			check(catalog.TxnGet, "db", ""), check(catalog.TxnGet, "alive", ""), catalog.TxnOp{Node: &catalog.TxnNode{Verb: catalog.TxnGet, Node: catalog.Node{Node: "n"}}})
		if wantErrors(t, reads.Answer); len(reads.Answer.Results) != 3 || !reads.Filtered {
			t.Errorf("got %d results, filtered %v; want the key, the check of the node, the node", len(reads.Answer.Results), reads.Filtered)
		}
		answer := s.txn(txnKV(catalog.TxnSet, "mine", ""), service(catalog.TxnSet, "w1", "web"), check(catalog.TxnSet, "c", "w1"))
		if wantErrors(t, answer); len(answer.Results) != 3 {
			t.Errorf("got %d results, want three", len(answer.Results))
		}
		who.Resolver = unknown{}
		if _, err := ops.TxnApply.Call(context.Background(), s.Router(), &ops.TxnApplyRequest{}); fault.KindOf(err) != fault.Denied {
			t.Errorf("an unknown token: %v, want a refusal", err)
		}
		who.Resolver = acl.AllowAll{}
		synctest.Wait()
	})
}

// unknown knows no token.
type unknown struct{}

func (unknown) Resolve(context.Context, string) (*acl.Authorizer, error) {
	return nil, fault.New(fault.Denied, "ACL not found")
}
