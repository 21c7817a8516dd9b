package httpapi_test

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"praetor/httpapi"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

const (
	unknownAPI = "Invalid URL path: not a recognized HTTP API endpoint\n"
	notAPI     = "Invalid URL path: if attempting to use the HTTP API, ensure the path starts with '/v1/'\n"
)

func TestUnknownPathsSayWhatIsWrong(t *testing.T) {
	f := newFixture(t, func(o *httpapi.Options) { o.ResponseHeaders = map[string]string{"X-Test": "one"} })
	for path, want := range map[string]string{
		"/v1/nope": unknownAPI, "/v1/": unknownAPI, "/v1/agent/foo/bar": unknownAPI, "/v1/catalog": unknownAPI,
		"/v1/status/leader/": unknownAPI, "/v1/namespaces": unknownAPI, "/v1/agent": unknownAPI,
		"/v1": notAPI, "/v2/kv/a": notAPI, "/nope": notAPI, "/api/x": "404 page not found\n",
	} {
		res := f.want("GET", path, "", 404, want)
		wantHeader(t, res, "Content-Type", "text/plain; charset=utf-8")
		wantHeader(t, res, "X-Test", "one")
		wantHeader(t, res, "Vary", "")
	}
}

func TestOddPathsAreRedirectedWithTheirQuery(t *testing.T) {
	f := newFixture(t, nil)
	for _, tt := range []struct{ method, target, location, body string }{
		{"GET", "/v1/kv", "/v1/kv/", "<a href=\"/v1/kv/\">Temporary Redirect</a>.\n\n"},
		{"GET", "/v1/catalog/service?tag=a", "/v1/catalog/service/?tag=a", "<a href=\"/v1/catalog/service/?tag=a\">Temporary Redirect</a>.\n\n"},
		{"PUT", "/v1/agent/service/maintenance", "/v1/agent/service/maintenance/", ""},
		{"PUT", "/v1/kv//lead", "/v1/kv/lead", ""},
		{"PUT", "/v1/kv/a//b?x=y", "/v1/kv/a/b?x=y", ""},
		{"GET", "/v1/kv/./dot", "/v1/kv/dot", "<a href=\"/v1/kv/dot\">Temporary Redirect</a>.\n\n"},
		{"GET", "/v1/kv/x/../y", "/v1/kv/y", "<a href=\"/v1/kv/y\">Temporary Redirect</a>.\n\n"},
		{"GET", "/v1//kv/trail/", "/v1/kv/trail/", "<a href=\"/v1/kv/trail/\">Temporary Redirect</a>.\n\n"},
	} {
		res := f.want(tt.method, tt.target, "", 307, tt.body)
		wantHeader(t, res, "Location", tt.location)
	}
}

func TestNamesInPathsAreDecodedNotCleaned(t *testing.T) {
	f := newFixture(t, nil)
	key := ""
	on(f.caller, ops.KVGet, func(_ context.Context, req *ops.KVGetRequest) (*ops.KVGetReply, error) {
		key = req.Key
		return kvReply(req.Key, "v"), nil
	})
	for path, want := range map[string]string{
		"a%2F%2Fb": "a//b", "%2Flead": "/lead", "x/%2E%2E/y": "x/../y", "pl+us": "pl+us", "sp%20ace": "sp ace",
		"trail/": "trail/", "gr%C3%BC": "grü", "gr%C3": "gr\xc3", "p%25c": "p%c", "%F0%9F%98%80": "😀", "register": "register",
	} {
		if f.do("GET", "/v1/kv/"+path, ""); key != want {
			t.Errorf("%s: got key %q, want %q", path, key, want)
		}
	}
	for _, path := range []string{"a%00b", "a%07", "%E2%80%8B", "a%0Ab", "%7F"} {
		res := f.want("GET", "/v1/kv/"+path, "", 400, "")
		wantHeader(t, res, "Content-Type", "")
	}
}

