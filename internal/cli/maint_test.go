package cli_test

import "testing"

func TestMaintenanceIsBegunEndedAndListed(t *testing.T) {
	a := answer(t, map[string]string{
		"PUT /v1/agent/maintenance?enable=true&reason=disk+swap":   "",
		"PUT /v1/agent/maintenance?enable=false":                   "",
		"PUT /v1/agent/service/maintenance/w1?enable=true&reason=": "",
		"PUT /v1/agent/service/maintenance/w1?enable=false":        "",
		"PUT /v1/agent/service/maintenance/none?enable=false":      "!Unknown service",
		"GET /v1/agent/self": `{"Config":{"NodeName":"n1"}}`,
		"GET /v1/agent/checks": `{
			"_service_maintenance:w2":{"CheckID":"_service_maintenance:w2","ServiceID":"w2","Notes":"r2"},
			"_service_maintenance:w1":{"CheckID":"_service_maintenance:w1","ServiceID":"w1","Notes":"r1"},
			"_node_maintenance":{"CheckID":"_node_maintenance","Notes":"disk swap"},
			"other":{"CheckID":"other","ServiceID":"w1","Notes":"n"}}`,
	})
	want(t, 0, "Node maintenance is now enabled\n", "", "maint", "-enable", "-reason=disk swap")
	want(t, 0, "Node maintenance is now disabled\n", "", "maint", "-disable")
	want(t, 0, "Service maintenance is now enabled for \"w1\"\n", "", "maint", "-enable", "-service=w1")
	want(t, 0, "Service maintenance is now disabled for \"w1\"\n", "", "maint", "-service=w1", "-disable")
	want(t, 1, "", "Error disabling service maintenance: Unexpected response code: 500 (Unknown service)\n", "maint", "-service=none", "-disable")
	want(t, 0, "Node:\n  Name:   n1\n  Reason: disk swap\n\nService:\n  ID:     w1\n  Reason: r1\n\nService:\n  ID:     w2\n  Reason: r2\n\n", "", "maint")
	if len(a.asked) != 7 {
		t.Errorf("asked %q", a.asked)
	}
}

// TestMaint: reference/cli.md §3.
func TestMaint(t *testing.T) {
	play(t, `
$ maint
< GET /v1/agent/self
> {"Config":{"NodeName":"n1"}}
< GET /v1/agent/checks
> {"a":{"CheckID":"a","Notes":"x"}}
$ maint
< GET /v1/agent/self
> 500 no
! Error querying Consul agent: Unexpected response code: 500 (no)
= 1
$ maint
< GET /v1/agent/self
> {"Config":{"NodeName":"n1"}}
< GET /v1/agent/checks
> 500 no
! Error querying checks: Unexpected response code: 500 (no)
= 1
$ maint -enable
< PUT /v1/agent/maintenance?enable=true&reason=
> 403 no
! Error enabling node maintenance: Unexpected response code: 403 (no)
= 1
$ maint -disable
< PUT /v1/agent/maintenance?enable=false
> 403 no
! Error disabling node maintenance: Unexpected response code: 403 (no)
= 1
$ maint -enable -service=w -reason=r
< PUT /v1/agent/service/maintenance/w?enable=true&reason=r
> 404 Unknown service "w"
! Error enabling service maintenance: Unexpected response code: 404 (Unknown service "w")
= 1
$ maint -disable -reason=r
! Reason may only be provided with -enable
= 1
`)
}
