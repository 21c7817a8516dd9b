package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"

	"praetor/internal/pki"
)

// member is one of dc1 with a version.
func member(name, id string, status int, server bool) *api.AgentMember {
	m := agentMember(name, id, status, server)
	m.Tags["dc"], m.Tags["build"], m.Addr = "dc1", "1.22.7:abc", "10.0.0."+id
	return m
}

// TestWhatIsFound examines an agent n of dc1 with a fact or two.
func TestWhatIsFound(t *testing.T) {
	alive, failed := member("n", "1", memberAlive, true), member("m", "2", memberFailed, false)
	catalogOf := func(answers map[string]string) map[string]string {
		all := map[string]string{
			"/v1/agent/services": `{"web":{"ID":"web"},"db":{"ID":"db"}}`, "/v1/catalog/node/n": `{"Node":{"Node":"n","ID":"id-1"},"Services":{"web":{},"db":{}}}`,
			"/v1/health/node/n": `[{"CheckID":"mem","Status":"critical"},{"CheckID":"serfHealth","Status":"passing"}]`,
		}
		maps.Copy(all, answers)
		return all
	}
	const taken = `{"Node":{"Node":"N","ID":"id-2","Address":"10.0.0.2"},"Services":{}}`
	const unreadable = "the catalog cannot be read: Unexpected response code: 500 (no)"
	raft := func(voters ...string) map[string]string {
		var servers []string
		for i, id := range voters {
			servers = append(servers, fmt.Sprintf(`{"ID":%q,"Node":"s%s","Address":"10.0.0.%s:8300","Voter":true,"Leader":%t}`, id, id, id, i == 0))
		}
		return map[string]string{"/v1/operator/raft/configuration": `{"Servers":[` + strings.Join(servers, ",") + `]}`, "/v1/operator/autopilot/health": `{"Healthy":true}`}
	}
	servers := func(ids ...string) (list []*api.AgentMember) {
		for _, id := range ids {
			list = append(list, member("s"+id, id, memberAlive, true))
		}
		return list
	}
	for name, c := range map[string]struct {
		exam    func(context.Context, *patient, *chart)
		facts   func(p *patient)
		answers map[string]string
		want    string // findings in their order
		cure    string // a part of the first one's
	}{
		"members that live": {examineMembers, func(p *patient) { p.members = []*api.AgentMember{alive, member("m", "2", memberLeft, false)} }, nil, "ok: 1 of 2 members live", ""},
		"a member failed":   {examineMembers, func(p *patient) { p.members, p.leader = []*api.AgentMember{alive, failed}, "10.0.0.1:8300" }, nil, "warning: 1 member failed: m", "force-leave NAME"},
		"nobody leads":      {examineMembers, func(p *patient) { p.members = []*api.AgentMember{alive, failed} }, nil, "ok: 1 of 2 members live", ""},
		"another datacenter": {examineMembers, func(p *patient) {
			other := member("o", "3", memberFailed, false)
			other.Tags["dc"] = "dc2"
			p.members = []*api.AgentMember{alive, other}
		}, nil, "problem: members of another datacenter are in this LAN pool: o of dc2", "join datacenters with -wan"},
		"one node ID": {examineMembers, func(p *patient) {
			p.members = []*api.AgentMember{alive, member("copy", "1", memberAlive, false), member("gone", "1", memberFailed, false)}
		}, nil, "problem: copy, n have one node ID: the servers refuse all but the first", "delete node-id"},
		"two versions": {examineMembers, func(p *patient) {
			older := member("m", "2", memberAlive, false)
			older.Tags["build"] = "1.20.0:x"
			p.members = []*api.AgentMember{alive, older}
		}, nil, "note: members run 2 versions: 1.20.0, 1.22.7", "bring all to one version"},
		"who is in the catalog alone": {examineMembers, func(p *patient) { p.members, p.leader = []*api.AgentMember{alive}, "x" }, map[string]string{
			"/v1/catalog/nodes": `[{"Node":"N","ID":"1","Address":"a","Datacenter":"dc1","Meta":{"consul-version":"1"}},{"Node":"far","ID":"2","Address":"10.0.0.9","Datacenter":"dc1","Meta":{"consul-version":"1"}},
				{"Node":"external","Address":"b","Datacenter":"dc1"},{"Node":"byhand","ID":"3","Address":"c","Datacenter":"dc1"}]`,
		}, "warning: in the catalog, but no members: far (10.0.0.9): nobody notices when they die", "serf_lan_allowed_cidrs"},

		"not joined": {examineJoin, func(p *patient) {
			p.self.Stats = map[string]map[string]string{"serf_lan": {"join_error": "Failed to join a: connection refused; Failed to join b: i/o timeout; Failed to join c: connection refused"}}
		}, nil, "problem: this agent has not joined the others yet: Failed to join a: connection refused; Failed to join c: connection refused\nproblem: this agent has not joined the others yet: Failed to join b: i/o timeout", "no agent gossips there"},
		"networks that leave out others": {examineJoin, func(p *patient) {
			p.self.Config.Server = true
			p.members = []*api.AgentMember{alive, member("s2", "2", memberAlive, true), member("c", "3", memberAlive, false)}
			p.self.DebugConfig.SerfAllowedCIDRsLAN, p.self.DebugConfig.SerfAllowedCIDRsWAN = []string{"10.0.0.3/32", "127.0.0.0/8"}, []string{"127.0.0.0/8"}
			p.self.DebugConfig.RetryJoinWAN = []string{"192.168.0.1:8302", "name.example"}
		}, nil, "problem: serf_lan_allowed_cidrs here (10.0.0.3/32, 127.0.0.0/8) leaves out 10.0.0.2: agents there are ignored in gossip\nproblem: serf_wan_allowed_cidrs here (127.0.0.0/8) leaves out 10.0.0.2, 192.168.0.1: agents there are ignored in gossip", "add their networks to serf_lan_allowed_cidrs"},
		"networks of a client": {examineJoin, func(p *patient) {
			p.members = []*api.AgentMember{alive, member("s2", "2", memberAlive, true)}
			p.self.DebugConfig.SerfAllowedCIDRsWAN = []string{"127.0.0.0/8"}
		}, nil, "", ""},

		"no primary":          {examineDatacenters, func(p *patient) { p.self.DebugConfig.PrimaryDatacenter = "dc0" }, map[string]string{"/v1/catalog/datacenters": `["dc1","dc2"]`}, "problem: primary_datacenter is dc0, and the servers know dc1, dc2 only", "retry_join_wan"},
		"a primary":           {examineDatacenters, func(p *patient) { p.self.DebugConfig.PrimaryDatacenter = "dc2" }, map[string]string{"/v1/catalog/datacenters": `["dc1","dc2"]`}, "", ""},
		"its own primary":     {examineDatacenters, func(p *patient) { p.self.DebugConfig.PrimaryDatacenter = "dc1" }, map[string]string{"/v1/catalog/datacenters": `[]`}, "", ""},
		"unknown datacenters": {examineDatacenters, func(p *patient) { p.self.DebugConfig.PrimaryDatacenter = "dc2" }, nil, "", ""},

		"deny without access rules": {examineAccess, func(p *patient) { p.self.DebugConfig.ACLDefaultPolicy = "deny" }, nil, "problem: acl.default_policy is deny, but acl.enabled is false: nothing is denied to anybody", "set acl.enabled = true"},
		"deny with them":            {examineAccess, func(p *patient) { p.self.DebugConfig.ACLDefaultPolicy, p.self.DebugConfig.ACLsEnabled = "deny", true }, nil, "", ""},
		"allow with them":           {examineAccess, func(p *patient) { p.self.DebugConfig.ACLDefaultPolicy, p.self.DebugConfig.ACLsEnabled = "allow", true }, nil, "warning: access rules are on, but acl.default_policy is allow: whoever has no token may do everything", `acl.default_policy = "deny"`},
		"a key that is not asked for": {examineAccess, func(p *patient) {
			p.self.DebugConfig.EncryptKey, p.self.DebugConfig.EncryptVerifyIncoming = "hidden", true
		}, nil, "warning: encrypt is set, but gossip without the key is still sent or believed: encrypt_verify_incoming is true, encrypt_verify_outgoing false", "remove encrypt_verify_incoming"},
		"a key that is asked for": {examineAccess, func(p *patient) {
			d := &p.self.DebugConfig
			d.EncryptKey, d.EncryptVerifyIncoming, d.EncryptVerifyOutgoing = "hidden", true, true
		}, nil, "", ""},
		"HTTP beside guarded HTTPS": {examineAccess, func(p *patient) {
			d := &p.self.DebugConfig
			d.TLS.HTTPS.VerifyIncoming, d.HTTPAddrs = true, []string{"tcp://0.0.0.0:8500", "tcp://127.0.0.1:8500", "unix:///run/x", "tcp://[::1]:8500"}
		}, nil, "warning: tls.https.verify_incoming guards HTTPS alone: without a certificate the API answers at 0.0.0.0:8500", "ports.http = -1"},
		"HTTP on this machine alone": {examineAccess, func(p *patient) {
			d := &p.self.DebugConfig
			d.TLS.HTTPS.VerifyIncoming, d.HTTPAddrs = true, []string{"tcp://127.0.0.1:8500"}
		}, nil, "", ""},
		"HTTP beside HTTPS":     {examineAccess, func(p *patient) { p.self.DebugConfig.HTTPAddrs = []string{"tcp://0.0.0.0:8500"} }, nil, "", ""},
		"scripts for everybody": {examineScripts, func(p *patient) { p.self.DebugConfig.EnableRemoteScriptChecks = true }, nil, "warning: whoever reaches the HTTP API can run programs on this machine: enable_script_checks stands without access rules", "enable_local_script_checks"},
		"scripts with access rules": {examineScripts, func(p *patient) {
			p.self.DebugConfig.EnableRemoteScriptChecks, p.self.DebugConfig.ACLsEnabled = true, true
		}, nil, "", ""},
		"scripts from some addresses": {examineScripts, func(p *patient) {
			p.self.DebugConfig.EnableRemoteScriptChecks, p.self.DebugConfig.AllowWriteHTTPFrom = true, []string{"10.0.0.0/8"}
		}, nil, "", ""},
		"a root of the mesh":           {examineMesh, func(*patient) {}, map[string]string{"/v1/agent/connect/ca/roots": "", "/v1/connect/ca/roots": `{"Roots":[{"Name":"old","NotAfter":"2001-01-01T00:00:00Z"},{"Name":"R","Active":true,"NotAfter":"2001-01-01T00:00:00Z"},{"Name":"x","Active":true}]}`}, "problem: the certificate R of the mesh has expired, on 2001-01-01", "connect ca set-config"},
		"no mesh":                      {examineMesh, func(*patient) {}, nil, "", ""},
		"a log that grows":             {examineLog, func(p *patient) { p.logOf("200001", "100000", 10_000) }, nil, "warning: the log is not compacted: 100001 entries since the last snapshot, where 10000 are usual", "room in its data folder"},
		"a log":                        {examineLog, func(p *patient) { p.logOf("200000", "100000", 10_000) }, nil, "", ""},
		"a log without snapshots":      {examineLog, func(p *patient) { p.logOf("200001", "100000", 0) }, nil, "", ""},
		"a log behind its snapshot":    {examineLog, func(p *patient) { p.logOf("5", "100000", 1) }, nil, "", ""},
		"the log of a client":          {examineLog, func(*patient) {}, nil, "", ""},
		"no disk":                      {examineDisk, func(*patient) {}, nil, "note: the data folder is not on this machine", "-data-dir"},
		"no disk in development":       {examineDisk, func(p *patient) { p.self.DebugConfig.DevMode = true }, nil, "", ""},
		"a folder that is not":         {examineDisk, func(p *patient) { p.dataDir = "/nonexistent/praetor" }, nil, "problem: the disk cannot be written: open /nonexistent/praetor/.doctor", "make room"},
		"gossip that is not encrypted": {examineKeys, func(*patient) {}, nil, "note: gossip is not encrypted: whoever reaches the gossip port, or port 8300 of a server, is believed", "praetor keygen"},

		"a catalog with all":        {examineCatalog, func(*patient) {}, catalogOf(nil), "ok: the catalog has all of this agent's services (2)", ""},
		"a service is missing":      {examineCatalog, func(*patient) {}, catalogOf(map[string]string{"/v1/catalog/node/n": `{"Node":{"Node":"n","ID":"ID-1"},"Services":{"web":{}}}`}), "problem: registered here, but not in the catalog: db", "failed to sync remote state"},
		"a service is refused":      {examineCatalog, func(p *patient) { p.syncError("Permission denied: x") }, catalogOf(map[string]string{"/v1/catalog/node/n": `{"Node":{"Node":"n"},"Services":{"web":{}}}`}), "problem: registered here, but not in the catalog: db: Permission denied: x", "service:write"},
		"no node":                   {examineCatalog, func(*patient) {}, catalogOf(map[string]string{"/v1/catalog/node/n": `null`}), "problem: this node is not in the catalog", "failed to sync remote state"},
		"a node that is refused":    {examineCatalog, func(p *patient) { p.syncError("No cluster leader") }, catalogOf(map[string]string{"/v1/catalog/node/n": `null`}), "problem: this node is not in the catalog: No cluster leader", "first see to the leader"},
		"a name that is taken":      {examineCatalog, func(*patient) {}, catalogOf(map[string]string{"/v1/catalog/node/n": taken}), "problem: the catalog has the name N for another agent: node ID id-2 at 10.0.0.2; this one is id-1, and what it registers is refused", `/v1/catalog/deregister frees the name`},
		"a name that another has":   {examineCatalog, func(p *patient) { p.members = []*api.AgentMember{agentMember("other", "ID-2", memberAlive, false)} }, catalogOf(map[string]string{"/v1/catalog/node/n": taken}), "problem: the catalog has the name N for another agent: node ID id-2 at 10.0.0.2; this one is id-1, and what it registers is refused", "the other agent lives, as other at 10.0.0.1"},
		"a name that another had":   {examineCatalog, func(p *patient) { p.members = []*api.AgentMember{agentMember("other", "id-2", memberFailed, false)} }, catalogOf(map[string]string{"/v1/catalog/node/n": taken}), "problem: the catalog has the name N for another agent: node ID id-2 at 10.0.0.2; this one is id-1, and what it registers is refused", "look again in a few seconds"},
		"its health is critical":    {examineCatalog, func(*patient) {}, catalogOf(map[string]string{"/v1/health/node/n": `[{"CheckID":"serfHealth","Status":"critical","Output":"gone"}]`}), "problem: the servers think that this agent is gone, so its services are given to nobody: gone\nok: the catalog has all of this agent's services (2)", "Rejected node"},
		"its health is not there":   {examineCatalog, func(*patient) {}, catalogOf(map[string]string{"/v1/health/node/n": `[{"CheckID":"mem","Status":"passing"}]`}), "warning: this agent's node has no serfHealth: the servers do not see it in gossip, so nobody will notice when it dies\nok: the catalog has all of this agent's services (2)", "8301"},
		"its health is not told":    {examineCatalog, func(*patient) {}, catalogOf(map[string]string{"/v1/health/node/n": "!no"}), "ok: the catalog has all of this agent's services (2)", ""},
		"a catalog that is not":     {examineCatalog, func(*patient) {}, catalogOf(map[string]string{"/v1/catalog/node/n": "!no"}), "warning: " + unreadable, ""},
		"services that are not":     {examineCatalog, func(*patient) {}, map[string]string{"/v1/agent/services": "!no"}, "warning: the agent's services cannot be listed: Unexpected response code: 500 (no)", ""},
		"services for others' eyes": {examineCatalog, func(*patient) {}, map[string]string{"/v1/agent/services": "!Permission denied"}, "note: the token may not see this", "agent:read"},

		"three servers":       {examineRaft, func(p *patient) { p.leader, p.members = "x", servers("1", "2", "3") }, raft("1", "2", "3"), "ok: s1 leads 3 voters", ""},
		"one server":          {examineRaft, func(p *patient) { p.leader, p.members = "x", servers("1") }, raft("1"), "note: one server: when it is lost, so is what it holds\nok: s1 leads 1 voter", "three servers"},
		"one server to try":   {examineRaft, func(p *patient) { p.leader, p.members, p.self.DebugConfig.DevMode = "x", servers("1"), true }, raft("1"), "ok: s1 leads 1 voter", ""},
		"one is no member":    {examineRaft, func(p *patient) { p.leader, p.members = "x", servers("1", "2") }, raft("1", "2", "3"), "warning: one more lost server stops the cluster: 2 of 3 voters live\nwarning: Raft counts on s3 (10.0.0.3:8300), which is no member\nok: s1 leads 3 voters", "bring s3 (10.0.0.3:8300) back"},
		"Raft for other eyes": {examineRaft, func(p *patient) { p.leader = "x" }, map[string]string{"/v1/operator/raft/configuration": "!Permission denied"}, "note: the token may not see this", "operator:read"},
		"Raft is not told":    {examineRaft, func(p *patient) { p.leader = "x" }, map[string]string{"/v1/operator/raft/configuration": "!no"}, "warning: the Raft configuration cannot be read: Unexpected response code: 500 (no)", ""},
		"no leader":           {examineRaft, func(p *patient) { p.members = servers("1") }, raft("1"), "problem: no server leads: nothing can be written, and reads need ?stale. All voters live: they elect one, or do not reach each other", "wait some seconds"},
		"no leader, unjoined": {examineRaft, func(p *patient) { p.self.Stats = map[string]map[string]string{"serf_lan": {"join_error": "x"}} }, nil, "", ""},
		"no leader, joined": {examineRaft, func(p *patient) {
			p.self.Stats, p.members = map[string]map[string]string{"serf_lan": {"join_error": "x"}}, servers("1")
		}, raft("1"), "problem: no server leads: nothing can be written, and reads need ?stale. All voters live: they elect one, or do not reach each other", ""},
		"one is behind": {examineRaft, func(p *patient) { p.leader, p.members = "x", servers("1", "2", "3") }, map[string]string{
			"/v1/operator/raft/configuration": raft("1", "2", "3")["/v1/operator/raft/configuration"],
			"/v1/operator/autopilot/health":   `{"Healthy":false,"Servers":[{"Name":"s1","Healthy":true,"LastIndex":90},{"Name":"s2","LastIndex":40,"LastContact":"2s"}]}`,
		}, "warning: server s2 is unhealthy: last heard 2s ago, 50 entries behind\nok: s1 leads 3 voters", "autopilot state"},
	} {
		p, c2 := &patient{cl: answering(t, c.answers), host: "127.0.0.1"}, &chart{}
		p.self.Config.NodeName, p.self.Config.NodeID, p.self.Config.Datacenter = "n", "id-1", "dc1"
		c.facts(p)
		c.exam(t.Context(), p, c2)
		if got := said(c2); got != c.want && !(name == "a folder that is not" && strings.HasPrefix(got, c.want)) {
			t.Errorf("%s: it says\n\t%s\nwant\n\t%s", name, strings.ReplaceAll(got, "\n", "\n\t"), strings.ReplaceAll(c.want, "\n", "\n\t"))
		} else if c.cure != "" && !strings.Contains(c2.list[0].Cure, c.cure) {
			t.Errorf("%s: the cure is %q, want %q in it", name, c2.list[0].Cure, c.cure)
		}
	}
}

