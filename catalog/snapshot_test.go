package catalog_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"praetor/catalog"
)

// fullFixture holds a row of every kind, with every part of a service in use.
func fullFixture(t testing.TB) *fixture {
	f := newFixture(t)
	f.register(fullRegister())
	f.put("k", "v")
	f.put("gone", "v")
	f.must(catalog.KVWriteCommand, &catalog.KVWrite{Verb: catalog.KVDelete, Entry: catalog.KVEntry{Key: "gone"}})
	f.must(catalog.AutopilotCommand, &catalog.Autopilot{MinQuorum: 3})
	f.place("n1", 0.5)
	f.must(catalog.SessionCommand, fullSession())
	f.must(catalog.QueryCommand, fullQuery())
	f.must(catalog.ConfigCommand, fullConfig())
	f.lock("locked", "s")
	policy, role, token := fullACL()
	f.must(catalog.ACLPolicyCommand, policy)
	f.must(catalog.ACLRoleCommand, role)
	method, rule := fullLogin()
	f.must(catalog.ACLAuthMethodCommand, method)
	f.must(catalog.ACLTokenCommand, token)
	f.must(catalog.ACLBindingRuleCommand, rule)
	f.must(catalog.CACommand, fullCA())
	return f
}

func fullConfig() *catalog.ConfigWrite {
	return &catalog.ConfigWrite{Entry: catalog.ConfigEntry{
		Kind: "service-defaults", Name: "Web", Body: []byte(`{"Kind":"service-defaults","Name":"Web","Protocol":"http"}`),
	}}
}

// fullQuery is bound to fullSession.
func fullQuery() *catalog.QueryWrite {
	return &catalog.QueryWrite{Query: catalog.Query{
		ID: "q", Name: "full-", Session: "s", Token: "t", DNSTTL: "9s",
		Template: catalog.QueryTemplate{Type: catalog.TemplateNamePrefix, Regexp: "^(.*)$", RemoveEmptyTags: true},
		Service: catalog.QueryService{
			Service: "web", OnlyPassing: true, IgnoreCheckIDs: []string{"c"}, Near: "_agent", Tags: []string{"a", "!b"},
			NodeMeta: map[string]string{"k": "v"}, ServiceMeta: map[string]string{}, Connect: true, Peer: "p",
			Failover: catalog.QueryFailover{NearestN: 1, Datacenters: []string{}, Targets: []catalog.QueryTarget{{Peer: "p", Datacenter: "d"}}},
		},
	}}
}

// fullSession is bound to both checks of fullRegister's node.
func fullSession() *catalog.SessionWrite {
	return &catalog.SessionWrite{Session: catalog.Session{
		ID: "s", Name: "full", Node: "n1", LockDelay: time.Hour, Behavior: catalog.SessionRelease, TTL: "10s",
		NodeChecks: []string{}, ServiceChecks: []catalog.SessionServiceCheck{{ID: "c"}}, Checks: []string{catalog.SerfHealth},
	}}
}

func fullRegister() *catalog.Register {
	return &catalog.Register{
		ID: "40404040-0000-0000-0000-000000000001", Node: "n1", Datacenter: "dc1",
		TaggedAddresses: map[string]string{"lan": "10.0.0.1", "wan": "1.2.3.4"},
		NodeMeta:        map[string]string{"a": "1", "b": "2"},
		Locality:        &catalog.Locality{Region: "eu", Zone: "a"},
		Service: &catalog.Service{
			Kind: "connect-proxy", ID: "p", Service: "web-proxy", Tags: []string{"x", "y"}, Port: 1, Connect: &catalog.Connect{},
			TaggedAddresses: map[string]catalog.ServiceAddress{"lan": {Address: "a", Port: 1}, "wan": {Address: "b", Port: 2}},
			Proxy: &catalog.Proxy{
				DestinationServiceName: "web", Config: map[string]any{"n": 1, "f": 1.5, "deep": map[string]any{"x": []any{"y", nil, true}, "z": 2}},
				Upstreams: []catalog.Upstream{{DestinationName: "db", Config: map[string]any{"a": "b", "c": "d"}}},
				Expose:    &catalog.Expose{Checks: true, Paths: []catalog.ExposePath{{Path: "/"}}}, TransparentProxy: &catalog.TransparentProxy{DialedDirectly: true},
			},
		},
		Checks: []*catalog.Check{{CheckID: "c", ServiceID: "p", Status: catalog.Warning, Definition: catalog.CheckDefinition{
			HTTP: "http://x", Header: map[string][]string{"A": {"b"}, "C": {"d"}}, ScriptArgs: []string{"s"},
		}}, {CheckID: catalog.SerfHealth, Status: catalog.Passing}},
	}
}

func TestSnapshotOfEqualStoresIsEqualToTheByte(t *testing.T) {
	want := fullFixture(t).snapshot()
	for range 10 {
		if got := fullFixture(t).snapshot(); !bytes.Equal(got, want) {
			t.Fatalf("got\n%s\nwant\n%s", hex.Dump(got), hex.Dump(want))
		}
	}
}

