package wire_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/consul/api"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/ops"
	"praetor/internal/userevent"
)

// leaves lists what a JSON text says, each text, number and truth by its path; what says nothing
// (null, "", 0, false, an empty list) is left out.
func leaves(t *testing.T, text []byte) map[string]string {
	t.Helper()
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	all := map[string]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, member := range v {
				walk(path+"."+key, member)
			}
		case []any:
			for i, member := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), member)
			}
		case nil:
		default:
			if !reflect.ValueOf(v).IsZero() {
				all[strings.TrimPrefix(path, ".")] = fmt.Sprint(v)
			}
		}
	}
	walk("", value)
	return all
}

// lost lists the members of one text that another lacks or has otherwise, but each list's only
// by its first element.
func lost(t *testing.T, from, to []byte) (paths []string) {
	t.Helper()
	there := leaves(t, to)
	for path, value := range leaves(t, from) {
		if there[path] != value && !strings.Contains(path, "[1]") {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// TestThePublishedClientReadsAllThatIsShown: answers are read into the types of Consul's client
// library, and written again from these; what is lost on the way the library does not know.
func TestThePublishedClientReadsAllThatIsShown(t *testing.T) {
	inst := filled[catalog.InstanceHealth]()
	rep := &ops.QueryExecuteReply{Service: "s", Instances: []*catalog.InstanceHealth{inst}, DNSTTL: "5s", Datacenter: "dc2", Failovers: 2}
	answer := &catalog.TxnAnswer{Results: []catalog.TxnResult{{KV: filled[catalog.KVEntry]()}, {Node: inst.Node}, {Service: inst.Service}, {Check: inst.Checks[0]}}}
	failed := &catalog.TxnAnswer{Errors: []catalog.TxnError{{OpIndex: 3, What: "no"}}}
	below := func(path string, members ...string) (paths []string) {
		for _, m := range members {
			paths = append(paths, path+m)
		}
		return paths
	}
	// Members of checks that Consul shows, and its library has no place for.
	unknown := []string{"Definition.AliasNode", "Definition.AliasService", "Definition.DisableRedirects", "Definition.DockerContainerID", "Definition.H2PING", "Definition.H2PingUseTLS",
		"Definition.OutputMaxSize", "Definition.ScriptArgs[0]", "Definition.Shell", "Definition.TTL", "Interval", "Timeout"}
	for _, c := range []struct {
		name  string
		shown []byte
		into  any
		lost  []string
	}{
		{"node", wire.AppendNode(nil, inst.Node), new(api.Node), nil},
		{"service of a node", wire.AppendNodeService(nil, inst.Service), new(api.AgentService), nil},
		{"instance", wire.AppendServiceNode(nil, &catalog.Instance{Node: inst.Node, Service: inst.Service}), new(api.CatalogService), []string{"ServiceConnect.Native", "ServiceKind", "ServicePorts[0].Default", "ServicePorts[0].Name", "ServicePorts[0].Port", "ServiceSocketPath"}},
		{"service of an agent", wire.AppendAgentService(nil, inst.Service, "dc1", "hash"), new(api.AgentService), nil},
		{"check", wire.AppendCheck(nil, inst.Checks[0]), new(api.HealthCheck), unknown},
		{"check of the local health endpoints", wire.AppendHealthCheck(nil, inst.Checks[0]), new(api.HealthCheck), nil},
		{"check of an agent", wire.AppendAgentCheck(nil, inst.Checks[0]), new(api.AgentCheck), []string{"Interval", "ServiceTags[0]", "Timeout"}},
		{"health of an instance", wire.AppendInstanceHealth(nil, inst), new(api.ServiceEntry), below("Checks[0].", unknown...)},
		{"key", wire.AppendKVEntry(nil, filled[catalog.KVEntry]()), new(api.KVPair), nil},
		{"session", wire.AppendSession(nil, filled[catalog.Session]()), new(api.SessionEntry), []string{"ModifyIndex"}},
		{"query", wire.AppendQuery(nil, filled[catalog.Query]()), new(api.PreparedQueryDefinition), []string{"CreateIndex", "ModifyIndex", "Service.Peer"}},
		{"what a query found", append(wire.AppendExecuted(nil, rep), '}'), new(api.PreparedQueryExecuteResponse), below("Nodes[0].Checks[0].", unknown...)},
		{"event", wire.AppendEvent(nil, filled[userevent.Event]()), new(api.UserEvent), nil},
		{"coordinate", wire.AppendCoordinate(nil, filled[catalog.Coordinate]()), new(api.CoordinateEntry), nil},
		{"transaction", append(wire.AppendTxnAnswer(nil, answer), '}'), new(api.TxnResponse), below("Results[3].Check.", unknown...)},
		{"transaction that failed", append(wire.AppendTxnAnswer(nil, failed), '}'), new(api.TxnResponse), nil},
	} {
		if err := json.Unmarshal(c.shown, c.into); err != nil {
			t.Errorf("%s: %v in %s", c.name, err, c.shown)
			continue
		}
		again, err := json.Marshal(c.into)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := lost(t, c.shown, again); !slices.Equal(got, c.lost) {
			t.Errorf("%s: the client does not read %q, want %q", c.name, got, c.lost)
		}
	}
}

// TestWhatThePublishedClientSendsIsTaken: requests as Consul's client library writes them, with
// something in every member, are read strictly; what is lost is what is ignored.
func TestWhatThePublishedClientSendsIsTaken(t *testing.T) {
	sent := func(v any) []byte {
		n := 0
		fill(reflect.ValueOf(v).Elem(), "", &n)
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for _, c := range []struct {
		name string
		sent []byte
		read func(text string) []byte
		lost []string
	}{
		{"query", sent(new(api.PreparedQueryDefinition)), func(text string) []byte {
			row := read[wire.Query](t, text).Row()
			return wire.AppendQuery(nil, &row)
		}, []string{"Service.Failover.Targets[0].Namespace", "Service.Failover.Targets[0].Partition", "Service.Namespace", "Service.Partition"}},
		{"proxy", sent(new(api.AgentServiceConnectProxyConfig)), func(text string) []byte {
			row := read[wire.Register](t, `{"Service":{"Kind":"connect-proxy","Proxy":`+text+`}}`).Row()
			return member(t, wire.AppendNodeService(nil, row.Service), "Proxy")
		}, []string{"AccessLogs.DisableListenerLogs", "AccessLogs.Enabled", "AccessLogs.JSONFormat", "AccessLogs.Path", "AccessLogs.TextFormat", "AccessLogs.Type",
			"EnvoyExtensions[0].Arguments.Arguments", "EnvoyExtensions[0].ConsulVersion", "EnvoyExtensions[0].EnvoyVersion", "EnvoyExtensions[0].Name", "EnvoyExtensions[0].Required"}},
		{"key of a transaction", sent(new(api.KVTxnOp)), func(text string) []byte {
			op, _ := read[wire.TxnOp](t, `{"KV":`+text+`}`).Row()
			e := &op.KV.Entry
			b, _ := json.Marshal(map[string]any{"Verb": op.KV.Verb, "Key": e.Key, "Value": e.Value, "Flags": e.Flags, "Index": e.ModifyIndex, "Session": e.Session})
			return b
		}, []string{"Namespace", "Partition"}},
		{"check", withoutEnterprise(sent(new(api.HealthCheck))), func(text string) []byte {
			row := read[wire.Register](t, `{"Check":`+text+`}`).Row()
			return wire.AppendCheck(nil, row.Checks[0])
		}, []string{"CreateIndex", "ModifyIndex", "PeerName"}},
	} {
		if got := lost(t, c.sent, c.read(string(c.sent))); !slices.Equal(got, c.lost) {
			t.Errorf("%s: it is sent, and not kept: %q, want %q", c.name, got, c.lost)
		}
	}
}

// withoutEnterprise takes out the members of an object that Consul without a licence refuses.
func withoutEnterprise(text []byte) []byte {
	return regexp.MustCompile(`"(Namespace|Partition)":"[^"]*",`).ReplaceAll(text, nil)
}

// member is the text of a member of an object.
func member(t *testing.T, text []byte, key string) []byte {
	t.Helper()
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all[key]
}