func (p *patient) logOf(applied, snapshot string, threshold int) {
	p.self.Stats = map[string]map[string]string{"raft": {"applied_index": applied, "last_snapshot_index": snapshot}}
	p.self.DebugConfig.RaftSnapshotThreshold = threshold
}

func (p *patient) syncError(why string) {
	p.self.Stats = map[string]map[string]string{"agent": {"sync_error": why}}
}

func TestJoinsThatFailHaveACure(t *testing.T) {
	for why, want := range map[string]string{
		"Node name a is taken by a living agent": "give this agent another name", "Member has conflicting node ID x": cureForSharedID, "Member 'a' part of wrong datacenter 'dc2'": "each datacenter has a LAN pool",
		"No installed keys could decrypt the message": cureForGossipKey, "Remote state is encrypted and encryption is not configured": cureForGossipKey, "dial tcp: connection refused": "no agent gossips there",
		"lookup x: no such host": "the name cannot be resolved", "i/o timeout": "open TCP and UDP 8301", "odd": "see the agent's log",
	} {
		if got := cureForJoin(why); !strings.HasPrefix(got, want) {
			t.Errorf("%q: %q, want %q", why, got, want)
		}
	}
	for _, c := range []struct {
		err  error
		word string
		cure string
	}{
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, "refuses", "nothing listens there"},
		{os.ErrDeadlineExceeded, "does not answer", "is it that agent's address"},
		{errors.New("no route"), "cannot be reached: no route", "is it that agent's address"},
	} {
		if got := outcome(c.err); got != c.word || !strings.HasPrefix(cureForPort(c.err), c.cure) {
			t.Errorf("%v: %q, %q", c.err, got, cureForPort(c.err))
		}
	}
}

