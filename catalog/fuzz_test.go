package catalog_test

import (
	"bytes"
	"math"
	"os"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"praetor/catalog"
)

// FuzzApply feeds bytes as commands to a store that holds something. Whatever
// they are, the store must go on: every query answers, its snapshot restores
// to the same store, and the same bytes again give the same store elsewhere.
func FuzzApply(f *testing.F) {
	policy, role, token := fullACL()
	method, rule := fullLogin()
	for _, c := range []struct {
		kind catalog.CommandType
		cmd  msgp.Marshaler
	}{
		{catalog.RegisterCommand, fullRegister()},
		{catalog.RegisterCommand, web("n1", "passing")},
		{catalog.DeregisterCommand, &catalog.Deregister{Node: "n1", ServiceID: "p"}},
		{catalog.DeregisterCommand, &catalog.Deregister{Node: "n1"}},
		{catalog.KVWriteCommand, &catalog.KVWrite{Verb: catalog.KVDeleteTree}},
		{catalog.KVWriteCommand, &catalog.KVWrite{Entry: catalog.KVEntry{Key: "k", Value: []byte("w")}}},
		{catalog.KVWriteCommand, &catalog.KVWrite{Verb: catalog.KVLock, Entry: catalog.KVEntry{Key: "k", Session: "s"}}},
		{catalog.KVWriteCommand, &catalog.KVWrite{Verb: catalog.KVUnlock, Entry: catalog.KVEntry{Key: "locked", Session: "s"}}},
		{catalog.SessionCommand, fullSession()},
		{catalog.SessionCommand, &catalog.SessionWrite{Verb: catalog.SessionDestroy, Session: catalog.Session{ID: "s"}}},
		{catalog.DeregisterCommand, &catalog.Deregister{Node: "n1", CheckID: "c"}},
		{catalog.TxnCommand, fullTxn()},
		{catalog.TxnCommand, &catalog.Txn{Ops: append(fullTxn().Ops, catalog.TxnOp{}, catalog.TxnOp{KV: &catalog.TxnKV{Verb: catalog.TxnGet}})}},
		{catalog.ReapCommand, &catalog.Reap{Index: 3}},
		{catalog.QueryCommand, &catalog.QueryWrite{Query: catalog.Query{ID: "q", Name: "web", Session: "s", Service: catalog.QueryService{Service: "web", Tags: []string{"a"}}}}},
		{catalog.QueryCommand, &catalog.QueryWrite{Query: catalog.Query{ID: "t", Template: catalog.QueryTemplate{Type: catalog.TemplateNamePrefix}}}},
		{catalog.QueryCommand, &catalog.QueryWrite{Verb: catalog.QueryDelete, Query: catalog.Query{ID: "q"}}},
		{catalog.ConfigCommand, fullConfig()},
		{catalog.ConfigCommand, &catalog.ConfigWrite{Entry: catalog.ConfigEntry{Kind: "mesh", Name: "mesh", Body: []byte(`{"Kind":"mesh"}`)}}},
		{catalog.ConfigCommand, &catalog.ConfigWrite{Verb: catalog.ConfigDelete, Entry: catalog.ConfigEntry{Kind: "service-defaults", Name: "web"}}},
		{catalog.ACLPolicyCommand, policy},
		{catalog.ACLPolicyCommand, policies(catalog.ACLPut, "Q=full", "R=x")},
		{catalog.ACLRoleCommand, role},
		{catalog.ACLTokenCommand, token},
		{catalog.ACLTokenCommand, tokens(catalog.ACLDelete, "T", "", 0)},
		{catalog.ACLAuthMethodCommand, method},
		{catalog.ACLBindingRuleCommand, rule},
		{catalog.CACommand, fullCA()},
		{catalog.CACommand, &catalog.CAWrite{Verb: catalog.CASerial}},
		{catalog.CACommand, &catalog.CAWrite{Roots: []*catalog.CARoot{nil, caRoot("aa", true)}}},
		{catalog.AutopilotCommand, &catalog.Autopilot{MinQuorum: 3}},
		{catalog.CoordinateCommand, &catalog.CoordinateBatch{Coordinates: []*catalog.Coordinate{nil, place("n1", 1), place("none", 1), place("n1", math.NaN())}}},
	} {
		data, err := catalog.Encode(c.kind, c.cmd)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	f.Add([]byte{})
	f.Add([]byte{99})
	f.Add([]byte{1, 0x81, 0xa6, 'C', 'h', 'e', 'c', 'k', 's', 0xdd, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		one, other := fullFixture(t), fullFixture(t)
		entries := []catalog.Entry{{Index: one.index + 1, Data: data}, {Index: one.index + 2, Data: data}}
		one.store.Apply(entries)
		other.store.Apply(entries[:1])
		other.store.Apply(entries[1:])
		if !bytes.Equal(one.snapshot(), other.snapshot()) {
			t.Fatalf("two stores differ:\n%q\n%q", one.snapshot(), other.snapshot())
		}
		restoresToItself(t, one.store)
		askEverything(one.store.Read())
	})
}

// FuzzRestore: a refused snapshot changes nothing; an accepted one is a store
// that works.
func FuzzRestore(f *testing.F) {
	whole := fullFixture(f).snapshot()
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(newFixture(f).snapshot())
	twins, err := os.ReadFile("testdata/before-folded-ids.snapshot")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(twins)
	f.Fuzz(func(t *testing.T, data []byte) {
		s := catalog.New()
		if err := s.Restore(bytes.NewReader(data)); err != nil {
			return
		}
		restoresToItself(t, s)
		askEverything(s.Read())
	})
}

// FuzzRestoreRow is FuzzRestore past the checksums: the bytes become a record
// after the good ones.
func FuzzRestoreRow(f *testing.F) {
	good := splitSnapshot(f, fullFixture(f).snapshot())
	for _, r := range good {
		f.Add(r, true)
		f.Add(r, false)
	}
	f.Fuzz(func(t *testing.T, record []byte, alone bool) {
		records := [][]byte{record}
		if !alone {
			records = append(good[:len(good):len(good)], record)
		}
		s := catalog.New()
		if err := s.Restore(bytes.NewReader(joinSnapshot(records))); err != nil {
			return
		}
		restoresToItself(t, s)
		askEverything(s.Read())
		s.Apply([]catalog.Entry{{Index: 2000, Data: append([]byte{byte(catalog.DeregisterCommand)}, deregisterN1...)}})
		restoresToItself(t, s)
	})
}

var deregisterN1, _ = (&catalog.Deregister{Node: "n1"}).MarshalMsg(nil)

func restoresToItself(t *testing.T, s *catalog.Store) {
	t.Helper()
	want, other := snapshotOf(t, s), catalog.New()
	if err := other.Restore(bytes.NewReader(want)); err != nil {
		t.Fatalf("its own snapshot: %v", err)
	}
	if got := snapshotOf(t, other); !bytes.Equal(got, want) {
		t.Fatalf("restored from its own snapshot: got\n%q\nwant\n%q", got, want)
	}
	if got, want := text(other.Read().Counts()), text(s.Read().Counts()); got != want {
		t.Fatalf("restored from its own snapshot: got counts %s, want %s", got, want)
	}
}

// askEverything runs every query on everything there is.
func askEverything(tx *catalog.Tx) {
	_, nodes := tx.Nodes(nil)
	for _, n := range nodes {
		tx.NodeServices(nil, n.Node)
		tx.NodeChecks(nil, n.Node)
		tx.Node(nil, n.ID)
		tx.NodeCoordinates(nil, n.Node)
		tx.NodeSessions(nil, n.Node)
	}
	_, services := tx.Services(nil)
	for name := range services {
		tx.ServiceInstances(nil, name)
		tx.ServiceHealth(nil, name)
		tx.ServiceChecks(nil, name)
	}
	_, checks := tx.ChecksInState(nil, "any")
	for _, c := range checks {
		tx.ChecksInState(nil, c.Status)
	}
	_, entries := tx.KVList(nil, "")
	for _, e := range entries {
		tx.KVGet(nil, e.Key)
		tx.KVKeys(nil, e.Key, "/")
	}
	_, sessions := tx.Sessions(nil)
	for _, s := range sessions {
		tx.Session(nil, s.ID)
	}
	tx.ReadTxn(fullTxn().Ops)
	_, places := tx.Coordinates(nil)
	for _, c := range places {
		c.Coord.Distance(tx.Coord(c.Node, c.Segment))
	}
	tx.Autopilot()
	tx.ACLPolicies(nil)
	tx.ACLRoles(nil)
	tx.ACLAuthMethods(nil)
	tx.ACLBindingRules(nil, "m")
	_, tokens := tx.ACLTokens(nil)
	for _, t := range tokens {
		tx.ACLTokenWithSecret(nil, t.SecretID)
	}
	tx.ACLTokensExpired(time.Now(), 10)
}
