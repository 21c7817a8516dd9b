package top_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/consul/api"

	"praetor/internal/top"
)

// frozen is the answer of an agent that was stopped.
const frozen = "frozen"

// agent answers by path with what stands in answers. A body that begins with a status
// code and a blank is refused with it.
type agent struct {
	server *httptest.Server

	mu      sync.Mutex
	answers map[string]string
	leader  bool
	part    bool // it says that the token may not see all
	deny    bool // its rules let nobody see anything by default
	index   int
	asked   []string
}

func newAgent(t *testing.T, answers map[string]string) *agent {
	t.Helper()
	a := &agent{answers: map[string]string{}, leader: true, index: 7}
	for path, body := range answers {
		a.answers[path] = body
	}
	a.server = httptest.NewServer(a)
	t.Cleanup(a.server.Close)
	return a
}

// ServeHTTP implements http.Handler.
func (a *agent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, r.URL.RequestURI())
	body, ok := a.answers[r.URL.Path]
	if body == frozen {
		a.mu.Unlock()
		<-r.Context().Done()
		a.mu.Lock()
		return
	}
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("X-Consul-Index", fmt.Sprint(a.index))
	w.Header().Set("X-Consul-LastContact", "0")
	w.Header().Set("X-Consul-KnownLeader", fmt.Sprint(a.leader))
	w.Header().Set("X-Consul-Results-Filtered-By-ACLs", fmt.Sprint(a.part))
	if a.deny {
		w.Header().Set("X-Consul-Default-ACL-Policy", "deny")
	}
	var status int
	if n, _ := fmt.Sscanf(body, "%d ", &status); n == 1 && status >= 400 && status < 600 {
		w.WriteHeader(status)
		body = body[4:]
	}
	fmt.Fprint(w, body)
}

func (a *agent) set(path, body string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answers[path] = body
}

func (a *agent) lastAsked() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked[len(a.asked)-1]
}

