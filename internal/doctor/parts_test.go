package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/miekg/dns"
)

// said is a chart in words.
func said(c *chart) string {
	var lines []string
	for _, f := range c.list {
		lines = append(lines, f.Severity.String()+": "+f.What)
	}
	return strings.Join(lines, "\n")
}

func TestQuorumIsJudged(t *testing.T) {
	for _, c := range []struct {
		voters, alive int
		dev           bool
		want          string
	}{
		{1, 1, false, "note: one server: when it is lost, so is what it holds"},
		{1, 1, true, ""},
		{1, 0, true, "problem: 0 of 1 voters live, and 1 are needed: x"},
		{2, 2, false, "warning: no server may be lost now: 2 of 2 are needed"},
		{2, 1, false, "problem: 1 of 2 voters live, and 2 are needed: x"},
		{3, 3, false, ""},
		{3, 2, false, "warning: one more lost server stops the cluster: 2 of 3 voters live"},
		{3, 1, false, "problem: 1 of 3 voters live, and 2 are needed: x"},
		{4, 4, false, "warning: 4 servers tolerate no more losses than 3"},
		{4, 3, false, "warning: one more lost server stops the cluster: 3 of 4 voters live"},
		{5, 4, false, ""},
		{5, 3, false, "warning: one more lost server stops the cluster: 3 of 5 voters live"},
		{5, 2, false, "problem: 2 of 5 voters live, and 3 are needed: x"},
	} {
		chart := &chart{}
		judgeQuorum(chart, voters{all: c.voters, alive: c.alive, dead: []string{"x"}}, nil, c.dev)
		if got := said(chart); got != c.want {
			t.Errorf("%d of %d, dev %t: %q, want %q", c.alive, c.voters, c.dev, got, c.want)
		}
	}
}

func agentMember(name, id string, status int, server bool) *api.AgentMember {
	m := &api.AgentMember{Name: name, Addr: "10.0.0.1", Status: status, Tags: map[string]string{"id": id, "port": "8300", "role": "node"}}
	if server {
		m.Tags["role"] = "consul"
	}
	return m
}