func TestRestoreGivesBackEveryRow(t *testing.T) {
	f := fullFixture(t)
	want := f.snapshot()
	other := catalog.New()
	if err := other.Restore(bytes.NewReader(want)); err != nil {
		t.Fatal(err)
	}
	if got := snapshotOf(t, other); !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", hex.Dump(got), hex.Dump(want))
	}
	_, got := other.Read().ServiceHealth(nil, "web-proxy")
	_, had := f.store.Read().ServiceHealth(nil, "web-proxy")
	if text(got) != text(had) {
		t.Errorf("got %s, want %s", text(got), text(had))
	}
}

// A row that was restored equals the same row registered again.
func TestRegisteringWhatWasRestoredChangesNothing(t *testing.T) {
	f := fullFixture(t)
	if err := f.store.Restore(bytes.NewReader(f.snapshot())); err != nil {
		t.Fatal(err)
	}
	_, had := f.store.Read().ServiceHealth(nil, "web-proxy")
	f.index = 100
	f.register(fullRegister())
	if _, got := f.store.Read().ServiceHealth(nil, "web-proxy"); text(got) != text(had) {
		t.Errorf("got %s, want %s", text(got), text(had))
	}
}

func TestRestoreOfACutOrDamagedSnapshotChangesNothing(t *testing.T) {
	whole := fullFixture(t).snapshot()
	f := newFixture(t)
	f.put("mine", "v")
	want := f.snapshot()
	replaced := f.store.Replaced()
	refuse := func(what string, at int, damaged []byte) {
		t.Helper()
		if err := f.store.Restore(bytes.NewReader(damaged)); err == nil {
			t.Fatalf("%s at byte %d: restored", what, at)
		}
		if got := f.snapshot(); !bytes.Equal(got, want) {
			t.Fatalf("%s at byte %d: the store changed", what, at)
		}
	}
	for at := range whole {
		refuse("cut", at, whole[:at])
		damaged := bytes.Clone(whole)
		damaged[at] ^= 0x41
		refuse("damaged", at, damaged)
	}
	refuse("more", len(whole), append(bytes.Clone(whole), 0))
	select {
	case <-replaced:
		t.Error("Replaced closed though nothing was")
	default:
	}
}

// A snapshot may be well-formed and still not fit together: rows are cut out
// of or put into a good one, with right checksums.
func TestRestoreRefusesRowsThatDoNotFit(t *testing.T) {
	records := splitSnapshot(t, fullFixture(t).snapshot())
	const node, virtual, service, check, session, query, config, kv, locked = 0, 1, 2, 3, 5, 6, 7, 8, 9 // places in fullFixture's snapshot
	coordinate, policy, role, token := len(records)-10, len(records)-9, len(records)-8, len(records)-7
	method, rule := len(records)-6, len(records)-5
	root, caConfig, caState := len(records)-4, len(records)-2, len(records)-1
	without := func(i int) [][]byte { return slices.Delete(slices.Clone(records), i, i+1) }
	tests := []struct {
		name    string
		records [][]byte
		want    string
	}{
		{"service without its node", records[1:], "unknown node"},
		{"check without its service", without(service), "unknown service"},
		{"node twice", append([][]byte{records[node]}, records...), "came before"},
		{"service twice", append([][]byte{records[node], records[service]}, records[1:]...), "came before"},
		{"virtual address twice", append([][]byte{records[virtual]}, records...), "came before"},
		{"config entry twice", append(records[:config+1:config+1], records[config:]...), "came before"},
		{"config entry that calls itself otherwise", [][]byte{bytes.Replace(records[config], []byte("\xa3Web"), []byte("\xa3web"), 1)}, "calls itself"},
		{"config entry of an unknown kind", [][]byte{bytes.Replace(records[config], []byte("\xb0service-defaults"), []byte("\xb0service-delights"), 1)}, "invalid config entry kind"},
		{"key twice", append(records[:kv+1:kv+1], records[kv:]...), "came before"},
		{"session twice", append(records[:session+1:session+1], records[session:]...), "came before"},
		{"session without a check", without(check), "unknown check"},
		{"session of an unknown node", [][]byte{records[session]}, "unknown node"},
		{"query twice", append(records[:query+1:query+1], records[query:]...), "came before"},
		{"query of an unknown session", [][]byte{records[query]}, `invalid session "s"`},
		{"key of an unknown session", [][]byte{records[locked]}, "unknown session"},
		{"coordinate of an unknown node", [][]byte{records[coordinate]}, "unknown node"},
		{"coordinate twice", append(records[:coordinate+1:coordinate+1], records[coordinate:]...), "came before"},
		{"ACL policy twice", append(records[:policy+1:policy+1], records[policy:]...), "came before"},
		{"two ACL policies of one name", append(records[:policy+1:policy+1], bytes.Replace(records[policy], []byte("\xa1P"), []byte("\xa1Q"), 1)), "already exists"},
		{"ACL role twice", append(records[:role+1:role+1], records[role:]...), "came before"},
		{"ACL token twice", append(records[:token+1:token+1], records[token:]...), "came before"},
		{"auth method twice", append(records[:method+1:method+1], records[method:]...), "came before"},
		{"binding rule twice", append(records[:rule+1:rule+1], records[rule:]...), "came before"},
		{"root twice", append(records[:root+1:root+1], records[root:]...), "came before"},
		{"configuration of the authority twice", append(records[:caConfig+1:caConfig+1], records[caConfig:]...), "came before"},
		{"state of the authority twice", append(records[:caState+1:caState+1], records[caState:]...), "came before"},
		{"unknown type", append([][]byte{{99, 0x80}}, records...), "unknown type"},
		{"nothing in it", [][]byte{{}}, "no type"},
		{"bytes after a row", append([][]byte{append(bytes.Clone(records[node]), 0)}, records[1:]...), "bytes after the row"},
	}
	for _, test := range tests {
		err := catalog.New().Restore(bytes.NewReader(joinSnapshot(test.records)))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
	if err := catalog.New().Restore(bytes.NewReader(joinSnapshot(records))); err != nil {
		t.Errorf("whole again: %v", err)
	}
}

// headerLen and frameLen are the format's, see DESIGN.md.
const (
	headerLen = 22
	frameLen  = 8
)

// splitSnapshot returns the records of a snapshot without the trailer.
func splitSnapshot(t testing.TB, b []byte) (records [][]byte) {
	t.Helper()
	for b = b[headerLen:]; len(b) > 0; {
		n := int(binary.BigEndian.Uint32(b))
		records = append(records, bytes.Clone(b[frameLen:frameLen+n]))
		b = b[frameLen+n:]
	}
	return records[:len(records)-1]
}

// joinSnapshot frames records with right checksums and counts them, under a
// header of index 1000.
func joinSnapshot(records [][]byte) []byte {
	table := crc32.MakeTable(crc32.Castagnoli)
	b := append([]byte("PRAETOR\x00\x00\x01"), binary.BigEndian.AppendUint64(nil, 1000)...)
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, table))
	for _, r := range append(records[:len(records):len(records)], msgp.AppendUint64([]byte{255}, uint64(len(records)))) {
		framed := append(binary.BigEndian.AppendUint32(nil, uint32(len(r))), r...)
		b = append(b, framed[:4]...)
		b = binary.BigEndian.AppendUint32(b, crc32.Checksum(framed, table))
		b = append(b, r...)
	}
	return b
}