func TestMethodsAreCheckedPerPattern(t *testing.T) {
	f := newFixture(t, nil)
	for _, tt := range []struct{ method, path, allow string }{
		{"POST", "/v1/kv/a", "OPTIONS,GET,PUT,DELETE"},
		{"HEAD", "/v1/catalog/nodes", "OPTIONS,GET"},
		{"GET", "/v1/catalog/register", "OPTIONS,PUT"},
		{"PUT", "/v1/agent/service/nope", "OPTIONS,GET"},
		{"GET", "/v1/agent/service/register", "OPTIONS,PUT"},
		{"get", "/v1/status/leader", "OPTIONS,GET"},
		{"POST", "/v1/query/x", "GET,PUT,DELETE"},
		{"HEAD", "/v1/query/x/execute", "GET"},
		{"DELETE", "/v1/query/x/execute", "GET"},
		{"PATCH", "/v1/query/x/explain", "GET"},
		{"HEAD", "/v1/query", "OPTIONS,GET,POST"},
	} {
		res := f.want(tt.method, tt.path, "", 405, "method "+tt.method+" not allowed")
		wantHeader(t, res, "Allow", tt.allow)
	}
	for _, r := range httpapi.Routes() {
		res := f.want("OPTIONS", r.Pattern, "", 200, "")
		wantHeader(t, res, "Allow", "OPTIONS,"+strings.Join(r.Methods, ","))
		wantHeader(t, res, "Content-Type", "application/json")
		wantHeader(t, res, "Vary", "Accept-Encoding")
		wantHeader(t, res, "X-Consul-Default-Acl-Policy", "allow")
	}
}

func TestConfiguredRefusals(t *testing.T) {
	f := newFixture(t, func(o *httpapi.Options) {
		o.BlockEndpoints = []string{"/v1/kv/blocked"}
		o.AllowWriteFrom = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} // httptest comes from 192.0.2.1
	})
	answering(f.caller, ops.KVGet, &ops.KVGetReply{ReadMeta: leaderMeta})
	f.want("GET", "/v1/kv/blocked/x", "", 403, "Endpoint is blocked by agent configuration")
	f.want("OPTIONS", "/v1/kv/blocked/x", "", 403, "Endpoint is blocked by agent configuration")
	f.want("PUT", "/v1/kv/a", "1", 403, "Access is restricted")
	f.want("DELETE", "/v1/kv/a", "", 403, "Access is restricted")
	f.want("PUT", "/v1/agent/maintenance?enable=true", "", 403, "Access is restricted")
	f.want("POST", "/v1/kv/a", "", 405, "method POST not allowed")
	f.want("OPTIONS", "/v1/kv/a", "", 200, "")
	f.want("GET", "/v1/kv/a", "", 404, "")
}

func TestEnterpriseTenancyIsRefused(t *testing.T) {
	f := newFixture(t, nil)
	answering(f.caller, ops.KVGet, &ops.KVGetReply{ReadMeta: leaderMeta})
	answering(f.caller, ops.CatalogNodes, &ops.CatalogNodesReply{ReadMeta: leaderMeta})
	ns := `Invalid query parameter: "ns" - Namespaces are a Consul Enterprise feature`
	f.want("GET", "/v1/kv/a?ns=default", "", 400, ns)
	f.want("GET", "/v1/agent/services?ns=x", "", 400, ns)
	f.want("GET", "/v1/kv/a?partition=x", "", 400, `Invalid query parameter: "partition" - Partitions are a Consul Enterprise feature`)
	f.want("GET", "/v1/kv/a?ns=", "", 404, "")
	f.want("GET", "/v1/catalog/nodes?ns=x", "", 200, "[]")
	f.want("PUT", "/v1/agent/join/x?ns=x", "", 200, "")
	f.want("PUT", "/v1/agent/check/update/x?ns=x", "{", 400, "Request decode failed: unexpected EOF")
	f.want("PUT", "/v1/agent/check/update/x?ns=x", `{"Status":"bogus"}`, 400, ns)
	f.want("GET", "/v1/catalog/nodes?partition=x", "", 400, `Invalid query parameter: "partition" - Partitions are a Consul Enterprise feature`)
	if res, body := f.do("GET", "/v1/agent/self?ns=x", ""); res.StatusCode != 200 {
		t.Errorf("self: %d %s", res.StatusCode, body)
	}
	for _, h := range []string{"Namespace", "Partition"} {
		res, body := f.do("GET", "/v1/kv/a", "", "X-Consul-"+h, "default")
		if want := `Invalid header: "X-Consul-` + h + `" - ` + h + `s are a Consul Enterprise feature`; res.StatusCode != 400 || body != want {
			t.Errorf("header %s: %d %s", h, res.StatusCode, body)
		}
		if res, _ := f.do("GET", "/v1/kv/a", "", "X-Consul-"+h, ""); res.StatusCode != 404 {
			t.Errorf("empty header %s: %d", h, res.StatusCode)
		}
	}
}

