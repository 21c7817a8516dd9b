package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"praetor/httpapi"
	"praetor/internal/acl"
	"praetor/internal/rpc"
)

func TestBodiesOfWrongTypesAreToldByTheirKeys(t *testing.T) {
	f := newFixture(t, nil)
	const cannot = "Request decode failed: json: cannot unmarshal "
	for _, tt := range []struct{ path, body, want string }{
		{register, `{"Name":"x","Port":"80"}`, "string into Go struct field Port of type int"},
		{register, `{"Name":"x","Checks":[{"OutputMaxSize":"a"}]}`, "string into Go struct field Checks.OutputMaxSize of type int"},
		{register, `{"Name":"x","Checks":4}`, "number into Go struct field Checks of type slice"},
		{register, `{"Name":"x","Tags":"a"}`, "string into Go struct field Tags of type []string"},
		{register, `{"Name":"x","Proxy":{"mesh_gateway":4}}`, "number into Go struct field Proxy.mesh_gateway of type struct"},
		{register, `{"Name":"x","TaggedAddresses":{"lan":{"Port":"x"}}}`, "string into Go struct field TaggedAddresses.Port of type int"},
		{register, `{"Name":"x","Connect":{"SidecarService":{"Port":"x"}}}`, "string into Go struct field Connect.SidecarService.Port of type int"},
		{register, `[]`, "array into Go value of type struct"},
		{"/v1/catalog/register", `{"Service":{"Port":"80"}}`, "string into Go struct field Service.Port of type int"},
		{"/v1/catalog/deregister", `{"Node":1}`, "number into Go struct field Node of type string"},
		{"/v1/agent/check/update/c", `{"Status":1}`, "number into Go struct field Status of type string"},
	} {
		f.want("PUT", tt.path, tt.body, 400, cannot+tt.want)
	}
	f.want("PUT", "/v1/operator/autopilot/configuration", `{"MinQuorum":"3"}`, 400,
		"Error parsing autopilot config: json: cannot unmarshal string into Go struct field MinQuorum of type uint64")
}