func (a *agent) client(t *testing.T) *api.Client {
	t.Helper()
	cl, err := api.NewClient(&api.Config{Address: strings.TrimPrefix(a.server.URL, "http://")})
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

// screen is a window onto this agent.
func (a *agent) screen(t *testing.T, width, height int) *top.Screen {
	t.Helper()
	return a.screenOf(t, top.Options{}, width, height)
}

func (a *agent) screenOf(t *testing.T, opts top.Options, width, height int) *top.Screen {
	t.Helper()
	opts.Client, opts.Address, opts.LogLevel = a.client(t), "10.0.0.9:8500", "info"
	s := top.NewScreen(opts, width, height)
	t.Cleanup(s.Close)
	return s
}

// cluster is what an agent says of three servers and two clients: a service is broken, one
// is slow, and one has names of the greatest length with an output that gives orders.
var cluster = map[string]string{
	"/v1/agent/self":    `{"Config":{"Datacenter":"dc1","NodeName":"client-1","Server":false,"Version":"1.21.4"},"Stats":{}}`,
	"/v1/status/leader": `"10.0.0.2:8300"`,
	"/v1/operator/autopilot/health": `429 {"Healthy":false,"FailureTolerance":0,"Servers":[
		{"Name":"server-1","Address":"10.0.0.1:8300","SerfStatus":"alive","Leader":false,"LastTerm":3,"LastIndex":1233,"Healthy":true,"Voter":true},
		{"Name":"server-2","Address":"10.0.0.2:8300","SerfStatus":"alive","Leader":true,"LastTerm":3,"LastIndex":1234,"Healthy":true,"Voter":true},
		{"Name":"server-3","Address":"10.0.0.3:8300","SerfStatus":"failed","Leader":false,"LastTerm":3,"LastIndex":1100,"Healthy":false,"Voter":true}]}`,
	"/v1/internal/ui/nodes": `[` + strings.Join([]string{
		serverNode("server-1", "10.0.0.1", "passing", "Agent alive and reachable"),
		serverNode("server-2", "10.0.0.2", "passing", "Agent alive and reachable"),
		serverNode("server-3", "10.0.0.3", "critical", "Agent not live or unreachable"),
		clientNode,
		`{"Node":"` + longName + `","Address":"2001:db8::1234:5678:9abc:def0","Services":[{"ID":"s","Service":"` + longName + `"}],"Checks":[
			{"Node":"` + longName + `","CheckID":"c","Name":"` + longName + `","Status":"critical","Output":"` + hostile + `","ServiceID":"s","ServiceName":"` + longName + `"}]}`,
	}, ",") + `]`,
	"/v1/internal/ui/node/client-1": clientNode,
	"/v1/internal/ui/services": `[
		{"Name":"consul","Tags":null,"InstanceCount":3,"ChecksPassing":2,"ChecksCritical":1},
		{"Name":"web","Tags":["v1","v2"],"InstanceCount":2,"ChecksPassing":3,"ChecksWarning":1},
		{"Name":"billing","Tags":[],"InstanceCount":1,"ChecksPassing":1,"ChecksCritical":1},
		{"Name":"db","Tags":["primary"],"InstanceCount":12,"ChecksPassing":24},
		{"Name":"cron","InstanceCount":1},
		{"Name":"` + longName + `","Tags":["` + longName + `"],"InstanceCount":1,"ChecksCritical":1}]`,
	"/v1/health/service/web": `[
		{"Node":{"Node":"client-1","Address":"10.0.0.9"},"Service":{"ID":"web-1","Service":"web","Port":8080,"Tags":["v1","eu"]},"Checks":[
			{"CheckID":"serfHealth","Name":"Serf Health Status","Status":"passing","Output":"Agent alive and reachable"},
			{"CheckID":"service:web-1","Name":"answers","Status":"passing","Output":"HTTP GET http://10.0.0.9:8080/: 200 OK Output: hello"}]},
		{"Node":{"Node":"client-1","Address":"10.0.0.9"},"Service":{"ID":"web-2","Service":"web","Address":"10.0.0.10","Port":8081},"Checks":[
			{"CheckID":"serfHealth","Name":"Serf Health Status","Status":"passing","Output":"Agent alive and reachable"},
			{"CheckID":"service:web-2","Name":"answers within the time that was promised","Status":"warning","Output":"` + hostile + `"}]}]`,
	"/v1/kv/":             `["app/","empty/","readme","motd"]`,
	"/v1/kv/app/":         `["app/","app/color","app/limits/","app/logo.png"]`,
	"/v1/kv/app/color":    `[{"Key":"app/color","Value":"eyJibHVlIjogdHJ1ZSwKCSJoZXgiOiAiIzAwZiIKfQo=","ModifyIndex":1200,"Flags":42}]`,
	"/v1/kv/app/logo.png": `[{"Key":"app/logo.png","Value":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ","ModifyIndex":1201,"Session":"5f0c2c1e-0d5b-4f0e-9f0a-8b7f0f6b6c11"}]`,
	"/v1/agent/monitor": "2026-11-29T14:03:00.000Z [INFO]  agent: started\n" +
		"2026-11-29T14:03:00.100Z [WARN]  agent.checks: Check is now critical: check=service:billing\n" +
		"2026-11-29T14:03:00.200Z [ERROR] agent: " + strings.ReplaceAll(longName, "-", " ") + "\n" +
		"2026-11-29T14:03:00.300Z [DEBUG] agent: \x1b[31mred\x1b[0m \x1b]0;title\x07end\n",
}

const (
	longName = "a-name-as-long-as-anybody-would-ever-choose-for-a-thing-that-runs-on-a-machine-in-one-of-many-halls"
	// hostile clears the screen, names the window, turns the text around, and goes on.
	hostile = `\u001b[2J\u001b]0;owned\u0007HTTP GET http://10.0.0.10:8081/health?deep=true: 503 Service Unavailable\r\nOutput:\t\u202eevil\u202c \u009b31mred\u009b0m` +
		` {\"status\": \"degraded\", \"queues\": [\"a\", \"b\"], \"since\": \"2026-11-29T12:00:00Z\"}\u0008\u0000`
	clientNode = `{"Node":"client-1","Address":"10.0.0.9","Services":[
		{"ID":"web-1","Service":"web","Port":8080,"Tags":["v1","eu"]},{"ID":"web-2","Service":"web","Address":"10.0.0.10","Port":8081},{"ID":"billing","Service":"billing","Port":1}],"Checks":[
		{"Node":"client-1","CheckID":"serfHealth","Name":"Serf Health Status","Status":"passing","Output":"Agent alive and reachable"},
		{"Node":"client-1","CheckID":"service:web-1","Name":"answers","Status":"passing","Output":"HTTP GET http://10.0.0.9:8080/: 200 OK","ServiceID":"web-1","ServiceName":"web"},
		{"Node":"client-1","CheckID":"service:web-2","Name":"answers","Status":"warning","Output":"429 Too Many Requests","ServiceID":"web-2","ServiceName":"web"},
		{"Node":"client-1","CheckID":"service:billing","Name":"answers","Status":"critical","Output":"Get \"http://127.0.0.1:1/health\": dial tcp 127.0.0.1:1: connect: connection refused","ServiceID":"billing","ServiceName":"billing"}]}`
)

func serverNode(name, address, status, output string) string {
	return fmt.Sprintf(`{"Node":%q,"Address":%q,"Services":[{"ID":"consul","Service":"consul","Port":8300}],"Checks":[{"Node":%[1]q,"CheckID":"serfHealth","Name":"Serf Health Status","Status":%[3]q,"Output":%[4]q}]}`,
		name, address, status, output)
}
