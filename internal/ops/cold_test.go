package ops_test

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/internal/configentry"
	"praetor/internal/mesh"
	"praetor/internal/msgreflect"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/shape"
)

// generated are messages whose generated code reflection is measured against,
// with something of every kind of field.
func generated() []rpc.Message {
	options := rpc.ReadOptions{Datacenter: "dc2", Token: "t", MinIndex: 1 << 40, MaxWait: time.Minute, Stale: true, MaxStale: -1}
	return []rpc.Message{
		&options, &ops.KVGetRequest{ReadOptions: options, Key: "a"}, &ops.KVGetReply{}, &ops.HealthServiceRequest{ReadOptions: options},
		&ops.KVKeysReply{Keys: []string{"a", "", "b"}}, &ops.CatalogServicesReply{}, &ops.SessionsReply{}, &ops.CoordinateNodesReply{},
		&ops.KVGetReply{ReadMeta: rpc.ReadMeta{Index: 7, LastContact: -time.Second}, Entry: &catalog.KVEntry{Key: "a", Value: []byte{0}}},
	}
}

// cold are messages that are encoded by reflection.
func cold() []rpc.Message {
	return []rpc.Message{
		&ops.OperatorKeyringReply{Pools: []ops.KeyringPool{{WAN: true, Messages: map[string]string{"a": "b"}, Keys: map[string]int{"k": -1}, Members: 1 << 20}}},
		&ops.OperatorAutopilotStateReply{Voters: []string{"a"}, Servers: []ops.AutopilotServer{{LastContact: time.Hour, StableSince: time.Unix(5, 6).UTC(), Meta: map[string]string{"a": "b"}}}},
		&ops.OperatorUsageReply{Usage: map[string]ops.Usage{"dc1": {Nodes: 1, Connect: map[string]int{"api": 2}}}},
		&ops.OperatorBackupReply{Configured: true, Interval: time.Hour, Last: &ops.Backup{Name: "a", Time: time.Unix(5, 6).UTC(), Bytes: 1 << 40}, Failure: "f"}, &ops.OperatorBackupNowRequest{}, &ops.OperatorBackupRequest{},
		&ops.OperatorAutopilotReply{Config: &catalog.Autopilot{CleanupDeadServers: true}}, &ops.OperatorAutopilotReply{},
		&ops.QueryExecuteRequest{Near: ops.Near{NearNode: "n"}, Limit: -3}, &ops.QueryExecuteReply{Instances: []*catalog.InstanceHealth{nil, {}}},
		&ops.TxnApplyRequest{Ops: []catalog.TxnOp{{}}}, &ops.EvictReportRequest{Outcome: ops.EvictDone}, &ops.ACLReplicationRowsReply{Asked: 2, Tokens: []*catalog.ACLToken{{Roles: []string{"r"}}}},
		&ops.ACLReplicationListReply{Rows: []ops.ACLRowHash{{ID: "a", Hash: "\x01\xff"}}}, &ops.ACLReplicationRowsRequest{Kind: ops.ACLTokens, IDs: []string{"a"}}, &ops.EvictReportReply{}, &ops.StatusRaftReply{LastContact: -1}, &ops.StatusCommittedReply{Index: 1},
		&ops.ACLExplainRequest{AccessorID: "a", Question: ops.ACLQuestion{Resource: "key"}, Below: true},
		&ops.ACLExplainReply{Allow: true, Decided: &ops.ACLStated{Rule: "r", By: []ops.ACLGrant{{Kind: "policy", Role: "r"}}}, Overridden: []ops.ACLStated{{}}, More: 1},
		&ops.ACLAuthMethodsReply{Methods: []*catalog.ACLAuthMethod{{Name: "m", MaxTokenTTL: time.Hour, Config: []byte("{}")}}},
		&ops.ACLAuthMethodReply{}, &ops.ACLAuthMethodSetRequest{Method: catalog.ACLAuthMethod{Name: "m"}}, &ops.ACLBindingRuleListRequest{AuthMethod: "m"},
		&ops.ACLBindingRulesReply{Rules: []*catalog.ACLBindingRule{{ID: "b", BindName: "n"}}}, &ops.ACLBindingRuleReply{}, &ops.ACLBindingRuleSetRequest{Create: true}, &ops.ACLLoginRequest{Bearer: "b", Meta: map[string]string{"a": "b"}},
		&ops.ConnectCARootsReply{TrustDomain: "u.consul", Roots: []*catalog.CARoot{{ID: "a", Active: true, NotAfter: 5, IntermediateCerts: []string{"b"}}}},
		&ops.ConnectCAConfigReply{Config: &catalog.CAConfig{Config: []byte("{}")}}, &ops.ConnectCASignRequest{CSR: "c"}, &ops.AutoEncryptSignRequest{CSR: "c"}, &ops.AutoEncryptSignReply{CertPEM: "c"}, &ops.ConnectAuthorizeReply{Reason: "r"},
		&ops.IntentionApplyRequest{Verb: ops.LegacyIntentionUpdate, Intention: intention()}, &ops.IntentionApplyReply{ID: "a"},
		&ops.IntentionListRequest{Filter: "f"}, &ops.IntentionListReply{Intentions: []*mesh.Intention{new(intention()), {}}},
		&ops.IntentionGetRequest{Peer: "p", Source: "a", Destination: "b"}, &ops.IntentionGetReply{Intention: new(intention())},
		&ops.IntentionMatchRequest{BySource: true, Names: []string{"a", ""}}, &ops.IntentionMatchReply{Matches: [][]*mesh.Intention{{}, {new(intention())}}},
		&ops.UIKeySearchRequest{Prefix: "a/", Text: "b", Values: true, Skip: 3}, &ops.UIKeySearchReply{Keys: []ops.UIFoundKey{{Key: "a", Line: "b"}}, Searched: 2, More: true},
		&ops.KVHistoryRequest{Key: "a", Limit: 3}, &ops.KVHistoryReply{Changes: []*catalog.KeyChange{{Key: "a", Op: catalog.KeySet, Time: -1, New: &catalog.KVEntry{Key: "a"}}, {Old: &catalog.KVEntry{Value: []byte{1}}}}},
		&ops.KVAtRequest{Key: "a", Index: 1 << 40, Time: -1}, &ops.KVAtReply{Entry: &catalog.KVEntry{Key: "a"}},
		&ops.CatalogHistoryRequest{Service: "web", Since: 1 << 60}, &ops.CatalogHistoryReply{Changes: []*catalog.CatalogChange{{Kind: catalog.KindCheck, From: "a", To: "b"}, {}}},
		&ops.IntentionCheckRequest{Source: "a"}, &ops.IntentionCheckReply{Allowed: true},
	}
}

