package configentry_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"praetor/internal/configentry"
)

type m = map[string]any

// TestEntriesOfRecordsAreReadAsThoseOfTheAPI: Consul's snapshots have spans of time in
// nanoseconds, bytes and times as text, and members that nobody here knows.
func TestEntriesOfRecordsAreReadAsThoseOfTheAPI(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	binary, err := at.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		kind    string
		members m
		json    string // the same, as the API has it
	}{
		"a plain one": {"service-defaults", m{"Kind": "service-defaults", "Name": "web", "Protocol": "http", "MaxInboundConnections": int64(7), "Meta": m{"a": "b"}},
			`{"Kind":"service-defaults","Name":"web","Protocol":"http","MaxInboundConnections":7,"Meta":{"a":"b"}}`},
		"parts that are not there": {"service-defaults", m{"Name": "web", "UpstreamConfig": nil, "Destination": nil, "RateLimits": nil, "EnvoyExtensions": nil, "TransparentProxy": m{}},
			`{"Kind":"service-defaults","Name":"web"}`},
		"members of later versions": {"service-defaults", m{"Name": "web", "Later": m{"deep": []any{1}}, "EnterpriseMeta": m{}, "RaftIndex": m{"CreateIndex": 5}},
			`{"Kind":"service-defaults","Name":"web"}`},
		"a span": {"service-resolver", m{"Name": "web", "ConnectTimeout": int64(5 * time.Second), "RequestTimeout": uint64(time.Minute)},
			`{"Kind":"service-resolver","Name":"web","ConnectTimeout":"5s","RequestTimeout":"1m"}`},
		"lists of parts": {"service-router", m{"Name": "web", "Routes": []any{m{"Match": m{"HTTP": m{"PathPrefix": "/a"}}, "Destination": m{"Service": "api", "NumRetries": uint64(3)}}, m{"Match": nil, "Destination": nil}}},
			`{"Kind":"service-router","Name":"web","Routes":[{"Match":{"HTTP":{"PathPrefix":"/a"}},"Destination":{"Service":"api","NumRetries":3}},{}]}`},
		"maps of parts": {"service-resolver", m{"Name": "web", "Subsets": m{"v1": m{"Filter": "Service.Meta.v == 1", "OnlyPassing": true}}, "Failover": m{"*": m{"Datacenters": []any{"dc2"}}}},
			`{"Kind":"service-resolver","Name":"web","Subsets":{"v1":{"Filter":"Service.Meta.v == 1","OnlyPassing":true}},"Failover":{"*":{"Datacenters":["dc2"]}}}`},
		"a list of one that stands for it": {"service-resolver", m{"Name": "web", "Redirect": []any{m{"Service": "api"}}},
			`{"Kind":"service-resolver","Name":"web","Redirect":{"Service":"api"}}`},
		"a free form": {"proxy-defaults", m{"Name": "global", "Config": m{"a": []any{m{"b": int64(1)}, m{"c": "d"}}}},
			`{"Kind":"proxy-defaults","Name":"global","Config":{"a":[{"b":1},{"c":"d"}]}}`},
		"an old intention": {"service-intentions", m{"Name": "db", "Sources": []any{m{"Name": "web", "Action": "allow", "LegacyID": "i", "LegacyCreateTime": string(binary)}}},
			`{"Kind":"service-intentions","Name":"db","Sources":[{"Name":"web","Action":"allow","LegacyID":"i","LegacyCreateTime":"2026-01-02T03:04:05.000000006Z"}]}`},
	} {
		got, err := configentry.FromMembers(c.kind, c.members)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want, err := configentry.DecodeJSON(strings.NewReader(c.json))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if configentry.KindOf(got) != c.kind || got.EntryName() != want.EntryName() {
			t.Errorf("%s: it is a %s %q", name, configentry.KindOf(got), got.EntryName())
		}
		gotText, err1 := configentry.Encode(got)
		wantText, err2 := configentry.Encode(want)
		if err1 != nil || err2 != nil || string(gotText) != string(wantText) {
			t.Errorf("%s: %s, %v\nwant %s, %v", name, gotText, err1, wantText, err2)
		}
	}
}

func TestRecordsThatAreNoEntries(t *testing.T) {
	for name, c := range map[string]struct {
		kind    string
		members m
		want    string
	}{
		"no kind":               {"", m{"Name": "x"}, "invalid config entry kind: "},
		"a kind of nobody":      {"nope", m{"Name": "x"}, "invalid config entry kind: nope"},
		"a list for a part":     {"service-resolver", m{"Name": "x", "Redirect": []any{m{}, m{}}}, "Redirect"},
		"a text for a part":     {"service-resolver", m{"Name": "x", "Redirect": "y"}, "Redirect"},
		"a part for a text":     {"service-defaults", m{"Name": "x", "Protocol": m{}}, "Protocol"},
		"a text for a number":   {"service-defaults", m{"Name": "x", "MaxInboundConnections": "many"}, "MaxInboundConnections"},
		"no time":               {"service-intentions", m{"Name": "x", "Sources": []any{m{"Name": "w", "LegacyCreateTime": "yesterday"}}}, "LegacyCreateTime"},
		"a span that is a text": {"service-resolver", m{"Name": "x", "ConnectTimeout": "soon"}, "ConnectTimeout"},
	} {
		if e, err := configentry.FromMembers(c.kind, c.members); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v, want …%s…", name, e, err, c.want)
		}
	}
}

// TestWhatAWriterSaysOfAStatusDoesNotCount: controllers alone judge gateways and routes.
func TestWhatAWriterSaysOfAStatusDoesNotCount(t *testing.T) {
	status := func(reason string) configentry.Status {
		return configentry.Status{Conditions: []configentry.Condition{{Type: "Accepted", Status: "True", Reason: reason}}}
	}
	with := func(kind, reason string) configentry.Entry {
		e, err := configentry.New(kind)
		if err != nil {
			t.Fatal(err)
		}
		reflect.ValueOf(e).Elem().FieldByName("Status").Set(reflect.ValueOf(status(reason)))
		return e
	}
	of := func(e configentry.Entry) configentry.Status {
		return reflect.ValueOf(e).Elem().FieldByName("Status").Interface().(configentry.Status)
	}
	for _, kind := range []string{configentry.KindAPIGateway, configentry.KindHTTPRoute, configentry.KindTCPRoute} {
		e := with(kind, "of the writer")
		configentry.KeepStatus(e, with(kind, "of the controller"))
		if got := of(e); !reflect.DeepEqual(got, status("of the controller")) {
			t.Errorf("%s that was there: %+v", kind, got)
		}
		for name, old := range map[string]configentry.Entry{"that is new": nil, "in place of another kind": &configentry.ServiceDefaults{}} {
			e := with(kind, "of the writer")
			configentry.KeepStatus(e, old)
			if got := of(e); got.Conditions == nil || len(got.Conditions) != 0 {
				t.Errorf("%s %s: %+v", kind, name, got)
			}
		}
	}
	plain := &configentry.ServiceDefaults{Protocol: "http"}
	if configentry.KeepStatus(plain, with(configentry.KindAPIGateway, "x")); plain.Protocol != "http" {
		t.Errorf("an entry without a status became %+v", plain)
	}
}
