package httpapi_test

import (
	"context"
	"io"
	"math"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/httpapi"
	"praetor/internal/ops"
)

// creations lets a fixture answer creations and keeps the last.
func creations(f *fixture) *ops.SessionCreateRequest {
	got := new(ops.SessionCreateRequest)
	on(f.caller, ops.SessionCreate, func(_ context.Context, req *ops.SessionCreateRequest) (*ops.SessionCreateReply, error) {
		*got = *req
		return &ops.SessionCreateReply{ID: "1-2"}, nil
	})
	return got
}

func TestSessionCreateFillsInDefaults(t *testing.T) {
	base := catalog.Session{Node: "n1", LockDelay: 15 * time.Second, NodeChecks: []string{"serfHealth"}}
	with := func(change func(*catalog.Session)) catalog.Session {
		s := base
		change(&s)
		return s
	}
	delay := func(d time.Duration) catalog.Session {
		return with(func(s *catalog.Session) { s.LockDelay = d })
	}
	f := newFixture(t, nil)
	got := creations(f)
	for _, tt := range []struct {
		body string
		want catalog.Session
	}{
		{``, base},
		{`{}`, base},
		{`null`, base},
		{`{"ID":"mine","Namespace":"x","Unknown":[1],"CreateIndex":9} trailing`, base},
		{`{"Node":"n2","Name":"s","Behavior":"delete","ttl":"30s"}`, with(func(s *catalog.Session) { s.Node, s.Name, s.Behavior, s.TTL = "n2", "s", "delete", "30s" })},
		{`{"LockDelay":null}`, base},
		{`{"LockDelay":true}`, base},
		{`{"LockDelay":"20s"}`, delay(20 * time.Second)},
		{`{"LockDelay":"0.001s"}`, delay(time.Millisecond)},
		{`{"lockdelay":0}`, delay(0)},
		{`{"LockDelay":5}`, delay(5 * time.Second)},
		{`{"LockDelay":999}`, delay(999 * time.Second)},
		{`{"LockDelay":1000}`, delay(1000)},
		{`{"LockDelay":5e9}`, delay(5 * time.Second)},
		{`{"LockDelay":"-1s"}`, delay(-1e18)},
		{`{"LockDelay":"-10s"}`, delay(math.MinInt64)}, // as seconds it is beyond all spans
		{`{"LockDelay":1e300}`, delay(math.MaxInt64)},
		{`{"LockDelay":-1e300}`, delay(math.MinInt64)},
		{`{"LockDelay":"2562047h"}`, delay(2562047 * time.Hour)}, // the catalog makes a minute of it
		{`{"NodeChecks":null,"Checks":null}`, with(func(s *catalog.Session) { s.NodeChecks = []string{} })},
		{`{"NodeChecks":null}`, with(func(s *catalog.Session) { s.NodeChecks = nil })},
		{`{"Checks":null}`, with(func(s *catalog.Session) { s.NodeChecks = []string{} })},
		{`{"NodeChecks":null,"Checks":["nope"]}`, with(func(s *catalog.Session) { s.NodeChecks = nil })},
		{`{"NodeChecks":["c"],"Checks":null}`, with(func(s *catalog.Session) { s.NodeChecks = []string{"c"} })},
		{`{"LockDelay":null,"Node":null,"Behavior":null,"TTL":null,"ServiceChecks":null}`, base},
		{`{"NodeChecks":[]}`, with(func(s *catalog.Session) { s.NodeChecks = []string{} })},
		{`{"NodeChecks":["c"],"ServiceChecks":[{"ID":"w"}]}`, with(func(s *catalog.Session) {
			s.NodeChecks, s.ServiceChecks = []string{"c"}, []catalog.SessionServiceCheck{{ID: "w"}}
		})},
		{`{"Checks":["c"],"NodeChecks":["d"]}`, with(func(s *catalog.Session) { s.Checks, s.NodeChecks = []string{"c"}, []string{"d"} })},
		{`{"Checks":["c"]}`, with(func(s *catalog.Session) { s.Checks = []string{"c"} })},
		{`{"Checks":[]}`, with(func(s *catalog.Session) { s.NodeChecks = []string{} })},
		{`{"Checks":["c"],"NodeChecks":[]}`, with(func(s *catalog.Session) { s.NodeChecks = []string{} })},
	} {
		*got = ops.SessionCreateRequest{}
		f.want("PUT", "/v1/session/create?token=t", tt.body, 200, `{"ID":"1-2"}`)
		if !reflect.DeepEqual(got.Session, tt.want) || got.Token != "t" {
			t.Errorf("%s: got %+v, want %+v", tt.body, got.Session, tt.want)
		}
	}
}

