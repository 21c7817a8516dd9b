package httpapi_test

import (
	"context"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/internal/ops"
)

func TestRaftConfigurationIsShownWithoutMetaHeaders(t *testing.T) {
	f := newFixture(t, nil)
	var asked ops.OperatorRaftRequest
	on(f.caller, ops.OperatorRaft, func(_ context.Context, req *ops.OperatorRaftRequest) (*ops.OperatorRaftReply, error) {
		asked = *req
		return &ops.OperatorRaftReply{Servers: []ops.RaftServer{{
			ID: "u", Node: "n1", Address: "10.0.0.1:8300", Leader: true, Protocol: "3", Voter: true, LastIndex: 21,
		}}}, nil
	})
	res := f.want("GET", "/v1/operator/raft/configuration?stale&dc=dc2&token=t", "", 200,
		`{"Servers":[{"ID":"u","Node":"n1","Address":"10.0.0.1:8300","Leader":true,"ProtocolVersion":"3","Voter":true,"LastIndex":21}],"Index":0}`)
	wantHeader(t, res, "X-Consul-Index", "")
	if !asked.Stale || asked.Datacenter != "dc2" || asked.Token != "t" {
		t.Errorf("asked %+v", asked)
	}
}

func TestPeersAreRemovedByIDOrAddress(t *testing.T) {
	f := newFixture(t, nil)
	var asked []string
	on(f.caller, ops.OperatorRemovePeer, func(_ context.Context, req *ops.OperatorRemovePeerRequest) (*ops.Empty, error) {
		asked = append(asked, req.ID+"/"+req.Address+"/"+req.Datacenter)
		return &ops.Empty{}, nil
	})
	const path = "/v1/operator/raft/peer"
	f.want("DELETE", path, "", 400, "Must specify either ?id with the server's ID or ?address with IP:port of peer to remove")
	f.want("DELETE", path+"?id=x&address=y", "", 400, "Must specify only one of ?id or ?address")
	f.want("DELETE", path+"?id=x", "", 200, "")
	f.want("DELETE", path+"?address=1.2.3.4:8300&dc=dc2", "", 200, "")
	f.want("DELETE", path+"?id=", "", 200, "")
	if len(asked) != 3 || asked[0] != "x//" || asked[1] != "/1.2.3.4:8300/dc2" || asked[2] != "//" {
		t.Errorf("asked %v", asked)
	}
}

func TestLeadershipTransferSaysSuccess(t *testing.T) {
	f := newFixture(t, nil)
	var to string
	on(f.caller, ops.OperatorTransferLeader, func(_ context.Context, req *ops.OperatorTransferLeaderRequest) (*ops.Empty, error) {
		to = req.ID
		return &ops.Empty{}, nil
	})
	f.want("POST", "/v1/operator/raft/transfer-leader?id=x", "", 200, `{"Success":true}`)
	f.want("PUT", "/v1/operator/raft/transfer-leader", "", 405, "method PUT not allowed")
	if to != "x" {
		t.Errorf("transferred to %q", to)
	}
}

const (
	autopilotPath  = "/v1/operator/autopilot/configuration"
	defaultsOfPUT  = `{"CleanupDeadServers":true,"LastContactThreshold":"200ms","MaxTrailingLogs":250,"MinQuorum":0,"ServerStabilizationTime":"10s"}`
	autopilotShown = `{"CleanupDeadServers":true,"LastContactThreshold":"200ms","MaxTrailingLogs":250,"MinQuorum":3,"ServerStabilizationTime":"10s",` +
		`"RedundancyZoneTag":"zone","DisableUpgradeMigration":true,"UpgradeVersionTag":"v","CreateIndex":4,"ModifyIndex":9}`
)

