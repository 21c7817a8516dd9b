package httpapi_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"praetor/internal/testcluster"
)

// TestRequestsHoldTheirProperties makes requests that nobody wrote down, valid and nearly
// valid, out of those of the table of rights, and holds each answer against what is true of
// every answer, whatever Consul says: see the methods of properties. PRAETOR_PROPERTIES is
// for how long, 3s by default; PRAETOR_SEED begins elsewhere.
func TestRequestsHoldTheirProperties(t *testing.T) {
	long, seed := 3*time.Second, uint64(1)
	var err error
	if text := os.Getenv("PRAETOR_PROPERTIES"); text != "" {
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	if text := os.Getenv("PRAETOR_SEED"); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	made := 0
	for ; time.Since(began) < long && !t.Failed(); seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 1, Config: testcluster.LockedDown + metricsProxy}, func(c *testcluster.Cluster) {
				p := &properties{t: t, r: rand.New(rand.NewPCG(seed, 0)), server: c.Leader(), client: c.Clients()[0]}
				p.client.WaitForToken(testcluster.Manager)
				p.server.Must(standing...)
				p.server.Must(onAgents...)
				p.client.Must(onAgents...)
				for range 400 {
					p.oneRequest()
				}
				made += p.made
			})
		})
	}
	t.Logf("%d requests, seeds to %d", made, seed-1)
}

// properties are one run of the test.
type properties struct {
	t              *testing.T
	r              *rand.Rand
	server, client *testcluster.Node
	made           int
}

// unsafe are requests that end what the others need, or do not end.
var unsafe = []string{"/v1/agent/leave", "/v1/agent/force-leave", "/v1/agent/join", "/v1/operator/raft", "/v1/operator/keyring", "/v1/agent/monitor", "/v1/agent/metrics/stream", "/v1/internal/ui/stream",
	"/v1/snapshot", "/v1/acl/token", "/v1/agent/token", "/v1/agent/maintenance", "/v1/catalog/deregister", "/debug"}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

var (
	oddTexts  = []string{"", "x", "web", "n1", "0", "-1", "18446744073709551616", "true", "null", "a b", "ü", "%", "../x", strings.Repeat("y", 300), "<script>", "\"", "1ms", "10s"}
	oddParams = []string{"dc=dc1", "dc=dc9", "stale", "consistent", "stale&consistent", "cached", "index=1&wait=1ms", "index=x", "wait=x", "wait=-1s", "near=_agent", "near=zz", "near=", "node-meta=a:b",
		"node-meta=", "tag=x", "passing", "passing=x", "filter=", "filter=x", "filter=ServiceName==web", "filter=Node==n1", "pretty", "ns=x", "partition=default", "recurse", "keys", "raw", "separator=/",
		"cas=0", "cas=x", "flags=1", "flags=-1", "max_stale=1s", "max_stale=x", "limit=1", "limit=x", "peer=p", "wan=1", "kind=x", "merge-central-config", "with-policies", "local-only", "expanded"}
	oddValues = []string{"null", "true", "0", "-1", "1e99", `""`, `"x"`, "[]", "{}", `["x"]`, "[null]", `{"x":1}`, `"10s"`, `"web"`}
)

// oneRequest makes a request and looks at its answer.
func (p *properties) oneRequest() {
	row := pick(p.r, rights)
	method, target, _ := strings.Cut(row.request, " ")
	if row.endless || slices.ContainsFunc(unsafe, func(prefix string) bool { return strings.HasPrefix(target, prefix) }) {
		return
	}
	node := pick(p.r, []*testcluster.Node{p.server, p.client})
	fill := strings.NewReplacer("AGENT", node.Name(), "NEW", fmt.Sprint("new-", p.r.IntN(3)), "QUERY", idle, "SESSION", idle)
	target, body := fill.Replace(target), fill.Replace(row.body)
	path, query, _ := strings.Cut(target, "?")
	if p.r.IntN(3) == 0 {
		cut := strings.LastIndex(path, "/")
		path = path[:cut+1] + url.PathEscape(pick(p.r, oddTexts))
	}
	for range p.r.IntN(3) {
		query = strings.TrimPrefix(query+"&"+pick(p.r, oddParams), "&")
	}
	if p.r.IntN(8) == 0 {
		method = pick(p.r, []string{"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"})
	}
	if p.r.IntN(2) == 0 {
		body = p.bend(body)
	}
	if slices.ContainsFunc(unsafe, func(prefix string) bool { return strings.HasPrefix(path, prefix) }) {
		return
	}
	if query != "" {
		path += "?" + query
	}
	answer := p.ask(node, method, path, body)
	p.wellFormed(node, method, path, body, answer)
	if method == http.MethodGet && answer.Status == http.StatusOK && !strings.Contains(query, "index") && !strings.HasPrefix(path, "/v1/agent/") {
		p.headEqualsGet(node, path)
		p.filtered(node, path, answer)
		p.sameOfAll(path)
	}
	if method == http.MethodPut && strings.HasPrefix(path, "/v1/kv/") && answer.Status == http.StatusOK && answer.Body == "true" {
		p.seen(path, query, body)
	}
}