// fullDisk fails after some bytes.
type fullDisk struct{ left int }

var errFull = errors.New("disk full")

func (d *fullDisk) Write(b []byte) (int, error) {
	if d.left -= len(b); d.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestSnapshotReportsAFailedWriteWhereverItFails(t *testing.T) {
	f := fullFixture(t)
	for left := range len(f.snapshot()) {
		if err := f.store.Read().WriteSnapshot(&fullDisk{left}); !errors.Is(err, errFull) {
			t.Fatalf("after %d bytes: got %v, want %v", left, err, errFull)
		}
	}
}

// restoredFrom restores a file that an older version wrote.
func restoredFrom(t *testing.T, path string) *fixture {
	t.Helper()
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t)
	if err := f.store.Restore(readerOf(old)); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestInstancesThatCaseMadeTwoAreRestoredAsOne: the file was written by a server that told IDs apart by case. The instance
// written last stays, with the checks of both; names that only the other had are gone with their indexes.
func TestInstancesThatCaseMadeTwoAreRestoredAsOne(t *testing.T) {
	f := restoredFrom(t, "testdata/before-folded-ids.snapshot")
	tx := f.store.Read()
	for name, want := range map[string]string{"one": "", "two": "Web two [c1=two c2=two]", "db": "Db db [d1=db d2=db]", "p": "P p []"} {
		_, instances := tx.ServiceHealth(nil, name)
		got := ""
		for _, i := range instances {
			got = i.Service.ID + " " + i.Service.Service + " ["
			for n, c := range i.Checks {
				got += strings.Repeat(" ", min(n, 1)) + c.CheckID + "=" + c.ServiceName
			}
			got += "]"
		}
		if len(instances) > 1 || got != want || tx.HasInstances(name, false) != (want != "") {
			t.Errorf("%s: %d instances, %q, want %q", name, len(instances), got, want)
		}
	}
	if _, instances := tx.ServiceInstances(nil, "db"); instances[0].Service.Port != 5 || instances[0].Service.Tags[0] != "kept" {
		t.Errorf("the wrong one stayed: %+v", instances[0].Service)
	}
	if tx.HasInstances("old", true) || !tx.HasInstances("new", true) {
		t.Error("the proxy serves what it served, and not what it serves")
	}
	if _, services := tx.Services(nil); len(services) != 3 || tx.Counts().Services != 3 || tx.Counts().Instances != 3 {
		t.Errorf("services %v, counts %+v", services, tx.Counts())
	}
	restoresToItself(t, f.store)
}