// FuzzBodies holds every endpoint that reads JSON to its promise: whatever a
// client sends, it is refused or asked of the servers, and never leaks a name of ours.
func FuzzBodies(f *testing.F) {
	for _, seed := range []string{
		`{"Node":"n","Address":"a","Service":{"Service":"s"},"Checks":[null,{}]}`, `{"Node":1}`, `{"Key":"x"}`, `{"LastContactThreshold":"1s","MinQuorum":-1}`,
		`{"Status":"passing","Output":[]}`, `{"Service":{"Port":{}}}`, `{"Service":{"Connect":{"Native":3}}}`, `null`, `[]`, `"`, ``, `{"Definition":{"TTL":"x"}}`,
		`{"Name":"q","Service":{"Service":"s","Failover":{"Targets":[{}]}},"Template":{"Type":[]}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		x := newFixture(t, nil)
		for method, paths := range map[string][]string{
			"PUT": {
				register, "/v1/agent/check/register", "/v1/agent/check/update/c", "/v1/catalog/register", "/v1/catalog/deregister",
				"/v1/operator/autopilot/configuration", "/v1/coordinate/update", "/v1/agent/token/default", "/v1/operator/keyring", "/v1/query/x",
			},
			"POST":   {"/v1/operator/keyring", "/v1/query"},
			"DELETE": {"/v1/operator/keyring"},
		} {
			for _, path := range paths {
				res, text := x.do(method, path, body)
				if res.StatusCode == 400 && leaks(body, text) {
					t.Errorf("%s %s %q: %s", method, path, body, text)
				}
			}
		}
	})
}

// leaks reports whether an answer names a type of ours that the client did not.
func leaks(body, answer string) bool {
	for _, name := range []string{"httpapi.", "wire.", "catalog.", "Body", "Fields"} {
		if strings.Contains(answer, name) && !strings.Contains(body, name) {
			return true
		}
	}
	return false
}

// noACL fails a test that asks what a token may do.
type noACL struct{ testing.TB }

func (n noACL) Resolve(context.Context, string) (*acl.Authorizer, error) {
	n.Error("a token was looked up")
	return nil, errors.New("not to be asked")
}

// endless is a body without an end that counts what is read of it.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.read += len(p)
	return len(p), nil
}

func TestBodiesOfTwiceTheLimitAreRefusedBeforeAnything(t *testing.T) {
	const most = 64 << 10
	var asked []string
	nobody := callerFunc(func(op *rpc.Desc) { asked = append(asked, op.Name) })
	f := newFixture(t, func(o *httpapi.Options) {
		o.Caller, o.ACL, o.MaxBodyBytes = nobody, noACL{t}, most
		o.ACLs = httpapi.ACLs{Enabled: true}
		o.Tokens = noTokens{t}
	})
	own := map[string]bool{"/v1/kv/": true, "/v1/txn": true, "/v1/snapshot": true}
	for _, r := range httpapi.Routes() {
		if own[r.Pattern] {
			continue
		}
		path := r.Pattern
		if strings.HasSuffix(path, "/") {
			path += "x"
		}
		for _, method := range r.Methods {
			told := httptest.NewRequest(method, path, strings.NewReader(strings.Repeat(" ", 2*most)))
			body := &endless{}
			chunked := httptest.NewRequest(method, path, body)
			for _, req := range []*http.Request{told, chunked} {
				rec := httptest.NewRecorder()
				f.api.ServeHTTP(rec, req)
				if rec.Code != 413 || !strings.Contains(rec.Body.String(), "too large, max size: 65536 bytes. See https://developer.hashicorp.com/docs/agent/config/config-files#http_max_request_body_size.") {
					t.Errorf("%s %s of %d bytes: %d %s", method, path, req.ContentLength, rec.Code, rec.Body)
				}
			}
			if body.read > 3*most {
				t.Errorf("%s %s read %d bytes, at most %d are allowed", method, path, body.read, most)
			}
		}
	}
	if len(asked)+len(f.agent.asked) > 0 {
		t.Errorf("was asked: %s %s", asked, f.agent.asked)
	}
}

// TestBodiesAreBoundWithoutASetting: a byte more than 512 KiB is refused before the token is
// looked at.
func TestBodiesAreBoundWithoutASetting(t *testing.T) {
	const most = 512 << 10
	open := newFixture(t, nil)
	guarded := newFixture(t, func(o *httpapi.Options) { o.ACLs, o.ACL = httpapi.ACLs{Enabled: true}, noACL{t} })
	for path, method := range map[string]string{
		"/v1/agent/check/update/c": "PUT", "/v1/agent/check/register": "PUT", register: "PUT", "/v1/agent/connect/authorize": "POST",
	} {
		if res, text := open.do(method, path, strings.Repeat(" ", most-2)+"{}"); res.StatusCode == 413 {
			t.Errorf("%s %s of %d bytes: %s", method, path, most, text)
		}
		if res, text := guarded.do(method, path, strings.Repeat(" ", most-1)+"{}", "X-Consul-Token", "t"); res.StatusCode != 413 {
			t.Errorf("%s %s of %d bytes: %d %s", method, path, most+1, res.StatusCode, text)
		}
	}
}

// TestNoContentTypeIsRefused: clients say application/json with a charset, nothing, or what
// their library says by itself. A body is read as it is either way.
func TestNoContentTypeIsRefused(t *testing.T) {
	f := newFixture(t, func(o *httpapi.Options) { o.ACLs, o.Tokens = httpapi.ACLs{Enabled: true}, anyToken{} })
	answer := func(method, path, body string, header ...string) string {
		res, text := f.do(method, path, body, header...)
		return fmt.Sprintf("%d %s", res.StatusCode, text)
	}
	read := 0
	for _, r := range httpapi.Routes() {
		path := r.Pattern
		if strings.HasSuffix(path, "/") {
			path += "x"
		}
		for _, method := range r.Methods {
			if method != "PUT" && method != "POST" || path == "/v1/snapshot" { // an archive
				continue
			}
			plain := answer(method, path, `{"Name":"w"}`)
			if plain != answer(method, path, `{"Name":`) {
				read++
			}
			for _, body := range []string{`{"Name":"w"}`, `{"Name":`} {
				want := answer(method, path, body)
				for _, given := range []string{
					"application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8", "application/json; charset=latin1",
					"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "; ;", "\x00",
				} {
					if got := answer(method, path, body, "Content-Type", given); got != want {
						t.Errorf("%s %s %s as %q: %s, want %s", method, path, body, given, got, want)
					}
				}
			}
		}
	}
	if read < 20 {
		t.Errorf("%d endpoints read their body: too few for the test to say anything", read)
	}
}

// anyToken takes every token of the agent.
type anyToken struct{}

func (anyToken) SetToken(httpapi.TokenKind, string) error { return nil }

// callerFunc is a Caller that only notes what it is asked.
type callerFunc func(*rpc.Desc)

func (c callerFunc) Do(_ context.Context, op *rpc.Desc, _ rpc.Message) (rpc.Message, error) {
	c(op)
	return nil, errors.New("not to be asked")
}

// noTokens fails a test that changes a token of the agent.
type noTokens struct{ testing.TB }

func (n noTokens) SetToken(httpapi.TokenKind, string) error {
	n.Error("a token was set")
	return nil
}

func TestABodyInChunksBelowTheLimitIsRead(t *testing.T) {
	f := newFixture(t, nil)
	req := httptest.NewRequest("PUT", register, io.MultiReader(strings.NewReader(`{"Name":`), strings.NewReader(`"web"}`)))
	rec := httptest.NewRecorder()
	f.api.ServeHTTP(rec, req)
	if rec.Code != 200 || f.local.services["web"] == nil {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
}