func TestTokenPrecedence(t *testing.T) {
	f := newFixture(t, func(o *httpapi.Options) { o.DefaultToken = func() string { return "configured" } })
	token := ""
	on(f.caller, ops.KVGet, func(_ context.Context, req *ops.KVGetRequest) (*ops.KVGetReply, error) {
		token = req.Token
		return &ops.KVGetReply{}, nil
	})
	for _, tt := range []struct {
		target string
		header []string
		want   string
	}{
		{"/v1/kv/a", nil, "configured"},
		{"/v1/kv/a", []string{"Authorization", "bearer c d"}, "c"},
		{"/v1/kv/a", []string{"Authorization", "Basic c"}, "configured"},
		{"/v1/kv/a", []string{"Authorization", "Bearer c", "X-Consul-Token", "b"}, "b"},
		{"/v1/kv/a?token=a", []string{"Authorization", "Bearer c", "X-Consul-Token", "b"}, "a"},
	} {
		if f.do("GET", tt.target, "", tt.header...); token != tt.want {
			t.Errorf("%s %v: got %q, want %q", tt.target, tt.header, token, tt.want)
		}
	}
}

func TestReadParametersReachTheOperation(t *testing.T) {
	f := newFixture(t, func(o *httpapi.Options) { o.DefaultQueryTime, o.MaxQueryTime = time.Minute, 2*time.Minute })
	var got ops.KVGetRequest
	on(f.caller, ops.KVGet, func(_ context.Context, req *ops.KVGetRequest) (*ops.KVGetReply, error) {
		got = *req
		return &ops.KVGetReply{}, nil
	})
	for query, check := range map[string]func(*ops.KVGetRequest) bool{
		"":                          func(r *ops.KVGetRequest) bool { return r.MinIndex == 0 && r.MaxWait == 0 && !r.Stale && !r.Consistent },
		"index=5":                   func(r *ops.KVGetRequest) bool { return r.MinIndex == 5 && r.MaxWait == time.Minute },
		"index=5&wait=1m30s":        func(r *ops.KVGetRequest) bool { return r.MaxWait == 90*time.Second },
		"index=5&wait=100h":         func(r *ops.KVGetRequest) bool { return r.MaxWait == 2*time.Minute },
		"index=5&wait=-1s":          func(r *ops.KVGetRequest) bool { return r.MaxWait == time.Minute },
		"index=&wait=":              func(r *ops.KVGetRequest) bool { return r.MinIndex == 0 },
		"stale=false":               func(r *ops.KVGetRequest) bool { return r.Stale },
		"consistent":                func(r *ops.KVGetRequest) bool { return r.Consistent },
		"max_stale=5s":              func(r *ops.KVGetRequest) bool { return r.Stale && r.MaxStale == 5*time.Second },
		"leader":                    func(r *ops.KVGetRequest) bool { return !r.Stale && !r.Consistent },
		"dc=a&datacenter=b":         func(r *ops.KVGetRequest) bool { return r.Datacenter == "b" },
		"dc=a&filter=x&near=y&zz=1": func(r *ops.KVGetRequest) bool { return r.Datacenter == "a" },
	} {
		got = ops.KVGetRequest{}
		if f.do("GET", "/v1/kv/a?"+query, ""); !check(&got) {
			t.Errorf("%q: got %+v", query, got)
		}
	}
	for query, want := range map[string]string{
		"index=x": "Invalid index", "index=1.5": "Invalid index", "index=-1": "Invalid index", "index=18446744073709551616": "Invalid index",
		"wait=1": "Invalid wait time", "index=1&wait=1d": "Invalid wait time", "wait=1e3ms": "Invalid wait time",
		"max_stale=xx":      `Invalid max_stale value "xx"`,
		"stale&consistent":  "Cannot specify ?stale with ?consistent, conflicting semantics.",
		"cached&consistent": "Cannot specify ?cached with ?consistent, conflicting semantics.",
	} {
		for _, path := range []string{"/v1/kv/a", "/v1/catalog/nodes", "/v1/health/service/web", "/v1/status/leader"} {
			f.want("GET", path+"?"+query, "", 400, want)
		}
	}
	res := f.want("GET", "/v1/catalog/nodes?x=%zz", "", 500, "")
	wantHeader(t, res, "Content-Type", "text/plain; charset=utf-8")
	f.want("GET", "/v1/catalog/nodes?a=1;b=2", "", 500, "")
}