// intention has something of everything.
func intention() mesh.Intention {
	jwt, when := &configentry.JWTRequirement{Providers: []*configentry.JWTRequired{{Name: "okta", VerifyClaims: []configentry.JWTClaim{{Path: []string{"a"}, Value: "v"}}}}}, time.Unix(5, 6).UTC()
	return mesh.Intention{
		Destination: "db", JWT: jwt, Meta: map[string]string{"k": "v"}, CreateIndex: 1, ModifyIndex: 2,
		Source: configentry.SourceIntention{
			Name: "web", Action: "allow", Precedence: 9, LegacyID: "1", Type: "consul", Description: "d", LegacyMeta: map[string]string{}, LegacyCreateTime: &when, Peer: "p",
			Permissions: []*configentry.Permission{{Action: "deny", JWT: jwt, HTTP: &configentry.PermissionHTTP{
				PathExact: "/", Methods: []string{"GET"}, Header: []configentry.PermissionHeader{{Name: "h", Present: true}},
			}}},
		},
	}
}

func fresh(m rpc.Message) rpc.Message {
	return reflect.New(reflect.TypeOf(m).Elem()).Interface().(rpc.Message)
}

func TestReflectionWritesWhatGeneratedCodeWrites(t *testing.T) {
	for _, m := range generated() {
		want, err := m.MarshalMsg(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := msgreflect.Append(nil, m)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%T: %x, %v\nwant %x", m, got, err, want)
		}
	}
}

