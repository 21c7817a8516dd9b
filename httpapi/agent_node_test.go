package httpapi_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"praetor/httpapi"
	"praetor/internal/fault"
	"praetor/internal/telemetry"
)

func (a *agent) Host(context.Context) httpapi.Host {
	return httpapi.Host{Memory: map[string]int{"total": 5}, CPU: []any{}, CollectionTime: 7}
}

func (a *agent) Examine(_ context.Context, token string) (any, error) {
	a.asked = append(a.asked, "examine with "+token)
	return []struct{ Severity, What string }{{"ok", "well"}}, a.err
}

// Monitor listens to what the test sends.
func (a *agent) Monitor(level string, json bool) (httpapi.LogMonitor, error) {
	a.asked = append(a.asked, "monitor "+level)
	if json {
		a.asked = append(a.asked, "as JSON")
	}
	if level == "loud" {
		return nil, fault.New(fault.Invalid, "Unknown log level: loud")
	}
	a.monitor = &monitor{lines: make(chan []byte, 8)}
	return a.monitor, a.err
}

type monitor struct {
	lines  chan []byte
	closed bool
}

func (m *monitor) Lines() <-chan []byte { return m.lines }

func (m *monitor) Close() error {
	m.closed = true
	return nil
}

// tokens remembers what was set.
type tokens struct {
	set []string
	err error
}

func (s *tokens) SetToken(kind httpapi.TokenKind, secret string) error {
	s.set = append(s.set, string(kind)+"="+secret)
	return s.err
}

func TestHostIsShownToOperators(t *testing.T) {
	f := newFixture(t, nil)
	f.want("GET", "/v1/agent/host", "", 200, `{"Memory":{"total":5},"CPU":[],"Host":null,"Disk":null,"CollectionTime":7,"Errors":null}`)
	f = newFixture(t, withRules())
	f.want("GET", "/v1/agent/host", "", 403, "Permission denied: anonymous token lacks permission 'operator:read'. The anonymous token is used implicitly when a request does not specify a token.")
}

func TestDoctorIsAskedByOperators(t *testing.T) {
	f := newFixture(t, nil)
	f.want("GET", "/v1/agent/doctor?token=mine", "", 200, `[{"Severity":"ok","What":"well"}]`)
	if len(f.agent.asked) != 1 || f.agent.asked[0] != "examine with mine" {
		t.Errorf("asked %q", f.agent.asked)
	}
	f = newFixture(t, withRules())
	f.want("GET", "/v1/agent/doctor", "", 403, "Permission denied: anonymous token lacks permission 'operator:read'. The anonymous token is used implicitly when a request does not specify a token.")
}

func TestMetricsShowTheLastInterval(t *testing.T) {
	f := newFixture(t, nil)
	_, text := f.do("GET", "/v1/agent/metrics", "")
	var got map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Gauges", "Points", "Counters", "Samples"} {
		if string(got[name]) != "[]" {
			t.Errorf("%s is %s, want []", name, got[name])
		}
	}
	_, text = f.do("GET", "/v1/agent/metrics", "")
	if !strings.Contains(text, `"Name":"consul.api.http","Count":1,`) || !strings.Contains(text, `"Labels":{"method":"GET","path":"v1.agent.metrics"}`) {
		t.Errorf("the first request is not counted: %s", text)
	}
	f.do("PUT", "/v1/kv/a/b", "x")
	if _, text = f.do("GET", "/v1/agent/metrics", ""); !strings.Contains(text, `"Labels":{"method":"PUT","path":"v1.kv._"}`) {
		t.Errorf("the write is not counted: %s", text)
	}
}

func TestMetricsAndLogNeedAgentRead(t *testing.T) {
	f := newFixture(t, withRules("agent:write n1"))
	for _, path := range []string{"metrics", "metrics/stream", "monitor?loglevel=loud"} {
		f.want("GET", "/v1/agent/"+path, "", 403, `Permission denied: anonymous token lacks permission 'agent:read' on "n1". The anonymous token is used implicitly when a request does not specify a token.`)
	}
}

func TestPrometheusIsChosenByFormatOrAccept(t *testing.T) {
	on, err := telemetry.New(telemetry.Options{PrometheusRetention: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		target, accept string
		want           bool
	}{
		{"/v1/agent/metrics", "", false},
		{"/v1/agent/metrics", "application/json, text/plain", false},
		{"/v1/agent/metrics?format=prometheus", "", true},
		{"/v1/agent/metrics", "application/openmetrics-text; version=1.0.0", true},
		{"/v1/agent/metrics", "text/plain;version=0.4.0", true},
		{"/v1/agent/metrics", "text/plain;version=0.0.4", false},
	} {
		off := newFixture(t, nil)
		res, body := off.do("GET", tt.target, "", "Accept", tt.accept)
		if got := body == ""; got != tt.want || res.StatusCode != 200 {
			t.Errorf("%s %s: %d %q", tt.target, tt.accept, res.StatusCode, body)
		}
		if tt.want {
			wantHeader(t, res, "X-Consul-Reason", "Prometheus is not enabled since its retention time is not positive")
			wantHeader(t, res, "Content-Type", "application/json")
		}
		served := newFixture(t, func(o *httpapi.Options) { o.Metrics = on })
		res, body = served.do("GET", tt.target, "", "Accept", tt.accept)
		if got := strings.Contains(body, "# TYPE go_goroutines gauge"); got != tt.want || res.StatusCode != 200 {
			t.Errorf("with Prometheus, %s %s: %d %.60q", tt.target, tt.accept, res.StatusCode, body)
		}
	}
	res, _ := newFixture(t, func(o *httpapi.Options) { o.Metrics = on }).do("GET", "/v1/agent/metrics?format=prometheus", "")
	if got := res.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/plain; version=0.0.4; charset=utf-8") {
		t.Errorf("Content-Type is %q", got)
	}
}

func TestMetricsStreamSendsADocumentAnInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 3*telemetry.Interval+time.Second)
		defer cancel()
		rec := httptest.NewRecorder()
		f.api.ServeHTTP(rec, httptest.NewRequestWithContext(ctx, "GET", "/v1/agent/metrics/stream", nil))
		d := json.NewDecoder(rec.Body)
		n := 0
		for ; ; n++ {
			var s telemetry.Summary
			if err := d.Decode(&s); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if n != 3 {
			t.Errorf("%d documents in three intervals", n)
		}
	})
}

// peeked is a response that can be looked at while it is written.
type peeked struct {
	mu      sync.Mutex
	rec     *httptest.ResponseRecorder
	flushed bool
}

func (p *peeked) Header() http.Header { return p.rec.Header() }

func (p *peeked) WriteHeader(code int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rec.WriteHeader(code)
}

func (p *peeked) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rec.Write(b)
}

func (p *peeked) Flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flushed = true
}

// peek reports whether it was flushed since the last time, and what was written.
func (p *peeked) peek() (flushed bool, body string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	flushed, p.flushed = p.flushed, false
	return flushed, p.rec.Body.String()
}

func TestMonitorSendsLinesAsTheyCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		rec := &peeked{rec: httptest.NewRecorder()}
		done := make(chan struct{})
		go func() {
			defer close(done)
			f.api.ServeHTTP(rec, httptest.NewRequestWithContext(ctx, "GET", "/v1/agent/monitor?loglevel=debug&logjson", nil))
		}()
		synctest.Wait()
		if flushed, _ := rec.peek(); !flushed {
			t.Error("no header before the first line")
		}
		f.agent.monitor.lines <- []byte("one\n")
		f.agent.monitor.lines <- []byte("two\n")
		time.Sleep(199 * time.Millisecond)
		synctest.Wait()
		if flushed, _ := rec.peek(); flushed {
			t.Error("flushed before its time")
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if flushed, body := rec.peek(); !flushed || body != "one\ntwo\n" {
			t.Errorf("after 200 ms: %q, flushed: %v", body, flushed)
		}
		cancel()
		<-done
		if !f.agent.monitor.closed {
			t.Error("listens on after its client has gone")
		}
		if want := []string{"monitor debug", "as JSON"}; !slices.Equal(f.agent.asked, want) {
			t.Errorf("asked %q, want %q", f.agent.asked, want)
		}
	})
}

func TestMonitorIsCompressedHoweverLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() {
			synctest.Wait()
			f.agent.monitor.lines <- []byte("one\n")
		}()
		req := httptest.NewRequestWithContext(ctx, "GET", "/v1/agent/monitor", nil)
		req.Header.Set("Accept-Encoding", "gzip")
		rec := httptest.NewRecorder()
		f.api.ServeHTTP(rec, req)
		wantHeader(t, rec.Result(), "Content-Encoding", "gzip")
		zip, err := gzip.NewReader(rec.Body)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(zip); err != nil || string(text) != "one\n" {
			t.Errorf("got %q, %v", text, err)
		}
	})
}

func TestMonitorRefusesUnknownLevels(t *testing.T) {
	f := newFixture(t, nil)
	res := f.want("GET", "/v1/agent/monitor?loglevel=loud", "", 400, "Unknown log level: loud")
	wantHeader(t, res, "Content-Type", "text/plain; charset=utf-8")
}

func TestTokensAreSetByEveryName(t *testing.T) {
	store := &tokens{}
	f := newFixture(t, func(o *httpapi.Options) { o.Tokens, o.ACLs.Enabled = store, true })
	for name, want := range map[string]string{
		"default": "default", "acl_token": "default", "agent": "agent", "acl_agent_token": "agent",
		"agent_recovery": "agent_recovery", "agent_master": "agent_recovery", "acl_agent_master_token": "agent_recovery",
		"replication": "replication", "acl_replication_token": "replication", "dns": "dns", "dns_token": "dns",
		"config_file_service_registration": "config_file_service_registration",
	} {
		store.set = nil
		f.want("PUT", "/v1/agent/token/"+name, `{"Token":"s"}`, 200, "")
		if !slices.Equal(store.set, []string{want + "=s"}) {
			t.Errorf("%s: set %q", name, store.set)
		}
	}
	store.set = nil
	f.want("PUT", "/v1/agent/token/foo", `{"Token":"s"}`, 404, `Token "foo" is unknown`)
	f.want("PUT", "/v1/agent/token/default", `{`, 400, "Request decode failed: unexpected EOF")
	f.want("PUT", "/v1/agent/token/foo", `{`, 400, "Request decode failed: unexpected EOF")
	if len(store.set) > 0 {
		t.Errorf("set %q", store.set)
	}
	store.err = errors.New("disk full")
	f.want("PUT", "/v1/agent/token/dns", `{"Token":""}`, 500, "disk full")
}

func TestTokensNeedACLsThenPermission(t *testing.T) {
	f := newFixture(t, nil)
	for _, kind := range []string{"default", "foo", ""} {
		f.want("PUT", "/v1/agent/token/"+kind, "{", 401, "ACL support disabled")
	}
	f = newFixture(t, func(o *httpapi.Options) {
		withRules()(o)
		o.Tokens, o.ACLs.Enabled = &tokens{}, true
	})
	if res, body := f.do("PUT", "/v1/agent/token/foo", "{"); res.StatusCode != http.StatusForbidden {
		t.Errorf("without permission: %d %s", res.StatusCode, body)
	}
}
