package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWatchRunsItsCommandAtEachChange(t *testing.T) {
	t.Parallel()
	n := startLeader(t, "127.77.47.1")
	if err := n.put("/v1/kv/w", "one"); err != nil {
		t.Fatal(err)
	}
	r := n.begin("watch", "-type=key", "-key=w", `cat; test -n "$CONSUL_INDEX" && echo ran`)
	r.says(`"Value":"b25l"`)
	r.says("ran\n")
	if err := n.put("/v1/kv/w", "two"); err != nil {
		t.Fatal(err)
	}
	r.says(`"Value":"dHdv"`)
	r.cmd.Process.Signal(os.Interrupt)
	if said, code := r.end(); code != 0 {
		t.Errorf("interrupted: %d %q", code, said)
	}

	slow := n.begin("watch", "-type=nodes", "echo up; while :; do sleep 0.05; done")
	slow.says("up\n")
	slow.cmd.Process.Signal(os.Interrupt)
	if said, code := slow.end(); code != 0 || said != "up\n" {
		t.Errorf("interrupted while its command ran: %d %q", code, said)
	}

	service := `{"Name":"web","Tags":["v1","eu"],"Check":{"TTL":"1h","Status":"critical"}}`
	if err := n.put("/v1/agent/service/register", service); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "web in the catalog", 20*time.Second, func() error {
		var list []any
		if err := n.get("/v1/catalog/service/web", &list); err != nil || len(list) != 1 {
			return fmt.Errorf("%v %w", list, err)
		}
		return nil
	})
	for _, row := range []struct {
		args string
		has  bool // the one instance
	}{
		{"-type=service -service=web", true},
		{"-type=service -service=web -tag=v1 -tag=eu", true},
		{"-type=service -service=web -tag=v1 -tag=us", false},
		{"-type=service -service=web -passingonly=true", false},
		{"-type=service -service=web -passingonly=false -stale", true},
		{"-type=service -service=web -filter=Service.Port==1", false},
		{"-type=checks -service=web", true},
		{"-type=checks -state=critical", true},
		{"-type=checks -state=passing -filter=ServiceName==web", false},
		{"-type=services -filter=ServiceName==web", true},
	} {
		out, errs, code := n.cli(append([]string{"watch"}, strings.Fields(row.args)...)...)
		if code != 0 || errs != "" || strings.Contains(out, `"web"`) != row.has {
			t.Errorf("%s: %d %s%s", row.args, code, out, errs)
		}
	}
	if _, errs, code := n.cli("watch", "-type=service", "-service=web", "-passingonly=maybe"); code != 1 || !strings.HasPrefix(errs, "Failed to parse passingonly flag: ") {
		t.Errorf("%d %s", code, errs)
	}
}

// TestConfiguredWatchesFollowReloads runs handlers of each kind, and others
// after a reload.
func TestConfiguredWatchesFollowReloads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var posted output
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body strings.Builder
		r.Write(&body)
		fmt.Fprintf(&posted, "%s\n", body.String())
	}))
	defer hook.Close()
	configure := func(out string) {
		writeFile(t, filepath.Join(dir, "w.json"), fmt.Sprintf(`{"watches": [
			{"type": "key", "key": "w", "handler": "cat > %s"},
			{"type": "key", "key": "w", "args": ["/no/such/handler"]},
			{"type": "keyprefix", "prefix": "w", "handler_type": "http",
			 "http_handler_config": {"path": %q, "method": "PUT", "header": {"X-Token": ["t1"]}}}
		]}`, out, hook.URL+"/hook"))
	}
	saw := func(file, value string) func() error {
		return func() error {
			text, err := os.ReadFile(file)
			if err == nil && !strings.Contains(string(text), value) {
				err = fmt.Errorf("got %q", text)
			}
			return err
		}
	}
	first, second := filepath.Join(t.TempDir(), "first"), filepath.Join(t.TempDir(), "second")
	configure(first)
	n := startLeader(t, "127.77.47.2", "-config-dir="+dir)
	if err := n.put("/v1/kv/w", "one"); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the first value at the script", 20*time.Second, saw(first, `"Value":"b25l"`))
	waitFor(t, "the first value at the URL", 20*time.Second, func() error {
		text := posted.String()
		for _, want := range []string{"PUT /hook HTTP/1.1\r\n", "Content-Type: application/json\r\n", "X-Consul-Index: ", "X-Token: t1\r\n", `"Value":"b25l"`} {
			if !strings.Contains(text, want) {
				return fmt.Errorf("no %q in %q", want, text)
			}
		}
		return nil
	})
	configure(second)
	if err := n.put("/v1/agent/reload", ""); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the first value at the second script", 20*time.Second, saw(second, `"Value":"b25l"`))
	if err := n.put("/v1/kv/w", "two"); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the second value at the second script", 20*time.Second, saw(second, `"Value":"dHdv"`))
	if err := saw(first, `"Value":"b25l"`)(); err != nil {
		t.Errorf("the first script still runs: %v", err)
	}
}