func TestColdMessagesComeBackWhole(t *testing.T) {
	for _, m := range cold() {
		b, err := m.MarshalMsg(nil)
		if err != nil {
			t.Fatal(err)
		}
		if size := m.Msgsize(); size < len(b) {
			t.Errorf("%T: %d bytes, of %d at most", m, len(b), size)
		}
		for n := range b {
			if _, err := fresh(m).UnmarshalMsg(b[:n]); err == nil {
				t.Errorf("%T: %d of %d bytes were taken for a message", m, n, len(b))
			}
		}
		got := fresh(m)
		rest, err := got.UnmarshalMsg(b)
		if again, _ := got.MarshalMsg(nil); err != nil || len(rest) > 0 || !bytes.Equal(again, b) {
			t.Errorf("%T: came back as %+v with %d bytes left, %v", m, got, len(rest), err)
		}
	}
}

func TestHeaderOfAColdMessageAllocatesNothing(t *testing.T) {
	claim := append([]byte{0x81, 0xa6}, "Voters\xdd\x7f\xff\xff\xff"...)
	if _, err := new(ops.OperatorAutopilotStateReply).UnmarshalMsg(claim); err == nil {
		t.Error("a list of two billion elements was taken, of which there is none")
	}
	claim = append([]byte{0x81, 0xa5}, "Usage\xdf\x7f\xff\xff\xff"...)
	if _, err := new(ops.OperatorUsageReply).UnmarshalMsg(claim); err == nil {
		t.Error("a map of two billion elements was taken, of which there is none")
	}
}

func BenchmarkQueryExecuteReply(b *testing.B) {
	m := &ops.QueryExecuteReply{Service: "web"}
	for range 10 {
		m.Instances = append(m.Instances, &catalog.InstanceHealth{})
	}
	text, err := m.MarshalMsg(nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if text, err = m.MarshalMsg(text[:0]); err != nil {
			b.Fatal(err)
		}
		if _, err := new(ops.QueryExecuteReply).UnmarshalMsg(text); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzReflection decodes what the codec lets through: as generated code does where
// there is any, and whole where there is none.
func FuzzReflection(f *testing.F) {
	for _, m := range append(generated(), cold()...) {
		b, err := m.MarshalMsg(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if size, _, err := shape.Of(b); err != nil || size.Dense(len(b)) {
			return
		}
		for _, m := range generated() {
			wanted, got := fresh(m), fresh(m)
			_, errWanted := wanted.UnmarshalMsg(b)
			_, err := msgreflect.Decode(b, got)
			if (err == nil) != (errWanted == nil) {
				t.Fatalf("%T: %v, generated code said %v", m, err, errWanted)
			}
			a, _ := msgreflect.Append(nil, got)
			if w, _ := wanted.MarshalMsg(nil); err == nil && !bytes.Equal(a, w) {
				t.Fatalf("%T: %+v, generated code read %+v", m, got, wanted)
			}
		}
		for _, m := range cold() {
			got := fresh(m)
			if _, err := got.UnmarshalMsg(b); err != nil {
				continue
			}
			again, err := got.MarshalMsg(nil)
			if err != nil || len(again) > got.Msgsize() {
				t.Fatalf("%T: %d bytes of at most %d, %v", m, len(again), got.Msgsize(), err)
			}
			if _, err := fresh(m).UnmarshalMsg(again); err != nil {
				t.Fatalf("%T: what it wrote is refused: %v", m, err)
			}
		}
	})
}