func TestDiscoveryMaxStaleMakesCatalogReadsStale(t *testing.T) {
	f := newFixture(t, func(o *httpapi.Options) { o.DiscoveryMaxStale = time.Minute })
	var got ops.CatalogNodesRequest
	on(f.caller, ops.CatalogNodes, func(_ context.Context, req *ops.CatalogNodesRequest) (*ops.CatalogNodesReply, error) {
		got = *req
		return &ops.CatalogNodesReply{}, nil
	})
	for query, want := range map[string]bool{"": true, "?leader": false, "?consistent": false, "?stale": true, "?leader&max_stale=10s": true} {
		if f.do("GET", "/v1/catalog/nodes"+query, ""); got.Stale != want {
			t.Errorf("%q: stale %t, want %t", query, got.Stale, want)
		}
	}
	kvStale := true
	on(f.caller, ops.KVGet, func(_ context.Context, req *ops.KVGetRequest) (*ops.KVGetReply, error) {
		kvStale = req.Stale
		return &ops.KVGetReply{}, nil
	})
	if f.do("GET", "/v1/kv/a", ""); kvStale {
		t.Error("KV became stale")
	}
}

func TestMetaHeaders(t *testing.T) {
	f := newFixture(t, nil)
	meta := leaderMeta
	meta.Index, meta.LastContact, meta.Filtered, meta.Consistency = 0, 1500*time.Microsecond, true, "stale"
	answering(f.caller, ops.CatalogNodes, &ops.CatalogNodesReply{ReadMeta: meta})
	answering(f.caller, ops.KVGet, &ops.KVGetReply{ReadMeta: leaderMeta})
	res, _ := f.do("GET", "/v1/catalog/nodes?token=t", "")
	for name, want := range map[string]string{
		"X-Consul-Index": "1", "X-Consul-KnownLeader": "true", "X-Consul-LastContact": "1", "X-Consul-Query-Backend": "blocking-query",
		"X-Consul-Effective-Consistency": "stale", "X-Consul-Results-Filtered-By-ACLs": "true",
	} {
		wantHeader(t, res, name, want)
	}
	res, _ = f.do("GET", "/v1/catalog/nodes", "")
	wantHeader(t, res, "X-Consul-Results-Filtered-By-ACLs", "")
	res, _ = f.do("GET", "/v1/kv/a", "")
	wantHeader(t, res, "X-Consul-Index", "7")
	wantHeader(t, res, "X-Consul-LastContact", "0")
	wantHeader(t, res, "X-Consul-Effective-Consistency", "")
	wantHeader(t, res, "Content-Type", "")
}

