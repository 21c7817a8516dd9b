package testcluster_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"praetor/internal/testcluster"
)

// wakes says for a question by which writes its readers are woken, of those in
// disturbances; every other one leaves them asleep.
var wakes = []struct {
	question string
	woken    string // names of disturbances, between blanks
}{
	{"/v1/catalog/nodes?", " address node nodeless "},
	{"/v1/catalog/nodes?near=n1&", " address node nodeless "},
	{"/v1/catalog/services?", " port service mesh gone node "},
	{"/v1/catalog/service/web?", " port address gone node "},
	{"/v1/catalog/service/none?", ""},
	{"/v1/catalog/connect/web?", " address mesh node "},
	{"/v1/catalog/connect/none?", ""},
	{"/v1/catalog/node/n1?", " port address service mesh gone node "},
	{"/v1/catalog/node/none?", ""},
	{"/v1/catalog/node-services/n1?", " port address service mesh gone node "},
	{"/v1/health/node/n1?", " critical gone node "},
	{"/v1/health/node/none?", ""},
	{"/v1/health/checks/web?", " critical gone node "},
	{"/v1/health/checks/none?", ""},
	{"/v1/health/state/critical?", " critical "},
	{"/v1/health/service/web?", " port address critical gone node "},
	{"/v1/health/service/none?", ""},
	{"/v1/health/service/none?passing&", ""},
	{"/v1/health/connect/web?", " address mesh node "},
	{"/v1/health/ingress/none?", ""},
	{"/v1/kv/k/1?", " key "},
	{"/v1/kv/none?", ""},
	{"/v1/kv/k/?recurse&", " key "},
	{"/v1/kv/k/?keys&", " key "},
	{"/v1/kv/none/?recurse&", ""},
	{"/v1/kv/none/?keys&", ""},
	{"/v1/session/list?", " session node "},
	{"/v1/session/node/n1?", " session node "},
	{"/v1/session/node/none?", ""},
	{"/v1/session/info/6d5c2a0e-1111-2222-3333-444455556666?", ""},
	{"/v1/config/service-defaults/web?", " entry "},
	{"/v1/config/service-defaults/none?", ""},
	{"/v1/query?", " query "},
}

// disturbances are changes of everything, each made from the same state.
var disturbances = []struct{ name, method, path, body string }{
	{"port", "PUT", "/v1/catalog/register", `{"Node":"n1","SkipNodeUpdate":true,"Service":{"Service":"web","Port":2}}`},
	{"address", "PUT", "/v1/catalog/register", `{"Node":"n1","Address":"10.0.0.2"}`},
	{"critical", "PUT", "/v1/catalog/register", `{"Node":"n1","SkipNodeUpdate":true,"Check":{"CheckID":"c","ServiceID":"web","Status":"critical"}}`},
	{"service", "PUT", "/v1/catalog/register", `{"Node":"n1","SkipNodeUpdate":true,"Service":{"Service":"new"}}`},
	{"mesh", "PUT", "/v1/catalog/register", `{"Node":"n1","SkipNodeUpdate":true,"Service":{"Kind":"connect-proxy","Service":"p","Port":2,"Proxy":{"DestinationServiceName":"web"}}}`},
	{"nodeless", "PUT", "/v1/catalog/register", `{"Node":"n9","Address":"10.0.0.9"}`},
	{"key", "PUT", "/v1/kv/k/1", "2"},
	{"beside", "PUT", "/v1/kv/nonesuch", "2"},
	{"session", "PUT", "/v1/session/create", `{"Node":"n1","NodeChecks":[]}`},
	{"entry", "PUT", "/v1/config", `{"Kind":"service-defaults","Name":"web","MaxInboundConnections":2}`},
	{"query", "POST", "/v1/query", `{"Name":"q%d","Service":{"Service":"web"}}`},
	{"gone", "PUT", "/v1/catalog/deregister", `{"Node":"n1","ServiceID":"web"}`},
	{"node", "PUT", "/v1/catalog/deregister", `{"Node":"n1"}`},
}

