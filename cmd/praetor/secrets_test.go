package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// planted are the secrets of a test, by where they were put.
type planted map[string]string

// scan fails a test if a text has one of them, in any spelling.
func (p planted) scan(t *testing.T, where, text string) {
	t.Helper()
	for what, secret := range p {
		for _, spelling := range []string{secret, url.QueryEscape(secret), strings.ReplaceAll(secret, "/", `\u002f`)} {
			if at := strings.Index(text, spelling); at >= 0 {
				t.Errorf("%s shows the secret %q: …%s…", where, what, text[max(0, at-200):min(len(text), at+len(spelling)+80)])
				break
			}
		}
	}
}

// TestNoSecretIsTold plants secrets wherever an agent takes them, does everything that may
// speak of them, and looks for them in all that it says to others.
func TestNoSecretIsTold(t *testing.T) {
	t.Parallel()
	secrets := planted{"gossip key": "cGxhbnRlZC9nb3NzaXAra2V5LzMyLWJ5dGVzLWxvbmc=", "second gossip key": "c2Vjb25kL3BsYW50ZWQrZ29zc2lwL2tleS0zMi1ieXQ="}
	for i, what := range []string{
		"management token", "agent token", "default token", "dns token", "replication token", "recovery token", "file registration token",
		"token of a service in a file", "token of a check in a file", "token of a watch", "token in a URL", "token in a header", "bearer token", "token of a service", "token of a check",
		"token of a query", "token set by the API", "token in CONSUL_HTTP_TOKEN", "token flag", "token in an old path", "token of a pretended login", "token in a malformed query", "token of a filter",
	} {
		secrets[what] = fmt.Sprintf("5ec2e7%02d-a1b2-4c3d-8e4f-0123456789ab", i)
	}
	management := secrets["management token"]
	dir := t.TempDir()
	conf, err := json.Marshal(map[string]any{
		"encrypt": secrets["gossip key"], "log_level": "trace", "enable_debug": true, "server": true, "bootstrap_expect": 1, "ui_config": map[string]any{"enabled": true},
		"telemetry": map[string]any{"prometheus_retention_time": "60s"},
		"acl": map[string]any{"enabled": true, "default_policy": "deny", "enable_token_persistence": true, "tokens": map[string]any{
			"initial_management": management, "agent": secrets["agent token"], "default": secrets["default token"], "dns": secrets["dns token"],
			"replication": secrets["replication token"], "agent_recovery": secrets["recovery token"], "config_file_service_registration": secrets["file registration token"],
		}},
		"service": map[string]any{"name": "filed", "port": 1, "token": secrets["token of a service in a file"]},
		"check":   map[string]any{"id": "filed", "name": "filed", "ttl": "10s", "token": secrets["token of a check in a file"]},
		"watches": []any{map[string]any{"type": "key", "key": "a", "token": secrets["token of a watch"], "args": []string{"/bin/true"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "agent.json")
	if err := os.WriteFile(file, conf, 0o600); err != nil {
		t.Fatal(err)
	}
	n := newNode(t, "planted", "127.77.78.1", "-config-file", file).start()
	waitFor(t, "leader", 20*time.Second, n.hasLeader)
	waitFor(t, "the management token", 20*time.Second, func() error {
		if code, text := asked(t, n, management, "GET", "/v1/agent/self", ""); code != 200 {
			return fmt.Errorf("%d %s", code, text)
		}
		return nil
	})

	monitor := n.begin("monitor", "-log-level=trace", "-token="+management)
	output := filepath.Join(dir, "recording")
	debug := n.begin("debug", "-duration=10s", "-interval=6s", "-output="+output, "-token="+management)
	debug.says("Beginning capture interval")

	say := func(what, token, method, path, body string, header ...string) {
		req, err := http.NewRequest(method, "http://"+n.ip+":8500"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("X-Consul-Token", token)
		}
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		secrets.scan(t, what+" ("+res.Status+")", string(text)+fmt.Sprint(res.Header))
	}
	reads := []string{
		"/v1/agent/self", "/v1/agent/services", "/v1/agent/checks", "/v1/agent/metrics", "/v1/agent/metrics?format=prometheus", "/v1/agent/host", "/v1/agent/members", "/v1/catalog/nodes",
		"/v1/catalog/service/web", "/v1/catalog/node/planted", "/v1/health/state/any", "/v1/kv/a", "/v1/kv/?recurse", "/v1/session/list", "/v1/event/list", "/v1/operator/raft/configuration", "/v1/snapshot?stale=x&wait=",
		"/v1/query", "/v1/query/x/execute", "/v1/acl/tokens", "/v1/acl/policies", "/v1/acl/token/self?x=%zz", "/v1/internal/ui/nodes", "/v1/coordinate/nodes", "/ui/", "/nowhere", "/v1/nowhere", "/debug/pprof/cmdline", "/v1/operator/autopilot/state", "/v1/config/service-defaults",
	}
	for _, path := range reads {
		and := "?"
		if strings.Contains(path, "?") {
			and = "&"
		}
		say("a read with a token in its URL", "", "GET", path+and+"token="+secrets["token in a URL"], "")
		say("a read with a token in its header", secrets["token in a header"], "GET", path, "")
		say("a read with a bearer token", "", "GET", path, "", "Authorization", "Bearer "+secrets["bearer token"])
		say("a malformed read", "", "GET", path+and+"token="+secrets["token in a malformed query"]+"&%zz", "")
		say("a write with a token in its URL", "", "PUT", path+and+"Token="+secrets["token in a URL"], "{")
	}
	say("an old path", "", "GET", "/v1/acl/info/"+secrets["token in an old path"], "")
	say("a pretended login", "", "POST", "/v1/acl/login", `{"AuthMethod":"x","BearerToken":"`+secrets["token of a pretended login"]+`"}`)
	say("a logout", secrets["token of a pretended login"], "POST", "/v1/acl/logout", "")
	say("a filter", management, "GET", "/v1/catalog/nodes?token="+secrets["token of a filter"]+"&filter=bad+x", "")
	say("a registration", management, "PUT", "/v1/agent/service/register?token="+secrets["token of a service"], `{"Name":"web"}`)
	say("a registration", management, "PUT", "/v1/agent/service/register", `{"Name":"web","Token":"`+secrets["token of a service"]+`","Check":{"TTL":"10s"}}`)
	say("a check", management, "PUT", "/v1/agent/check/register", `{"Name":"alone","Token":"`+secrets["token of a check"]+`","TTL":"10s"}`)
	say("a wrong registration", management, "PUT", "/v1/agent/service/register", `{"Name":"web","Token":["`+secrets["token of a service"]+`"]}`)
	say("a query", management, "POST", "/v1/query", `{"Name":"q","Token":"`+secrets["token of a query"]+`","Service":{"Service":"web"}}`)
	say("its execution", management, "GET", "/v1/query/q/execute", "")
	say("a new agent token", management, "PUT", "/v1/agent/token/replication", `{"Token":"`+secrets["token set by the API"]+`"}`)
	say("a wrong agent token", management, "PUT", "/v1/agent/token/replication", `{"Token":{"`+secrets["token set by the API"]+`":1}}`)
	say("a second key", management, "POST", "/v1/operator/keyring", `{"Key":"`+secrets["second gossip key"]+`"}`)
	say("an unfit key", management, "PUT", "/v1/operator/keyring", `{"Key":"`+secrets["second gossip key"]+`x"}`)
	say("a key removed", management, "DELETE", "/v1/operator/keyring", `{"Key":"`+secrets["second gossip key"]+`"}`)
	say("the metrics", management, "GET", "/v1/agent/metrics?format=prometheus", "")
	say("the metrics", management, "GET", "/v1/agent/metrics", "")
	say("itself", management, "GET", "/v1/agent/self", "")
	say("its services", management, "GET", "/v1/agent/services", "")
	say("its checks", management, "GET", "/v1/agent/checks", "")
	say("the pages", management, "GET", "/ui/", "")
	say("the goroutines", management, "GET", "/debug/pprof/goroutine?debug=2", "")
	say("the heap", management, "GET", "/debug/pprof/heap?debug=1", "")
	say("the command line", management, "GET", "/debug/pprof/cmdline", "")
	for _, name := range []string{"web.service.consul.", "nowhere.service.consul.", "q.query.consul."} {
		if _, err := n.dig("udp", name, 1); err != nil {
			t.Error(err)
		}
	}
	env := []string{"CONSUL_HTTP_ADDR=" + n.ip + ":8500", "CONSUL_HTTP_TOKEN=" + secrets["token in CONSUL_HTTP_TOKEN"]}
	for _, args := range [][]string{
		{"members"}, {"kv", "get", "a"}, {"info"}, {"catalog", "nodes"}, {"operator", "raft", "list-peers"}, {"keyring", "-list"}, {"doctor"}, {"kv", "get", "-http-addr=127.77.78.1:1", "a"},
		{"members", "-token=" + secrets["token flag"]}, {"kv", "put", "-token=" + secrets["token flag"], "a", "b"}, {"doctor", "-token=" + secrets["token flag"]}, {"reload", "-token=" + management}, {"validate", file},
		{"doctor", "-token=" + management}, {"doctor", "-config-file=" + file},
	} {
		out, errs, _ := runCLI(t, env, args...)
		secrets.scan(t, "the command "+args[0], out+errs)
	}
	if said, code := debug.end(); code != 0 {
		t.Fatalf("debug: %d %s", code, said)
	}
	for name, content := range unpack(t, output+".tar.gz") {
		secrets.scan(t, "the recording's "+name, string(content))
	}
	monitor.cmd.Process.Kill()
	<-monitor.done
	heard := monitor.out.String()
	if !strings.Contains(heard, "Request error") || !strings.Contains(heard, "[DEBUG]") {
		t.Errorf("the monitor heard nothing: %.500s", heard)
	}
	secrets.scan(t, "the monitor", heard)
	n.signal(syscall.SIGABRT) // it dies with the stacks of all goroutines, and leaves no core
	log := n.log.String()
	if !strings.Contains(log, "goroutine 1") {
		t.Error("it left no stacks")
	}
	secrets.scan(t, "the log", log)
}
