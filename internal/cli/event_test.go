package cli_test

import (
	"strings"
	"testing"
)

func TestEventsAreFiredWithTheirFilters(t *testing.T) {
	const id = `{"ID":"b54fe110-7af5-cafc-d1fb-afc8ba432b1c","Name":"deploy","Payload":null,"NodeFilter":"","ServiceFilter":"","TagFilter":"","Version":1,"LTime":0}`
	a := answer(t, map[string]string{
		"PUT /v1/event/fire/deploy":                                 id,
		"PUT /v1/event/fire/deploy?node=%5Ea%24&service=web&tag=v1": id,
		"PUT /v1/event/fire/late":                                   "!no leader",
		"GET /v1/agent/self":                                        "{}",
	})
	const said = "Event ID: b54fe110-7af5-cafc-d1fb-afc8ba432b1c\n"
	want(t, 0, said, "", "event", "-name=deploy", "payload text")
	want(t, 0, said, "", "event", "-name=deploy", "-node=^a$", "-service=web", "-tag=v1")
	want(t, 1, "", "Error firing event: Unexpected response code: 500 (no leader)\n", "event", "-name=late")
	const self = "GET /v1/agent/self"
	a.want(self, "PUT /v1/event/fire/deploy payload text", self, "PUT /v1/event/fire/deploy?node=%5Ea%24&service=web&tag=v1", self, "PUT /v1/event/fire/late")
	for _, row := range []struct {
		args, want string
		help       bool
	}{
		{"", "Event name must be specified\n", true},
		{"-name=x a b", "Too many command line arguments.\n", true},
		{"-name=x -tag=v1 a b", "Cannot provide tag filter without service filter.\n", false},
		{"-name=x -node=( -tag=v1", "Failed to compile node filter regexp: error parsing regexp: missing closing ): `(`\n", false},
		{"-name=x -tag=v1", "Cannot provide tag filter without service filter.\n", false},
		{"-name=x -service=(", "Failed to compile service filter regexp: error parsing regexp: missing closing ): `(`\n", false},
		{"-name=x -node=[", "Failed to compile node filter regexp: error parsing regexp: missing closing ]: `[`\n", false},
		{"-name=x -service=a -tag=[", "Failed to compile tag filter regexp: error parsing regexp: missing closing ]: `[`\n", false},
	} {
		out, errs, code := run(t, append([]string{"event"}, strings.Fields(row.args)...)...)
		text, rest, _ := strings.Cut(errs, "\n\n")
		if row.help {
			errs = text + "\n"
		}
		if code != 1 || out != "" || errs != row.want || strings.HasPrefix(rest, "Usage: praetor event") != row.help {
			t.Errorf("event %s: %d %s%s\nwant %s", row.args, code, out, errs, row.want)
		}
	}
}

func TestRoundTripsAreEstimated(t *testing.T) {
	at := func(node, segment string, x string) string {
		return `{"Node":"` + node + `","Segment":"` + segment + `","Coord":{"Vec":[` + x + `,0,0,0,0,0,0,0],"Error":1.5,"Adjustment":0,"Height":0.00001}}`
	}
	answer(t, map[string]string{
		"GET /v1/coordinate/nodes":       `[` + at("a", "", "0.001") + `,` + at("b", "", "0.0015") + `,` + at("far", "alpha", "0") + `]`,
		"GET /v1/coordinate/datacenters": `[{"Datacenter":"dc1","AreaID":"wan","Coordinates":[` + at("a", "", "0") + `]},{"Datacenter":"dc2","AreaID":"wan","Coordinates":[` + at("c", "", "0.05") + `]}]`,
		"GET /v1/agent/self":             `{"Config":{"NodeName":"a","Datacenter":"dc1"},"Member":{}}`,
	})
	want(t, 0, "Estimated a <-> b rtt: 0.520 ms (using LAN coordinates)\n", "", "rtt", "a", "b")
	want(t, 0, "Estimated B <-> a rtt: 0.520 ms (using LAN coordinates)\n", "", "rtt", "B")
	want(t, 0, "Estimated a <-> a rtt: 0.020 ms (using LAN coordinates)\n", "", "rtt", "a", "a")
	want(t, 0, "Estimated c.dc2 <-> a.dc1 rtt: 50.020 ms (using WAN coordinates)\n", "", "rtt", "-wan", "c.dc2")
	want(t, 1, "", "Could not find a coordinate for node \"x\"\n", "rtt", "a", "x")
	want(t, 1, "", "Could not find a coordinate for node \"a.dc2\"\n", "rtt", "-wan", "a.dc2", "c.dc2")
	want(t, 1, "", "The coordinates of \"a\" and \"far\" have nothing to do with each other\n", "rtt", "a", "far")
	want(t, 1, "", "Node names must be specified as <node name>.<datacenter> with -wan\n", "rtt", "-wan", "a", "b.dc1")
	for _, args := range [][]string{{"rtt"}, {"rtt", "a", "b", "c"}} {
		if _, errs, code := run(t, args...); code != 1 || !strings.HasPrefix(errs, "One or two node names must be specified\n\nUsage: praetor rtt") {
			t.Errorf("%v: %d %s", args, code, errs)
		}
	}
}

// TestEvent: reference/cli.md §4.
func TestEvent(t *testing.T) {
	play(t, `
$ event -name=e -token=t ''
< GET /v1/agent/self token=t
> {}
< PUT /v1/event/fire/e token=t
> {"ID":"b54fe110"}
| Event ID: b54fe110
$ event -name=e -node=n -service=s -tag=t payload
< GET /v1/agent/self
> {}
< PUT /v1/event/fire/e?node=n&service=s&tag=t payload
> {"ID":"b54fe110"}
| Event ID: b54fe110
$ event -name=e
< GET /v1/agent/self
> {}
< PUT /v1/event/fire/e
> 403 no
! Error firing event: Unexpected response code: 403 (no)
= 1
`)
}