// bend changes a member of a body, or the end of it.
func (p *properties) bend(body string) string {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(body), &object) != nil || len(object) == 0 || p.r.IntN(10) == 0 {
		return pick(p.r, append(oddValues, "", "{", body+"}"))
	}
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	name := pick(p.r, names)
	switch p.r.IntN(4) {
	case 0:
		delete(object, name)
	case 1:
		object[name] = json.RawMessage(pick(p.r, oddValues))
	case 2:
		object[pick(p.r, []string{"Unknown", strings.ToLower(name), "Namespace", "Partition", "ID", "Meta", "Node"})] = json.RawMessage(pick(p.r, oddValues))
	default:
		object[name] = json.RawMessage(p.bend(string(object[name])))
	}
	for _, value := range object { // what is not JSON goes as it is
		if !json.Valid(value) {
			return string(value)
		}
	}
	bent, err := json.Marshal(object)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(bent)
}

func (p *properties) ask(n *testcluster.Node, method, target, body string) testcluster.Answer {
	p.made++
	return n.Ask(testcluster.Manager, method, target, body)
}

// wellFormed: an answer says what it is, JSON is valid, an index is above 0, a refusal has a
// reason that is the request's, and nothing is a fault of ours. A status above 500 is for
// clusters in trouble; agents say by it how a service is, and what metrics are served by.
func (p *properties) wellFormed(n *testcluster.Node, method, target, body string, a testcluster.Answer) {
	p.t.Helper()
	bad := func(what string) {
		p.t.Helper()
		p.t.Errorf("%s %s %s of %s: %s\n%d %v\n%.500s", method, target, body, n.Name(), what, a.Status, a.Header, a.Body)
	}
	kind := a.Header.Get("Content-Type")
	switch {
	case a.Status > 500 && !strings.Contains(target, "metrics-proxy") && !strings.HasPrefix(target, "/v1/agent/health/"):
		bad("no request is a reason for it")
	case a.Status >= 400 && method != http.MethodHead && a.Body == "" && a.Status != http.StatusNotFound:
		bad("it gives no reason")
	case a.Body != "" && kind == "":
		bad("it does not say what it is")
	case strings.HasPrefix(kind, "application/json") && method != http.MethodHead && a.Body != "" && !json.Valid([]byte(a.Body)):
		bad("it is not JSON")
	}
	for _, ours := range []string{"panic", "runtime error", "nil pointer", "goroutine ", "interface conversion"} {
		if strings.Contains(a.Body, ours) {
			bad("it is a fault of ours")
		}
	}
	if index := a.Header.Get("X-Consul-Index"); index != "" {
		if at, err := strconv.ParseUint(index, 10, 64); err != nil || at == 0 {
			bad("its index is no index")
		}
	}
}

// headEqualsGet: the answer to HEAD is that to GET, without its body.
func (p *properties) headEqualsGet(n *testcluster.Node, target string) {
	p.t.Helper()
	get, head := p.ask(n, http.MethodGet, target, ""), p.ask(n, http.MethodHead, target, "")
	if head.Status == http.StatusMethodNotAllowed {
		return // where HEAD is none of the methods
	}
	for _, h := range []http.Header{get.Header, head.Header} {
		for _, moves := range []string{"Content-Length", "Age", "X-Consul-Lastcontact", "X-Cache", "X-Consul-Index"} {
			h.Del(moves)
		}
	}
	if head.Status != get.Status || head.Body != "" || !reflect.DeepEqual(head.Header, get.Header) {
		p.t.Errorf("HEAD %s of %s: %d %v %q\nGET: %d %v", target, n.Name(), head.Status, head.Header, head.Body, get.Status, get.Header)
	}
}

// filtered: what a filter leaves was there without it.
func (p *properties) filtered(n *testcluster.Node, target string, a testcluster.Answer) {
	p.t.Helper()
	path, query, _ := strings.Cut(target, "?")
	values, err := url.ParseQuery(query)
	if err != nil || !values.Has("filter") {
		return
	}
	values.Del("filter")
	all := p.ask(n, http.MethodGet, path+"?"+values.Encode(), "")
	var some, whole []json.RawMessage
	if json.Unmarshal([]byte(a.Body), &some) != nil || json.Unmarshal([]byte(all.Body), &whole) != nil {
		return
	}
	if len(some) > len(whole) {
		p.t.Errorf("%s of %s: %d rows, %d without the filter", target, n.Name(), len(some), len(whole))
	}
}

// sameOfAll: a consistent read is answered alike by every agent.
func (p *properties) sameOfAll(target string) {
	p.t.Helper()
	for _, own := range []string{"/v1/status/", "/v1/event/", "/v1/connect/ca/leaf", "/v1/coordinate/", "near=", "cached", "stale", "/v1/internal/ui/metrics", "/v1/operator/usage", "/v1/acl/replication"} {
		if strings.Contains(target, own) {
			return // about the agent, or as of another moment
		}
	}
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	target += separator + "consistent"
	for try := 0; ; try++ {
		one, two := p.ask(p.server, http.MethodGet, target, ""), p.ask(p.client, http.MethodGet, target, "")
		if one.Status == two.Status && (one.Status != http.StatusOK || one.Body == two.Body) {
			return
		}
		if try == 3 {
			p.t.Errorf("%s: the server says %d %.400s\nthe client agent %d %.400s", target, one.Status, one.Body, two.Status, two.Body)
			return
		}
		time.Sleep(time.Second) // what agents bring in came between
	}
}

// seen: a key that was written is read.
func (p *properties) seen(target, query, body string) {
	p.t.Helper()
	for _, odd := range []string{"dc=", "cas", "acquire", "release"} {
		if strings.Contains(query, odd) {
			return
		}
	}
	path, _, _ := strings.Cut(target, "?")
	if got := p.ask(p.client, http.MethodGet, path+"?raw", ""); got.Status != http.StatusOK || got.Body != body {
		p.t.Errorf("PUT %s %q, and then GET: %d %q", target, body, got.Status, got.Body)
	}
}