func TestVotersAreLookedForByTheirIDs(t *testing.T) {
	server := func(id, address string) *api.RaftServer {
		return &api.RaftServer{ID: id, Address: address, Voter: true}
	}
	for name, c := range map[string]struct {
		servers []*api.RaftServer
		members []*api.AgentMember
		want    string
	}{
		"where it was":         {[]*api.RaftServer{server("1", "10.0.0.1:8300")}, []*api.AgentMember{agentMember("a", "1", 1, true)}, ""},
		"elsewhere":            {[]*api.RaftServer{server("1", "10.0.0.9:8300")}, []*api.AgentMember{agentMember("a", "1", 1, true)}, "a lives at 10.0.0.1:8300, and Raft still has it at 10.0.0.9:8300"},
		"failed":               {[]*api.RaftServer{server("1", "10.0.0.1:8300")}, []*api.AgentMember{agentMember("a", "1", 4, true)}, "a, which Raft has at 10.0.0.1:8300, was last seen at 10.0.0.1, and is not alive"},
		"unknown":              {[]*api.RaftServer{server("2", "10.0.0.1:8300")}, []*api.AgentMember{agentMember("a", "1", 1, true)}, "Raft has ID 2 at 10.0.0.1:8300, and gossip knows no such ID"},
		"a client of its ID":   {[]*api.RaftServer{server("1", "10.0.0.1:8300")}, []*api.AgentMember{agentMember("a", "1", 1, false)}, "Raft has ID 1 at 10.0.0.1:8300, and gossip knows no such ID"},
		"no voter":             {[]*api.RaftServer{{ID: "2", Address: "10.0.0.1:8300"}}, nil, ""},
		"failed and alive":     {[]*api.RaftServer{server("1", "10.0.0.1:8300")}, []*api.AgentMember{agentMember("old", "1", 4, true), agentMember("new", "1", 1, true)}, ""},
		"alive, then failed":   {[]*api.RaftServer{server("1", "10.0.0.1:8300")}, []*api.AgentMember{agentMember("new", "1", 1, true), agentMember("old", "1", 4, true)}, ""},
		"one here, one is not": {[]*api.RaftServer{server("1", "10.0.0.1:8300"), server("2", "x:1")}, []*api.AgentMember{agentMember("a", "1", 1, true)}, "Raft has ID 2 at x:1, and gossip knows no such ID"},
	} {
		if got := strings.Join(locateVoters(c.servers, c.members), "; "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestWhereToBeginWithoutALeader(t *testing.T) {
	alive, failed := agentMember("a", "1", 1, true), agentMember("b", "2", 4, true)
	raft := []*api.RaftServer{{ID: "1", Address: "10.0.0.1:8300", Voter: true}, {ID: "2", Address: "10.0.0.1:8300", Voter: true}}
	expecting := func(name, n string) *api.AgentMember {
		m := agentMember(name, name, 1, true)
		m.Tags["expect"] = n
		return m
	}
	for _, c := range []struct {
		members []*api.AgentMember
		servers []*api.RaftServer
		retry   []string
		want    string
	}{
		{nil, nil, nil, "This agent knows no server, and has no retry_join"},
		{[]*api.AgentMember{agentMember("c", "3", 1, false)}, raft, []string{"127.0.0.1:1", "a.example"}, "This agent knows no server, 127.0.0.1 refuses"},
		{[]*api.AgentMember{failed}, nil, nil, "No server is alive: b"},
		{[]*api.AgentMember{failed, alive}, raft, nil, "1 of 2 voters live, and 2 are needed: b, which Raft has at 10.0.0.1:8300, was last seen at 10.0.0.1, and is not alive"},
		{[]*api.AgentMember{alive}, raft[:1], nil, "All voters live"},
		{[]*api.AgentMember{alive}, []*api.RaftServer{{ID: "1", Address: "10.0.0.9:8300", Voter: true}}, nil, "a lives at 10.0.0.1:8300, and Raft still has it at 10.0.0.9:8300"},
		{[]*api.AgentMember{failed, alive}, nil, nil, "No server has bootstrap_expect or bootstrap"},
		{[]*api.AgentMember{expecting("a", "3")}, nil, []string{"127.0.0.1:1"}, "bootstrap_expect is 3, and 1 server is there: a, 127.0.0.1 refuses"},
		{[]*api.AgentMember{expecting("a", "3"), expecting("b", "2")}, nil, nil, "Servers differ in bootstrap_expect: b says 2, a says 3"},
		{[]*api.AgentMember{expecting("a", "1")}, nil, nil, "All 1 servers are there"},
	} {
		p := &patient{members: c.members}
		p.self.DebugConfig.RetryJoinLAN = c.retry
		if cure, got := leaderless(t.Context(), p, c.servers); !strings.HasPrefix(got, c.want) || cure == "" {
			t.Errorf("%d members: %q (%s), want %q", len(c.members), got, cure, c.want)
		}
	}
}

func TestHowFarAServerIsBehind(t *testing.T) {
	all := []api.ServerHealth{{LastIndex: 5}, {LastIndex: 50}, {LastIndex: 20}}
	for index, want := range map[uint64]uint64{50: 0, 20: 30, 5: 45, 60: 0} {
		if got := behind(all, index); got != want {
			t.Errorf("at %d: %d, want %d", index, got, want)
		}
	}
}

func TestFewAreNamed(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""}, {"a", "a"}, {"b a", "a, b"}, {"b a b", "a, b"}, {"e d c b a", "a, b, c, d, e"}, {"f e d c b a", "a, b, c, d, e and 1 more"}, {"a a a a a a b", "a, b"},
	} {
		if got := few(strings.Fields(c.in)); got != c.want {
			t.Errorf("%s: %q, want %q", c.in, got, c.want)
		}
	}
	for n, want := range map[int]string{0: "0 keys", 1: "1 key", 2: "2 keys"} {
		if got := Plural(n, "key"); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
	if because("") != "" || because("x") != ": x" {
		t.Error("a reason is worded otherwise")
	}
}

func TestWhereTheAgentIsAsked(t *testing.T) {
	for _, c := range []struct{ flag, env, want string }{
		{"", "", "127.0.0.1"}, {"10.0.0.1", "", "10.0.0.1"}, {"10.0.0.1:8500", "", "10.0.0.1"}, {"http://10.0.0.1:8500", "", "10.0.0.1"}, {"https://consul.example.com", "", "consul.example.com"},
		{"[::1]:8500", "", "::1"}, {"unix:///s", "", "127.0.0.1"}, {"", "10.0.0.2:1", "10.0.0.2"}, {"10.0.0.1", "10.0.0.2:1", "10.0.0.1"}, {"localhost:8500", "", "localhost"},
	} {
		if got := Host(cmp.Or(c.flag, c.env)); got != c.want {
			t.Errorf("%q beside %q: %q, want %q", c.flag, c.env, got, c.want)
		}
	}
}

func TestSilenceHasACure(t *testing.T) {
	wrap := func(err error) error { return &url.Error{Op: "Get", URL: "http://x/v1/agent/self", Err: err} }
	for _, c := range []struct {
		err  error
		want string
	}{
		{wrap(&net.OpError{Op: "dial", Err: &os.SyscallError{Err: syscall.ECONNREFUSED}}), "nothing listens there"},
		{wrap(errors.New("http: server gave HTTP response to HTTPS client")), "it speaks plain HTTP"},
		{errors.New("Client sent an HTTP request to an HTTPS server."), "it speaks HTTPS"},
		{wrap(errors.New(`malformed HTTP response "\x15"`)), "it speaks HTTPS"},
		{wrap(errors.New("x509: certificate signed by unknown authority")), "its certificate is not trusted"},
		{errors.New("Unexpected response code: 403 (Permission denied)"), "the token may not look at it"},
		{wrap(os.ErrDeadlineExceeded), "it does not answer in time"},
		{errors.New("Unexpected response code: 404 (<html>…</html>)"), "something else listens there"},
		{errors.New("invalid character '<' looking for beginning of value"), "something else listens there"},
		{errors.New("something else"), "is it the right address?"},
	} {
		if got := cureForSilence(c.err); !strings.HasPrefix(got, c.want) {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
	for text, want := range map[string]string{
		"Unexpected response code: 404 (<!DOCTYPE html><p>no</p>)": "it sends a web page with HTTP status 404 Not Found", "invalid character '<' looking": "it sends a web page with HTTP status 200 OK",
	} {
		if got := shortError(errors.New(text)); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	if got := shortError(wrap(errors.New("why"))); got != "why" {
		t.Errorf("with a URL: %q", got)
	}
	if got := shortError(errors.New("why")); got != "why" {
		t.Errorf("without: %q", got)
	}
}

func TestRefusalsHaveACure(t *testing.T) {
	for why, want := range map[string]string{
		`node ID x of "a": two agents cannot share an ID`: cureForSharedID,
		`Node name a is reserved by node b`:               "if that node's agent lives, give one of the two another name",
		`Permission denied: token lacks`:                  "give the agent, or the service, a token with service:write",
		`ACL not found`:                                   "give the agent, or the service, a token with service:write",
		`No cluster leader`:                               "first see to the leader and the servers",
		`No known Consul servers`:                         "first see to the leader and the servers",
		`anything else`:                                   "see the agent's log",
		"":                                                "see the agent's log",
	} {
		if got := cureForRefusal(why); !strings.HasPrefix(got, want) {
			t.Errorf("%q: %q, want %q", why, got, want)
		}
	}
}

func TestWhatAClientAsksMost(t *testing.T) {
	for want, what := range map[string]map[string]int{
		"": nil, "GET /a": {"GET /a": 1}, "GET /b": {"GET /a": 1, "GET /b": 2, "GET /c": 1}, "GET /c": {"GET /d": 3, "GET /c": 3, "GET /e": 3},
	} {
		for range 10 { // whatever order the map has
			if got := (&asked{what: what}).most(); got != want {
				t.Errorf("%v: %q, want %q", what, got, want)
			}
		}
	}
}

func TestRightsThatAreMissingAreANote(t *testing.T) {
	for text, lacks := range map[string]bool{"Permission denied": true, "Unexpected response code: 403": true, "No cluster leader": false, "": false} {
		c := &chart{}
		if got := lacksRight(c, errors.New(text), "operator:read"); got != lacks || (len(c.list) == 1) != lacks {
			t.Errorf("%q: %t, %v", text, got, c.list)
		} else if lacks && !strings.Contains(c.list[0].Cure, "operator:read") {
			t.Errorf("%q: %+v", text, c.list[0])
		}
	}
}

// answering is a client of an API with canned answers.
func answering(t *testing.T, answers map[string]string) *api.Client {
	t.Helper()
	cl, err := Within(answeringHandler(answers), "")
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

// answeringHandler gives canned answers by path; "!text" is a refusal, and so is none.
func answeringHandler(answers map[string]string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, known := answers[r.URL.Path]
		if refusal, refused := strings.CutPrefix(text, "!"); refused || !known {
			http.Error(w, refusal, http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, text)
	})
}

func TestGossipKeysThatSomeMembersLack(t *testing.T) {
	const all = `{"Datacenter":"dc1","NumNodes":3,"Keys":{"a":3,"b":3}}`
	for name, c := range map[string]struct{ rings, want string }{
		"everywhere":  {"[" + all + "]", "ok: all 3 members of the LAN pool of dc1 have its 2 keys"},
		"not all":     {`[{"Datacenter":"dc1","NumNodes":3,"Keys":{"a":2,"b":3}}]`, "problem: a gossip key of the LAN pool of dc1 is at 2 of 3 members"},
		"of the WAN":  {`[` + all + `,{"WAN":true,"Datacenter":"dc1","NumNodes":2,"Keys":{"a":1}}]`, "ok: all 3 members of the LAN pool of dc1 have its 2 keys\nproblem: a gossip key of the WAN pool is at 1 of 2 members"},
		"two in use":  {`[{"Datacenter":"dc1","NumNodes":3,"Keys":{"a":3,"b":3},"PrimaryKeys":{"a":2,"b":1}}]`, "warning: members of the LAN pool of dc1 encrypt with 2 different keys: who removes one cuts off those that use it"},
		"no right":    {"!Permission denied", "note: the token may not see this"},
		"no answer":   {"!No cluster leader", "warning: gossip keys cannot be listed: Unexpected response code: 500 (No cluster leader)"},
		"nobody asks": {"[]", ""},
	} {
		p := &patient{cl: answering(t, map[string]string{"/v1/operator/keyring": c.rings})}
		p.self.DebugConfig.EncryptKey = "hidden"
		chart := &chart{}
		examineKeys(t.Context(), p, chart)
		if _, rest, _ := strings.Cut(said(chart)+"\n", "\n"); strings.TrimSuffix(rest, "\n") != c.want {
			t.Errorf("%s: %q\nwant %q", name, rest, c.want)
		}
	}
	open := &chart{}
	examineKeys(t.Context(), &patient{}, open)
	if got := said(open); !strings.HasPrefix(got, "note: gossip is not encrypted") {
		t.Errorf("without a key: %q", got)
	}
}

func TestRequestsOverALimitAreTold(t *testing.T) {
	figures := `{"Counters":[{"Name":"consul.rpc.rate_limit.exceeded","Count":3,"Labels":{"limit_type":"global/read"}},{"Name":"consul.client.rpc.exceeded","Count":1},
		{"Name":"consul.rpc.rate_limit.exceeded","Count":0},{"Name":"consul.rpc.request","Count":9}]}`
	chart := &chart{}
	examineRefused(&patient{cl: answering(t, map[string]string{"/v1/agent/metrics": figures})}, chart)
	if got := said(chart); got != "warning: 3 requests were over a limit in ten seconds (consul.rpc.rate_limit.exceeded global/read)\nwarning: 1 requests were over a limit in ten seconds (consul.client.rpc.exceeded )" {
		t.Errorf("it says %q", got)
	}
	silent := chart.list
	examineRefused(&patient{cl: answering(t, nil)}, chart)
	if len(chart.list) != len(silent) {
		t.Errorf("without figures it says %q", said(chart))
	}
}

func TestTheSkewOfAClock(t *testing.T) {
	date := ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Date"] = []string{date}
	}))
	defer s.Close()
	addr := strings.TrimPrefix(s.URL, "http://")
	for _, ahead := range []time.Duration{0, 30 * time.Second, -time.Hour} {
		date = time.Now().Add(ahead).UTC().Format(http.TimeFormat)
		if skew, seen := skewOf(t.Context(), addr); !seen || (skew-ahead).Abs() > time.Second {
			t.Errorf("%s ahead: %s, %t", ahead, skew, seen)
		}
	}
	date = "yesterday"
	if _, seen := skewOf(t.Context(), addr); seen {
		t.Error("a date that is none was read")
	}
	s.Close()
	if _, seen := skewOf(t.Context(), addr); seen {
		t.Error("a clock that is not there was read")
	}
	if err := Knock(t.Context(), addr); err == nil {
		t.Error("a closed port is open")
	}
}

func TestSomeAtATimeMeansAll(t *testing.T) {
	for _, n := range []int{0, 1, probes, 5 * probes} {
		done := make([]atomic.Int32, n)
		var now, most atomic.Int32
		Parallel(n, func(i int) {
			at := now.Add(1)
			for was := most.Load(); at > was && !most.CompareAndSwap(was, at); was = most.Load() {
			}
			done[i].Add(1)
			now.Add(-1)
		})
		for i := range done {
			if done[i].Load() != 1 {
				t.Errorf("%d of %d was done %d times", i, n, done[i].Load())
			}
		}
		if most.Load() > probes {
			t.Errorf("%d at a time, of %d", most.Load(), probes)
		}
	}
}

func TestFoldersAreExamined(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir: "ok: " + dir + " can be written", file: "problem: " + file + " is a file, not a folder", dir + "/none": "note: " + dir + "/none does not exist; the agent makes it when it starts",
		file + "/x": "problem: stat " + file + "/x: not a directory",
	} {
		c := &chart{}
		examineFolder(path, c)
		if got := said(c); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("the doctor leaves %d files, %v", len(left), err)
	}
}

func TestServicesThatNobodyCanUse(t *testing.T) {
	services := `[{"Name":"down","ChecksCritical":2},{"Name":"half","ChecksPassing":1,"ChecksCritical":1},{"Name":"warned"},{"Name":"blind"},{"Name":"consul"}]`
	checks := `[{"Node":"a","CheckID":"c1","ServiceName":"down","Status":"critical","Output":"Get: context deadline exceeded"},{"Node":"b","CheckID":"c2","ServiceName":"half","Status":"critical","Output":"i/o Timeout"},
		{"Node":"c","CheckID":"c3","ServiceName":"warned","Status":"warning","Output":"script timed out"},{"Node":"d","CheckID":"c4","ServiceName":"half","Status":"passing","Output":"timeout is 5s"}]`
	const serf = `{"CheckID":"serfHealth","Status":"passing"}`
	all := map[string]string{
		"/v1/internal/ui/services": services, "/v1/health/state/any": checks,
		// The node is well, which does not make the service so.
		"/v1/health/service/down": `[{"Node":{"Node":"a"},"Checks":[` + serf + `,{"CheckID":"c1","Status":"critical","Output":"dial tcp:\nrefused"}]}]`,
		"/v1/health/service/half": `[{"Node":{"Node":"b"},"Checks":[{"CheckID":"c2","Status":"critical"}]},{"Node":{"Node":"d"},"Checks":[` + serf + `]}]`,
	}
	whole := &chart{}
	examineServices(t.Context(), &patient{cl: answering(t, all)}, whole)
	want := "problem: no instance is healthy of down: check c1 on a: dial tcp: refused\nwarning: checks time out: c1 on a, c2 on b, c3 on c\nnote: no check looks at blind\nok: 5 services looked at, with 4 checks"
	if got := said(whole); got != want {
		t.Errorf("it says %q\nwant %q", got, want)
	}
	for words, answers := range map[string]map[string]string{
		"warning: services cannot be listed: ": {"/v1/internal/ui/services": "!no"},
		"warning: checks cannot be listed: ":   {"/v1/internal/ui/services": services, "/v1/health/state/any": "!no"},
	} {
		silent := &chart{}
		examineServices(t.Context(), &patient{cl: answering(t, answers)}, silent)
		if got := said(silent); !strings.HasPrefix(got, words) {
			t.Errorf("it says %q, want %q", got, words)
		}
	}
}

func TestServersThatLeftAreNamedWithTheTime(t *testing.T) {
	now := time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)
	p := &patient{members: []*api.AgentMember{agentMember("here", "1", memberAlive, true), agentMember("seen", "2", memberLeft, true),
		agentMember("unseen", "3", memberLeft, true), agentMember("client", "4", memberLeft, false)}}
	p.self.Stats = map[string]map[string]string{"serf_lan": {"left_servers": "seen=2026-11-29T08:59:52Z,forgotten=2026-11-29T08:58:00Z,long ago=2026-11-29T07:00:00Z,here=2026-11-29T08:59:00Z,?"}}
	if got, want := few(leftServers(p, now)), "forgotten left 2m0s ago, seen left 8s ago, unseen left"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestServersAtOneAddress(t *testing.T) {
	c := &chart{}
	examineAddresses([]*api.RaftServer{{ID: "1", Node: "a", Address: "10.0.0.1:8300"}, {ID: "2", Node: "b", Address: "10.0.0.2:8300"}, {ID: "3", Node: "c", Address: "10.0.0.1:8300"}}, c)
	if got, want := said(c), "problem: Raft has more than one server at 10.0.0.1:8300: a (1), c (3)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestFewOpenFilesAreAWarning(t *testing.T) {
	for files, want := range map[string]string{"1024": "warning: the agent may have 1024 files open, and each client, watch and log takes one", "": ""} {
		p, c := &patient{}, &chart{}
		p.self.Stats = map[string]map[string]string{"runtime": {"max_open_files": files}}
		examineLimits(t.Context(), p, c)
		if got := said(c); got != want {
			t.Errorf("%s: %q, want %q", files, got, want)
		}
	}
}

func TestBackupsThatFailOrAreLate(t *testing.T) {
	late := time.Now().Add(-2 * time.Hour).UTC().Format(time.RFC3339)
	const last = `"Last":{"Time":"2026-11-29T08:00:00Z"}`
	for body, want := range map[string]string{
		`{}`: "",
		`{"Configured":true,"Interval":"1h0m0s","Failures":2,"Failure":"no room",` + last + `}`: "problem: 2 backups of the cluster failed, and the last is of 2026-11-29T08:00:00Z: no room",
		`{"Configured":true,"Interval":"1h0m0s","Failures":1,"Failure":"no room"}`:              "problem: 1 backup of the cluster failed, and there is none yet: no room",
		`{"Configured":true,"Interval":"1h0m0s","Next":"` + late + `"}`:                         "warning: a backup was due at " + late + ", and there is none yet",
		`{"Configured":true,"Interval":"1h0m0s","Running":true,"Next":"` + late + `"}`:          "",
		`{"Configured":true,"Interval":"3h0m0s","Next":"` + late + `",` + last + `}`:            "ok: the last backup is of 2026-11-29T08:00:00Z",
		"!Permission denied": "",
	} {
		c := &chart{}
		examineBackups(t.Context(), &patient{cl: answering(t, map[string]string{"/v1/operator/backup": body})}, c)
		if got := said(c); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func TestRecursorsAreAsked(t *testing.T) {
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: socket, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, m *dns.Msg) {
		_ = w.WriteMsg(new(dns.Msg).SetRcode(m, dns.RcodeRefused)) // any answer will do
	})}
	go func() { _ = server.ActivateAndServe() }() // ends with Shutdown
	defer server.Shutdown()
	closed, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	good, bad := socket.LocalAddr().String(), closed.LocalAddr().String()
	for _, row := range []struct {
		host      string
		recursors []string
		want      string
	}{
		{"127.0.0.1", nil, ""},
		{"127.0.0.1", []string{good}, "ok: 1 recursor answers for names outside consul."},
		{"127.0.0.1", []string{good, bad}, "warning: recursor " + bad + " refuses"},
		{"10.0.0.1", []string{bad}, ""},
	} {
		p, c := &patient{host: row.host}, &chart{}
		p.self.DebugConfig.DNSRecursors, p.self.DebugConfig.DNSDomain = row.recursors, "consul."
		examineRecursors(t.Context(), p, c)
		if got := said(c); got != row.want {
			t.Errorf("%s %v: %q, want %q", row.host, row.recursors, got, row.want)
		}
	}
}

