package cli_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// well is an API of an agent with which nothing is wrong.
var well = map[string]string{
	"GET /v1/agent/self": agentSelf(``, ``),
	"GET /v1/agent/members": `[{"Name":"me","Addr":"127.0.0.2","Port":1,"Status":1,"Tags":{"role":"node","dc":"dc1","id":"22","build":"1.21.4:x"}},
		{"Name":"s","Addr":"127.0.0.1","Port":1,"Status":1,"Tags":{"role":"consul","dc":"dc1","id":"1","build":"1.21.4:x"}}]`,
	"GET /v1/status/leader":                             `"127.0.0.1:8300"`,
	"GET /v1/operator/raft/configuration?stale=":        `{"Servers":[{"ID":"1","Node":"s","Address":"127.0.0.1:8300","Voter":true,"Leader":true}]}`,
	"GET /v1/operator/autopilot/health":                 `{"Healthy":true}`,
	"GET /v1/agent/services":                            `{"web":{"ID":"web","Service":"web"}}`,
	"GET /v1/catalog/node/me?stale=":                    `{"Node":{"Node":"me","ID":"22"},"Services":{"web":{"ID":"web","Service":"web"}}}`,
	"GET /v1/catalog/nodes?stale=":                      `[{"Node":"me","ID":"22","Datacenter":"dc1","Meta":{"consul-version":"1.21.4"}}]`,
	"GET /v1/health/node/me?stale=":                     `[{"Node":"me","CheckID":"serfHealth","Status":"passing"}]`,
	"GET /v1/health/state/any?stale=":                   `[]`,
	"GET /v1/internal/ui/services?stale=":               `[]`,
	"GET /v1/agent/metrics":                             `{}`,
	"GET /v1/agent/monitor?logjson=true&loglevel=debug": ``,
}

// agentSelf is what a client says of itself, with more of its configuration and stats.
func agentSelf(conf, stats string) string {
	return fmt.Sprintf(`{"Config":{"NodeName":"me","NodeID":"22","Datacenter":"dc1","Version":"1.21.4"},"DebugConfig":{"HTTPPort":1,"DNSPort":-1,"HTTPSPort":-1,"DevMode":true%s},"Stats":{%s}}`, conf, stats)
}

// alone is the member list of an agent that has met nobody.
const alone = `[{"Name":"me","Addr":"127.0.0.2","Port":1,"Status":1,"Tags":{"role":"node","dc":"dc1","id":"22","build":"1.21.4:x"}}]`

