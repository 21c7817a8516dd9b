package doctor

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/miekg/dns"

	"praetor/agent/config"
)

func TestNumbersThatHave403InThemAreNoRefusal(t *testing.T) {
	timeout := fmt.Errorf("dial tcp 10.0.0.1:8403: %w", os.ErrDeadlineExceeded)
	if lacksRight(&chart{}, timeout, "operator:read") {
		t.Error("a port that ends with 403 is taken for a right that lacks")
	}
	if got := cureForSilence(timeout); !strings.HasPrefix(got, "it does not answer in time") {
		t.Errorf("a port that ends with 403: %q", got)
	}
	if got := cureForSilence(errors.New("Unexpected response code: 403 (rpc error)")); !strings.HasPrefix(got, "the token may not look at it") {
		t.Errorf("a refusal: %q", got)
	}
}

func TestDNSIsAskedWhereItIsReachedInWhateverOrderItListens(t *testing.T) {
	for _, c := range []struct {
		host, listens, want string
		here                bool
	}{
		{"10.0.0.1", "udp://10.0.0.5:8600 udp://127.0.0.1:8600", "10.0.0.5:8600", true},
		{"10.0.0.1", "udp://127.0.0.1:8600 udp://10.0.0.5:8600", "10.0.0.5:8600", true},
		{"127.0.0.1", "udp://127.0.0.2:8600 udp://10.0.0.5:8600", "127.0.0.2:8600", true},
	} {
		p := &patient{host: c.host}
		p.self.DebugConfig.DNSPort, p.self.DebugConfig.DNSAddrs = 8600, strings.Fields(c.listens)
		if got, here := dnsAddress(p); got != c.want || here != c.here {
			t.Errorf("%s, listening at %s: %s, %t; want %s, %t", c.host, c.listens, got, here, c.want, c.here)
		}
	}
}

// TestDNSIsAskedForTheServers has a DNS server of each kind.
func TestDNSIsAskedForTheServers(t *testing.T) {
	for name, c := range map[string]struct {
		answers string // "" for none
		code    int
		want    string
		port    int
	}{
		"with servers": {"consul.service.example. 0 A 10.0.0.1", dns.RcodeSuccess, "ok: ADDR answers", 0},
		"with none":    {"", dns.RcodeSuccess, "warning: DNS answers NOERROR to consul.service.example.", 0},
		"a refusal":    {"", dns.RcodeRefused, "warning: DNS answers REFUSED to consul.service.example.", 0},
		"off":          {"", 0, "note: DNS is off", -1},
	} {
		socket, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := &dns.Server{PacketConn: socket, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, m *dns.Msg) {
			reply := new(dns.Msg).SetRcode(m, c.code)
			if c.answers != "" && m.Question[0].Name == "consul.service.example." {
				rr, err := dns.NewRR(c.answers)
				if err != nil {
					t.Error(err)
				}
				reply.Answer = append(reply.Answer, rr)
			}
			_ = w.WriteMsg(reply)
		})}
		go func() { _ = server.ActivateAndServe() }() // ends with Shutdown
		p, got := &patient{host: "127.0.0.1"}, &chart{}
		p.self.DebugConfig.DNSDomain, p.self.DebugConfig.DNSPort = "example", socket.LocalAddr().(*net.UDPAddr).Port
		if c.port != 0 {
			p.self.DebugConfig.DNSPort = c.port
		}
		examineDNS(t.Context(), p, got)
		if want := strings.ReplaceAll(c.want, "ADDR", socket.LocalAddr().String()); said(got) != want {
			t.Errorf("%s: %q, want %q", name, said(got), want)
		}
		_ = server.Shutdown() // it may not have begun
		socket.Close()
	}
	p, got := &patient{host: "10.0.0.1"}, &chart{}
	p.self.DebugConfig.DNSPort, p.self.DebugConfig.DNSAddrs = 8600, []string{"udp://127.0.0.1:8600"}
	examineDNS(t.Context(), p, got)
	if want := "note: DNS listens at 127.0.0.1:8600 only, which is not examined from here"; said(got) != want {
		t.Errorf("elsewhere: %q, want %q", said(got), want)
	}
}

