package consulstate_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/tinylib/msgp/msgp"

	"praetor/catalog"
	"praetor/internal/configentry"
	"praetor/internal/consulstate"
	"praetor/internal/mesh"
	"praetor/internal/pki"
)

// exported returns a state as Consul's, and what it cannot hold.
func exported(t testing.TB, s *catalog.Store) ([]byte, []string) {
	t.Helper()
	var b bytes.Buffer
	omitted, err := consulstate.Export(s.Read(), &b)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), omitted
}

// imported returns the store of a state of which nothing is skipped.
func imported(t testing.TB, state []byte) *catalog.Store {
	t.Helper()
	s := catalog.New()
	found, err := consulstate.Import(s, bytes.NewReader(state))
	if err != nil {
		t.Fatal(err)
	}
	if !found.Foreign || len(found.Skipped) > 0 {
		t.Errorf("foreign: %v, skipped %v", found.Foreign, found.Skipped)
	}
	return s
}

// rowsOf returns the rows of all tables but the indexes of single names, which follow
// from what they are of.
func rowsOf(t testing.TB, s *catalog.Store) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	if err := s.Read().Rows(func(table string, row []byte) error {
		value, _, err := msgp.ReadMapStrIntfBytes(row, nil)
		if err != nil {
			return err
		}
		if key, _ := value["Key"].(string); table == "index" && (strings.Contains(key, "/") || key == "service_extinct" || key == "node_gone" || key == "acls") {
			return nil
		}
		all[table] = append(all[table], text(value))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// full has rows of every table, with all their members in use.
func full(t testing.TB) *catalog.Store {
	t.Helper()
	root, key := authority(t)
	cert, err := pki.ParseCertificate(root)
	if err != nil {
		t.Fatal(err)
	}
	const session = "40404040-0000-0000-0000-0000000000aa"
	created := time.Date(2025, 1, 2, 3, 4, 5, 6, time.UTC).UnixNano()
	grants := catalog.ACLRole{
		ID: aRole, Name: "r", Description: "d", Policies: []string{aPolicy}, ServiceIdentities: []catalog.ACLServiceIdentity{{ServiceName: "web", Datacenters: []string{"dc1"}}},
		NodeIdentities:    []catalog.ACLNodeIdentity{{NodeName: "n1", Datacenter: "dc1"}},
		TemplatedPolicies: []catalog.ACLTemplatedPolicy{{TemplateID: "t", TemplateName: "builtin/service", Name: "api"}, {TemplateID: "u", TemplateName: "builtin/dns"}},
	}
	s := native(t)
	index := s.Read().LastIndex()
	for _, cmd := range []struct {
		number catalog.CommandType
		body   msgp.Marshaler
	}{
		{catalog.RegisterCommand, &catalog.Register{
			ID: "40404040-0000-0000-0000-000000000001", Node: "n2", Address: "10.0.0.2", Datacenter: "dc1", TaggedAddresses: map[string]string{"lan": "10.0.0.2"},
			NodeMeta: map[string]string{"a": "1"}, Locality: &catalog.Locality{Region: "eu", Zone: "a"},
			Service: &catalog.Service{
				Kind: "connect-proxy", ID: "p", Service: "web-proxy", Tags: []string{"x"}, Port: 1, Ports: []catalog.ServicePort{{Name: "a", Port: 2}, {Name: "b", Port: 1, Default: true}}, Meta: map[string]string{"m": "1"}, SocketPath: "/s",
				TaggedAddresses: map[string]catalog.ServiceAddress{"lan": {Address: "a", Port: 1}}, Weights: catalog.Weights{Passing: 3, Warning: 1}, EnableTagOverride: true,
				Proxy: &catalog.Proxy{
					DestinationServiceName: "web", DestinationServiceID: "web1", LocalServiceAddress: "127.0.0.1", LocalServicePort: 8, LocalServicePorts: []catalog.ServicePort{{Name: "a", Port: 8}}, Mode: "transparent", MeshGatewayMode: "local",
					Config:    map[string]any{"n": int64(1), "f": 1.5, "deep": map[string]any{"x": []any{"y", nil, true}}},
					Upstreams: []catalog.Upstream{{DestinationName: "db", DestinationPort: "pg", LocalBindPort: 9, MeshGatewayMode: "remote", CentrallyConfigured: true, Config: map[string]any{"a": nil}}},
					Expose:    &catalog.Expose{Checks: true, Paths: []catalog.ExposePath{{Path: "/", ListenerPort: 1}}}, TransparentProxy: &catalog.TransparentProxy{DialedDirectly: true},
				},
			},
			Checks: []*catalog.Check{{CheckID: "c", ServiceID: "p", Status: catalog.Warning, Output: strings.Repeat("long ", 10), Definition: catalog.CheckDefinition{
				HTTP: "http://x", Interval: 10 * time.Second, Header: map[string][]string{"A": {"b"}}, ScriptArgs: []string{"s"}, TLSSkipVerify: true,
			}}, {CheckID: catalog.SerfHealth, Status: catalog.Passing}},
		}},
		{catalog.RegisterCommand, &catalog.Register{Node: "n2", SkipNodeUpdate: true, Service: &catalog.Service{ID: "nat", Service: "native", Connect: &catalog.Connect{Native: true}}}},
		{catalog.RegisterCommand, &catalog.Register{Node: "n2", SkipNodeUpdate: true, Service: &catalog.Service{ID: "gone", Service: "gone", Connect: &catalog.Connect{Native: true}}}},
		{catalog.RegisterCommand, &catalog.Register{Node: "n2", SkipNodeUpdate: true, Service: &catalog.Service{ID: "last", Service: "last", Connect: &catalog.Connect{Native: true}}}},
		{catalog.DeregisterCommand, &catalog.Deregister{Node: "n2", ServiceID: "gone"}},
		{catalog.CoordinateCommand, &catalog.CoordinateBatch{Coordinates: []*catalog.Coordinate{{Node: "n2", Coord: catalog.Coord{Vec: make([]float64, 8), Error: 1.5, Height: 1e-5}}}}},
		{catalog.SessionCommand, &catalog.SessionWrite{Session: catalog.Session{
			ID: session, Name: "s", Node: "n2", LockDelay: 15 * time.Second, Behavior: catalog.SessionDelete, TTL: "30s",
			NodeChecks: []string{}, ServiceChecks: []catalog.SessionServiceCheck{{ID: "c"}}, Checks: []string{catalog.SerfHealth},
		}}},
		{catalog.KVWriteCommand, &catalog.KVWrite{Verb: catalog.KVLock, Entry: catalog.KVEntry{Key: "held", Flags: 1 << 63, Value: []byte("\x00\xff text"), Session: session}}},
		{catalog.KVWriteCommand, &catalog.KVWrite{Entry: catalog.KVEntry{Key: "empty"}}},
		{catalog.QueryCommand, &catalog.QueryWrite{Query: catalog.Query{
			ID: "40404040-0000-0000-0000-0000000000bb", Name: "geo-", Token: "t", DNSTTL: "9s", Session: session,
			Template: catalog.QueryTemplate{Type: catalog.TemplateNamePrefix, Regexp: "^geo-(.*)$", RemoveEmptyTags: true},
			Service: catalog.QueryService{
				Service: "${match(1)}", OnlyPassing: true, Tags: []string{"a", "!b"}, NodeMeta: map[string]string{"k": "v"}, ServiceMeta: map[string]string{}, Near: "_agent",
				IgnoreCheckIDs: []string{"c"}, Connect: true, Failover: catalog.QueryFailover{NearestN: 2, Datacenters: []string{"dc2"}, Targets: []catalog.QueryTarget{{Peer: "p"}}},
			},
		}}},
		{catalog.ACLPolicyCommand, &catalog.ACLPolicyWrite{Policies: []*catalog.ACLPolicy{{ID: aPolicy, Name: "p", Rules: `key "a" { policy = "read" }`, Datacenters: []string{"dc1"}}}}},
		{catalog.ACLRoleCommand, &catalog.ACLRoleWrite{Roles: []*catalog.ACLRole{&grants}}},
		{catalog.ACLAuthMethodCommand, &catalog.ACLAuthMethodWrite{Methods: []*catalog.ACLAuthMethod{{Name: "m", Type: "jwt", MaxTokenTTL: time.Hour, TokenLocality: "local",
			Config: []byte(`{"BoundIssuer":"me","ClockSkewLeeway":1.5,"JWTValidationPubKeys":["k"],"n":null}`)}}}},
		{catalog.ACLBindingRuleCommand, &catalog.ACLBindingRuleWrite{Rules: []*catalog.ACLBindingRule{{ID: aRule, AuthMethod: "m", BindType: "templated-policy", BindName: "builtin/service", BindVars: "${value.name}"},
			{ID: aRole, AuthMethod: "m", BindType: "role", BindName: "r"}}}},
		{catalog.ACLTokenCommand, &catalog.ACLTokenWrite{Bootstrap: true, Tokens: []*catalog.ACLToken{{
			AccessorID: aToken, SecretID: "s1", Description: "d", Policies: []string{aPolicy}, Roles: []string{aRole}, ServiceIdentities: grants.ServiceIdentities,
			NodeIdentities: grants.NodeIdentities, TemplatedPolicies: grants.TemplatedPolicies, Local: true, AuthMethod: "m", Created: created, Expires: created + int64(time.Hour),
		}}}},
		{catalog.ACLTokenCommand, &catalog.ACLTokenWrite{Tokens: []*catalog.ACLToken{{AccessorID: aRule, SecretID: "s2"}}}},
		{catalog.CACommand, &catalog.CAWrite{
			Config: &catalog.CAConfig{ClusterID: "u", Provider: "consul", Config: []byte(`{"LeafCertTTL":"72h","PrivateKeyBits":256}`)},
			Roots: []*catalog.CARoot{{ID: pki.CertificateID(cert), Name: "root", SerialNumber: 9, SigningKeyID: "k", ExternalTrustDomain: "u", NotBefore: cert.NotBefore.Unix(),
				NotAfter: cert.NotAfter.Unix(), RootCert: root, Active: true, PrivateKeyType: "ec", PrivateKeyBits: 256}},
			State: &catalog.CAState{ID: "print", PrivateKey: key, SigningCert: root},
		}},
		{catalog.ConfigCommand, &catalog.ConfigWrite{Entry: entryRow(t, `{"Kind":"service-defaults","Name":"web","Protocol":"http"}`)}},
		{catalog.ConfigCommand, &catalog.ConfigWrite{Entry: entryRow(t, `{"Kind":"service-intentions","Name":"web","Sources":[{"Name":"*","Action":"deny"}]}`)}},
	} {
		data, err := catalog.Encode(cmd.number, cmd.body)
		if err != nil {
			t.Fatal(err)
		}
		index++
		if err, failed := s.Apply([]catalog.Entry{{Index: index, Data: data}})[0].(error); failed {
			t.Fatal(err)
		}
	}
	return s
}

func entryRow(t testing.TB, body string) catalog.ConfigEntry {
	t.Helper()
	e, err := configentry.DecodeJSON(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := configentry.Prepare(e); err != nil {
		t.Fatal(err)
	}
	row, err := catalog.NewConfigEntry(e)
	if err != nil {
		t.Fatal(err)
	}
	return *row
}

func TestWhatIsExportedComesBackAsItWas(t *testing.T) {
	s := full(t)
	state, omitted := exported(t, s)
	if len(omitted) != 1 || !strings.Contains(omitted[0], "makes a new root") {
		t.Errorf("omitted %q", omitted)
	}
	back := imported(t, state)
	if diff := cmp.Diff(rowsOf(t, s), rowsOf(t, back)); diff != "" {
		t.Errorf("the rows differ:\n%s", diff)
	}
	if again, _ := exported(t, back); !bytes.Equal(again, state) {
		t.Error("exported again it differs")
	}
	restoresToItself(t, back)
}

// TestEveryTableIsInTheTestsAndInAnArchive: a new table is given a way, or named as
// one that Consul does not have.
func TestEveryTableIsInTheTestsAndInAnArchive(t *testing.T) {
	rows := rowsOf(t, full(t))
	for _, table := range strings.Fields("node virtual service check session query config kv tombstone index autopilot coordinate acl_policy acl_role acl_token acl_auth_method acl_binding_rule ca_root ca_config ca_state") {
		if len(rows[table]) == 0 {
			t.Errorf("no row of %s", table)
		}
		delete(rows, table)
	}
	for table := range rows {
		t.Errorf("table %s has no line here", table)
	}
}

func TestConfigEntriesOfEveryKindComeBack(t *testing.T) {
	samples, err := os.ReadFile("../configentry/testdata/entries.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	bodies := append(strings.Split(strings.TrimSpace(string(samples)), "\n"), `{"Kind":"AI","Name":"x","Free":1}`, `{"Kind":"AI","Name":"y"}`)
	l := catalog.NewLoader()
	defer l.Close()
	want, seen := map[string]string{}, map[string]bool{}
	for i, body := range bodies {
		row := entryRow(t, body)
		row.CreateIndex, row.ModifyIndex = uint64(i+1), uint64(i+2)
		if seen[row.Kind+strings.ToLower(row.Name)] {
			continue
		}
		seen[row.Kind+strings.ToLower(row.Name)] = true
		if err := l.AddConfigEntry(&row); err != nil {
			t.Fatal(err)
		}
		if row.Kind != configentry.KindAI && row.Kind != configentry.KindRateLimit {
			want[row.Kind+"/"+row.Name] = text(row) + string(row.Body)
		}
	}
	s := catalog.New()
	l.Finish(s, 100, map[string]uint64{"configs": 90})
	state, omitted := exported(t, s)
	if !slices.Equal(omitted, []string{"config entries of kind AI: Consul 1.x does not know them (2)", "config entries of kind rate-limit: Consul 1.x does not know them"}) {
		t.Errorf("omitted %q", omitted)
	}
	if _, err := consulstate.Records(bytes.NewReader(state), func(r catalog.Record) error {
		if json, err := r.JSON(); r.Type == "ConfigEntry" && (err != nil || !strings.Contains(string(json), `"Op":"upsert"`)) {
			t.Errorf("shown as %s, %v", json, err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	index, entries := imported(t, state).Read().ConfigEntries(nil, "")
	got := map[string]string{}
	for _, e := range entries {
		got[e.Kind+"/"+e.Name] = text(*e) + string(e.Body)
	}
	if diff := cmp.Diff(want, got); diff != "" || index != 90 {
		t.Errorf("at index %d:\n%s", index, diff)
	}
}

// TestMembersThatAreLeftOutAreZero: of the values in a map none leaks into the next.
func TestMembersThatAreLeftOutAreZero(t *testing.T) {
	entry := row{"Name": "web", "Subsets": row{"a": row{"OnlyPassing": true}, "b": row{}}, "Failover": row{"a": row{"Datacenters": []any{"dc2"}}, "b": row{"Targets": []any{row{"Peer": "p"}}}}, "ConnectTimeout": int64(time.Second), "EnterpriseMeta": row{}, "ModifyIndex": 7}
	request := append(encodeAny(t, nil, "service-resolver"), encodeAny(t, nil, row{"Op": "upsert", "Entry": entry})...)
	s := imported(t, consulState(t, 40, consulConfig, string(request), consulConfig, []byte(bytes.ReplaceAll(request, []byte("web"), []byte("two")))))
	for _, name := range []string{"web", "two"} {
		_, e := s.Read().ConfigEntry(nil, "service-resolver", name)
		if want := `{"Kind":"service-resolver","Name":"` + name + `","Subsets":{"a":{"OnlyPassing":true},"b":{}},"Failover":{"a":{"Datacenters":["dc2"]},"b":{"Targets":[{"Peer":"p"}]}},"ConnectTimeout":"1s"}`; e == nil || string(e.Body) != want || e.ModifyIndex != 7 {
			t.Errorf("%s: %+v\nwant %s", name, e, want)
		}
	}
	s = catalog.New()
	bad := append(encodeAny(t, nil, "service-splitter"), encodeAny(t, nil, row{"Entry": row{"Name": "x", "Splits": []any{row{"Weight": 3.0}}}})...)
	found, err := consulstate.Import(s, bytes.NewReader(consulState(t, 40, consulConfig, "x", consulConfig, append(encodeAny(t, nil, "bogus"), 0x81, 0xa5, 'E', 'n', 't', 'r', 'y', 0x80), consulConfig, bad, consulConfig, 5)))
	if want := (map[string]int{"ConfigEntry (no entry of a known form)": 2, "ConfigEntry (a kind that cannot be read)": 1, "ConfigEntry (service-splitter that is not valid)": 1}); err != nil || text(found.Skipped) != text(want) {
		t.Errorf("%v, %+v", err, found)
	}
}

// TestStatesThatWereImportedGoBack: what came from Consul goes to Consul.
func TestStatesThatWereImportedGoBack(t *testing.T) {
	root, key := authority(t)
	for name, state := range map[string][]byte{
		"whole": consulWhole(t), "acls": consulACLs(t), "nothing": consulState(t, 3),
		"long": consulState(t, 9, consulKVS, row{"Key": strings.Repeat("k", 300), "Value": strings.Repeat("long ", 20000), "CreateIndex": 7, "ModifyIndex": 8}),
		"authority": consulState(t, 40, 13, row{"Name": "n", "RootCert": root, "Active": true, "CreateIndex": 5, "ModifyIndex": 6},
			14, row{"ID": "a", "PrivateKey": key}, 15, row{"ClusterID": "u", "Provider": "consul", "Config": row{"LeafCertTTL": "72h"}, "CreateIndex": 3, "ModifyIndex": 4}),
		"addresses": consulState(t, 40, 32, row{"Service": row{"ServiceName": row{"Name": "a"}, "Peer": ""}, "IP": "\x00\x00\x00\x05", "CreateIndex": 4, "ModifyIndex": 5},
			32, row{"Service": row{"Name": "old"}, "IP": "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x00\x06"},
			33, row{"IP": "\x00\x00\x00\x02", "IsCounter": false}, 33, row{"IP": "\x00\x00\x00\x09", "IsCounter": true}),
	} {
		s := catalog.New()
		if _, err := consulstate.Import(s, bytes.NewReader(state)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		there, _ := exported(t, s)
		back := imported(t, there)
		if diff := cmp.Diff(rowsOf(t, s), rowsOf(t, back)); diff != "" {
			t.Errorf("%s: the rows differ:\n%s", name, diff)
		}
		if again, _ := exported(t, back); !bytes.Equal(again, there) {
			t.Errorf("%s: exported again it differs", name)
		}
	}
}

func TestVirtualAddressesOfConsulAreKept(t *testing.T) {
	s := imported(t, consulState(t, 40, 32, row{"Service": row{"ServiceName": row{"Name": "a"}, "Peer": ""}, "IP": "\x00\x00\x00\x05"}))
	if v := s.Read().VirtualAddress(nil, "a"); v == nil || v.Addr() != mesh.VirtualAddr(5) {
		t.Errorf("address %+v", v)
	}
	s = catalog.New()
	found, err := consulstate.Import(s, bytes.NewReader(consulState(t, 40, 32, row{"Service": row{"ServiceName": row{"Name": "a"}, "Peer": "p"}, "IP": "\x00\x00\x00\x05"}, 32, row{"Service": 7}, 33, row{"IP": "x"})))
	if want := (map[string]int{"ServiceVirtualIP (of a peer)": 1, "ServiceVirtualIP (unusable)": 1, "FreeVirtualIP (unusable)": 1}); err != nil || text(found.Skipped) != text(want) {
		t.Errorf("%v, skipped %v", err, found)
	}
}

// TestRecordsHaveConsulsForm: a header, then a byte and a value each; texts without the
// forms that older readers do not know; the sizes that Consul's own records were shown
// with in public (pull request 9006 of hashicorp/consul).
func TestRecordsHaveConsulsForm(t *testing.T) {
	var h codec.MsgpackHandle
	h.RawToString = true
	s := catalog.New()
	l := catalog.NewLoader()
	defer l.Close()
	for _, err := range []error{
		l.SetAutopilot(&catalog.Autopilot{CleanupDeadServers: true, LastContactThreshold: int64(200 * time.Millisecond), MaxTrailingLogs: 250, ServerStabilizationTime: int64(10 * time.Second), CreateIndex: 4, ModifyIndex: 4}),
		l.AddKey(&catalog.KVEntry{Key: "k", Value: []byte{0xff, 1}, CreateIndex: 7, ModifyIndex: 8}),
		l.AddACLToken(&catalog.ACLToken{AccessorID: aToken, SecretID: "s", Created: time.Date(2025, 1, 2, 3, 4, 5, 6, time.UTC).UnixNano()}),
		l.SetCAConfig(&catalog.CAConfig{ClusterID: aToken, Provider: "consul", Config: []byte(`{"LeafCertTTL":"72h","IntermediateCertTTL":"8760h","RotationPeriod":"2160h"}`), CreateIndex: 5, ModifyIndex: 5}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	l.Finish(s, 9, nil)
	state, _ := exported(t, s)
	if header := "\x81\xa9LastIndex\x09"; !strings.HasPrefix(string(state), header) {
		t.Fatalf("it begins with %q, want %q", state[:12], header)
	}
	sizes := map[string]int{}
	in := bytes.NewReader(state[12:])
	for in.Len() > 0 {
		kind, _ := in.ReadByte()
		was := in.Len()
		var value any
		if err := codec.NewDecoder(in, &h).Decode(&value); err != nil {
			t.Fatalf("record of type %d: %v", kind, err)
		}
		sizes[map[byte]string{9: "Autopilot", 15: "ConnectCAConfig"}[kind]] = 1 + was - in.Len()
	}
	// State, which Consul writes as nil, is not there: 7 bytes less than Consul's 197.
	if sizes["Autopilot"] != 199 || sizes["ConnectCAConfig"] != 197-7 {
		t.Errorf("sizes %v", sizes)
	}
	for _, record := range []string{
		"\x02\x87\xabCreateIndex\x07\xa5Flags\x00\xa3Key\xa1k\xa9LockIndex\x00\xabModifyIndex\x08\xa7Session\xa0\xa5Value\xa2\xff\x01",
		"\xaaCreateTime\xaf\x01\x00\x00\x00\x0e\xdf\x07\xf9\x25\x00\x00\x00\x06\xff\xff",
		"\xaaAccessorID\xda\x00\x24" + aToken,
		"\x1f\x82\xa3Key\xb0intention-format\xa5Value\xac" + "config-entry",
	} {
		if !bytes.Contains(state, []byte(record)) {
			t.Errorf("no %q in %q", record, state)
		}
	}
}