// A body of unknown length is not looked at, as Consul's is not.
func TestSessionCreateIgnoresAChunkedBody(t *testing.T) {
	f := newFixture(t, nil)
	got := creations(f)
	req := httptest.NewRequestWithContext(t.Context(), "PUT", "/v1/session/create", io.MultiReader(strings.NewReader(`{"Name":"x"`)))
	rec := httptest.NewRecorder()
	f.api.ServeHTTP(rec, req)
	if rec.Code != 200 || got.Session.Name != "" || got.Session.Node != "n1" {
		t.Errorf("got %d and %+v, want 200 and defaults", rec.Code, got.Session)
	}
}

func TestSessionOfAnotherDatacenterIsThatLeadersUnlessNamed(t *testing.T) {
	client := newFixture(t, nil)
	creations(client)
	client.want("PUT", "/v1/session/create?dc=dc2", "", 500, "cross datacenter lock must be created at server agent")
	client.want("PUT", "/v1/session/create?dc=dc1", "", 200, `{"ID":"1-2"}`)
	server := newFixture(t, func(o *httpapi.Options) { o.Server = true })
	got := creations(server)
	for _, tt := range []struct{ target, body, dc, node string }{
		{"?dc=dc2", "", "dc2", ""},
		{"?dc=dc2", `{"Node":"x"}`, "dc2", "x"},
		{"?dc=dc1", "", "dc1", "n1"},
		{"", "", "", "n1"},
	} {
		server.want("PUT", "/v1/session/create"+tt.target, tt.body, 200, `{"ID":"1-2"}`)
		if got.Datacenter != tt.dc || got.Session.Node != tt.node {
			t.Errorf("%+v: got %q in %q", tt, got.Session.Node, got.Datacenter)
		}
	}
}

func TestSessionRefusals(t *testing.T) {
	f := newFixture(t, nil)
	creations(f)
	answering(f.caller, ops.SessionRenew, &ops.SessionRenewReply{})
	for _, tt := range []struct {
		method, target, body string
		status               int
		text                 string
	}{
		{"PUT", "/v1/session/create", "{bad", 400, "Request decode failed: invalid character 'b' looking for beginning of object key string"},
		{"PUT", "/v1/session/create", `{"LockDelay":"abc"}`, 400, `Request decode failed: time: invalid duration "abc"`},
		{"PUT", "/v1/session/create", `{"LockDelay":""}`, 400, `Request decode failed: time: invalid duration ""`},
		{"PUT", "/v1/session/destroy/", "", 400, "Missing session"},
		{"PUT", "/v1/session/renew/", "", 400, "Missing session"},
		{"PUT", "/v1/session/create", `{"Node":"","Behavior":"zz"}`, 500, "Must provide Node"},
		{"PUT", "/v1/session/renew/x?max_stale=abc", "", 400, `Invalid max_stale value "abc"`},
		{"PUT", "/v1/session/renew/x%2Fy", "", 404, "Session id 'x/y' not found"},
		{"GET", "/v1/session/info/", "", 400, "Missing session"},
		{"GET", "/v1/session/node/", "", 400, "Missing node name"},
		{"GET", "/v1/session/list?index=x", "", 400, "Invalid index"},
		{"GET", "/v1/session/create", "", 405, "method GET not allowed"},
		{"DELETE", "/v1/session/destroy/x", "", 405, "method DELETE not allowed"},
	} {
		f.want(tt.method, tt.target, tt.body, tt.status, tt.text)
	}
	for _, body := range []string{`[]`, `{"Name":5}`, `{"NodeChecks":"c"}`, `{"ServiceChecks":["c"]}`} {
		res, text := f.do("PUT", "/v1/session/create", body)
		if res.StatusCode != 400 || !strings.HasPrefix(text, "Request decode failed: json: cannot unmarshal ") {
			t.Errorf("%s: got %d %s", body, res.StatusCode, text)
		}
	}
	// What a list endpoint says of itself, it says when it fails too.
	delete(f.caller, ops.SessionList.Name)
	res, _ := f.do("GET", "/v1/session/list", "")
	wantHeader(t, res, "X-Consul-Index", "1")
	wantHeader(t, res, "X-Consul-Knownleader", "false")
}

