package agent_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"praetor/agent"
	"praetor/agent/config"
	"praetor/internal/logging"
	"praetor/internal/pki"
	"praetor/internal/userevent"
)

// running is an agent with real sockets, at an address of its own.
type running struct {
	*agent.Agent
	t    *testing.T
	ip   string
	file string // its configuration file
	log  *output
	end  context.CancelFunc
	done chan error
}

// output keeps what is logged.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// address is one of the loopback network that other test processes do not use.
func address(last int) string { return fmt.Sprintf("127.81.%d.%d", os.Getpid()%250, last) }

// open opens an agent with what a file says.
func open(t *testing.T, last int, dev bool, hcl string) (*running, error) {
	t.Helper()
	r := &running{t: t, ip: address(last), file: filepath.Join(t.TempDir(), "a.hcl"), log: &output{}, done: make(chan error, 1)}
	r.write(hcl)
	rt, _, err := config.Load(&config.Flags{Dev: dev, Files: []string{r.file},
		HCL: []string{fmt.Sprintf(`node_name = "n%d" bind_addr = %q client_addr = %q performance { leave_drain_time = "1ms" }`, last, r.ip, r.ip)}})
	if err != nil {
		t.Fatal(err)
	}
	logger, err := logging.Open(logging.Options{Level: rt.Log.Level, Output: r.log})
	if err != nil {
		t.Fatal(err)
	}
	watch := func(ctx context.Context, _ agent.Self, conf config.Watch) {
		fmt.Fprintf(r.log, "watching %s\n", conf.Type)
		<-ctx.Done()
	}
	job := func(_ context.Context, self agent.Self, e *userevent.Event) {
		fmt.Fprintf(r.log, "%s runs job %s\n", self.NodeName, e.Payload)
	}
	r.Agent, err = agent.Open(context.Background(), agent.Options{Runtime: rt, Logger: logger, Duties: agent.Duties{Watch: watch, Job: job}})
	return r, err
}

// start runs an agent until the test is over.
func start(t *testing.T, last int, dev bool, hcl string) *running {
	t.Helper()
	r, err := open(t, last, dev, hcl)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.end = cancel
	go func() { r.done <- r.Run(ctx) }() // stop waits for it
	t.Cleanup(func() { r.stop() })
	if dev {
		r.waitFor("a leader", func() error {
			if status, text := r.ask("GET", "/v1/status/leader", ""); status != 200 || text == `""` {
				return fmt.Errorf("%d %s", status, text)
			}
			return nil
		})
	}
	return r
}

// stop ends the agent as a signal does that asks for no leave.
func (r *running) stop() {
	if r.end == nil {
		return
	}
	r.end()
	if err := <-r.done; err != nil {
		r.t.Error(err)
	}
	if err := r.Close(); err != nil {
		r.t.Error(err)
	}
	r.end = nil
}

func (r *running) write(hcl string) {
	r.t.Helper()
	if err := os.WriteFile(r.file, []byte(hcl), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) waitFor(what string, check func() error) {
	r.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(20 * time.Second); ; {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			r.t.Fatalf("%s: %v\n%s", what, err, r.log)
		}
	}
}

// ask sends a request without a socket.
func (r *running) ask(method, target, body string) (int, string) {
	rec := httptest.NewRecorder()
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	req.RemoteAddr = "127.0.0.1:1"
	r.API().ServeHTTP(rec, req)
	return rec.Code, strings.TrimSpace(rec.Body.String())
}

