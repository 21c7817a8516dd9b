package httpapi_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/httpapi"
	"praetor/internal/definition"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// caller answers operations by name.
type caller map[string]func(ctx context.Context, req rpc.Message) (rpc.Message, error)

func (c caller) Do(ctx context.Context, op *rpc.Desc, req rpc.Message) (rpc.Message, error) {
	if h := c[op.Name]; h != nil {
		return h(ctx, req)
	}
	return nil, fault.New(fault.Internal, "no handler for %s", op.Name)
}

// on makes a caller's entry from a typed function.
func on[Req, Rep any](c caller, op rpc.Op[Req, Rep], h func(ctx context.Context, req *Req) (*Rep, error)) {
	c[op.Name] = func(ctx context.Context, req rpc.Message) (rpc.Message, error) {
		rep, err := h(ctx, any(req).(*Req))
		if err != nil {
			return nil, err
		}
		return any(rep).(rpc.Message), nil
	}
}

// answering is on for a handler that always says the same.
func answering[Req, Rep any](c caller, op rpc.Op[Req, Rep], rep *Rep) {
	on(c, op, func(context.Context, *Req) (*Rep, error) { return rep, nil })
}

// local is a Local in two maps. Tests may touch its fields while no request
// runs, and call replace any time.
type local struct {
	mu       sync.Mutex
	services map[string]*catalog.Service
	checks   map[string]*catalog.Check
	sidecars map[string]string // by ID, the parent
	replaced bool
	token    string
	changed  chan struct{}
}

func newLocal() *local {
	return &local{services: map[string]*catalog.Service{}, checks: map[string]*catalog.Check{}, sidecars: map[string]string{}, changed: make(chan struct{})}
}

// replace changes the services and wakes who waits for that.
func (l *local) replace(services ...*catalog.Service) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.services = map[string]*catalog.Service{}
	for _, s := range services {
		l.services[s.ID] = s
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *local) Services() map[string]*catalog.Service { return l.services }

func (l *local) Service(id string) *catalog.Service {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.services[id]
}

func (l *local) Checks() map[string]*catalog.Check { return l.checks }
func (l *local) Check(id string) *catalog.Check    { return l.checks[id] }

func (l *local) ServiceHealth(id string) (list []*catalog.Check, exists bool, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.checks {
		if c.ServiceID == id || c.ServiceID == "" {
			list = append(list, c)
		}
	}
	return list, l.services[id] != nil, l.changed
}

func (l *local) AddService(_ context.Context, svc *catalog.Service, checks []*catalog.Check, replace bool, token string) error {
	definition.AutoTaggedAddresses(svc)
	definition.AttachChecks(svc, checks)
	for _, c := range checks {
		c.Node = "n1"
		l.checks[c.CheckID] = c
	}
	l.services[svc.ID], l.replaced, l.token = svc, replace, token
	return nil
}

func (l *local) AddSidecar(ctx context.Context, parent string, svc *catalog.Service, checks []*catalog.Check, replace bool, token string) error {
	l.sidecars[svc.ID] = parent
	return l.AddService(ctx, svc, checks, replace, token)
}

// FreePort is the first port or none.
func (l *local) FreePort(first, _ int) int {
	for _, s := range l.services {
		if s.Port == first {
			return 0
		}
	}
	return first
}

func (l *local) RemoveService(_ context.Context, id string) error {
	if l.services[id] == nil {
		return fault.New(fault.NotFound, "Unknown service ID %q. Ensure that the service ID is passed, not the service name.", id)
	}
	delete(l.services, id)
	return nil
}

func (l *local) AddCheck(_ context.Context, c *catalog.Check, token string) error {
	l.checks[c.CheckID], l.token = c, token
	return nil
}

func (l *local) RemoveCheck(_ context.Context, id string) error {
	if l.checks[id] == nil {
		return fault.New(fault.NotFound, "Unknown check ID %q. Ensure that the check ID is passed, not the check name.", id)
	}
	delete(l.checks, id)
	return nil
}

func (l *local) Await(context.Context) {}