func TestSessionShapes(t *testing.T) {
	f := newFixture(t, nil)
	full := &catalog.Session{
		ID: "1-2", Name: "s", Node: "n1", LockDelay: 15 * time.Second, Behavior: "release", TTL: "30s",
		NodeChecks: []string{"serfHealth"}, ServiceChecks: []catalog.SessionServiceCheck{{ID: "service:web"}}, Checks: []string{"c"}, CreateIndex: 31, ModifyIndex: 31,
	}
	bare := &catalog.Session{ID: "1-3", Node: "n1", Behavior: "delete", NodeChecks: []string{}}
	empty := &catalog.Session{ID: "1-4", Node: "n1", ServiceChecks: []catalog.SessionServiceCheck{}}
	const fullText = `{"ID":"1-2","Name":"s","Node":"n1","LockDelay":15000000000,"Behavior":"release","TTL":"30s",` +
		`"NodeChecks":["serfHealth"],"ServiceChecks":[{"ID":"service:web","Namespace":""}],"Checks":["c"],"CreateIndex":31,"ModifyIndex":31}`
	const bareText = `{"ID":"1-3","Name":"","Node":"n1","LockDelay":0,"Behavior":"delete","TTL":"","NodeChecks":[],"ServiceChecks":null,"CreateIndex":0,"ModifyIndex":0}`
	const emptyText = `{"ID":"1-4","Name":"","Node":"n1","LockDelay":0,"Behavior":"","TTL":"","NodeChecks":null,"ServiceChecks":[],"CreateIndex":0,"ModifyIndex":0}`
	answering(f.caller, ops.SessionList, &ops.SessionsReply{ReadMeta: leaderMeta, Sessions: []*catalog.Session{full, bare, empty}})
	on(f.caller, ops.SessionInfo, func(_ context.Context, req *ops.SessionInfoRequest) (*ops.SessionsReply, error) {
		rep := &ops.SessionsReply{ReadMeta: leaderMeta}
		if req.ID == "1-2" {
			rep.Sessions = []*catalog.Session{full}
		}
		return rep, nil
	})
	answering(f.caller, ops.SessionNode, &ops.SessionsReply{ReadMeta: leaderMeta})
	answering(f.caller, ops.SessionRenew, &ops.SessionRenewReply{Session: full})
	answering(f.caller, ops.SessionDestroy, &ops.Empty{})
	res := f.want("GET", "/v1/session/list?filter=bad(", "", 200, "["+fullText+","+bareText+","+emptyText+"]")
	wantHeader(t, res, "X-Consul-Index", "7")
	wantHeader(t, res, "X-Consul-Effective-Consistency", "")
	f.want("GET", "/v1/session/info/1-2", "", 200, "["+fullText+"]")
	f.want("GET", "/v1/session/info/none", "", 200, "[]")
	f.want("GET", "/v1/session/node/n1", "", 200, "[]")
	res = f.want("PUT", "/v1/session/renew/1-2", "", 200, "["+fullText+"]")
	wantHeader(t, res, "X-Consul-Index", "")
	f.want("PUT", "/v1/session/destroy/none", "", 200, "true")
}

func FuzzSessionBody(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `null`, `{"LockDelay":"1s"}`, `{"LockDelay":1e300}`, `{"LockDelay":-5}`, `{"LockDelay":{}}`, `{"NodeChecks":[],"Checks":["a"]}`,
		`{"ServiceChecks":[{"ID":"x","Namespace":null}]}`, `{"TTL":5}`, `[`, `{"Name":"` + "\xff" + `"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		x := newFixture(t, nil)
		got := creations(x)
		res, text := x.do("PUT", "/v1/session/create", body)
		switch {
		case res.StatusCode == 400 && strings.HasPrefix(text, "Request decode failed: "):
		case res.StatusCode != 200 || text != `{"ID":"1-2"}`:
			t.Errorf("%q: %d %s", body, res.StatusCode, text)
		case got.Session.Node == "" || got.Session.NodeChecks == nil || got.Session.ID != "":
			t.Errorf("%q became %+v", body, got.Session)
		}
	})
}