// TestReloadAppliesWhatMayChange: reference/config.md §10. Each step is what the
// file says then, and how the agent shows that it is in force.
func TestReloadAppliesWhatMayChange(t *testing.T) {
	t.Parallel()
	r := start(t, 1, true, `log_level = "warn"`)
	shows := func(target, want string) func() string {
		return func() string {
			r.waitFor(target, func() error {
				if _, text := r.ask("GET", target, ""); !strings.Contains(text, want) {
					return fmt.Errorf("%s has no %q", text, want)
				}
				return nil
			})
			return ""
		}
	}
	lacks := func(target, word string) func() string {
		return func() string {
			if _, text := r.ask("GET", target, ""); strings.Contains(text, word) {
				return text
			}
			return ""
		}
	}
	logs := func(text string) func() string {
		return func() string {
			r.waitFor(text, func() error {
				if !strings.Contains(r.log.String(), text) {
					return fmt.Errorf("not logged")
				}
				return nil
			})
			return ""
		}
	}
	served := func(path string, want int) func() string {
		return func() string {
			if status, text := r.ask("GET", path, ""); status != want {
				return fmt.Sprint(path, status, text)
			}
			return ""
		}
	}
	pages := t.TempDir()
	if err := os.WriteFile(filepath.Join(pages, "index.html"), []byte("my own page"), 0o600); err != nil {
		t.Fatal(err)
	}
	browsed := func(host string, want int) func() string { // by a socket, until it is answered so
		return func() string {
			last := 0
			for range 20 {
				req, err := http.NewRequest(http.MethodGet, "http://"+r.ip+":8500/v1/status/leader", http.NoBody)
				if err != nil {
					return err.Error()
				}
				req.Host = host
				req.Header.Set("Sec-Fetch-Site", "same-origin")
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					return err.Error()
				}
				res.Body.Close()
				if last = res.StatusCode; last == want {
					return ""
				}
			}
			return fmt.Sprint(host, ": ", last)
		}
	}
	ttl := func(want uint32) func() string {
		return func() string {
			query := new(dns.Msg).SetQuestion("n1.node.consul.", dns.TypeA)
			reply, _, err := new(dns.Client).Exchange(query, r.ip+":8600")
			if err != nil || len(reply.Answer) != 1 || reply.Answer[0].Header().Ttl != want {
				return fmt.Sprint(reply, err)
			}
			return ""
		}
	}
	reads := func(want int) func() string {
		return func() string {
			var status int
			var text string
			for range 20 {
				if status, text = r.ask("GET", "/v1/catalog/nodes", ""); status == want {
					return ""
				}
			}
			return fmt.Sprint(status, text)
		}
	}
	was := 0
	for _, step := range []struct {
		name, hcl string
		wrong     func() string
	}{
		{"metadata of the node", `node_meta { a = "b" }`, shows("/v1/agent/self", `"a": "b"`)},
		{"its metadata in the catalog", `node_meta { a = "b" }`, shows("/v1/catalog/node/n1", `"a": "b"`)},
		{"metadata gone", ``, lacks("/v1/agent/self", `"a": "b"`)},
		{"a service", `service { name = "web" port = 80 }`, shows("/v1/agent/services", `"Port": 80`)},
		{"its port", `service { name = "web" port = 81 }`, shows("/v1/catalog/service/web", `"ServicePort": 81`)},
		{"a check beside it", `service { name = "web" port = 81 } check { id = "c" name = "c" ttl = "1h" }`, shows("/v1/agent/checks", `"c"`)},
		{"neither", ``, lacks("/v1/agent/services", "web")},
		{"the log's level", `log_level = "info" service { name = "db" }`, logs("[INFO]  agent: Synced service: service=db")},
		{"a level that is none", `log_level = "loud"`, logs("[WARN]  agent: ")},
		{"what waits for a restart", `datacenter = "dc9"`, logs(`Settings changed that cannot change while the agent runs: restart it to put them in force: keys=datacenter`)},
		{"the default token of the agent", `acl { tokens { default = "x" } }`, logs("[WARN]")},
		{"the UI's path", `ui_config { enabled = true content_path = "/x/" }`, served("/x/services", 200)},
		{"its old one", `ui_config { enabled = true content_path = "/x/" }`, served("/ui/services", 404)},
		{"a folder of pages", fmt.Sprintf(`ui_config { enabled = false dir = %q }`, pages), shows("/ui/", "my own page")},
		{"no UI", `ui_config { enabled = false }`, served("/ui/services", 404)},
		{"metrics that are left out", `telemetry { prefix_filter = ["-consul.runtime"] }`, func() string {
			r.waitFor("no runtime", func() error {
				if _, text := r.ask("GET", "/v1/agent/metrics", ""); !strings.Contains(text, "consul.") || strings.Contains(text, "consul.runtime.num_goroutines") {
					return fmt.Errorf("%s", text)
				}
				return nil
			})
			return ""
		}},
		{"output of checks", `discard_check_output = true check { id = "c" name = "c" ttl = "1h" }`, func() string {
			r.ask("PUT", "/v1/agent/check/pass/c?note=hidden", "")
			return lacks("/v1/agent/checks", "hidden")()
		}},
		{"its output again", `check { id = "c" name = "c" ttl = "1h" }`, func() string {
			r.ask("PUT", "/v1/agent/check/pass/c?note=shown", "")
			return shows("/v1/agent/checks", "shown")()
		}},
		{"a watch", `watches { type = "nodes" args = ["x"] }`, logs("watching nodes\n")},
		{"answers over DNS", `dns_config { node_ttl = "7s" }`, ttl(7)},
		{"answers that are not kept", ``, ttl(0)},
		{"a name that no browser may use", ``, browsed("c.example", 403)},
		{"one that it may", `http_config { allowed_hosts = ["c.example"] }`, browsed("c.example", 200)},
		{"requests of one address", `limits { http_max_requests_per_client = 1 }`, browsed("localhost", 429)},
		{"as many as it likes", ``, browsed("localhost", 200)},
		{"reads of the server", `limits { request_limits { mode = "enforcing" read_rate = 0.001 } }`, reads(429)},
		{"as many as there are", ``, reads(200)},
		{"profiles", `enable_debug = false`, func() string {
			if status, _ := r.ask("GET", "/debug/pprof/cmdline", ""); status == 200 {
				return "profiles are served"
			}
			return ""
		}},
		{"where the UI asks for metrics", `ui_config { enabled = true metrics_proxy { base_url = "http://127.0.0.1:1/api" path_allowlist = ["/api/x"] } }`, func() string {
			if status, text := r.ask("GET", "/v1/internal/ui/metrics-proxy/y", ""); status != 403 {
				return fmt.Sprint(status, text)
			}
			return ""
		}},
	} {
		warned := strings.Count(r.log.String(), "Settings changed that cannot change")
		r.write(step.hcl)
		if err := r.Reload(context.Background()); err != nil {
			t.Errorf("%s: %v", step.name, err)
			continue
		}
		fixed := strings.Count(step.hcl, "datacenter")
		if said := strings.Count(r.log.String(), "Settings changed that cannot change") - warned; (said == 1) != (fixed != was) {
			t.Errorf("%s: what waits for a restart is not said, or said for nothing:\n%s", step.name, r.log)
		}
		was = fixed
		if wrong := step.wrong(); wrong != "" {
			t.Errorf("%s: %s", step.name, wrong)
		}
	}
}

