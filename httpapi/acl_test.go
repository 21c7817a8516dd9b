package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"praetor/httpapi"
)

func TestEndpointsOfACLsSayThatThereAreNone(t *testing.T) {
	f := newFixture(t, nil)
	found := 0
	for _, r := range httpapi.Routes() {
		if !strings.Contains(r.Pattern, "/acl/") && r.Pattern != "/v1/agent/token/" {
			continue
		}
		for _, method := range r.Methods {
			found++
			res := f.want(method, r.Pattern, "{}", http.StatusUnauthorized, "ACL support disabled")
			wantHeader(t, res, "Content-Type", "text/plain; charset=utf-8")
		}
	}
	if found < 30 {
		t.Errorf("%d methods only", found)
	}
	f.want("DELETE", "/v1/acl/policy/x", "", http.StatusUnauthorized, "ACL support disabled")
	f.want("POST", "/v1/acl/policies", "", http.StatusMethodNotAllowed, "method POST not allowed")
	f.want("PUT", "/v1/acl/create", "", http.StatusNotFound, "Invalid URL path: not a recognized HTTP API endpoint\n")
}
