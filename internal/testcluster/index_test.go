package testcluster_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"praetor/httpapi"
	"praetor/internal/testcluster"
)

// askAPI makes a request of an agent without a socket.
func askAPI(t testing.TB, n *testcluster.Node, method, path, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, "http://"+n.IP()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := direct{n.Agent().API()}.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// indexOf is the X-Consul-Index of an answer; a refusal fails the test.
func indexOf(t testing.TB, n *testcluster.Node, path string) uint64 {
	t.Helper()
	res := askAPI(t, n, http.MethodGet, path, "")
	if res.StatusCode == http.StatusNotFound && res.Header.Get("X-Consul-Index") == "" {
		return 0 // what is not there has none, for some endpoints
	}
	index, err := strconv.ParseUint(res.Header.Get("X-Consul-Index"), 10, 64)
	if err != nil || index < 1 || res.StatusCode != http.StatusOK && res.StatusCode != http.StatusNotFound {
		t.Fatalf("GET %s on %s: %d, index %q; want an answer with an index", path, n.Name(), res.StatusCode, res.Header.Get("X-Consul-Index"))
	}
	return index
}

// questions are reads of every endpoint that blocks, by its pattern: of what is
// there, of what is not, and of what comes and goes.
var questions = map[string][]string{
	"/v1/catalog/nodes":                 {""},
	"/v1/catalog/services":              {""},
	"/v1/catalog/service/":              {"web", "none"},
	"/v1/catalog/connect/":              {"web", "none"},
	"/v1/catalog/gateway-services/":     {"none"},
	"/v1/catalog/node/":                 {"n1", "none"},
	"/v1/catalog/node-services/":        {"n1", "none"},
	"/v1/catalog/history":               {"", "?service=web", "?node=none", "?kind=check"},
	"/v1/health/node/":                  {"n1", "none"},
	"/v1/health/checks/":                {"web", "none"},
	"/v1/health/state/":                 {"any", "critical", "passing"},
	"/v1/health/service/":               {"web", "none", "web?passing", "web?tag=a"},
	"/v1/health/connect/":               {"web", "none"},
	"/v1/health/ingress/":               {"none"},
	"/v1/internal/ui/nodes":             {""},
	"/v1/internal/ui/node/":             {"n1"},
	"/v1/internal/ui/services":          {""},
	"/v1/internal/ui/service-topology/": {"web?kind="},
	"/v1/kv/":                           {"k/1", "k/none", "k/?recurse", "none/?recurse", "k/?keys", "none/?keys", "?recurse", "k/1?history", "k/none?history", "k/1?at=9999999999"},
	"/v1/query":                         {""},
	"/v1/config/":                       {"service-defaults/web", "service-defaults/none", "service-defaults"},
	"/v1/exported-services":             {""},
	"/v1/connect/ca/roots":              {""},
	"/v1/connect/ca/configuration":      {""},
	"/v1/connect/intentions":            {""},
	"/v1/connect/intentions/":           {"6d5c2a0e-1111-2222-3333-444455556666"},
	"/v1/connect/intentions/match":      {"?by=destination&name=web", "?by=source&name=none"},
	"/v1/session/info/":                 {"6d5c2a0e-1111-2222-3333-444455556666"},
	"/v1/session/node/":                 {"n1", "none"},
	"/v1/session/list":                  {""},
}

// unindexed are the other endpoints that are read: they do not block on an index of
// the catalog, or, coordinates, change by themselves.
var unindexed = []string{
	"/v1/agent/", "/v1/catalog/datacenters", "/v1/operator/", "/v1/coordinate/", "/v1/event/list", "/v1/snapshot", "/v1/status/", "/v1/acl/",
	"/v1/imported-services", "/v1/internal/ui/gateway-", "/v1/internal/ui/exported-services", "/v1/internal/ui/catalog-overview", "/v1/internal/ui/metrics-proxy/", "/v1/internal/ui/stream", "/v1/internal/ui/kv-search", "/v1/query/",
	"/v1/connect/intentions/check", "/v1/connect/intentions/exact",
}

func TestEveryBlockingEndpointIsAsked(t *testing.T) {
	for _, r := range httpapi.Routes() {
		reads := false
		for _, m := range r.Methods {
			reads = reads || m == http.MethodGet
		}
		other := false
		for _, prefix := range unindexed {
			other = other || strings.HasPrefix(r.Pattern, prefix)
		}
		if _, asked := questions[r.Pattern]; reads && asked == other {
			t.Errorf("%s: in questions is %v, in unindexed %v; want it in one of them", r.Pattern, asked, other)
		}
	}
}

// paths lists all questions, and as many ways to ask them as there are.
func paths(ways ...string) []string {
	var list []string
	for pattern, names := range questions {
		for _, name := range names {
			path := pattern + name + "?"
			if strings.Contains(name, "?") {
				path = pattern + name + "&"
			}
			for _, way := range ways {
				list = append(list, path+way)
			}
		}
	}
	return list
}

// writes change what some of the questions ask for.
var writes = []struct{ path, body string }{
	{"/v1/kv/k/1", "%d"},
	{"/v1/kv/k/2", "%d"},
	{"/v1/kv/other", "%d"},
	{"DELETE /v1/kv/k/2", ""},
	{"/v1/catalog/register", `{"Node":"n1","Address":"10.0.0.%d"}`},
	{"/v1/catalog/register", `{"Node":"n2","Address":"10.0.0.%d"}`},
	{"/v1/catalog/register", `{"Node":"n1","Address":"10.0.0.1","SkipNodeUpdate":true,"Service":{"Service":"web","Port":%d,"Tags":["a"]},"Check":{"CheckID":"c","ServiceID":"web","Status":"passing"}}`},
	{"/v1/catalog/register", `{"Node":"n1","SkipNodeUpdate":true,"Check":{"CheckID":"c","ServiceID":"web","Status":"critical","Output":"%d"}}`},
	{"/v1/catalog/register", `{"Node":"n1","SkipNodeUpdate":true,"Service":{"Service":"other","Port":%d}}`},
	{"/v1/catalog/register", `{"Node":"n1","SkipNodeUpdate":true,"Service":{"Kind":"connect-proxy","Service":"p","Port":%d,"Proxy":{"DestinationServiceName":"web"}}}`},
	{"/v1/catalog/deregister", `{"Node":"n1","ServiceID":"web"}`},
	{"/v1/catalog/deregister", `{"Node":"n1","ServiceID":"other"}`},
	{"/v1/catalog/deregister", `{"Node":"n1","ServiceID":"p"}`},
	{"/v1/catalog/deregister", `{"Node":"n1"}`},
	{"/v1/catalog/deregister", `{"Node":"n2"}`},
	{"/v1/session/create", `{"Node":"n1","NodeChecks":[],"Name":"s%d"}`},
	{"/v1/config", `{"Kind":"service-defaults","Name":"web","MaxInboundConnections":%d}`},
	{"/v1/config", `{"Kind":"service-defaults","Name":"db","MaxInboundConnections":%d}`},
	{"DELETE /v1/config/service-defaults/web", ""},
	{"/v1/connect/intentions/exact?source=api&destination=web", `{"Action":"allow","Description":"%d"}`},
	{"DELETE /v1/connect/intentions/exact?source=api&destination=web", ""},
}

// change makes one of the writes; what cannot be done just then changes nothing.
func change(t *testing.T, n *testcluster.Node, i, number int) {
	t.Helper()
	w := writes[i]
	method, path := http.MethodPut, w.path
	if p, found := strings.CutPrefix(path, "DELETE "); found {
		method, path = http.MethodDelete, p
	}
	body := w.body
	if strings.Contains(body, "%d") {
		body = fmt.Sprintf(body, number)
	}
	askAPI(t, n, method, path, body)
}

// A client that watches starts over when an answer's index is lower than what it
// had: plain and blocking answers to one question, of any agent, whether views
// follow it or not, never give it a reason.
func TestIndexesNeverGoBack(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1, Config: "disable_coordinates = true\nhistory { kv = true }"}, func(c *testcluster.Cluster) {
		r := rand.New(rand.NewPCG(1, 2))
		leader, client := c.Leader(), c.Clients()[0]
		agents := []*testcluster.Node{leader, follower(c), client}
		all, seen := paths("", "cached"), map[string]uint64{}
		for i := range writes {
			change(t, leader, i, 1)
		}
		pass(10 * time.Second) // until the agents have synced themselves
		for round := range 800 {
			change(t, agents[r.IntN(3)], r.IntN(len(writes)), 1+round%250)
			path, agent := all[r.IntN(len(all))], agents[r.IntN(3)]
			plain := indexOf(t, agent, strings.TrimSuffix(path, "cached"))
			var meanwhile sync.WaitGroup
			if round%2 == 0 {
				which := r.IntN(len(writes))
				meanwhile.Go(func() { change(t, leader, which, 1+round%250) }) // while the next one waits
			}
			late := indexOf(t, agent, fmt.Sprintf("%s&index=%d&wait=100ms", path, plain))
			meanwhile.Wait() // so that the next round's second answer is not of this change
			after := indexOf(t, agents[r.IntN(3)], strings.TrimSuffix(path, "cached"))
			question := strings.TrimSuffix(path, "cached")
			switch {
			case plain == 0 || late == 0 || after == 0:
				continue
			case plain < seen[question]:
				t.Errorf("%s on %s: index %d, after %d", path, agent.Name(), plain, seen[question])
			case late < plain || round%2 == 1 && late != plain:
				t.Errorf("%s on %s: index %d when its time was up, %d before", path, agent.Name(), late, plain)
			case after < late:
				t.Errorf("%s: index %d, after %d from %s when its time was up", path, after, late, agent.Name())
			}
			seen[question] = after
		}
	})
}
