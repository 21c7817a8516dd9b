package consulstate_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"praetor/catalog"
	"praetor/internal/consulstate"
)

type row = map[string]any

// native returns a store with some rows of several kinds.
func native(t testing.TB) *catalog.Store {
	t.Helper()
	s := catalog.New()
	for i, cmd := range []struct {
		number catalog.CommandType
		body   msgp.Marshaler
	}{
		{catalog.RegisterCommand, &catalog.Register{Node: "n1", Address: "10.0.0.1", Service: &catalog.Service{ID: "w", Service: "web"},
			Checks: []*catalog.Check{{CheckID: "c", Name: "c", ServiceID: "w"}}}},
		{catalog.KVWriteCommand, &catalog.KVWrite{Entry: catalog.KVEntry{Key: "mine", Value: []byte("v")}}},
		{catalog.KVWriteCommand, &catalog.KVWrite{Entry: catalog.KVEntry{Key: "gone", Value: []byte("v")}}},
		{catalog.KVWriteCommand, &catalog.KVWrite{Verb: catalog.KVDelete, Entry: catalog.KVEntry{Key: "gone"}}},
		{catalog.AutopilotCommand, &catalog.Autopilot{MinQuorum: 3}},
	} {
		data, err := catalog.Encode(cmd.number, cmd.body)
		if err != nil {
			t.Fatal(err)
		}
		if err, failed := s.Apply([]catalog.Entry{{Index: uint64(i + 1), Data: data}})[0].(error); failed {
			t.Fatal(err)
		}
	}
	return s
}