// TestDoctorLeadsToTheCure has, for each thing that goes wrong in operators' hands, what
// is wrong and what to do next.
func TestDoctorLeadsToTheCure(t *testing.T) {
	joinFailed := func(why string) map[string]string {
		return map[string]string{"GET /v1/agent/members": alone, "GET /v1/status/leader": "!No known Consul servers", "GET /v1/agent/self": agentSelf(``, fmt.Sprintf(`"serf_lan":{"join_error":%q}`, why))}
	}
	for _, row := range []struct {
		name    string
		answers map[string]string
		want    []string
	}{
		{"a name taken by a living agent", joinFailed("Failed to join 127.0.0.1:8301: Node name 'me' is taken by a living agent at 127.0.0.9: give this agent another name (-node), or stop the other one"),
			[]string{"problem join this agent has not joined the others yet: Failed to join 127.0.0.1:8301: Node name 'me' is taken by a living agent at 127.0.0.9", "-> give this agent another name (-node) and start it again"}},
		{"a node ID that a living agent has", joinFailed("Failed to join 127.0.0.1:8301: Member 'c1' has conflicting node ID '22' with this agent's ID"),
			[]string{"problem join", "Member 'c1' has conflicting node ID '22'", "-> on all but one of them stop the agent, delete node-id in its data folder (or set another node_id), and start it again"}},
		{"another gossip key", joinFailed("Failed to join 127.0.0.1:8301: No installed keys could decrypt the message"), []string{"-> the agents have different gossip keys"}},
		{"another datacenter", joinFailed("Failed to join 127.0.0.1:8301: Member 's' part of wrong datacenter 'dc2'"), []string{"-> each datacenter has a LAN pool of its own"}},
		{"nobody there", joinFailed("Failed to join 127.0.0.1:8301: dial tcp 127.0.0.1:8301: connect: connection refused"), []string{"-> no agent gossips there"}},
		{"no retry_join", map[string]string{"GET /v1/agent/members": alone, "GET /v1/status/leader": "!No known Consul servers"},
			[]string{"problem leader no server leads: nothing can be written, and reads need ?stale. This agent knows no server, and has no retry_join -> praetor join ADDRESS, and retry_join in its configuration"}},
		{"own networks leave out the servers", map[string]string{"GET /v1/agent/members": alone, "GET /v1/status/leader": "!No known Consul servers",
			"GET /v1/agent/self": agentSelf(`,"SerfAllowedCIDRsLAN":["10.0.0.0/8"],"RetryJoinLAN":["127.0.0.1:8301","10.1.1.1","a.example"]`, ``)},
			[]string{"problem join serf_lan_allowed_cidrs here (10.0.0.0/8) leaves out 127.0.0.1: agents there are ignored", "-> add their networks to serf_lan_allowed_cidrs of this agent"}},
		{"networks of the servers leave this agent out", map[string]string{"GET /v1/health/node/me?stale=": `[]`},
			[]string{"warning catalog this agent's node has no serfHealth", "-> is its address in serf_lan_allowed_cidrs of the servers"}},
		{"networks here leave out an agent", map[string]string{"GET /v1/catalog/nodes?stale=": `[{"Node":"out","ID":"33","Address":"127.0.0.3","Datacenter":"dc1","Meta":{"consul-version":"1.21.4"}},
			{"Node":"external","ID":"44","Datacenter":"dc1"},{"Node":"ME","ID":"22","Datacenter":"dc1","Meta":{"consul-version":"1.21.4"}}]`},
			[]string{"warning members in the catalog, but no members: out (127.0.0.3): nobody notices when they die -> are their addresses in serf_lan_allowed_cidrs"}},
		{"networks for the WAN leave out a server", map[string]string{"GET /v1/agent/self": strings.Replace(agentSelf(`,"SerfAllowedCIDRsWAN":["10.0.0.0/8"],"RetryJoinWAN":["192.0.2.1"]`, ``), `"NodeID"`, `"Server":true,"NodeID"`, 1)},
			[]string{"problem join serf_wan_allowed_cidrs here (10.0.0.0/8) leaves out 127.0.0.1, 192.0.2.1"}},
		{"a rebuilt machine whose name another ID has", map[string]string{"GET /v1/catalog/node/me?stale=": `{"Node":{"Node":"me","ID":"11","Address":"127.0.0.2"},"Services":{}}`},
			[]string{"problem catalog the catalog has the name me for another agent: node ID 11 at 127.0.0.2; this one is 22", "-> look again in a few seconds", `curl -X PUT -d '{"Node":"me"}' http://127.0.0.1:1/v1/catalog/deregister`}},
		{"a name that differs in capitals only", map[string]string{"GET /v1/catalog/node/me?stale=": `{"Node":{"Node":"ME","ID":"1","Address":"127.0.0.1"},"Services":{}}`},
			[]string{"problem catalog the catalog has the name ME for another agent", "-> give one of the two another name (-node; capitals make no difference) and start it again: the other agent lives, as s at 127.0.0.1"}},
		{"what servers refuse", map[string]string{"GET /v1/catalog/node/me?stale=": `{"Node":{"Node":"me","ID":"22"},"Services":{}}`,
			"GET /v1/agent/self": agentSelf(``, `"agent":{"sync_error":"node ID 22 of \"me\" is the ID of node \"c1\": two agents cannot share an ID."}`)},
			[]string{"problem catalog registered here, but not in the catalog: web: node ID 22 of \"me\" is the ID of node \"c1\"", "delete node-id"}},
		{"a node that is seen as dead", map[string]string{"GET /v1/health/node/me?stale=": `[{"Node":"me","CheckID":"serfHealth","Status":"critical","Output":"Agent not live or unreachable"}]`},
			[]string{"problem catalog the servers think that this agent is gone"}},
		{"a client that floods the agent", map[string]string{"GET /v1/agent/monitor?logjson=true&loglevel=debug": strings.Repeat(`{"@message":"Request finished","method":"GET","url":"/v1/kv/app?recurse","from":"10.0.0.7:51234"}`+"\n", 300) +
			`{"@message":"Request finished","method":"GET","url":"/v1/kv/b","from":"10.0.0.8:5"}` + "\n"},
			[]string{"warning requests 10.0.0.7 sends 300 requests a second, most like GET /v1/kv/app -> find the program on that machine"}},
		{"requests over a limit", map[string]string{"GET /v1/agent/metrics": `{"Counters":[{"Name":"consul.rpc.rate_limit.exceeded","Count":7,"Labels":{"limit_type":"global/write"}}]}`},
			[]string{"warning requests 7 requests were over a limit in ten seconds (consul.rpc.rate_limit.exceeded global/write)"}},
		{"rules that are not enforced", map[string]string{"GET /v1/agent/self": agentSelf(`,"ACLDefaultPolicy":"deny"`, ``)}, []string{"problem access acl.default_policy is deny, but acl.enabled is false", "-> set acl.enabled = true on all servers", "praetor help security"}},
		{"rules that let all in", map[string]string{"GET /v1/agent/self": agentSelf(`,"ACLDefaultPolicy":"allow","ACLsEnabled":true`, ``)}, []string{"warning access access rules are on, but acl.default_policy is allow"}},
		{"gossip in the clear beside a key", map[string]string{"GET /v1/agent/self": agentSelf(`,"EncryptKey":"hidden","EncryptVerifyIncoming":true`, ``)}, []string{"warning access encrypt is set, but gossip without the key is still sent or believed"}},
		{"HTTP beside HTTPS with certificates", map[string]string{"GET /v1/agent/self": agentSelf(`,"HTTPAddrs":["tcp://10.0.0.1:8500","tcp://127.0.0.1:8500"],"TLS":{"HTTPS":{"VerifyIncoming":true}}`, ``)}, []string{"without a certificate the API answers at 10.0.0.1:8500 ->"}},
		{"a primary datacenter that is not there", map[string]string{"GET /v1/agent/self": agentSelf(`,"PrimaryDatacenter":"dc9"`, ``), "GET /v1/catalog/datacenters": `["dc1","dc2"]`}, []string{"problem datacenters primary_datacenter is dc9, and the servers know dc1, dc2 only"}},
		{"a log that is not compacted", map[string]string{"GET /v1/agent/self": agentSelf(`,"RaftSnapshotThreshold":100`, `"raft":{"applied_index":"5001","last_snapshot_index":"7"}`)}, []string{"warning log the log is not compacted: 4994 entries since the last snapshot, where 100 are usual"}},
		{"DNS elsewhere", map[string]string{"GET /v1/agent/self": strings.Replace(agentSelf(`,"DNSAddrs":["tcp://127.0.0.7:1","udp://127.0.0.7:1"]`, ``), `"DNSPort":-1`, `"DNSPort":1`, 1)}, []string{"problem dns DNS does not answer at 127.0.0.7:1"}},
		{"a disk that cannot be written", map[string]string{"GET /v1/agent/self": agentSelf(`,"DataDir":"/proc/no such folder"`, ``)},
			[]string{"problem disk the disk cannot be written", "-> make room, or see to the disk"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			answers := maps.Clone(well)
			maps.Copy(answers, row.answers)
			answer(t, answers)
			out, _, code := run(t, "doctor")
			said := strings.Join(strings.Fields(out), " ")
			for _, want := range row.want {
				if code == 0 || !strings.Contains(said, want) {
					t.Errorf("code %d; it does not say %q:\n%s", code, want, out)
				}
			}
			if strings.Contains(row.name, "name") && strings.Contains(said, "service:write") {
				t.Errorf("it leads to tokens:\n%s", out)
			}
		})
	}
}

func TestDoctorHasNothingToSayOfWhatIsWell(t *testing.T) {
	answer(t, well)
	out, _, _ := run(t, "doctor")
	for line := range strings.Lines(out) {
		if (strings.HasPrefix(line, "problem ") || strings.HasPrefix(line, "warning ")) && !strings.Contains(line, " ports ") { // nobody listens on port 1
			t.Errorf("it says: %s", line)
		}
	}
}

func TestDoctorLeadsFromADamagedServerToItsCure(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "raft", "snapshots", "2-18-1700000000000.damaged"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CONSUL_HTTP_ADDR", "127.0.0.1:1")
	out, _, code := run(t, "doctor", "-data-dir="+dir) // of a server that does not start
	said := strings.Join(strings.Fields(out), " ")
	for _, want := range []string{
		"holds a server's log", "its last line names the file and the place", "praetor help damage",
		"a snapshot of this server was damaged", "2-18-1700000000000.damaged", "praetor snapshot save",
	} {
		if code != 2 || !strings.Contains(said, want) {
			t.Errorf("code %d; it does not say %q:\n%s", code, want, out)
		}
	}
}