func TestFailedListsStillShowMetaHeaders(t *testing.T) {
	f := newFixture(t, nil)
	for path, want := range map[string]string{
		"/v1/catalog/nodes": "1", "/v1/health/state/any": "1", "/v1/kv/a": "", "/v1/health/service/a": "",
		"/v1/query": "1", "/v1/query/x": "1", "/v1/query/x/execute": "1", "/v1/query/x/explain": "1",
		"/v1/query/x/execute?limit=x": "", "/v1/query?max_stale=x": "",
		"/v1/internal/ui/services": "1", "/v1/internal/ui/node/x": "",
	} {
		res, _ := f.do("GET", path, "")
		wantHeader(t, res, "X-Consul-Index", want)
	}
}

func TestKindsBecomeStatusCodes(t *testing.T) {
	f := newFixture(t, nil)
	var err error
	on(f.caller, ops.KVGet, func(context.Context, *ops.KVGetRequest) (*ops.KVGetReply, error) { return nil, err })
	for _, tt := range []struct {
		err    error
		status int
	}{
		{fault.New(fault.Invalid, "x"), 400},
		{fault.New(fault.Rejected, "No path to datacenter"), 500},
		{fault.New(fault.NotFound, "x"), 404},
		{fault.New(fault.Denied, "Permission denied"), 403},
		{fault.New(fault.Conflict, "x"), 409},
		{fault.New(fault.NoLeader, "No cluster leader"), 500},
		{fault.New(fault.Limit, "rate limit exceeded, try again later or against a different server"), 429},
		{fault.New(fault.TooLarge, "x"), 413},
		{io.ErrUnexpectedEOF, 500},
		{fault.New(fault.Internal, "token does not exist: ACL not found"), 403},
	} {
		err = tt.err
		res := f.want("GET", "/v1/kv/a", "", tt.status, tt.err.Error())
		wantHeader(t, res, "Content-Type", "text/plain; charset=utf-8")
	}
}

func TestPrettyAndDevelopmentIndent(t *testing.T) {
	for _, tt := range []struct {
		dev          bool
		query, wants string
	}{
		{false, "", `["a"]`},
		{false, "?pretty", "[\n    \"a\"\n]\n"},
		{false, "?pretty=false", "[\n    \"a\"\n]\n"},
		{true, "", "[\n    \"a\"\n]"},
		{true, "?pretty", "[\n    \"a\"\n]\n"},
	} {
		f := newFixture(t, func(o *httpapi.Options) { o.Dev = tt.dev })
		answering(f.caller, ops.StatusPeers, &ops.StatusPeersReply{Addresses: []string{"a"}})
		answering(f.caller, ops.HealthService, &ops.HealthServiceReply{})
		f.want("GET", "/v1/status/peers"+tt.query, "", 200, tt.wants)
		end := ""
		if tt.query != "" {
			end = "\n"
		}
		f.want("GET", "/v1/health/service/none"+tt.query, "", 200, "[]"+end)
	}
}

func TestLargeBodiesAreCompressedForThoseWhoLikeIt(t *testing.T) {
	f := newFixture(t, nil)
	large := strings.Repeat("x", 1400-2)
	answering(f.caller, ops.StatusLeader, &ops.StatusLeaderReply{Address: large})
	for accept, zipped := range map[string]bool{
		"gzip": true, "deflate, gzip;q=0.5": true, "GZIP": true, "gzip;q=0": false, "identity": false, "": false, "gzip;q=x": false, "br, gzip": true,
	} {
		res, body := f.do("GET", "/v1/status/leader", "", "Accept-Encoding", accept)
		if got := res.Header.Get("Content-Encoding") == "gzip"; got != zipped {
			t.Errorf("%q: compressed %t, want %t", accept, got, zipped)
			continue
		}
		if zipped {
			r, err := gzip.NewReader(strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			plain, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			body = string(plain)
		}
		if body != `"`+large+`"` {
			t.Errorf("%q: body of %d bytes differs", accept, len(body))
		}
	}
	answering(f.caller, ops.StatusLeader, &ops.StatusLeaderReply{Address: large[1:]})
	res, _ := f.do("GET", "/v1/status/leader", "", "Accept-Encoding", "gzip")
	wantHeader(t, res, "Content-Encoding", "")
	wantHeader(t, res, "Content-Length", "1399")
}

func TestUserInterfaceIsServedBesideTheAPI(t *testing.T) {
	f := newFixture(t, func(o *httpapi.Options) {
		pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "page "+r.URL.Path) })
		o.UI = func() httpapi.UI { return httpapi.UI{Pages: pages, Path: "/ui/"} }
		o.ResponseHeaders = map[string]string{"X-Test": "one"}
	})
	res, _ := f.do("GET", "/", "")
	if res.StatusCode != 301 {
		t.Errorf("root: %d", res.StatusCode)
	}
	wantHeader(t, res, "Location", "/ui/")
	res, _ = f.do("GET", "/ui", "")
	wantHeader(t, res, "Location", "/ui/")
	res = f.want("GET", "/ui/some/path", "", 200, "page /ui/some/path")
	wantHeader(t, res, "X-Test", "one")
	f.want("GET", "/uix", "", 404, notAPI)
	if res, body := newFixture(t, nil).do("GET", "/", ""); res.StatusCode != 200 || strings.Contains(body, "\n") {
		t.Errorf("root without UI: %d %q", res.StatusCode, body)
	}
}