// TestClocksOfServersAreCompared has servers of which one is late, and one answers nothing;
// clients and the dead have no say.
func TestClocksOfServersAreCompared(t *testing.T) {
	late := map[string]time.Duration{"127.0.0.1": 0, "127.0.0.2": -5 * time.Second, "127.0.0.3": time.Minute}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.Host)
		w.Header()["Date"] = []string{time.Now().Add(late[host]).UTC().Format(http.TimeFormat)}
		fmt.Fprint(w, `""`)
	})
	all, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := all.Addr().(*net.TCPAddr).Port
	listeners := []net.Listener{all}
	for _, host := range []string{"127.0.0.2", "127.0.0.3"} {
		l, err := net.Listen("tcp", net.JoinHostPort(host, fmt.Sprint(port)))
		if err != nil {
			t.Skip("this machine has one loopback address only: ", err)
		}
		listeners = append(listeners, l)
	}
	for _, l := range listeners {
		s := &httptest.Server{Listener: l, Config: &http.Server{Handler: handler}}
		s.Start()
		defer s.Close()
	}
	at := func(name, host string, status int, server bool) *api.AgentMember {
		m := agentMember(name, name, status, server)
		m.Addr = host
		return m
	}
	for name, c := range map[string]struct {
		members []*api.AgentMember
		want    string
	}{
		"well": {[]*api.AgentMember{at("a", "127.0.0.1", memberAlive, true), at("b", "127.0.0.3", memberAlive, false), at("c", "127.0.0.3", memberFailed, true)},
			"ok: 1 clock within 2s of this machine's"},
		"late, fast, silent": {[]*api.AgentMember{at("a", "127.0.0.1", memberAlive, true), at("late", "127.0.0.2", memberAlive, true), at("fast", "127.0.0.3", memberAlive, true), at("silent", "127.0.0.4", memberAlive, true)},
			"warning: the clock of late differs by 5s\nproblem: the clock of fast differs by 1m0s\nnote: clocks that are unknown, since HTTP is not open from here: silent\nok: 1 clock within 2s of this machine's"},
		"none is right": {[]*api.AgentMember{at("fast", "127.0.0.3", memberAlive, true)}, "problem: the clock of fast differs by 1m0s"},
		"none is seen":  {[]*api.AgentMember{at("silent", "127.0.0.4", memberAlive, true)}, "note: clocks that are unknown, since HTTP is not open from here: silent"},
	} {
		p, got := &patient{members: c.members}, &chart{}
		p.self.DebugConfig.HTTPPort = port
		examineClocks(t.Context(), p, got)
		// A second may end between an answer and its reading.
		if text := strings.NewReplacer("by 4s", "by 5s", "by 6s", "by 5s", "by 59s", "by 1m0s", "by 1m1s", "by 1m0s").Replace(said(got)); text != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, text, c.want)
		}
	}
}

func TestDisksAreJudgedByWhatTheyTookAndHave(t *testing.T) {
	of := func(n int, each time.Duration, worst time.Duration) []time.Duration {
		return append(slices.Repeat([]time.Duration{each}, n), worst)
	}
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		took []time.Duration
		want string
	}{
		"fast":            {of(9, ms, 2*ms), "ok: fsync takes 1ms (median), 2ms at worst"},
		"fast once":       {of(0, 0, ms), "ok: fsync takes 1ms (median), 1ms at worst"},
		"just not slow":   {of(9, 20*ms-10*time.Microsecond, 499*ms), "ok: fsync takes 19.99ms (median), 499ms at worst"},
		"slow":            {of(9, 20*ms, 20*ms), "warning: the disk needs 20ms (median), 20ms at worst, to keep a write (fsync)"},
		"slow now & then": {of(9, ms, 500*ms), "warning: the disk needs 1ms (median), 500ms at worst, to keep a write (fsync)"},
		"too slow":        {of(9, 100*ms, 110*ms), "problem: the disk needs 100ms (median), 110ms at worst, to keep a write (fsync)"},
		"in no order":     {[]time.Duration{300 * ms, ms, ms}, "ok: fsync takes 1ms (median), 300ms at worst"},
	} {
		got := &chart{}
		judgeSyncs(got, c.took)
		if said(got) != c.want {
			t.Errorf("%s: %q, want %q", name, said(got), c.want)
		}
	}
	for free, want := range map[uint64]string{
		1 << 30: "", 1<<30 - 1: "warning: 1023 MB are free at /d", 128 << 20: "warning: 128 MB are free at /d", 128<<20 - 1: "problem: 127 MB are free at /d", 0: "problem: 0 MB are free at /d",
	} {
		got := &chart{}
		judgeRoom(got, "/d", free)
		if said(got) != want {
			t.Errorf("%d free: %q, want %q", free, said(got), want)
		}
	}
}