// TestReloadOfWhatIsWrongChangesNothing: all of it, or nothing.
func TestReloadOfWhatIsWrongChangesNothing(t *testing.T) {
	t.Parallel()
	const good = `node_meta { a = "b" } service { name = "web" port = 80 }`
	r := start(t, 2, true, good)
	for _, row := range []struct{ hcl, want string }{
		{`bogus = 1`, "bogus"},
		{`node_meta { a = "c" } service { port = 81 }`, ""},
		{`node_meta { a = "c" } service { name = "web" port = 81 check { id = "x" } }`, ""},
		{`node_meta { a = `, ""},
	} {
		r.write(good)
		if err := r.Reload(context.Background()); err != nil {
			t.Fatal(err)
		}
		r.write(row.hcl)
		err := r.Reload(context.Background())
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.hcl, err)
		}
		if _, text := r.ask("GET", "/v1/agent/self", ""); !strings.Contains(text, `"a": "b"`) {
			t.Errorf("%s: changed the metadata", row.hcl)
		}
		if _, text := r.ask("GET", "/v1/agent/service/web", ""); !strings.Contains(text, `"Port": 80,`) {
			t.Errorf("%s: changed the service: %s", row.hcl, text)
		}
	}
	r.write(good)
	if err := r.Reload(context.Background()); err != nil {
		t.Errorf("after they were mended: %v", err)
	}
}

