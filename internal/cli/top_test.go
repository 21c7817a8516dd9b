package cli_test

import (
	"strings"
	"testing"
)

// topAnswers is what an agent with one service says.
var topAnswers = map[string]string{
	"GET /v1/internal/ui/nodes?dc=dc2&stale=&wait=5000ms": `[{"Node":"n1","Address":"10.0.0.1","Services":[{"ID":"web","Service":"web"}],"Checks":[{"Node":"n1","CheckID":"c","Name":"answers","Status":"critical","Output":"no\u001b[2J\nanswer","ServiceName":"web"}]}]`,
	"GET /v1/status/leader?dc=dc2&stale=":                 `"10.0.0.1:8300"`,
	"GET /v1/agent/self?dc=dc2":                           `{"Config":{"Datacenter":"dc1","NodeName":"n1","Server":true,"Version":"1.22.7"},"Stats":{"raft":{"term":"9","commit_index":"99"}}}`,
	"GET /v1/operator/autopilot/health?dc=dc2&stale=":     `{"Healthy":true,"FailureTolerance":0,"Servers":[{"Name":"n2","Address":"10.0.0.1:8300","Leader":true,"LastTerm":2,"LastIndex":20,"Healthy":true}]}`,
}

// TestTopPrintsTheFirstPageForScripts: where nobody watches it is text, and ends.
func TestTopPrintsTheFirstPageForScripts(t *testing.T) {
	const page = `Datacenter   dc2, asked at n1 (server, version 1.22.7)
Leader       n2 at 10.0.0.1:8300
Raft         term 2, last index of the leader 20
Servers      1 of 1 healthy, none may be lost
Registered   1 service, 1 instance, 1 node
Checks       0 passing, 0 warning, 1 critical

Critical (1)
SERVICE  NODE  CHECK    OUTPUT
web      n1    answers  no answer
`
	for _, args := range []string{"top -datacenter=dc2 -stale", "top -datacenter=dc2 -stale -once"} {
		answer(t, topAnswers)
		want(t, 0, page, "", strings.Fields(args)...)
	}
}

func TestTopSaysWhyItCannot(t *testing.T) {
	answer(t, map[string]string{"GET /v1/internal/ui/nodes?wait=5000ms": "!No cluster leader"})
	want(t, 1, "", "Error querying Consul agent: Unexpected response code: 500 (No cluster leader)\n", "top")
	want(t, 1, "", "Too many arguments (expected 0, got 1)\n", "top", "web")
}