func TestARefusedSyncIsAProblemThoughNothingIsMissing(t *testing.T) {
	p, c := &patient{cl: answering(t, map[string]string{
		"/v1/agent/services": `{"web":{"ID":"web"}}`, "/v1/catalog/node/n": `{"Node":{"Node":"n"},"Services":{"web":{"ID":"web"}}}`,
		"/v1/health/node/n": `[{"CheckID":"serfHealth","Status":"passing"}]`,
	})}, &chart{}
	p.self.Config.NodeName = "n"
	p.self.Stats = map[string]map[string]string{"agent": {"sync_error": "rpc error: ACL not found"}}
	examineCatalog(t.Context(), p, c)
	if got, want := said(c), "problem: what changes here does not reach the catalog: rpc error: ACL not found"; got != want || !strings.Contains(c.list[0].Cure, "token") {
		t.Errorf("%q, want %q; cure %q", got, want, c.list[0].Cure)
	}
}

// TestALeaderlessClusterComesFirst asks an agent that knows of no leader, and one that
// takes its time to say so, with a configuration that is wrong as well.
func TestALeaderlessClusterComesFirst(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.hcl")
	if err := os.WriteFile(file, []byte(`data_dirr = "/x"`), 0o600); err != nil {
		t.Fatal(err)
	}
	never := make(chan struct{})
	for name, leader := range map[string]func(){"at once": func() {}, "not in time": func() { <-never }} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/v1/agent/self":
				fmt.Fprint(w, `{"Config":{"NodeName":"n","Datacenter":"dc1","Server":true}}`)
			case "/v1/agent/members":
				fmt.Fprint(w, `[{"Name":"n","Addr":"127.0.0.1","Port":1,"Status":1,"Tags":{"role":"consul","dc":"dc1","expect":"3"}}]`)
			case "/v1/status/leader":
				leader()
				fmt.Fprint(w, `""`)
			default:
				select { // as everything that asks a leader
				case <-r.Context().Done():
				case <-never:
				}
			}
		}))
		cl, err := api.NewClient(&api.Config{Address: s.URL})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		found := Examine(t.Context(), Options{Client: cl, Address: s.URL, Files: []string{file}})
		t.Logf("%s: %s", name, time.Since(begin))
		leaderless := 0
		for _, f := range found {
			if strings.Contains(f.What, "no server leads") {
				leaderless++
			}
		}
		if leaderless != 1 || found[0].About != "leader" || found[1].About == "leader" {
			t.Errorf("%s: %+v", name, found)
		}
		s.CloseClientConnections()
		if name == "not in time" {
			close(never)
		}
		s.Close()
	}
}

// TestAServerWithAnOldDiskIsAProblem.
func TestAServerWithAnOldDiskIsAProblem(t *testing.T) {
	self := agentFacts{Stats: map[string]map[string]string{"raft": {"applied_index": "4", "lacks": "term 2, index 9, seen by s1"}}}
	c := &chart{}
	examineLog(t.Context(), &patient{self: self}, c)
	if got := said(c); !strings.HasPrefix(got, "problem: ") || !strings.Contains(got, "term 2, index 9, seen by s1") || c.list[0].Cure != "praetor help old-disk" {
		t.Errorf("it says %q", got)
	}
}
