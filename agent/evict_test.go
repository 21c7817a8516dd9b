package agent_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/internal/testcluster"
)

func TestAgentRemovesWhatAServerMayAskFor(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 1}, func(c *testcluster.Cluster) {
		a := c.Clients()[0].Agent()
		add := func(id, name string) {
			svc := &catalog.Service{ID: id, Service: name}
			if err := a.Local().AddService(context.Background(), svc, []*catalog.Check{{CheckID: id + "-check", ServiceID: id}}, false, ""); err != nil {
				t.Fatal(err)
			}
		}
		add("w1", "web")
		add("d1", "db")
		const from = "server-1"
		for _, row := range []struct {
			name, from, payload string
			want                server.EvictAnswer
		}{
			{"a client asks", "client-1", `{"ServiceID":"w1"}`, server.EvictAnswer{Outcome: server.EvictRefused, Reason: `"client-1" is not a server of this datacenter`}},
			{"a stranger asks", "nobody", `{"ServiceID":"w1"}`, server.EvictAnswer{Outcome: server.EvictRefused, Reason: `"nobody" is not a server of this datacenter`}},
			{"for nothing", from, `{}`, server.EvictAnswer{Outcome: server.EvictRefused, Reason: "read eviction: it must name a service or a check"}},
			{"in no known words", from, `evict w1`, server.EvictAnswer{Outcome: server.EvictRefused, Reason: "read eviction: invalid character 'e' looking for beginning of value"}},
			{"for a service of another name", from, `{"ServiceID":"w1","Service":"db"}`, server.EvictAnswer{Outcome: server.EvictRefused, Reason: `here it belongs to service "web", not "db"`}},
			{"for a check of another service", from, `{"CheckID":"w1-check","Service":"db"}`, server.EvictAnswer{Outcome: server.EvictRefused, Reason: `here it belongs to service "web", not "db"`}},
			{"for a service's name", from, `{"ServiceID":"web"}`, server.EvictAnswer{Outcome: server.EvictUnknown}},
			{"for an unknown check", from, `{"CheckID":"x"}`, server.EvictAnswer{Outcome: server.EvictUnknown}},
			{"for a check", from, `{"CheckID":"w1-check","Service":"web"}`, server.EvictAnswer{Outcome: server.EvictDone}},
			{"long ago", from, `{"ServiceID":"d1","Asked":"1999-01-01T00:00:00Z"}`, server.EvictAnswer{Outcome: server.EvictRefused, Reason: "it was asked before this agent started, if the clocks agree"}},
			{"for a service", from, `{"ServiceID":"d1"}`, server.EvictAnswer{Outcome: server.EvictDone}},
			{"for it again", from, `{"ServiceID":"d1"}`, server.EvictAnswer{Outcome: server.EvictUnknown}},
		} {
			payload := row.payload
			if !strings.Contains(payload, "Asked") {
				payload = strings.Replace(payload, `"}`, fmt.Sprintf(`","Asked":%q}`, time.Now().Format(time.RFC3339Nano)), 1)
			}
			if got := a.Evict(context.Background(), row.from, []byte(payload)); got != row.want {
				t.Errorf("%s: %+v, want %+v", row.name, got, row.want)
			}
		}
		if a.Local().Service("w1") == nil || a.Local().Check("w1-check") != nil || a.Local().Service("d1") != nil {
			t.Errorf("left: %v %v", a.Local().Services(), a.Local().Checks())
		}
	})
}
