package cli_test

import (
	"slices"
	"strings"
	"testing"

	"praetor/internal/cli"
)

// instances is a catalog of three instances of two services.
func instances(more map[string]string) map[string]string {
	answers := map[string]string{
		"GET /v1/catalog/services": `{"web":[],"db":["primary"]}`,
		"GET /v1/catalog/service/web": `[{"Node":"c1","Address":"10.0.0.5","Datacenter":"dc1","ServiceID":"web-1","ServiceName":"web","ServicePort":80},
			{"Node":"c2","Address":"10.0.0.6","Datacenter":"dc1","ServiceID":"web-1","ServiceName":"web","ServiceAddress":"fd00::1","ServicePort":81}]`,
		"GET /v1/catalog/service/db": `[{"Node":"c1","Address":"10.0.0.5","Datacenter":"dc1","ServiceID":"web","ServiceName":"db"}]`,
	}
	for what, text := range more {
		answers[what] = text
	}
	return answers
}

const evict = "PUT /v1/catalog/deregister?evict=1"

func TestInstancesAreFoundByIDAndByName(t *testing.T) {
	const detail = `{"Node":"c1","ServiceID":"web-1","CheckID":"","Action":"removed-at-agent","MayReturn":false,"Detail":"removed it."}`
	a := answer(t, instances(map[string]string{evict: detail}))
	want(t, 0, `Found 2 instances:
Node  ID     Service  Address
c1    web-1  web      10.0.0.5:80
c2    web-1  web      [fd00::1]:81

web-1 on c1: removed it.
web-1 on c2: removed it.
`, "", "services", "deregister", "-anywhere", "web-1")
	a.want("GET /v1/catalog/services", "GET /v1/catalog/service/db", "GET /v1/catalog/service/web",
		evict+` {"Node":"c1","Datacenter":"dc1","ServiceID":"web-1","CheckID":""}`,
		evict+` {"Node":"c2","Datacenter":"dc1","ServiceID":"web-1","CheckID":""}`)
	// "web" is one service's name and another's ID.
	for _, args := range [][]string{{"-anywhere", "web"}, {"-anywhere", "-id=web"}} {
		if out, errs, code := run(t, append([]string{"services", "deregister"}, args...)...); code != 0 || !strings.HasPrefix(out, "Found 3 instances:\n") {
			t.Errorf("%v: %d %s%s", args, code, out, errs)
		}
	}
}

func TestServersThatDoNotKnowEvictionsAreNamed(t *testing.T) {
	answer(t, instances(map[string]string{evict: "true"}))
	out, _, code := run(t, "services", "deregister", "-anywhere", "db")
	if code != 0 || !strings.HasSuffix(out, "\nweb on c1: removed from the catalog only: this server cannot ask the agent that owns it, which may bring it back.\n") {
		t.Errorf("%d %s", code, out)
	}
}

func TestFailuresAreCountedAndTheRestIsDone(t *testing.T) {
	a := answer(t, instances(map[string]string{evict: "!no"}))
	out, errs, code := run(t, "services", "deregister", "-anywhere", "web-1")
	wantErrs := "Error deregistering web-1 on c1: Unexpected response code: 500 (no)\nError deregistering web-1 on c2: Unexpected response code: 500 (no)\n2 of 2 instances could not be deregistered\n"
	if code != 1 || errs != wantErrs || !strings.HasPrefix(out, "Found 2 instances:") || len(a.asked) != 5 {
		t.Errorf("%d %s%s", code, out, errs)
	}
}

func TestNothingFoundHelps(t *testing.T) {
	answer(t, instances(nil))
	want(t, 1, "", "No service in the catalog has the ID or the name \"wbe\". Did you mean \"web\"?\n", "services", "deregister", "-anywhere", "wbe")
	want(t, 1, "", "No service in the catalog has the ID or the name \"web-2\". Did you mean \"web-1\" or \"web\"?\n", "services", "deregister", "-anywhere", "web-2")
	want(t, 1, "", "No service in the catalog has the ID or the name \"payments\". List the names with: catalog services\n", "services", "deregister", "-anywhere", "payments")
	const one = "Deregistering with -anywhere requires one service name or service ID.\n"
	want(t, 1, "", one, "services", "deregister", "-anywhere")
	want(t, 1, "", one, "services", "deregister", "-anywhere", "a", "b")
	want(t, 1, "", one, "services", "deregister", "-anywhere", "-id=a", "b")
}

func TestNearestNames(t *testing.T) {
	names := []string{"web", "web-api", "db", "redis", "redis-slave", "redis-1", "redis-2", "WEB", "web"}
	for word, want := range map[string][]string{
		"wbe":     {"web", "WEB"},
		"web-ap":  {"web-api", "WEB", "web"},
		"redsi":   {"redis"},
		"redis-3": {"redis-1", "redis-2", "redis"},
		"x":       nil,
		"":        nil,
		"kafka":   nil,
		"größe":   nil,
	} {
		got := cli.Nearest(word, names)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
