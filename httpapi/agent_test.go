package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"praetor/httpapi"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/version"
)

// rules allows what it names: "service:read web".
type rules map[string]bool

func (r rules) Resolve(_ context.Context, token string) (*acl.Authorizer, error) {
	if token == "unknown" {
		return nil, fault.New(fault.Denied, "ACL not found")
	}
	return authorizer(token, func(n acl.Need) bool { return r[strings.TrimSpace(n.Permission()+" "+n.Name())] }), nil
}

// authorizer is one of the anonymous token if there is none.
func authorizer(token string, allows func(acl.Need) bool) *acl.Authorizer {
	if token == "" {
		return acl.New(acl.AnonymousAccessor, allows)
	}
	return acl.New("acc", allows)
}

func withRules(allowed ...string) func(*httpapi.Options) {
	return func(o *httpapi.Options) {
		r := rules{}
		for _, a := range allowed {
			r[a] = true
		}
		o.ACL = r
	}
}

func TestAgentCommandsReachTheAgent(t *testing.T) {
	f := newFixture(t, nil)
	for _, path := range []string{
		"join/10.0.0.1", "join/10.0.0.1?wan=1", "join/?wan=", "leave", "reload",
		"force-leave/x", "force-leave/x?prune&wan", "force-leave/x%2Fy",
	} {
		res := f.want("PUT", "/v1/agent/"+path, "", 200, "")
		wantHeader(t, res, "Content-Type", "application/json")
	}
	want := []string{"join 10.0.0.1", "join 10.0.0.1 wan", "join ", "leave", "reload", "force-leave x", "force-leave x prune wan", "force-leave x/y"}
	if !slices.Equal(f.agent.asked, want) {
		t.Errorf("asked %q, want %q", f.agent.asked, want)
	}
	f.agent.err = errors.New("agent: No node found with name 'x'")
	f.want("PUT", "/v1/agent/force-leave/x", "", 500, "agent: No node found with name 'x'")
}

func TestAgentMembers(t *testing.T) {
	f := newFixture(t, withRules("node:read n1"))
	one := `[{"Name":"n1","Addr":"10.0.0.1","Port":8301,"Tags":{"dc":"dc1"},"Status":1,"ProtocolMin":1,"ProtocolMax":5,"ProtocolCur":2,"DelegateMin":2,"DelegateMax":5,"DelegateCur":4}]`
	f.want("GET", "/v1/agent/members", "", 200, one)
	f.want("GET", "/v1/agent/members?wan", "", 200, one)
	f.want("GET", "/v1/agent/members?segment=_all", "", 200, one)
	for filter, list := range map[string]string{
		"Name==n1": one, "Tags.dc==dc1+and+Status==1": one, "Addr+is+not+empty": one, "Addr+contains+10": one, "Addr+contains+80": "[]", "DelegateCur==5": "[]",
	} {
		f.want("GET", "/v1/agent/members?filter="+filter, "", 200, list)
	}
	f.want("GET", "/v1/agent/members?filter=Addr+contains+x", "", 500, // it is a list of bytes
		`Failed to create boolean expression evaluator: Failed to coerce value "x" for selector "Addr": strconv.ParseUint: parsing "x": invalid syntax`)
	res := f.want("GET", "/v1/agent/members?token=t", "", 200, one)
	wantHeader(t, res, "X-Consul-Results-Filtered-By-ACLs", "true")
	f.want("GET", "/v1/agent/members?wan=1", "", 200, "null")
	f.agent.wan = []httpapi.Member{member("n1.dc1")}
	f.want("GET", "/v1/agent/members?wan=1&segment=_all", "", 200, "[]") // rules must match n1.dc1
	f.agent.wan = []httpapi.Member{}
	f.want("GET", "/v1/agent/members?wan=1", "", 200, "[]")
	f.want("GET", "/v1/agent/members?segment=x", "", 500, "Network segments are not supported in this version of Consul")
	f.want("GET", "/v1/agent/members?segment=x&wan=1", "", 400, "Cannot provide a segment with wan=true")
}

