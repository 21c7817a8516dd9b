package testcluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"praetor/agent"
	"praetor/dnsserver"
)

// Manager is the secret of the management token of a cluster with LockedDown.
const Manager = "b1b1b1b1-0000-0000-0000-000000000001"

// LockedDown is configuration for access rules that grant nothing by default, and are
// the same in a second datacenter.
const LockedDown = `acl { enabled = true default_policy = "deny" enable_token_replication = true
  tokens { initial_management = "` + Manager + `" agent = "` + Manager + `" replication = "` + Manager + `" } }
encrypt = "` + GossipKey + `"
`

// Answer is what an agent's HTTP API answered.
type Answer struct {
	Status int
	Body   string
	Header http.Header
}

// Member returns a member of an answer that is an object, as text.
func (a Answer) Member(name string) string {
	var object map[string]any
	if json.Unmarshal([]byte(a.Body), &object) != nil {
		return ""
	}
	text, _ := object[name].(string)
	return text
}

// Ask makes a request of the node's HTTP API, without a socket. An answer that does
// not end is left after a second.
func (n *Node) Ask(token, method, target, body string) Answer {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if strings.Contains(target, "monitor") || strings.Contains(target, "stream") {
		defer time.AfterFunc(time.Second, cancel).Stop()
	}
	return n.Door().Ask(ctx, token, method, target, body)
}

// Door is where one process of a node is asked, also from other goroutines than the test's
// and after its end.
type Door struct {
	agent *agent.Agent
	ip    string
}

// Door is that of the running process.
func (n *Node) Door() Door { return Door{n.agent, n.ip} }

// DNS answers questions as the node's DNS ports do.
func (d Door) DNS() *dnsserver.Server { return d.agent.DNS() }

// Ask makes a request of the HTTP API, without a socket.
func (d Door) Ask(ctx context.Context, token, method, target, body string) Answer {
	req := httptest.NewRequestWithContext(ctx, method, "http://"+d.ip+target, strings.NewReader(body))
	req.RemoteAddr = "127.0.0.1:1"
	if token != "" {
		req.Header.Set("X-Consul-Token", token)
	}
	rec := httptest.NewRecorder()
	d.agent.API().ServeHTTP(rec, req)
	return Answer{rec.Code, rec.Body.String(), rec.Header()}
}

// Must makes requests of the manager that are answered with 200, each as METHOD PATH
// BODY, and returns the last answer.
func (n *Node) Must(requests ...string) (last Answer) {
	n.c.t.Helper()
	for _, r := range requests {
		method, rest, _ := strings.Cut(r, " ")
		target, body, _ := strings.Cut(rest, " ")
		if last = n.Ask(Manager, method, target, body); last.Status != http.StatusOK {
			n.c.t.Fatalf("%s of %s: %d %s", r, n.name, last.Status, last.Body)
		}
	}
	return last
}

// WaitForToken waits until the node has heard of a token.
func (n *Node) WaitForToken(token string) {
	n.c.t.Helper()
	n.c.WaitFor("a token on "+n.name, func() error {
		if a := n.Ask(token, http.MethodGet, "/v1/acl/token/self?stale", ""); a.Status != http.StatusOK {
			return fmt.Errorf("%d %s", a.Status, a.Body)
		}
		return nil
	})
}

// Grant makes a token with the rules, and returns its secret. Other nodes hear of it
// in their time.
func (n *Node) Grant(rules string) string {
	n.c.t.Helper()
	n.c.tokens++
	name := fmt.Sprintf("granted-%d", n.c.tokens)
	policy, err := json.Marshal(map[string]string{"Name": name, "Rules": rules})
	if err != nil {
		n.c.t.Fatal(err)
	}
	return n.Must("PUT /v1/acl/policy "+string(policy), `PUT /v1/acl/token {"Policies":[{"Name":"`+name+`"}]}`).Member("SecretID")
}

// GrantForAMinute makes a management token that expires.
func (n *Node) GrantForAMinute() string {
	n.c.t.Helper()
	return n.Must(`PUT /v1/acl/token {"ExpirationTTL":"1m","Policies":[{"Name":"global-management"}]}`).Member("SecretID")
}
