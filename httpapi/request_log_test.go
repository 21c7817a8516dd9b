package httpapi_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"

	"praetor/httpapi"
	"praetor/internal/fault"
	"praetor/internal/httpserver"
	"praetor/internal/ops"
)

// lines is where a test's logger writes.
type lines struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

// take returns what was logged since the last call.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.out.String()
	l.out.Reset()
	return text
}

func (l *lines) logger(level hclog.Level) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Name: "agent.http", Level: level, Output: l, DisableTime: true})
}

func TestEachRequestIsLogged(t *testing.T) {
	var log lines
	f := newFixture(t, func(o *httpapi.Options) {
		o.Logger = log.logger(hclog.Debug)
		o.BlockEndpoints = []string{"/v1/agent/monitor"}
	})
	answering(f.caller, ops.StatusLeader, &ops.StatusLeaderReply{Address: "a"})
	on(f.caller, ops.KVGet, func(context.Context, *ops.KVGetRequest) (*ops.KVGetReply, error) {
		return nil, fault.New(fault.Limit, "too fast\nfor secret9\x1b[31m")
	})
	address, _ := served(t, httpserver.Options{Handler: f.api, Logger: log.logger(hclog.Debug)})
	for _, tt := range []struct {
		request  string
		url      string
		failure  string // "" for none
		finished bool
	}{
		{"GET /v1/status/leader", "/v1/status/leader", "", true},
		{"GET /v1/status/leader?pretty&token=secret1&dc=", "/v1/status/leader?pretty&token=<hidden>&dc=", "", true},
		{"GET /v1/status/leader?a=b;Token=secret2", "/v1/status/leader?a=b&Token=<hidden>", "malformed query string", true},
		{"GET /v1/status/leader?%74oken=secret3", "/v1/status/leader?%74oken=<hidden>", "", true},
		{"PUT /v1/acl/destroy/secret4", "/v1/acl/destroy/<hidden>", "", true},
		{"GET /v1/nothing", "/v1/nothing", "", true},
		{"POST /v1/kv/a", "/v1/kv/a", `error="method POST not allowed"`, true},
		{"GET /v1/agent/monitor", "/v1/agent/monitor", `error="Endpoint is blocked by agent configuration"`, true},
		{"GET /v1/kv/a?token=secret9", "/v1/kv/a?token=<hidden>", `error="too fast\nfor <hidden>\x1b[31m"`, true},
		{"PUT /v1/kv/a?token=secret5&cas=1&acquire=x", "/v1/kv/a?token=<hidden>&cas=1&acquire=x", "Conflicting flags: acquire=x&cas=1&token=<hidden>", true},
		{"GET /v1/kv/%0a", "/v1/kv/%0a", `error="the path has characters that cannot be printed"`, true},
	} {
		conn := dial(t, address)
		if _, err := io.WriteString(conn, tt.request+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, conn); err != nil {
			t.Fatal(err)
		}
		var text string
		waitFor(t, "a line", func() error { text += log.take(); return missing(text, "Request finished") })
		method, _, _ := strings.Cut(tt.request, " ")
		about := "method=" + method + " url=" + tt.url + " from=" + conn.LocalAddr().String() + " "
		if strings.ContainsAny(tt.url, "%&") { // which hclog quotes
			about = "method=" + method + ` url="` + tt.url + `" from=` + conn.LocalAddr().String() + " "
		}
		if !strings.Contains(text, "[DEBUG] agent.http: Request finished: "+about) || !strings.Contains(text, tt.url) || !strings.Contains(text, " latency=") {
			t.Errorf("%s: no line that it finished: %s", tt.request, text)
		}
		failed := strings.Contains(text, "[ERROR] agent.http: Request error: "+about) && strings.Contains(text, tt.failure)
		if tt.failure != "" && !failed {
			t.Errorf("%s: no line that it failed: %s", tt.request, text)
		}
		if tt.failure == "" && strings.Contains(text, "Request error") {
			t.Errorf("%s: said to have failed: %s", tt.request, text)
		}
		if strings.Contains(text, "secret") || strings.Count(text, "\n") != strings.Count(text, " agent.http: ") || strings.Contains(text, "\x1b") {
			t.Errorf("%s: a secret, or lines of the client's: %q", tt.request, text)
		}
	}
}

func missing(text, part string) error {
	if strings.Contains(text, part) {
		return nil
	}
	return fault.New(fault.NotFound, "no %q in %q", part, text)
}

func TestRequestsAreNotLoggedWhereNobodyListens(t *testing.T) {
	var log lines
	f := newFixture(t, nil)
	answering(f.caller, ops.StatusLeader, &ops.StatusLeaderReply{Address: "a"})
	heard := false
	address, _ := served(t, httpserver.Options{Handler: f.api, Logger: log.logger(hclog.Trace), Verbose: func() bool { return heard }})
	exchange(t, dial(t, address), "GET /v1/status/leader HTTP/1.1\r\nHost: x\r\n\r\n")
	if text := log.take(); text != "" {
		t.Errorf("logged %q", text)
	}
	heard = true
	exchange(t, dial(t, address), "GET /v1/status/leader HTTP/1.1\r\nHost: x\r\n\r\n")
	waitFor(t, "a line", func() error { return missing(log.take(), "Request finished") })
}

func TestRefusedConnectionsAreLogged(t *testing.T) {
	var log lines
	address, _ := served(t, httpserver.Options{Handler: newFixture(t, nil).api, MaxConnsPerClient: 1, Logger: log.logger(hclog.Info)})
	exchange(t, dial(t, address), "GET /v1/agent/version HTTP/1.1\r\nHost: x\r\n\r\n")
	for range 9 {
		refused := dial(t, address)
		if _, err := io.Copy(io.Discard, refused); err != nil {
			t.Fatal(err)
		}
	}
	text := log.take()
	if strings.Count(text, "Request error: from=127.0.0.1:") == 0 || strings.Count(text, "\n") > 4 || !strings.Contains(text, "too many open connections from this address") {
		t.Errorf("logged %q", text)
	}
}
