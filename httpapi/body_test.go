package httpapi_test

import (
	"strings"
	"testing"
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