func TestAutopilotConfigurationIsReadAndWritten(t *testing.T) {
	f := newFixture(t, nil)
	defaults := catalog.Autopilot{CleanupDeadServers: true, LastContactThreshold: 200e6, MaxTrailingLogs: 250, ServerStabilizationTime: 10e9}
	stored := defaults
	stored.MinQuorum, stored.RedundancyZoneTag, stored.DisableUpgradeMigration, stored.UpgradeVersionTag = 3, "zone", true, "v"
	on(f.caller, ops.OperatorAutopilot, func(context.Context, *ops.OperatorAutopilotRequest) (*ops.OperatorAutopilotReply, error) {
		shown := stored
		shown.CreateIndex, shown.ModifyIndex = 4, 9
		return &ops.OperatorAutopilotReply{Config: &shown}, nil
	})
	var got *ops.OperatorSetAutopilotRequest
	on(f.caller, ops.OperatorSetAutopilot, func(_ context.Context, req *ops.OperatorSetAutopilotRequest) (*ops.OperatorSetAutopilotReply, error) {
		got = req
		return &ops.OperatorSetAutopilotReply{Done: !req.CAS || req.Config.ModifyIndex == 9}, nil
	})
	wantHeader(t, f.want("GET", autopilotPath, "", 200, autopilotShown), "X-Consul-Index", "")

	at := func(c catalog.Autopilot, index uint64) catalog.Autopilot {
		c.ModifyIndex = index
		return c
	}
	long := defaults
	long.LastContactThreshold, long.ServerStabilizationTime, long.CleanupDeadServers = 1e9, 5e9, false
	for _, row := range []struct {
		query, body, answer string
		cas                 bool
		config              catalog.Autopilot
	}{
		{"", `{}`, "true", false, defaults},
		{"", defaultsOfPUT, "true", false, defaults},
		{"", `{"CleanupDeadServers":true,"LastContactThreshold":null,"ServerStabilizationTime":null}`, "true", false, defaults},
		{"", `{"CleanupDeadServers":false,"LastContactThreshold":"1s","ServerStabilizationTime":5000000000}`, "true", false, long},
		{"", autopilotShown, "true", false, stored}, // clients send the indexes back
		{"?cas=9", defaultsOfPUT, "true", true, at(defaults, 9)},
		{"?cas=8", defaultsOfPUT, "false", true, at(defaults, 8)},
		{"?cas=0", defaultsOfPUT, "false", true, defaults},
	} {
		f.want("PUT", autopilotPath+row.query, row.body, 200, row.answer)
		if got.CAS != row.cas || got.Config != row.config {
			t.Errorf("PUT %s %s: asked %+v", row.query, row.body, got)
		}
	}
	for _, row := range []struct{ query, body, answer string }{
		{"", "", "Error parsing autopilot config: EOF"},
		{"", `{"Bogus":1}`, `Error parsing autopilot config: json: unknown field "Bogus"`},
		{"", `{"LastContactThreshold":true}`, `Error parsing autopilot config: strconv.ParseFloat: parsing "true": invalid syntax`},
		{"", `{"LastContactThreshold":{},"ServerStabilizationTime":"x"}`, `Error parsing autopilot config: strconv.ParseFloat: parsing "{}": invalid syntax`},
		{"", `{"LastContactThreshold":"xx"}`, `Error parsing autopilot config: time: invalid duration "xx"`},
		{"", `{"MaxTrailingLogs":-1}`, "Error parsing autopilot config: json: cannot unmarshal number -1 into Go struct field MaxTrailingLogs of type uint64"},
		{"?cas=x", `{}`, `Error parsing cas value: strconv.ParseUint: parsing "x": invalid syntax`},
	} {
		f.want("PUT", autopilotPath+row.query, row.body, 400, row.answer)
	}
}