func snapshotOf(t testing.TB, s *catalog.Store) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Read().WriteSnapshot(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func restoresToItself(t *testing.T, s *catalog.Store) {
	t.Helper()
	want, other := snapshotOf(t, s), catalog.New()
	if err := other.Restore(bytes.NewReader(want)); err != nil {
		t.Fatalf("its own snapshot: %v", err)
	}
	if got := snapshotOf(t, other); !bytes.Equal(got, want) {
		t.Fatalf("restored from its own snapshot: got\n%q\nwant\n%q", got, want)
	}
}

func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// consulState encodes a state as Consul does: text and bytes alike, indexes among
// the members, every member there.
func consulState(t testing.TB, lastIndex uint64, records ...any) []byte {
	t.Helper()
	b := encodeAny(t, nil, row{"LastIndex": lastIndex})
	for i := 0; i < len(records); i += 2 {
		b = append(b, byte(records[i].(int)))
		b = encodeAny(t, b, records[i+1])
	}
	return b
}

func encodeAny(t testing.TB, b []byte, v any) []byte {
	t.Helper()
	b, err := msgp.AppendIntf(b, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The numbers of the types.
const (
	consulRegister = 0
	consulKVS      = 2
	consulSession  = 3
	consulTomb     = 5
	consulCoords   = 6
	consulQuery    = 7
	consulPilot    = 9
	consulIndex    = 16
	consulToken    = 17
	consulPolicy   = 19
	consulConfig   = 22
	consulRole     = 23
	consulRule     = 25
	consulMethod   = 27
)

func consulNode(more row) row {
	r := row{
		"Datacenter": "dc1", "ID": "40404040-0000-0000-0000-000000000001", "Node": "n1", "Address": "10.0.0.1",
		"TaggedAddresses": row{"lan": "10.0.0.1"}, "NodeMeta": row{"a": "1"}, "Service": nil, "Check": nil, "Checks": nil,
		"SkipNodeUpdate": false, "PeerName": "", "Token": "", "CreateIndex": 5, "ModifyIndex": 6,
	}
	for k, v := range more {
		r[k] = v
	}
	return r
}

func consulService() row {
	return row{
		"Kind": "", "ID": "web", "Service": "web", "Tags": []any{"v1"}, "Address": "", "Meta": row{"m": "1"}, "Port": 0, "Ports": []any{row{"Name": "http", "Port": 80, "Default": true}}, "SocketPath": "",
		"TaggedAddresses": row{"lan": row{"Address": "10.0.0.1", "Port": 80}}, "Weights": row{"Passing": 3, "Warning": 1}, "EnableTagOverride": true,
		"Proxy":   row{"DestinationServiceName": "", "MeshGateway": row{"Mode": ""}, "Expose": row{}, "TransparentProxy": row{"OutboundListenerPort": 0, "DialedDirectly": false}, "EnvoyExtensions": nil},
		"Connect": row{"Native": false, "SidecarService": nil}, "LocallyRegisteredAsSidecar": false, "PeerName": "", "Locality": nil,
		"CreateIndex": 7, "ModifyIndex": 8,
	}
}

func consulProxy() row {
	return row{
		"Kind": "connect-proxy", "ID": "web-p", "Service": "web-proxy", "Tags": nil, "Port": 20000, "Weights": row{"Passing": 1, "Warning": 1},
		"Proxy": row{
			"DestinationServiceName": "web", "Config": row{"deep": row{"x": []any{"y", nil, true}}}, "MeshGateway": row{"Mode": "local"},
			"Upstreams": []any{row{"DestinationName": "db", "LocalBindPort": 9, "Config": nil, "MeshGateway": row{"Mode": "remote"}}},
			"Expose":    row{"Checks": true, "Paths": nil}, "TransparentProxy": row{"OutboundListenerPort": 0, "DialedDirectly": false},
		},
		"Connect": row{"Native": false}, "CreateIndex": 9, "ModifyIndex": 9,
	}
}

// consulWhole has a record of every kind that is kept, and of two that are not.
func consulWhole(t testing.TB) []byte {
	return consulState(t, 40,
		consulRegister, consulNode(nil),
		consulRegister, consulNode(row{"Service": consulService()}),
		consulRegister, consulNode(row{"Service": consulProxy()}),
		consulRegister, consulNode(row{"Check": row{
			"Node": "n1", "CheckID": "c", "Name": "C", "Status": "passing", "Notes": "", "Output": "fine", "ServiceID": "web", "ServiceName": "web",
			"ServiceTags": []any{"v1"}, "Type": "http", "Interval": "10s", "Timeout": "1s", "ExposedPort": 0, "PeerName": "",
			"Definition":  row{"HTTP": "http://x", "Header": row{"A": []any{"b"}}, "Interval": int64(10 * time.Second), "ScriptArgs": nil, "TLSSkipVerify": true},
			"CreateIndex": 10, "ModifyIndex": 11,
		}}),
		consulRegister, consulNode(row{"Node": "far", "PeerName": "other"}),
		consulCoords, []any{
			row{"Node": "n1", "Segment": "", "Coord": row{"Vec": []any{1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0}, "Error": 1.5, "Adjustment": 0.0, "Height": 1e-5}},
			row{"Node": "gone", "Segment": "", "Coord": row{"Vec": []any{}, "Error": 0.0, "Adjustment": 0.0, "Height": 0.0}},
		},
		consulSession, row{"ID": "40404040-0000-0000-0000-0000000000aa", "Name": "s", "Node": "n1", "LockDelay": int64(15 * time.Second), "Behavior": "delete",
			"TTL": "30s", "NodeChecks": []any{}, "ServiceChecks": []any{row{"ID": "c", "Namespace": ""}}, "CreateIndex": 12, "ModifyIndex": 12},
		consulKVS, row{"LockIndex": 1, "Key": "a/b", "Flags": 42, "Value": "text", "Session": "40404040-0000-0000-0000-0000000000aa", "CreateIndex": 13, "ModifyIndex": 14},
		consulKVS, row{"LockIndex": 0, "Key": "empty", "Flags": 0, "Value": nil, "Session": "", "CreateIndex": 15, "ModifyIndex": 15},
		consulTomb, row{"LockIndex": 0, "Key": "a/gone", "Flags": 0, "Value": nil, "Session": "", "CreateIndex": 0, "ModifyIndex": 16},
		consulQuery, row{"ID": "40404040-0000-0000-0000-0000000000bb", "Name": "geo-", "Session": "", "Token": "t", "DNS": row{"TTL": "9s"},
			"Template": row{"Type": "name_prefix_match", "Regexp": "^geo-(.*)$", "RemoveEmptyTags": true},
			"Service": row{"Service": "${match(1)}", "Failover": row{"NearestN": 2, "Datacenters": []any{"dc2"}, "Targets": nil}, "OnlyPassing": true,
				"Tags": []any{"a", "!b"}, "NodeMeta": row{"k": "v"}, "ServiceMeta": nil, "Near": "_agent", "IgnoreCheckIDs": nil, "Connect": false, "EnterpriseMeta": row{}},
			"CreateIndex": 17, "ModifyIndex": 18},
		consulPilot, row{"CleanupDeadServers": true, "LastContactThreshold": int64(200 * time.Millisecond), "MaxTrailingLogs": 250, "MinQuorum": 3,
			"ServerStabilizationTime": int64(10 * time.Second), "RedundancyZoneTag": "", "CreateIndex": 2, "ModifyIndex": 17},
		consulIndex, row{"Key": "kvs", "Value": 20},
		consulIndex, row{"Key": "nodes", "Value": 9},
		consulIndex, row{"Key": "service.web", "Value": 11},
		consulConfig, row{"Kind": "service-defaults"},
		consulConfig, row{"Kind": "service-defaults"},
		99, row{"new": 1},
	)
}

func TestAStateOfConsulsIsImported(t *testing.T) {
	s := catalog.New()
	found, err := consulstate.Import(s, bytes.NewReader(consulWhole(t)))
	if err != nil {
		t.Fatal(err)
	}
	if !found.Foreign || found.LastIndex != 40 {
		t.Errorf("%+v", found)
	}
	wantSkipped := map[string]int{"ConfigEntry (no entry of a known form)": 2, "Unknown(99)": 1, "CoordinateBatchUpdate (unusable)": 1, "Register (of a peer)": 1}
	if text(found.Skipped) != text(wantSkipped) {
		t.Errorf("skipped %v, want %v", found.Skipped, wantSkipped)
	}
	tx := s.Read()
	index, entry := tx.KVGet(nil, "a/b")
	if want := (&catalog.KVEntry{LockIndex: 1, Key: "a/b", Flags: 42, Value: []byte("text"), Session: "40404040-0000-0000-0000-0000000000aa", CreateIndex: 13, ModifyIndex: 14}); text(entry) != text(want) || index != 14 {
		t.Errorf("key: %d %s, want %s", index, text(entry), text(want))
	}
	if index, keys := tx.KVKeys(nil, "", ""); index != 40 || len(keys) != 2 { // deletions have no index of their own in the file
		t.Errorf("keys: %d %v", index, keys)
	}
	if index, _ := tx.KVList(nil, "a/gone"); index != 16 {
		t.Errorf("a deleted key's index: %d, want 16", index)
	}
	index, nodes := tx.Nodes(nil)
	if len(nodes) != 1 || index != 9 || nodes[0].Meta["a"] != "1" || nodes[0].CreateIndex != 5 || nodes[0].Datacenter != "dc1" {
		t.Errorf("nodes: %d %s", index, text(nodes))
	}
	_, web := tx.ServiceHealth(nil, "web")
	if len(web) != 1 || web[0].Service.Port != 80 || web[0].Service.Weights.Passing != 3 || web[0].Service.Proxy != nil || web[0].Service.Connect != nil ||
		len(web[0].Checks) != 1 || web[0].Checks[0].Definition.Interval != 10*time.Second || web[0].Checks[0].ModifyIndex != 11 {
		t.Errorf("web: %s", text(web))
	}
	_, mesh := tx.MeshHealth(nil, "web")
	if len(mesh) != 1 || mesh[0].Service.Proxy.MeshGatewayMode != "local" || mesh[0].Service.Proxy.Upstreams[0].MeshGatewayMode != "remote" ||
		mesh[0].Service.Proxy.TransparentProxy != nil || !mesh[0].Service.Proxy.Expose.Checks {
		t.Errorf("mesh: %s", text(mesh))
	}
	if index, q := tx.Query(nil, "40404040-0000-0000-0000-0000000000bb"); index < 18 || text(q) != text(&catalog.Query{
		ID: "40404040-0000-0000-0000-0000000000bb", Name: "geo-", Token: "t", DNSTTL: "9s", CreateIndex: 17, ModifyIndex: 18,
		Template: catalog.QueryTemplate{Type: "name_prefix_match", Regexp: "^geo-(.*)$", RemoveEmptyTags: true},
		Service: catalog.QueryService{
			Service: "${match(1)}", OnlyPassing: true, Tags: []string{"a", "!b"}, NodeMeta: map[string]string{"k": "v"}, Near: "_agent",
			Failover: catalog.QueryFailover{NearestN: 2, Datacenters: []string{"dc2"}},
		},
	}) {
		t.Errorf("query at %d: %s", index, text(q))
	}
	if _, session := tx.Session(nil, "40404040-0000-0000-0000-0000000000aa"); session == nil || session.TTL != "30s" || session.LockDelay != 15*time.Second || len(session.ServiceChecks) != 1 {
		t.Errorf("session: %s", text(session))
	}
	if a := tx.Autopilot(); a == nil || a.MinQuorum != 3 || a.ModifyIndex != 17 {
		t.Errorf("autopilot: %s", text(a))
	}
	if c := tx.Coord("n1", ""); c == nil || c.Error != 1.5 {
		t.Errorf("coordinate: %s", text(c))
	}
	restoresToItself(t, s)
}

func TestAnImportThatFailsChangesNothingAndSaysWhy(t *testing.T) {
	whole := consulWhole(t)
	kv := row{"Key": "k", "Value": "v", "CreateIndex": 1, "ModifyIndex": 1}
	tests := []struct {
		name, want string
		state      []byte
	}{
		{"empty", "the state is empty", nil},
		{"garbage", "neither Praetor's nor Consul's", []byte("garbage")},
		{"another map", "neither Praetor's nor Consul's", encodeAny(t, nil, row{"x": 1})},
		{"negative index", "header: LastIndex", encodeAny(t, nil, row{"LastIndex": -1})},
		{"cut", "unexpected EOF", whole[:len(whole)-1]},
		{"a list for a map", "record 0 of type KVS: a map is wanted", consulState(t, 1, consulKVS, []any{1})},
		{"no key", "record 0 of type KVS: a row without a key", consulState(t, 1, consulKVS, row{"Value": "v"})},
		{"a number for text", "record 0 of type KVS", consulState(t, 1, consulKVS, row{"Key": 7})},
		{"a key twice", "record 1 of type KVS: a row with this key came before", consulState(t, 1, consulKVS, kv, consulKVS, kv)},
		{"an unknown session", `key "k" of unknown session "x"`, consulState(t, 1, consulKVS, row{"Key": "k", "Session": "x"})},
		{"a check of nothing", "unknown service", consulState(t, 1, consulRegister, consulNode(row{"Check": row{"Node": "n1", "CheckID": "c", "ServiceID": "x"}}))},
		{"a node without a name", "Node: a text is wanted", consulState(t, 1, consulRegister, row{"Address": "x"})},
		{"an array that is not there", "EOF", append(consulState(t, 1), consulCoords, 0xdd, 0xff, 0xff, 0xff, 0xff)},
		{"Praetor's, cut", "restore catalog snapshot", []byte("PRAETOR\x00\x00\x01")},
	}
	for _, test := range tests {
		s := native(t)
		want := snapshotOf(t, s)
		_, err := consulstate.Import(s, bytes.NewReader(test.state))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
		if !bytes.Equal(snapshotOf(t, s), want) {
			t.Errorf("%s: the store changed", test.name)
		}
	}
}

func TestImportTakesAStateOfPraetorsAsItIs(t *testing.T) {
	want := snapshotOf(t, native(t))
	s := catalog.New()
	found, err := consulstate.Import(s, bytes.NewReader(want))
	if err != nil || found.Foreign || found.LastIndex != s.Read().LastIndex() {
		t.Fatalf("%+v, %v", found, err)
	}
	if got := snapshotOf(t, s); !bytes.Equal(got, want) {
		t.Error("the store differs")
	}
}

func TestRecordsNamesAndSizesWhatBothFormatsHold(t *testing.T) {
	for _, test := range []struct {
		name  string
		state []byte
		want  map[string]int
	}{
		{"Praetor", snapshotOf(t, native(t)), map[string]int{"Register": 3, "KVS": 1, "Tombstone": 1, "Autopilot": 1}},
		{"Consul", consulWhole(t), map[string]int{"Register": 5, "KVS": 2, "Session": 1, "Tombstone": 1, "Autopilot": 1, "CoordinateBatchUpdate": 1,
			"Index": 3, "PreparedQuery": 1, "ConfigEntry": 2, "Unknown(99)": 1}},
	} {
		got, size := map[string]int{}, 0
		if _, err := consulstate.Records(bytes.NewReader(test.state), func(r catalog.Record) error {
			got[r.Type]++
			size += r.Size
			if json, err := r.JSON(); err != nil || len(json) == 0 {
				t.Errorf("%s: %s: %s, %v", test.name, r.Type, json, err)
			}
			if (r.Key() != "") != (r.Type == "KVS") {
				t.Errorf("%s: %s has the key %q", test.name, r.Type, r.Key())
			}
			return nil
		}); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		for name, count := range test.want {
			if got[name] != count {
				t.Errorf("%s: %d of %s, want %d", test.name, got[name], name, count)
			}
		}
		if header := len(test.state) - size; header <= 0 || header > 50 {
			t.Errorf("%s: the records have %d bytes of %d", test.name, size, len(test.state))
		}
	}
}

// FuzzImport: a refused state changes nothing; an accepted one is a store that
// works, is written so that it can be restored, and goes to Consul and comes back.
func FuzzImport(f *testing.F) {
	whole := consulWhole(f)
	f.Add(whole)
	f.Add(consulACLs(f))
	mine, _ := exported(f, full(f))
	f.Add(mine)
	f.Add(whole[:len(whole)/2])
	f.Add(snapshotOf(f, native(f)))
	f.Add(consulState(f, 3, consulKVS, row{"Key": "k", "Value": "v"}))
	f.Add([]byte("garbage"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, listErr := consulstate.Records(bytes.NewReader(b), func(r catalog.Record) error {
			r.Key()
			_, _ = r.JSON() // whatever it says
			return nil
		})
		s := catalog.New()
		if _, err := consulstate.Import(s, bytes.NewReader(b)); err != nil {
			return
		}
		if listErr != nil {
			t.Fatalf("imported, but its records cannot be listed: %v", listErr)
		}
		restoresToItself(t, s)
		there, _ := exported(t, s)
		there, _ = exported(t, imported(t, there)) // now every table has an index
		if again, _ := exported(t, imported(t, there)); !bytes.Equal(again, there) {
			t.Errorf("exported again it differs: got\n%q\nwant\n%q", again, there)
		}
	})
}