func (l *local) UpdateTTL(_ context.Context, id, status, output string) error {
	c := l.checks[id]
	if c == nil {
		return l.RemoveCheck(context.Background(), id)
	}
	if c.Definition.TTL == 0 {
		return fault.New(fault.Rejected, "CheckID %q does not have associated TTL", id)
	}
	c.Status, c.Output = status, output
	return nil
}

// agent says what it was asked.
type agent struct {
	asked []string
	err   error
	wan   []httpapi.Member

	monitor *monitor // of the last request for one
}

func (a *agent) Self(context.Context) (httpapi.Self, error) {
	return httpapi.Self{Config: map[string]any{"NodeName": "n1"}, Member: member("n1")}, a.err
}

func (a *agent) Members(wan bool) ([]httpapi.Member, error) {
	if wan {
		return a.wan, a.err
	}
	return []httpapi.Member{member("n1"), member("secret")}, a.err
}

func (a *agent) Join(_ context.Context, address string, wan bool) error {
	return a.note("join "+address, wan)
}
func (a *agent) Leave() error                 { return a.note("leave", false) }
func (a *agent) Reload(context.Context) error { return a.note("reload", false) }
func (a *agent) ForceLeave(node string, prune, wan bool) error {
	if prune {
		node += " prune"
	}
	return a.note("force-leave "+node, wan)
}

func (a *agent) note(what string, wan bool) error {
	if wan {
		what += " wan"
	}
	a.asked = append(a.asked, what)
	return a.err
}

func member(name string) httpapi.Member {
	return httpapi.Member{Name: name, Addr: "10.0.0.1", Port: 8301, Tags: map[string]string{"dc": "dc1"}, Status: 1, ProtocolMin: 1, ProtocolMax: 5, ProtocolCur: 2, DelegateMin: 2, DelegateMax: 5, DelegateCur: 4}
}

// fixture is an API over fakes.
type fixture struct {
	testing.TB
	caller caller
	local  *local
	agent  *agent
	opts   httpapi.Options
	api    *httpapi.API
}

func newFixture(t testing.TB, change func(*httpapi.Options)) *fixture {
	t.Helper()
	f := &fixture{TB: t, caller: caller{}, local: newLocal(), agent: &agent{}}
	f.opts = httpapi.Options{Caller: f.caller, Agent: f.agent, Local: f.local, Datacenter: "dc1", NodeName: "n1", SidecarMin: 21000, SidecarMax: 21255}
	if change != nil {
		change(&f.opts)
	}
	api, err := httpapi.New(f.opts)
	if err != nil {
		t.Fatal(err)
	}
	f.api = api
	return f
}

// do sends a request and returns the response with its body.
func (f *fixture) do(method, target, body string, header ...string) (*http.Response, string) {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.context(), 30*time.Second)
	defer cancel()
	req := httptest.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	f.api.ServeHTTP(rec, req)
	res := rec.Result()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		f.Fatal(err)
	}
	return res, string(text)
}

func (f *fixture) context() context.Context {
	if t, ok := f.TB.(interface{ Context() context.Context }); ok {
		return t.Context()
	}
	return context.Background()
}

// want sends a request and compares status and body.
func (f *fixture) want(method, target, body string, status int, answer string) *http.Response {
	f.Helper()
	res, got := f.do(method, target, body)
	if res.StatusCode != status || got != answer {
		f.Errorf("%s %s %s:\n got %d %s\nwant %d %s", method, target, body, res.StatusCode, got, status, answer)
	}
	return res
}

func wantHeader(t testing.TB, res *http.Response, name, want string) {
	t.Helper()
	if got := strings.Join(res.Header.Values(name), "; "); got != want {
		t.Errorf("header %s: got %q, want %q", name, got, want)
	}
}

var leaderMeta = rpc.ReadMeta{Index: 7, KnownLeader: true, Consistency: "leader"}

func kvReply(key, value string) *ops.KVGetReply {
	return &ops.KVGetReply{ReadMeta: leaderMeta, Entry: &catalog.KVEntry{Key: key, Value: []byte(value), CreateIndex: 5, ModifyIndex: 7}}
}

// serve sends a GET with a context and returns the status.
func (f *fixture) serve(ctx context.Context, target string) int {
	rec := httptest.NewRecorder()
	f.api.ServeHTTP(rec, httptest.NewRequestWithContext(ctx, "GET", target, nil))
	return rec.Code
}