func TestHealthIs429UntilAllServersAreHealthy(t *testing.T) {
	f := newFixture(t, nil)
	state := &ops.OperatorAutopilotStateReply{}
	var stale bool
	on(f.caller, ops.OperatorAutopilotState, func(_ context.Context, req *ops.OperatorAutopilotStateRequest) (*ops.OperatorAutopilotStateReply, error) {
		stale = req.Stale
		return state, nil
	})
	f.want("GET", "/v1/operator/autopilot/health?stale", "", 429, `{"Healthy":false,"FailureTolerance":0,"Servers":[]}`)
	f.want("GET", "/v1/operator/autopilot/state", "", 200,
		`{"Healthy":false,"FailureTolerance":0,"OptimisticFailureTolerance":0,"Servers":{},"Leader":"","Voters":[]}`)
	if stale {
		t.Error("a follower was asked, which cannot know")
	}
	state = &ops.OperatorAutopilotStateReply{
		Healthy: true, FailureTolerance: 1, Leader: "u", Voters: []string{"u"},
		Servers: []ops.AutopilotServer{{
			ID: "u", Name: "n1", Address: "10.0.0.1:8300", NodeStatus: "alive", Version: "1.22.7", Status: "leader", Voter: true, Leader: true,
			LastTerm: 2, LastIndex: 21, Healthy: true, StableSince: time.Date(2026, 11, 23, 0, 59, 42, 0, time.UTC), Meta: map[string]string{"b": "2", "a": "1"},
		}, {ID: "v", Status: "non-voter", LastContact: 23 * time.Millisecond}},
	}
	f.want("GET", "/v1/operator/autopilot/health", "", 200, `{"Healthy":true,"FailureTolerance":1,"Servers":[`+
		`{"ID":"u","Name":"n1","Address":"10.0.0.1:8300","SerfStatus":"alive","Version":"1.22.7","Leader":true,"LastContact":"0s","LastTerm":2,"LastIndex":21,"Healthy":true,"Voter":true,"StableSince":"2026-11-23T00:59:42Z"},`+
		`{"ID":"v","Name":"","Address":"","SerfStatus":"","Version":"","Leader":false,"LastContact":"23ms","LastTerm":0,"LastIndex":0,"Healthy":false,"Voter":false,"StableSince":"0001-01-01T00:00:00Z"}]}`)
	state.Servers = state.Servers[:1]
	f.want("GET", "/v1/operator/autopilot/state", "", 200, `{"Healthy":true,"FailureTolerance":1,"OptimisticFailureTolerance":1,"Servers":{"u":`+
		`{"ID":"u","Name":"n1","Address":"10.0.0.1:8300","NodeStatus":"alive","Version":"1.22.7","LastContact":"0s","LastTerm":2,"LastIndex":21,"Healthy":true,"StableSince":"2026-11-23T00:59:42Z","ReadReplica":false,"Status":"leader","Meta":{"a":"1","b":"2"},"NodeType":"voter"}},"Leader":"u","Voters":["u"]}`)
	state = &ops.OperatorAutopilotStateReply{
		Healthy: true, FailureTolerance: 1, Standbys: 1, Voters: []string{}, Servers: []ops.AutopilotServer{{ID: "u", NodeType: "read-replica", Zone: "z", Upgrade: "1.0"}},
		Zones:   map[string]ops.AutopilotZone{"z2": {Servers: []string{"b"}}, "z": {Servers: []string{"a", "c"}, Voters: []string{"a"}, FailureTolerance: 1}},
		Upgrade: &ops.AutopilotUpgrade{Status: "promoting", TargetVersion: "1.1", TargetVoters: []string{"a"}, OtherNonVoters: []string{"c"}, OtherReadReplicas: []string{"u"}},
	}
	f.want("GET", "/v1/operator/autopilot/state", "", 200, `{"Healthy":true,"FailureTolerance":1,"OptimisticFailureTolerance":2,"Servers":{"u":`+
		`{"ID":"u","Name":"","Address":"","NodeStatus":"","Version":"","LastContact":"0s","LastTerm":0,"LastIndex":0,"Healthy":false,"StableSince":"0001-01-01T00:00:00Z",`+
		`"RedundancyZone":"z","UpgradeVersion":"1.0","ReadReplica":true,"Status":"","Meta":{},"NodeType":"read-replica"}},"Leader":"","Voters":[],"ReadReplicas":["u"],`+
		`"RedundancyZones":{"z":{"Servers":["a","c"],"Voters":["a"],"FailureTolerance":1},"z2":{"Servers":["b"],"Voters":[],"FailureTolerance":0}},`+
		`"Upgrade":{"Status":"promoting","TargetVersion":"1.1","TargetVersionVoters":["a"],"OtherVersionNonVoters":["c"],"OtherVersionReadReplicas":["u"],`+
		`"RedundancyZones":{"z":{"TargetVersionVoters":["a"],"OtherVersionNonVoters":["c"]},"z2":{}}}}`)
}