// TestAgentSaysWhatItIs: reference/http-agent.md §2.1 and reference/cli.md §3, info.
func TestAgentSaysWhatItIs(t *testing.T) {
	t.Parallel()
	server := start(t, 3, true, `node_meta { a = "b" } service { name = "web" port = 80 check { ttl = "1h" } }`)
	client := start(t, 4, false, fmt.Sprintf(`data_dir = %q retry_join = [%q]`, t.TempDir(), server.ip))
	client.waitFor("its server", func() error {
		if _, text := client.ask("GET", "/v1/agent/self", ""); !strings.Contains(text, `"known_servers":"1"`) {
			return fmt.Errorf("%s", text)
		}
		return nil
	})
	type self struct {
		Config map[string]any
		Stats  map[string]map[string]string
		Meta   map[string]string
		Member struct {
			Name string
			Tags map[string]string
		}
		Coord *struct{}
		XDS   *struct{}
	}
	of := func(r *running) (s self) {
		_, text := r.ask("GET", "/v1/agent/self", "")
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, row := range []struct {
		name     string
		self     self
		server   bool
		sections string
		counts   string // services, checks, TTLs
		role     string
	}{
		{"a server", of(server), true, "agent build consul raft runtime serf_lan serf_wan", "1 1 1", "consul"},
		{"a client", of(client), false, "agent build consul runtime serf_lan", "0 0 0", "node"},
	} {
		var sections []string
		for name := range row.self.Stats {
			sections = append(sections, name)
		}
		if got := strings.Join(sorted(sections), " "); got != row.sections {
			t.Errorf("%s: sections %s, want %s", row.name, got, row.sections)
		}
		s := row.self.Stats["agent"]
		if got := s["services"] + " " + s["checks"] + " " + s["check_ttls"]; got != row.counts {
			t.Errorf("%s: counts %s, want %s", row.name, got, row.counts)
		}
		if s["check_monitors"] != "0" || row.self.Stats["build"]["version"] != "1.22.7" || row.self.Stats["runtime"]["os"] == "" || row.self.Stats["consul"]["acl"] != "disabled" {
			t.Errorf("%s: %v", row.name, row.self.Stats)
		}
		c := row.self.Config
		if c["Server"] != row.server || c["NodeName"] != row.self.Member.Name || c["Datacenter"] != "dc1" || c["Version"] != "1.22.7" || c["NodeID"] == "" {
			t.Errorf("%s: %v", row.name, c)
		}
		if row.self.Member.Tags["role"] != row.role || row.self.Member.Tags["id"] != c["NodeID"] || row.self.Coord == nil || row.self.XDS == nil {
			t.Errorf("%s: %+v", row.name, row.self.Member)
		}
	}
	if got := of(server).Meta["a"]; got != "b" {
		t.Errorf("metadata %q", got)
	}
}

func sorted(list []string) []string {
	for i := range list {
		for j := i; j > 0 && list[j] < list[j-1]; j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
	return list
}

// TestAgentThatCannotStartLeavesNothing: what Open refuses changes nothing on disk
// and holds no address.
func TestAgentThatCannotStartLeavesNothing(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	ip := address(5)
	base := fmt.Sprintf("data_dir = %q\n", data)
	junk := filepath.Join(t.TempDir(), "junk.pem")
	if err := os.WriteFile(junk, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, hcl, taken, want string
	}{
		{"HTTP is taken", ``, ":8500", "cannot listen on IP:8500: address already in use;"},
		{"RPC is taken", `server = true`, ":8300", "cannot listen on IP:8300: address already in use;"},
		{"gossip is taken", ``, ":8301", "8301"},
		{"gossip of the WAN is taken", `server = true`, ":8302", "8302"},
		{"an address of another machine", `addresses { http = "192.0.2.1" }`, "", "cannot listen on 192.0.2.1:8500: this machine has no such address;"},
		{"a certificate that is none", fmt.Sprintf(`ports { https = 8501 } tls { https { cert_file = %[1]q key_file = %[1]q } }`, junk), "", "Failed to load cert/key pair: "},
		{"a certificate of checks that is none", fmt.Sprintf(`enable_agent_tls_for_checks = true tls { internal_rpc { cert_file = %[1]q key_file = %[1]q } }`, junk), "", "Failed to load cert/key pair: "},
		{"a key of gossip that is none", `encrypt = "!"`, "", "encrypt has invalid key"},
	} {
		var taken net.Listener
		var err error
		if row.taken != "" {
			if taken, err = net.Listen("tcp", ip+row.taken); err != nil {
				t.Fatal(err)
			}
		}
		var text string
		if rt, _, err := config.Load(&config.Flags{HCL: []string{base + row.hcl, fmt.Sprintf(`bind_addr = %q client_addr = %q`, ip, ip)}}); err != nil {
			text = err.Error() // refused before
		} else {
			logger, _ := logging.Open(logging.Options{Level: "WARN", Output: io.Discard})
			_, err := agent.Open(context.Background(), agent.Options{Runtime: rt, Logger: logger})
			text = fmt.Sprint(err)
		}
		if taken != nil {
			taken.Close()
		}
		if want := strings.ReplaceAll(row.want, "IP", ip); !strings.Contains(text, want) {
			t.Errorf("%s: %s, want %s", row.name, text, want)
		}
		if _, err := os.Stat(data); err == nil {
			t.Errorf("%s: it made its data folder", row.name)
		}
		for _, port := range []string{":8500", ":8300", ":8301", ":8302"} {
			l, err := net.Listen("tcp", ip+port)
			if err != nil {
				t.Errorf("%s: %v", row.name, err)
				continue
			}
			l.Close()
		}
	}
}

// TestFilesOfAnAgent: which it makes, and which are gone after it.
func TestFilesOfAnAgent(t *testing.T) {
	t.Parallel()
	data, pid := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "pid")
	r := start(t, 6, false, fmt.Sprintf(`data_dir = %q pid_file = %q server = true bootstrap = true`, data, pid))
	if text, err := os.ReadFile(pid); err != nil || string(text) != fmt.Sprint(os.Getpid()) {
		t.Errorf("pid file %q, %v", text, err)
	}
	if id, err := os.ReadFile(filepath.Join(data, "node-id")); err != nil || string(id) != r.ID() {
		t.Errorf("node-id %q, %v", id, err)
	}
	if _, err := open(t, 7, false, fmt.Sprintf(`data_dir = %q`, data)); err == nil || !strings.Contains(err.Error(), "is used by another agent") {
		t.Errorf("a second agent on the data: %v", err)
	}
	r.stop()
	if err := r.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	if _, err := os.Stat(pid); err == nil {
		t.Error("the pid file is left")
	}
	again := start(t, 6, false, fmt.Sprintf(`data_dir = %q server = true bootstrap = true`, data))
	if again.ID() != r.ID() {
		t.Errorf("ID %s, was %s", again.ID(), r.ID())
	}
	if _, err := open(t, 7, false, fmt.Sprintf(`data_dir = %q pid_file = %q`, t.TempDir(), filepath.Join(data, "none", "pid"))); err == nil || !strings.HasPrefix(err.Error(), "write pid_file: ") {
		t.Errorf("a pid file nowhere: %v", err)
	}
	absent := t.TempDir()
	if err := os.WriteFile(filepath.Join(absent, "server_metadata.json"), []byte(`{"last_seen_unix":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, 7, false, fmt.Sprintf(`data_dir = %q server = true`, absent)); err == nil || !strings.HasPrefix(err.Error(), "refusing to rejoin cluster because server has been offline for more than") {
		t.Errorf("a server that was away since 1970: %v", err)
	}
}

// certificates makes an authority's file, and a certificate and key of it for an
// address.
func certificates(t *testing.T, ip, name string) (ca, cert, key string) {
	t.Helper()
	dir := t.TempDir()
	authority, err := pki.NewAuthority(pki.Subject{CommonName: "ca"}, pki.Days(1))
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Issue(pki.Subject{CommonName: name, IPs: []net.IP{net.ParseIP(ip)}}, pki.Server|pki.Client, pki.Days(1))
	if err != nil {
		t.Fatal(err)
	}
	ca, cert, key = filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, text := range map[string][]byte{ca: authority.Cert, cert: pair.Cert, key: pair.Key} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return ca, cert, key
}

// TestCertificatesAreServedAndReplaced: HTTPS and DNS over TLS show the certificate
// of the configuration, and after a reload the new one.
func TestCertificatesAreServedAndReplaced(t *testing.T) {
	t.Parallel()
	ip := address(8)
	ca, cert, key := certificates(t, ip, "first")
	secure := `ports { https = 8501 dns_tls = 8853 } tls { https { ca_file = %q cert_file = %q key_file = %q } } enable_agent_tls_for_checks = true`
	r := start(t, 8, true, fmt.Sprintf(secure, ca, cert, key))
	shown := func(port, ca string) string {
		t.Helper()
		roots := x509.NewCertPool()
		text, err := os.ReadFile(ca)
		if err != nil || !roots.AppendCertsFromPEM(text) {
			t.Fatal(err)
		}
		conn, err := tls.Dial("tcp", ip+port, &tls.Config{RootCAs: roots})
		if err != nil {
			return err.Error()
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	for _, port := range []string{":8501", ":8853"} {
		r.waitFor(port, func() error {
			if got := shown(port, ca); got != "first" {
				return fmt.Errorf("it shows %s", got)
			}
			return nil
		})
	}
	ca2, cert2, key2 := certificates(t, ip, "second")
	r.write(fmt.Sprintf(secure, ca2, cert2, key2))
	if err := r.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, port := range []string{":8501", ":8853"} {
		if got := shown(port, ca2); got != "second" {
			t.Errorf("after a reload %s shows %s", port, got)
		}
	}
	r.write(fmt.Sprintf(secure, ca2, cert2, key)) // not of that certificate
	if err := r.Reload(context.Background()); err == nil || !strings.HasPrefix(err.Error(), "Failed reloading tls configuration: Failed to load cert/key pair: ") {
		t.Errorf("a key of another certificate: %v", err)
	}
	if got := shown(":8501", ca2); got != "second" {
		t.Errorf("after a refused reload it shows %s", got)
	}
	r.write(`ports { https = 8501 dns_tls = 8853 } tls { https { ca_file = "` + ca2 + `" } }`)
	if err := r.Reload(context.Background()); err == nil || !strings.Contains(err.Error(), "DNS over TLS needs a certificate") {
		t.Errorf("no certificate any more: %v", err)
	}
	r.write(`ports { https = 8501 }`)
	if err := r.Reload(context.Background()); err == nil || err.Error() != "Failed reloading tls configuration: HTTPS is served, and has no certificate any more: a restart without ports.https ends it" {
		t.Errorf("HTTPS without a certificate: %v", err)
	}
	res, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}).Get("https://" + ip + ":8501/dns-query")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode == http.StatusNotFound {
		t.Error("DNS is not served over HTTPS")
	}
}

// TestServersTellThatTheySpeakTLS, once a reload has them do so. Those that verify names
// are warned of a certificate that is not a server's.
func TestServersTellThatTheySpeakTLS(t *testing.T) {
	t.Parallel()
	files := func(name string) string {
		ca, cert, key := certificates(t, address(13), name)
		return fmt.Sprintf("ca_file = %q cert_file = %q key_file = %q", ca, cert, key)
	}
	first, second := files("first"), files("second")
	r := start(t, 13, true, fmt.Sprintf(`tls { internal_rpc { %s } }`, first))
	for _, step := range []struct {
		name, settings, tag string
		warned              int // so far
	}{
		{"as it starts", first, "", 0},
		{"outgoing too", first + " verify_outgoing = true", "1", 0},
		{"with their names", first + " verify_server_hostname = true", "1", 1},
		{"another certificate", second + " verify_server_hostname = true", "1", 2},
		{"incoming alone", second, "", 2},
	} {
		r.write(fmt.Sprintf(`tls { internal_rpc { %s } }`, step.settings))
		if err := r.Reload(context.Background()); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		for _, wan := range []bool{false, true} {
			r.waitFor(step.name, func() error {
				members, err := r.Members(wan)
				if err != nil || len(members) != 1 || members[0].Tags["use_tls"] != step.tag {
					return fmt.Errorf("in the WAN %t: %v, %v", wan, members, err)
				}
				return nil
			})
		}
		if n := strings.Count(r.log.String(), "the certificate of tls.internal_rpc is not that of a server"); n != step.warned {
			t.Errorf("%s: warned %d times, want %d", step.name, n, step.warned)
		}
	}
}

func TestHTTPSWithoutACertificateIsLeftOut(t *testing.T) {
	t.Parallel()
	r := start(t, 9, true, `ports { https = 8501 }`)
	if !strings.Contains(r.log.String(), "HTTPS is not served: it has a port but no certificate") {
		t.Errorf("it does not say so:\n%s", r.log)
	}
	if conn, err := net.Dial("tcp", r.ip+":8501"); err == nil {
		conn.Close()
		t.Error("something is served there")
	}
}

// TestFilesThatChangeAreReadAgain: auto_reload_config, once they are left alone.
func TestFilesThatChangeAreReadAgain(t *testing.T) {
	t.Parallel()
	r := start(t, 10, true, `auto_reload_config = true`)
	has := func(name string) func() error {
		return func() error {
			if _, text := r.ask("GET", "/v1/agent/services", ""); !strings.Contains(text, name) {
				return fmt.Errorf("%s", text)
			}
			return nil
		}
	}
	r.write(`auto_reload_config = true service { name = "web" }`)
	r.waitFor("web", has(`"web"`))
	if !strings.Contains(r.log.String(), "Configuration files changed: reloading") {
		t.Error("it does not say so")
	}
	r.write(`auto_reload_config = true bogus = 1`)
	r.waitFor("a refusal", func() error {
		if !strings.Contains(r.log.String(), "Reload failed, nothing was changed") {
			return fmt.Errorf("none yet")
		}
		return nil
	})
	if err := has(`"web"`)(); err != nil {
		t.Error(err)
	}
	// Most tools put a new file in the place of the old.
	next := r.file + ".new"
	if err := os.WriteFile(next, []byte(`auto_reload_config = true service { name = "db" }`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, r.file); err != nil {
		t.Fatal(err)
	}
	r.waitFor("db", has(`"db"`))
	// Certificates stand in another folder, which is watched from then on.
	reads := func(n int) func() error {
		return func() error {
			if got := strings.Count(r.log.String(), "Configuration files changed: reloading"); got != n {
				return fmt.Errorf("read %d times", got)
			}
			return nil
		}
	}
	ca, cert, key := certificates(t, r.ip, "first")
	r.write(fmt.Sprintf(`auto_reload_config = true tls { internal_rpc { ca_file = %q cert_file = %q key_file = %q } }`, ca, cert, key))
	r.waitFor("the certificates, and once more what may have changed meanwhile", reads(5))
	_, cert2, key2 := certificates(t, r.ip, "second")
	for from, to := range map[string]string{cert2: cert, key2: key} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	r.waitFor("the new certificate", reads(6))
	// Whom to trust changes only if somebody asks (reference/config.md §2.10).
	trusts := func(want string) {
		t.Helper()
		var self struct {
			DebugConfig struct {
				TLS struct {
					InternalRPC struct{ CAFile, CertFile string }
				}
			}
		}
		_, text := r.ask("GET", "/v1/agent/self", "")
		if err := json.Unmarshal([]byte(text), &self); err != nil {
			t.Fatal(err)
		}
		if got := self.DebugConfig.TLS.InternalRPC; got.CAFile != want || got.CertFile != cert {
			t.Errorf("it trusts %q and shows %q, want %q and %q", got.CAFile, got.CertFile, want, cert)
		}
	}
	trusts("")
	if err := r.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	trusts(ca)
}

// TestRunningAgentsRunJobs where the configuration lets them.
func TestRunningAgentsRunJobs(t *testing.T) {
	t.Parallel()
	r := start(t, 15, true, `disable_remote_exec = false`)
	r.Fired(fired(t, userevent.Event{Name: "_rexec", Payload: []byte("seven")}))
	r.waitFor("the job", func() error {
		if !strings.Contains(r.log.String(), "n15 runs job seven\n") {
			return errors.New("it does not run")
		}
		return nil
	})
}

// TestAgentEndsWhenItHasLeft, a moment later, so that who asked for it gets an answer.
func TestAgentEndsWhenItHasLeft(t *testing.T) {
	t.Parallel()
	r := start(t, 14, false, fmt.Sprintf(`data_dir = %q`, t.TempDir()))
	for range 2 { // the second waits for the first
		if err := r.Leave(); err != nil {
			t.Fatal(err)
		}
	}
	if status, text := r.ask("GET", "/v1/agent/self", ""); status != 200 {
		t.Errorf("at once it answers %d %s", status, text)
	}
	select {
	case err := <-r.done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it runs on")
	}
	r.done <- nil // for stop
}

func TestLogIsHeardAtALevelOfItsOwn(t *testing.T) {
	t.Parallel()
	r := start(t, 11, true, `log_level = "error"`)
	if _, err := r.Monitor("loud", false); err == nil || err.Error() != "Unknown log level: loud" {
		t.Errorf("a level that is none: %v", err)
	}
	monitor, err := r.Monitor("debug", false)
	if err != nil {
		t.Fatal(err)
	}
	defer monitor.Close()
	if res, err := http.Get("http://" + r.ip + ":8500/v1/agent/self"); err != nil {
		t.Error(err)
	} else {
		res.Body.Close()
	}
	for limit := time.After(20 * time.Second); ; {
		select {
		case line := <-monitor.Lines():
			if strings.Contains(string(line), "Request finished: method=GET url=/v1/agent/self") {
				if strings.Contains(r.log.String(), "Request finished") {
					t.Error("the agent's own log has it too")
				}
				return
			}
		case <-limit:
			t.Fatal("the request is not heard of")
		}
	}
}

func TestMachineIsDescribed(t *testing.T) {
	r := start(t, 12, true, ``)
	host := r.Host(context.Background())
	if host.CollectionTime == 0 || (host.Memory == nil || host.CPU == nil || host.Host == nil || host.Disk == nil) && len(host.Errors) == 0 {
		t.Errorf("%+v", host)
	}
	found, err := r.Examine(context.Background(), "")
	if text, _ := json.Marshal(found); err != nil || !strings.Contains(string(text), "n12 answers: a server of dc1") {
		t.Errorf("examined: %s, %v", text, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, text := range r.Host(ctx).Errors {
		if name, _, ok := strings.Cut(text, ": "); !ok || !strings.Contains("memory CPU host disk", name) {
			t.Errorf("an error %q", text)
		}
	}
}
