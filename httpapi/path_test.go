package httpapi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"praetor/httpapi"
	"praetor/internal/ops"
)

func TestNoNameLeadsToAnotherEndpoint(t *testing.T) {
	f := newFixture(t, nil)
	for _, route := range httpapi.Routes() {
		if !strings.HasSuffix(route.Pattern, "/") {
			continue
		}
		up := strings.Repeat("../", strings.Count(route.Pattern, "/"))
		for _, name := range []string{
			up + "v1/agent/leave", "x/../" + up + "v1/agent/leave", "./" + up + "v1/session/create", up, "..", "//" + up + "v1/txn",
		} {
			for _, method := range []string{"GET", "PUT", "POST", "DELETE"} {
				res, body := f.do(method, route.Pattern+name, "")
				if res.StatusCode != http.StatusBadRequest || !strings.Contains(body, "%2e%2e") {
					t.Errorf("%s %s%s: got %d %q, Location %q", method, route.Pattern, name, res.StatusCode, body, res.Header.Get("Location"))
				}
			}
		}
	}
	for _, path := range []string{"/v1/txn/../agent/leave", "/ui/../v1/agent/leave", "/v1/agent/service//register"} {
		if res, body := f.do("PUT", path, ""); res.StatusCode != http.StatusBadRequest {
			t.Errorf("PUT %s: got %d %q", path, res.StatusCode, body)
		}
	}
	if len(f.agent.asked) > 0 {
		t.Errorf("the agent did %q", f.agent.asked)
	}
}

func TestPathsAreCleanedInsideTheirEndpoint(t *testing.T) {
	f := newFixture(t, nil)
	for path, want := range map[string]string{
		"/v1/kv//lead": "/v1/kv/lead", "/v1/kv/a//b?x=y": "/v1/kv/a/b?x=y", "/v1/kv/./dot": "/v1/kv/dot", "/v1/kv/x/../y": "/v1/kv/y",
		"/v1//kv/trail/": "/v1/kv/trail/", "/v1/kv": "/v1/kv/", "/v1/kv/a/..": "/v1/kv/", "/v1/query//execute": "/v1/query/execute",
	} {
		res, _ := f.do("PUT", path, "")
		if res.StatusCode != http.StatusTemporaryRedirect || res.Header.Get("Location") != want {
			t.Errorf("%s: got %d to %q, want %q", path, res.StatusCode, res.Header.Get("Location"), want)
		}
	}
}

func TestEncodedDotsAreServedAsNames(t *testing.T) {
	f := newFixture(t, func(o *httpapi.Options) { o.AllowOddKeys = true })
	var key string
	on(f.caller, ops.KVApply, func(_ context.Context, req *ops.KVApplyRequest) (*ops.KVApplyReply, error) {
		key = req.Write.Entry.Key
		return &ops.KVApplyReply{Done: true}, nil
	})
	for path, want := range map[string]string{
		"%2e%2e/agent/leave": "../agent/leave", "..%2fagent/leave": "../agent/leave", "%2E./x": "../x", ".%2e%2Fx": "../x",
		"a%2F%2Fb": "a//b", "%2e": ".", "...": "...", "..a/b..": "..a/b..",
	} {
		if f.want("PUT", "/v1/kv/"+path, "x", 200, "true"); key != want {
			t.Errorf("%s: wrote %q, want %q", path, key, want)
		}
	}
}