// settle brings about the state that disturbances change.
func settle(t *testing.T, n *testcluster.Node) {
	t.Helper()
	for _, body := range []string{
		`{"Node":"n1","Address":"10.0.0.1"}`,
		`{"Node":"n1","SkipNodeUpdate":true,"Service":{"Service":"web","Port":1},"Check":{"CheckID":"c","ServiceID":"web","Status":"passing"}}`,
		`{"Node":"n1","SkipNodeUpdate":true,"Service":{"Kind":"connect-proxy","Service":"p","Port":1,"Proxy":{"DestinationServiceName":"web"}}}`,
	} {
		if res := askAPI(t, n, http.MethodPut, "/v1/catalog/register", body); res.StatusCode != http.StatusOK {
			t.Fatalf("register %s: %d", body, res.StatusCode)
		}
	}
	for _, body := range []string{`{"Node":"n1","ServiceID":"new"}`, `{"Node":"n9"}`} {
		askAPI(t, n, http.MethodPut, "/v1/catalog/deregister", body)
	}
	askAPI(t, n, http.MethodPut, "/v1/kv/k/1", "1")
	askAPI(t, n, http.MethodDelete, "/v1/kv/nonesuch", "")
	askAPI(t, n, http.MethodPut, "/v1/config", `{"Kind":"service-defaults","Name":"web","MaxInboundConnections":1}`)
}

// A blocking query returns when what it answers may have changed, and else when its
// time is up: a client that is woken renders its files and restarts its programs.
func TestBlockingQueriesReturnForTheirOwnChangesOnly(t *testing.T) {
	config := `disable_coordinates = true`
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1, Config: config}, func(c *testcluster.Cluster) {
		pass(time.Minute) // all agents have registered
		writer, queries := c.Leader(), 0
		for _, reader := range []*testcluster.Node{writer, c.Clients()[0]} {
			for _, d := range disturbances {
				settle(t, writer)
				pass(time.Second)
				returned := make([]chan time.Duration, len(wakes))
				for i, w := range wakes {
					returned[i] = make(chan time.Duration, 1)
					path := fmt.Sprintf("%sindex=%d&wait=10s", w.question, indexOf(t, reader, w.question))
					go func() { // received below
						begin := time.Now()
						indexOf(t, reader, path)
						returned[i] <- time.Since(begin)
					}()
				}
				pass(time.Second)
				body := d.body
				if strings.Contains(body, "%d") {
					queries++
					body = fmt.Sprintf(body, queries)
				}
				if res := askAPI(t, writer, d.method, d.path, body); res.StatusCode != http.StatusOK {
					t.Fatalf("%s: %d", d.name, res.StatusCode)
				}
				for i, w := range wakes {
					want := strings.Contains(w.woken, " "+d.name+" ")
					if took := <-returned[i]; (took < 5*time.Second) != want {
						t.Errorf("%s on %s returned %s after it began, %q was written after 1 s; woken by that is %v", w.question, reader.Name(), took, d.name, want)
					}
				}
			}
		}
	})
}

// Who waits behind a view is not woken when the time of the view's own read is up,
// though the index of what is absent has moved meanwhile.
func TestTimeThatIsUpForAViewWakesNobody(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 1}, func(c *testcluster.Cluster) {
		reader := c.Clients()[0]
		wait := func() chan time.Duration {
			path := fmt.Sprintf("/v1/kv/none?wait=10m&index=%d", indexOf(t, reader, "/v1/kv/none"))
			took := make(chan time.Duration, 1)
			go func() { // received below
				begin := time.Now()
				indexOf(t, reader, path)
				took <- time.Since(begin)
			}()
			return took
		}
		first := wait()
		pass(5 * time.Minute)
		c.PutKV("other", "1")
		second := wait()
		if took := <-first; took < 10*time.Minute {
			t.Errorf("the first returned after %s, want 10 minutes", took)
		}
		if took := <-second; took < 10*time.Minute {
			t.Errorf("the second returned after %s, want 10 minutes", took)
		}
	})
}