func TestAgentSelfAndVersion(t *testing.T) {
	f := newFixture(t, nil)
	_, body := f.do("GET", "/v1/agent/self", "")
	var self map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &self); err != nil {
		t.Fatal(err)
	}
	if string(self["Coord"]) != "null" || string(self["Config"]) != `{"NodeName":"n1"}` {
		t.Errorf("self: %s", body)
	}
	f.want("GET", "/v1/agent/version", "", 200, `{"SHA":"praetor-0.1.0","BuildDate":"`+version.BuildDate+`","HumanVersion":"`+version.Compatible+`","FIPS":""}`)
}

func TestAgentEndpointsAskForPermission(t *testing.T) {
	f := newFixture(t, withRules("service:write mine"))
	f.do("PUT", "/v1/agent/service/register", `{"Name":"mine","Checks":[{"CheckID":"c","TTL":"1h"}]}`)
	f.local.services["other"], f.local.checks["n"] = httpapiService("other"), httpapiCheck("n")
	for path, permission := range map[string]string{
		"GET /v1/agent/self":                                          `agent:read' on "n1"`,
		"PUT /v1/agent/join/x":                                        `agent:write' on "n1"`,
		"PUT /v1/agent/leave":                                         `agent:write' on "n1"`,
		"PUT /v1/agent/reload":                                        `agent:write' on "n1"`,
		"PUT /v1/agent/force-leave/x":                                 `operator:write'`,
		"PUT /v1/agent/maintenance?enable=true":                       `node:write' on "n1"`,
		"GET /v1/agent/service/other":                                 `service:read' on "other"`,
		"GET /v1/agent/health/service/id/other":                       `service:read' on "other"`,
		"GET /v1/agent/health/service/name/other":                     `service:read' on "other"`,
		"PUT /v1/agent/service/deregister/other":                      `service:write' on "other"`,
		"PUT /v1/agent/service/maintenance/other?enable=1":            `service:write' on "other"`,
		"PUT /v1/agent/check/deregister/n":                            `node:write' on "n1"`,
		"PUT /v1/agent/check/pass/n":                                  `node:write' on "n1"`,
		`PUT /v1/agent/service/register {"Name":"other"}`:             `service:write' on "other"`,
		`PUT /v1/agent/service/register {"Name":"mine","ID":"other"}`: `service:write' on "other"`,
		`PUT /v1/agent/service/register {"Name":"mine","Kind":"connect-proxy","Port":1,"Proxy":{"DestinationServiceName":"db"}}`: `service:write' on "db"`,
		`PUT /v1/agent/service/register {"Name":"mine","Connect":{"SidecarService":{"Port":1}}}`:                                 `service:write' on "mine-sidecar-proxy"`,
		`PUT /v1/agent/check/register {"Name":"x","TTL":"1h"}`:                                                                   `node:write' on "n1"`,
		`PUT /v1/agent/check/register {"Name":"x","TTL":"1h","ServiceID":"other"}`:                                               `service:write' on "other"`,
		`PUT /v1/agent/check/register {"ID":"n","Name":"x","TTL":"1h","ServiceID":"mine"}`:                                       `node:write' on "n1"`,
	} {
		method, target, body := path[:3], path[4:], ""
		if i := slices.Index([]byte(target), ' '); i > 0 {
			target, body = target[:i], target[i+1:]
		}
		f.want(method, target, body, 403, "Permission denied: anonymous token lacks permission '"+permission+". The anonymous token is used implicitly when a request does not specify a token.")
	}
	f.want("GET", "/v1/agent/services", "", 200, "{}")
	res := f.want("GET", "/v1/agent/checks?token=t", "", 200, "{}")
	wantHeader(t, res, "X-Consul-Results-Filtered-By-ACLs", "true")
	f.want("GET", "/v1/agent/self?token=t", "", 403, `Permission denied: token with AccessorID 'acc' lacks permission 'agent:read' on "n1"`)
	for _, path := range []string{"self", "services", "checks", "members", "service/x", "health/service/id/x"} {
		f.want("GET", "/v1/agent/"+path+"?token=unknown", "", 403, "ACL not found")
	}
	if !reflect.DeepEqual(f.agent.asked, []string(nil)) {
		t.Errorf("the agent was asked %q", f.agent.asked)
	}
	f.want("PUT", "/v1/agent/check/pass/c?note=fine", "", 200, "")
}