func TestNewNamesAllThatIsMissingInOneOrder(t *testing.T) {
	const want = "Caller is missing\nAgent is missing\nLocal is missing\nDatacenter is missing\nNodeName is missing"
	for range 20 {
		_, err := httpapi.New(httpapi.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("%v, want %s", err, want)
		}
	}
}

func TestProfilesAreServedWhereDebuggingIsOn(t *testing.T) {
	on := false
	f := newFixture(t, func(o *httpapi.Options) { o.Debug = func() bool { return on } })
	f.want("GET", "/debug/pprof/heap", "", http.StatusNotFound, "")
	on = true
	for path, want := range map[string]string{"": "profile?debug=1", "goroutine?debug=1": "goroutine profile: total", "cmdline": "httpapi.test", "heap?debug=1": "heap profile:"} {
		if res, body := f.do("GET", "/debug/pprof/"+path, ""); res.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d, %.80q", path, res.StatusCode, body)
		}
	}
}

func TestProfilesUnderAccessRulesAreForOperators(t *testing.T) {
	for right, want := range map[string]int{"operator:read": http.StatusOK, "agent:read n1": http.StatusForbidden} {
		for _, debug := range []bool{true, false} {
			f := newFixture(t, func(o *httpapi.Options) {
				withRules(right)(o)
				o.ACLs.Enabled, o.Debug = true, func() bool { return debug }
			})
			res, body := f.do("GET", "/debug/pprof/cmdline", "")
			if res.StatusCode != want || want != http.StatusOK && body != "" {
				t.Errorf("%s, enable_debug %t: %d %q, want %d", right, debug, res.StatusCode, body, want)
			}
		}
	}
}

// A browser shall not have to guess what an answer is: whatever has a body says so.
func TestEveryAnswerWithABodyHasAContentType(t *testing.T) {
	f := newFixture(t, nil)
	paths := []string{"/", "/nowhere", "/v1/nowhere", "/api/x", "/v1/kv", "/v1//kv/a", "/debug/pprof/", "/v1/kv/%07", "/v1/kv/a?%zz"}
	for _, r := range httpapi.Routes() {
		paths = append(paths, r.Pattern, r.Pattern+"x")
	}
	for _, path := range paths {
		if path == "/v1/agent/monitor" || path == "/v1/agent/metrics/stream" || path == "/v1/snapshot" {
			continue // they go on and on, or ask for more than this fixture has
		}
		for _, method := range []string{"GET", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "X"} {
			for _, body := range []string{"", "{"} {
				rec := httptest.NewRecorder()
				f.api.ServeHTTP(rec, httptest.NewRequest(method, path, strings.NewReader(body)))
				if rec.Body.Len() > 0 && rec.Header().Get("Content-Type") == "" {
					t.Errorf("%s %s %s: %d %q has none", method, path, body, rec.Code, rec.Body)
				}
			}
		}
	}
}