func TestDamagedFilesAreNamed(t *testing.T) {
	dir := t.TempDir()
	examine := func() string {
		c := &chart{}
		examineDamaged(dir, c)
		return said(c)
	}
	if got := examine(); got != "" {
		t.Errorf("of a folder that is whole: %q", got)
	}
	journal, snapshot := filepath.Join(dir, "local.journal.damaged-1"), filepath.Join(dir, "raft", "snapshots", "2-9-1.damaged")
	if err := errors.Join(os.MkdirAll(snapshot, 0o700), os.WriteFile(journal, nil, 0o600), os.WriteFile(filepath.Join(dir, "local.journal"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	want := "warning: a snapshot of this server was damaged; the server goes on with another one and its log: " + snapshot + "\nwarning: files of the agent were damaged: " + journal
	if got := examine(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestWhatAnAgentWouldStartWithIsExamined has a configuration, with an agent that runs and
// without one.
func TestWhatAnAgentWouldStartWithIsExamined(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(filepath.Join(data, "raft"), 0o700); err != nil {
		t.Fatal(err)
	}
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ports := fmt.Sprintf("bind_addr = \"127.0.0.1\"\nports { http = %d, dns = -1, serf_lan = %d }", taken.Addr().(*net.TCPAddr).Port, freePort(t))
	good := file("good.hcl", "data_dir = "+fmt.Sprintf("%q\n", data)+ports)
	elsewhere := file("elsewhere.hcl", "data_dir = \"/nonexistent/of/the/file\"\n"+ports)
	bad := file("bad.hcl", `data_dirr = "/x"`)
	loads := func(path string) string { return "config ok: " + path + " loads\n" }
	listens := "ports problem: another process listens on " + taken.Addr().String() + "\n"
	usable := "data folder ok: " + data + " can be written\n"
	stopped := "data folder note: " + data + " holds a server's log, which is examined whenever the agent starts\n"
	for name, c := range map[string]struct {
		opts    Options
		running bool
		want    string
	}{
		"stopped":                    {Options{Files: []string{good}}, false, loads(good) + listens + usable + stopped},
		"running":                    {Options{Files: []string{good}}, true, loads(good) + usable},
		"-data-dir before the files": {Options{Files: []string{elsewhere}, DataDir: data}, true, loads(elsewhere) + usable},
		"a folder alone":             {Options{DataDir: data}, false, usable + stopped},
		"a file that does not load":  {Options{Files: []string{bad}, DataDir: data}, false, "config problem: it does not load: failed to parse " + bad + ": "},
		"TLS that cannot be": {Options{Files: []string{good}, CheckTLS: func(rt *config.Runtime) error {
			return errors.New("no certificate for " + rt.DataDir)
		}}, true, "config problem: no certificate for " + data + "\n" + usable},
		"TLS that can": {Options{Files: []string{good}, CheckTLS: func(*config.Runtime) error { return nil }}, true, loads(good) + usable},
	} {
		got := ""
		for _, chart := range examineFiles(c.opts, c.running) {
			for _, f := range chart.list {
				if strings.Contains(f.What, "MB are free") {
					continue // of this machine
				}
				got += f.About + " " + f.Severity.String() + ": " + f.What + "\n"
			}
		}
		if got != c.want && !(strings.HasSuffix(c.want, ": ") && strings.HasPrefix(got, c.want)) {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

// freePort is one of 127.0.0.1 at which nothing listens.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestAddressesThatAreNotThisMachinesAreTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.hcl")
	if err := os.WriteFile(file, []byte("data_dir = \"/nonexistent\"\nserver = true\nbind_addr = \"192.0.2.1\"\nports { http = -1, dns = -1, grpc_tls = -1 }"), 0o600); err != nil {
		t.Fatal(err)
	}
	rt, _, err := config.Load(&config.Flags{Files: []string{file}})
	if err != nil {
		t.Fatal(err)
	}
	rt.HTTPAddrs = []config.Addr{{Path: "/nonexistent/socket"}} // which is no port
	c := &chart{}
	examineOwnPorts(rt, c)
	got := said(c)
	if !strings.HasPrefix(got, "problem: this machine has no address 192.0.2.1:") || strings.Count(got, "\n") != 1 {
		t.Errorf("for gossip and for RPC: %q", got)
	}
	rt.Server = false
	c = &chart{}
	examineOwnPorts(rt, c)
	if got := said(c); strings.Count(got, "\n") != 0 || !strings.Contains(got, "has no address") {
		t.Errorf("a client has no port for RPC: %q", got)
	}
}

func TestAnAgentThatIsMetTellsWhatItIs(t *testing.T) {
	const self = `{"Config":{"NodeName":"n","Datacenter":"dc1","Version":"1.22.7","Server":%t},"DebugConfig":{"DataDir":"/its/own"}}`
	for name, c := range map[string]struct {
		answers map[string]string
		opts    Options
		want    string
		dataDir string
	}{
		"a server here":    {map[string]string{"/v1/agent/self": fmt.Sprintf(self, true), "/v1/agent/members": "[]", "/v1/status/leader": `"l:1"`}, Options{}, "ok: n answers: a server of dc1, version 1.22.7", "/its/own"},
		"a client here":    {map[string]string{"/v1/agent/self": fmt.Sprintf(self, false), "/v1/agent/members": "[]"}, Options{}, "ok: n answers: a client of dc1, version 1.22.7", "/its/own"},
		"a folder is said": {map[string]string{"/v1/agent/self": fmt.Sprintf(self, false), "/v1/agent/members": "[]"}, Options{DataDir: "/other"}, "ok: n answers: a client of dc1, version 1.22.7", "/other"},
		"one elsewhere":    {map[string]string{"/v1/agent/self": fmt.Sprintf(self, false), "/v1/agent/members": "[]"}, Options{Address: "10.0.0.1:8500"}, "ok: n answers: a client of dc1, version 1.22.7", ""},
		"without members":  {map[string]string{"/v1/agent/self": fmt.Sprintf(self, false), "/v1/agent/members": "!no"}, Options{}, "problem: the agent does not say who its members are: Unexpected response code: 500 (no)", ""},
		"silent":           {nil, Options{}, "problem: the agent does not answer: Unexpected response code: 500 ()", ""},
	} {
		c.opts.Client = answering(t, c.answers)
		p, got := meet(t.Context(), c.opts)
		if said(got) != c.want {
			t.Errorf("%s: %q, want %q", name, said(got), c.want)
		}
		if strings.HasPrefix(c.want, "problem") != (p == nil) {
			t.Errorf("%s: %+v goes on", name, p)
		} else if p != nil && (p.dataDir != c.dataDir || (p.leader == "l:1") != (c.answers["/v1/status/leader"] != "")) {
			t.Errorf("%s: folder %q, leader %q", name, p.dataDir, p.leader)
		}
	}
}

// TestServicesThatFailAreLookedAtUpToABound: what is left out is said.
func TestServicesThatFailAreLookedAtUpToABound(t *testing.T) {
	var names []string
	for i := range mostSick + 1 {
		names = append(names, fmt.Sprintf("s%03d", mostSick-i))
	}
	const down = `[{"Node":{"Node":"a"},"Checks":[{"CheckID":"c","Status":"critical"}]}]`
	answers := map[string]string{"/v1/health/service/s000": down, fmt.Sprintf("/v1/health/service/s%03d", mostSick): down}
	for _, name := range names[1:mostSick] {
		answers["/v1/health/service/"+name] = "[]"
	}
	answers["/v1/health/service/s007"] = "!no"
	c := &chart{}
	examineSick(&patient{cl: answering(t, answers)}, c, names)
	want := "note: 501 services have critical checks; the first 500 were looked at\nproblem: no instance is healthy of s000: check c on a: no output yet\nwarning: these services could not be looked at: s007"
	if got := said(c); got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
}

func TestOutputOfAFailingCheckIsOneShortLine(t *testing.T) {
	entry := func(status, output string) *api.ServiceEntry {
		return &api.ServiceEntry{Node: &api.Node{Node: "a"}, Checks: api.HealthChecks{{CheckID: "fine", Status: "passing", Output: "x"}, {CheckID: "c", Status: status, Output: output}}}
	}
	for _, c := range []struct {
		entry *api.ServiceEntry
		want  string
	}{
		{entry(api.HealthCritical, " two\n\tlines "), "check c on a: two lines"},
		{entry(api.HealthCritical, strings.Repeat("x", outputBytes)), "check c on a: " + strings.Repeat("x", outputBytes)},
		{entry(api.HealthCritical, strings.Repeat("x", outputBytes-1)+"é"), "check c on a: " + strings.Repeat("x", outputBytes-1) + "…"},
		{entry(api.HealthMaint, "why"), "check c on a: why"},
		{entry(api.HealthPassing, ""), "in maintenance on a"},
	} {
		if got := failing(c.entry); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestAFloodOfRequestsIsTold has an agent whose log tells of one client with many requests.
func TestAFloodOfRequestsIsTold(t *testing.T) {
	log := func(n int) string {
		return strings.Repeat(`{"@message":"Request finished","method":"GET","url":"/v1/kv/a?index=7","from":"10.0.0.1:5"}`+"\n", n) +
			`{"@message":"Request finished","method":"PUT","url":"/v1/kv/b","from":"10.0.0.2:5"}` + "\n"
	}
	for n, want := range map[int]string{
		floodRequests:     "warning: 10.0.0.1 sends 200 requests a second, most like GET /v1/kv/a\nok: 2 clients asked in the last second",
		floodRequests - 1: "ok: 2 clients asked in the last second",
	} {
		c := &chart{}
		examineRequests(t.Context(), &patient{cl: answering(t, map[string]string{"/v1/agent/monitor": log(n)})}, c)
		if got := said(c); got != want {
			t.Errorf("%d requests: %q, want %q", n, got, want)
		}
	}
}

// TestTheListOfServersIsWaitedForWhereSomebodyLeads, but a moment only where nobody does:
// a server that was never in a cluster has none to tell, and waits for a leader.
func TestTheListOfServersIsWaitedForWhereSomebodyLeads(t *testing.T) {
	for leader, want := range map[string]struct {
		after time.Duration
		says  string
	}{
		"10.0.0.1:8300": {2 * time.Second, "ok: a leads 1 voter"},
		"":              {leaderlessFor / 2, "problem: no server leads: "},
	} {
		synctest.Test(t, func(t *testing.T) {
			cl, err := Within(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/v1/operator/raft/configuration" {
					time.Sleep(2 * time.Second)
				}
				fmt.Fprint(w, `{"Healthy":true,"Servers":[{"ID":"1","Node":"a","Address":"10.0.0.1:8300","Voter":true,"Leader":true}]}`)
			}), "")
			if err != nil {
				t.Fatal(err)
			}
			p, c, begin := &patient{cl: cl, leader: leader, members: []*api.AgentMember{agentMember("a", "1", memberAlive, true)}}, &chart{}, time.Now()
			p.self.DebugConfig.DevMode = true
			examineRaft(t.Context(), p, c)
			if took := time.Since(begin); took != want.after || !strings.HasPrefix(said(c), want.says) {
				t.Errorf("leader %q: after %s it says %q; want %q after %s", leader, took, said(c), want.says, want.after)
			}
			time.Sleep(3 * time.Second) // until the handler has ended
		})
	}
}