func FuzzAutopilotConfiguration(f *testing.F) {
	for _, seed := range []string{"", "{}", "null", "[]", defaultsOfPUT, autopilotShown, `{"MinQuorum":1e99}`, `{"LastContactThreshold":1e300}`, `{"LastContactThreshold":{}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		fx := newFixture(t, nil)
		on(fx.caller, ops.OperatorSetAutopilot, func(context.Context, *ops.OperatorSetAutopilotRequest) (*ops.OperatorSetAutopilotReply, error) {
			return &ops.OperatorSetAutopilotReply{Done: true}, nil
		})
		if res, text := fx.do("PUT", autopilotPath, body); res.StatusCode != 200 && res.StatusCode != 400 {
			t.Errorf("%d %s", res.StatusCode, text)
		}
	})
}

func TestKeyringRequestsAreReadAndAnswered(t *testing.T) {
	f := newFixture(t, nil)
	var asked ops.OperatorKeyringRequest
	on(f.caller, ops.OperatorKeyring, func(_ context.Context, req *ops.OperatorKeyringRequest) (*ops.OperatorKeyringReply, error) {
		asked = *req
		return &ops.OperatorKeyringReply{Pools: []ops.KeyringPool{
			{WAN: true, Datacenter: "dc1", Keys: map[string]int{"b": 1, "a": 2}, PrimaryKeys: map[string]int{"a": 2}, Members: 2},
			{Datacenter: "dc2", Messages: map[string]string{"n": "late"}},
		}}, nil
	})
	const path = "/v1/operator/keyring"
	f.want("GET", path+"?relay-factor=5&local-only=true&token=t", "", 200, `[{"WAN":true,"Datacenter":"dc1","Segment":"","Keys":{"a":2,"b":1},"PrimaryKeys":{"a":2},"NumNodes":2},`+
		`{"WAN":false,"Datacenter":"dc2","Segment":"","Messages":{"n":"late"},"Keys":{},"PrimaryKeys":{},"NumNodes":0}]`)
	if asked.Action != ops.KeyringList || asked.RelayFactor != 5 || !asked.LANOnly || asked.Token != "t" {
		t.Errorf("asked %+v", asked)
	}
	for method, action := range map[string]ops.KeyringAction{"POST": ops.KeyringInstall, "PUT": ops.KeyringUse, "DELETE": ops.KeyringRemove} {
		f.want(method, path, `{"Key":"k="}`, 200, "")
		if asked.Action != action || asked.Key != "k=" {
			t.Errorf("%s: asked %+v", method, asked)
		}
	}
	for _, row := range []struct{ method, query, body, answer string }{
		{"GET", "?relay-factor=6", "", "Invalid relay-factor: Relay factor must be in range: [0, 5]"},
		{"GET", "?relay-factor=-1", "", "Invalid relay-factor: Relay factor must be in range: [0, 5]"},
		{"GET", "?relay-factor=x", "", `Error parsing relay factor: strconv.Atoi: parsing "x": invalid syntax`},
		{"GET", "?local-only=zz", "", `Error parsing local-only: strconv.ParseBool: parsing "zz": invalid syntax`},
		{"PUT", "?local-only=x&relay-factor=x", "", "Request decode failed: EOF"}, // the body comes first
		{"POST", "?local-only=true", `{"Key":"x"}`, "Invalid use of local-only: local-only can only be set for list requests"},
		{"POST", "", "", "Request decode failed: EOF"},
		{"PUT", "", `{"Kye":"x"}`, `Request decode failed: json: unknown field "Kye"`},
	} {
		f.want(row.method, path+row.query, row.body, 400, row.answer)
	}
}

func TestUsageIsShownWithItsMeta(t *testing.T) {
	f := newFixture(t, nil)
	var asked ops.OperatorUsageRequest
	on(f.caller, ops.OperatorUsage, func(_ context.Context, req *ops.OperatorUsageRequest) (*ops.OperatorUsageReply, error) {
		asked = *req
		return &ops.OperatorUsageReply{ReadMeta: leaderMeta, Usage: map[string]ops.Usage{
			"dc1": {Nodes: 2, Services: 3, Instances: 4, Billable: 1, Connect: map[string]int{"connect-proxy": 2, "api-gateway": 0}},
		}}, nil
	})
	res := f.want("GET", "/v1/operator/usage?global&dc=nowhere", "", 200, `{"Usage":{"dc1":{"Services":3,"ServiceInstances":4,"ConnectServiceInstances":{"api-gateway":0,"connect-proxy":2},`+
		`"BillableServiceInstances":1,"Nodes":2}},"Index":7,"LastContact":0,"KnownLeader":true,"ConsistencyLevel":"leader","NotModified":false,"Backend":0,"ResultsFilteredByACLs":false}`)
	wantHeader(t, res, "X-Consul-Index", "7")
	wantHeader(t, res, "X-Consul-Effective-Consistency", "leader")
	if !asked.Global || asked.Datacenter != "" {
		t.Errorf("asked %+v", asked)
	}
	f.want("GET", "/v1/operator/usage?ns=x", "", 400, `Invalid query parameter: "ns" - Namespaces are a Consul Enterprise feature`)
}