func TestWhoIsToBeJoinedAndIsNoMember(t *testing.T) {
	p := &patient{members: []*api.AgentMember{{Addr: "10.0.0.1", Status: memberAlive}, {Addr: "10.0.0.2", Status: memberFailed}, {Addr: "10.0.0.3", Status: memberFailed}, {Addr: "10.0.0.3", Status: memberAlive}}}
	p.self.DebugConfig.RetryJoinLAN = []string{"10.0.0.1", "10.0.0.2", "10.0.0.3:8301", "10.0.0.4:9301", "[::1]", "[::1]:77", "name.example", "::ffff:10.0.0.1"}
	if got, want := strangersOf(p), []string{"10.0.0.2:8301", "10.0.0.4:9301", "[::1]:8301", "[::1]:77"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	p.self.DebugConfig.RetryJoinLAN = nil
	for i := range 100 {
		p.self.DebugConfig.RetryJoinLAN = append(p.self.DebugConfig.RetryJoinLAN, fmt.Sprint("10.1.0.", i))
	}
	if got := len(strangersOf(p)); got != mostProbed {
		t.Errorf("%d are tried, want %d", got, mostProbed)
	}
	for text, c := range map[string]struct {
		networks string
		want     string
	}{
		"10.0.0.1 [fe80::1]:8301 name 10.0.0.2:8301": {"10.0.0.0/31 fe80::/10", "10.0.0.2"}, "10.0.0.1": {"", ""}, "10.0.0.7": {"bogus", ""}, "::ffff:10.0.0.1 [::1]": {"10.0.0.0/8", "[::1]"},
	} {
		if got := strings.Join(outside(strings.Fields(c.networks), strings.Fields(text)), " "); got != c.want {
			t.Errorf("%s outside %s: %q, want %q", text, c.networks, got, c.want)
		}
	}
}

// TestTwoClustersThatDoNotSeeEachOther: at an address that is to be joined somebody else leads.
func TestTwoClustersThatDoNotSeeEachOther(t *testing.T) {
	for answer, want := range map[string]string{
		`"10.0.0.9:8300"`: "problem: two clusters that do not see each other: 10.0.0.1:8300 leads here, and 10.0.0.9:8300 at 127.0.0.1:8301", `"10.0.0.1:8300"`: "", `""`: "", "<html>": "",
	} {
		other := httptest.NewServer(answeringHandler(map[string]string{"/v1/status/leader": answer}))
		port := other.Listener.Addr().(*net.TCPAddr).Port
		p, c := &patient{leader: "10.0.0.1:8300"}, &chart{}
		p.self.DebugConfig.RetryJoinLAN, p.self.DebugConfig.HTTPPort = []string{"127.0.0.1"}, port
		examineSplit(t.Context(), p, c)
		if got := said(c); got != want {
			t.Errorf("%s: %q, want %q", answer, got, want)
		}
		p.leader, c = "", &chart{}
		examineSplit(t.Context(), p, c)
		if got := said(c); got != "" {
			t.Errorf("without a leader here: %q", got)
		}
		other.Close()
	}
}

func TestPortsOfMembersAreTried(t *testing.T) {
	open, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	port := func(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }
	at := func(name string, status, gossip, rpc int) *api.AgentMember {
		m := agentMember(name, name, status, rpc > 0)
		m.Addr, m.Port, m.Tags["port"] = "127.0.0.1", uint16(gossip), fmt.Sprint(rpc)
		return m
	}
	for name, c := range map[string]struct {
		members []*api.AgentMember
		want    string
	}{
		"nobody":        {nil, ""},
		"all open":      {[]*api.AgentMember{at("a", memberAlive, port(open), port(open)), at("b", memberAlive, port(open), 0), at("c", memberFailed, port(closed), 0)}, "ok: the members' ports are open (3)"},
		"gossip closed": {[]*api.AgentMember{at("b", memberAlive, port(closed), 0)}, fmt.Sprintf("problem: b for gossip cannot be reached at 127.0.0.1:%d: ", port(closed))},
		"RPC closed":    {[]*api.AgentMember{at("a", memberAlive, port(open), port(closed))}, fmt.Sprintf("problem: a for RPC cannot be reached at 127.0.0.1:%d: ", port(closed))},
	} {
		c2 := &chart{}
		examinePorts(t.Context(), &patient{members: c.members}, c2)
		if got := said(c2); !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestForHowLongACertificateIsValid(t *testing.T) {
	const day = 24 * time.Hour
	for left, want := range map[time.Duration]string{
		-time.Second: "problem: the certificate x has expired, on ", 7*day - time.Hour + time.Minute: "problem: the certificate x expires in 167 hours", 7*day + time.Minute: "warning: the certificate x expires in 7 days",
		30*day - time.Minute: "warning: the certificate x expires in 29 days", 30*day + time.Minute: "ok: x is valid until ",
	} {
		c := &chart{}
		c.age("x", time.Now().Add(left), "cure")
		if got := said(c); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", left, got, want)
		}
	}
}

// TestCertificatesForPort8300 are read on the agent's machine.
func TestCertificatesForPort8300(t *testing.T) {
	dir := t.TempDir()
	authority, err := pki.NewAuthority(pki.Subject{}, pki.Days(100))
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pair, err := authority.Issue(pki.Subject{CommonName: "c", DNSNames: []string{"server.dc1.example"}}, pki.Server|pki.Client, pki.Days(90))
	if err != nil {
		t.Fatal(err)
	}
	cert := file("cert", pair.Cert)
	for name, c := range map[string]struct {
		path, dc string
		server   bool
		dataDir  string
		want     string
	}{
		"a server's":            {cert, "dc1", true, dir, "ok: c for port 8300 is valid until "},
		"of another datacenter": {cert, "dc2", true, dir, "problem: this server's certificate has not the name that verify_server_hostname asks for: "},
		"a client's":            {cert, "dc2", false, dir, "ok: c for port 8300 is valid until "},
		"elsewhere":             {cert, "dc1", true, "", ""},
		"none":                  {"", "dc1", true, dir, ""},
		"not there":             {cert + "x", "dc1", true, dir, "note: the certificate for port 8300 cannot be read: "},
		"no certificate":        {file("junk", []byte("junk")), "dc1", true, dir, ""},
	} {
		p, c2 := &patient{dataDir: c.dataDir}, &chart{}
		p.self.Config.Datacenter, p.self.Config.Server, p.self.DebugConfig.DNSDomain = c.dc, c.server, "example."
		p.self.DebugConfig.TLS.InternalRPC = tlsFacts{CertFile: c.path, VerifyServerHostname: true}
		examineCertificate(t.Context(), p, c2)
		lines := strings.Split(said(c2), "\n")
		if got := lines[len(lines)-1]; !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestTheCertificateOfHTTPSIsLookedAt, whoever signed it.
func TestTheCertificateOfHTTPSIsLookedAt(t *testing.T) {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	port := s.Listener.Addr().(*net.TCPAddr).Port
	subject := s.Certificate().Subject.CommonName
	for host, want := range map[string]string{
		"127.0.0.1": "ok: " + subject + " is valid until ", "127.0.0.2": "", "localhost": "warning: clients that verify do not accept the certificate at localhost:",
	} {
		p, c := &patient{host: host}, &chart{}
		p.self.DebugConfig.HTTPSPort = port
		if host == "127.0.0.2" {
			p.self.DebugConfig.HTTPSPort = -1
		}
		examineCertificate(t.Context(), p, c)
		if got := said(c); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
	s.Close()
	p, c := &patient{host: "127.0.0.1"}, &chart{}
	p.self.DebugConfig.HTTPSPort = port
	examineCertificate(t.Context(), p, c)
	if got := said(c); !strings.HasPrefix(got, fmt.Sprintf("problem: HTTPS does not answer at 127.0.0.1:%d: ", port)) {
		t.Errorf("without a server: %q", got)
	}
}

func TestWhereDNSIsAsked(t *testing.T) {
	for _, c := range []struct {
		host   string
		listen []string
		want   string
		here   bool
	}{
		{"127.0.0.1", nil, "127.0.0.1:8600", true}, {"10.0.0.1", nil, "10.0.0.1:8600", true}, {"10.0.0.1", []string{"udp://0.0.0.0:8600"}, "10.0.0.1:8600", true}, {"10.0.0.1", []string{"udp://10.0.0.1:8600"}, "10.0.0.1:8600", true},
		{"10.0.0.1", []string{"udp://127.0.0.1:8600"}, "127.0.0.1:8600", false}, {"127.0.0.1", []string{"udp://127.0.0.2:8600"}, "127.0.0.2:8600", true}, {"127.0.0.1", []string{"udp://10.0.0.5:8600"}, "10.0.0.5:8600", true},
		{"localhost", []string{"udp://127.0.0.1:8600"}, "127.0.0.1:8600", true}, {"10.0.0.1", []string{"udp://127.0.0.1:8600", "udp://[::]:8600"}, "10.0.0.1:8600", true}, {"10.0.0.1", []string{"unix:///x"}, "10.0.0.1:8600", false},
	} {
		p := &patient{host: c.host}
		p.self.DebugConfig.DNSPort, p.self.DebugConfig.DNSAddrs = 8600, c.listen
		if got, here := dnsAddress(p); got != c.want || here != c.here {
			t.Errorf("%s, listening at %v: %s, %t; want %s, %t", c.host, c.listen, got, here, c.want, c.here)
		}
	}
}

func TestWhoAsksIsHeardInTheLog(t *testing.T) {
	heard := map[string]*asked{}
	for _, line := range []string{
		`{"@message":"Request finished","method":"GET","url":"/v1/kv/a?wait=1s","from":"10.0.0.1:5"}`, `{"@message":"Request finished","method":"GET","url":"/v1/kv/a","from":"10.0.0.1:6"}`,
		`{"@message":"Request finished","method":"PUT","url":"/v1/kv/a","from":"@"}`, `{"@message":"something else","method":"GET","url":"/x","from":"10.0.0.2:5"}`, `no JSON`,
	} {
		noteRequest(heard, line)
	}
	if len(heard) != 2 || heard["10.0.0.1"].n != 2 || heard["10.0.0.1"].what["GET /v1/kv/a"] != 2 || heard["@"].what["PUT /v1/kv/a"] != 1 {
		t.Errorf("%+v", heard)
	}
}
