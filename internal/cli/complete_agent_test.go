package cli_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestWordsAreCompletedByWhatTheAgentKnows, as long as it says so at once.
func TestWordsAreCompletedByWhatTheAgentKnows(t *testing.T) {
	slow := make(chan struct{})
	agent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Consul-Token") == "slow" {
			<-slow
		}
		switch r.URL.Path {
		case "/v1/kv/app/":
			fmt.Fprint(w, `["app/color","app/cold/","app/size"]`)
		case "/v1/kv/app/co":
			fmt.Fprint(w, `["app/color","app/cold/"]`)
		case "/v1/catalog/datacenters":
			fmt.Fprint(w, `["dc1","east"]`)
		case "/v1/catalog/nodes":
			fmt.Fprint(w, `[{"Node":"n1"},{"Node":"n2"}]`)
		case "/v1/catalog/services":
			fmt.Fprint(w, `{"web":[],"db":[]}`)
		case "/v1/agent/services":
			fmt.Fprint(w, `{"web-1":{"ID":"web-1"},"web-2":{"ID":"web-2"}}`)
		case "/v1/agent/members":
			fmt.Fprintf(w, `[{"Name":"m-%s"}]`, r.Header.Get("X-Consul-Token"))
		default: // a key that takes long
			<-slow
		}
	}))
	defer agent.Close()
	defer close(slow)
	forget(t)
	t.Setenv("CONSUL_HTTP_ADDR", agent.URL)
	for line, want := range map[string]string{
		"praetor kv get app/":                         "app/cold/ app/color app/size",
		"praetor kv delete -recurse app/co":           "app/cold/ app/color",
		"praetor kv get -datacenter=":                 "dc1 east",
		"praetor kv get -datacenter e":                "east",
		"praetor members -status=":                    "",
		"praetor catalog nodes -service=w":            "web",
		"praetor catalog services -node=n":            "n1 n2",
		"praetor services deregister -id=web-":        "web-1 web-2",
		"praetor maint -service=":                     "web-1 web-2",
		"praetor force-leave -token=secret m":         "m-secret",
		"praetor rtt n1 ":                             "n1 n2",
		"praetor force-leave -token=slow m":           "",
		"praetor kv get -token=slow -datacenter=":     "",
		"praetor catalog nodes -token=slow -service=": "",
		"praetor kv get late":                         "",
		"praetor kv get -http-addr=127.0.0.1:1 app/":  "",
		"praetor validate ":                           "",
		"praetor kv get -no-such-flag app/":           "",
	} {
		t.Setenv("COMP_LINE", line)
		began := time.Now()
		out, errs, code := run(t)
		if got := strings.Join(strings.Fields(out), " "); got != want || errs != "" || code != 0 {
			t.Errorf("%q becomes %q (%d, %s), want %q", line, got, code, errs, want)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%q took %s", line, took)
		}
	}
	t.Setenv("COMP_WHOLE", "1")
	t.Setenv("COMP_LINE", "praetor kv get -datacenter=e")
	if out, _, _ := run(t); out != "-datacenter=east\n" {
		t.Errorf("a shell with whole words gets %q", out)
	}
}
