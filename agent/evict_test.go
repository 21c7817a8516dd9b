package agent_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"praetor/catalog"
	"praetor/internal/ops"
	"praetor/internal/testcluster"
)

func TestAgentRemovesWhatTheLeaderOrders(t *testing.T) {
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
		for _, row := range []struct {
			name  string
			order ops.EvictOrderReply
			want  ops.EvictReportRequest
		}{
			{"nothing", ops.EvictOrderReply{}, ops.EvictReportRequest{Outcome: ops.EvictRefused, Reason: "it must name a service or a check"}},
			{"two things", ops.EvictOrderReply{ServiceID: "w1", CheckID: "x"}, ops.EvictReportRequest{Outcome: ops.EvictRefused, Reason: "it must name a service or a check"}},
			{"a service of another name", ops.EvictOrderReply{ServiceID: "w1", Service: "db"}, ops.EvictReportRequest{Outcome: ops.EvictRefused, Reason: `here it belongs to service "web", not "db"`}},
			{"a check of another service", ops.EvictOrderReply{CheckID: "w1-check", Service: "db"}, ops.EvictReportRequest{Outcome: ops.EvictRefused, Reason: `here it belongs to service "web", not "db"`}},
			{"a service's name", ops.EvictOrderReply{ServiceID: "web"}, ops.EvictReportRequest{Outcome: ops.EvictUnknown}},
			{"an unknown check", ops.EvictOrderReply{CheckID: "x"}, ops.EvictReportRequest{Outcome: ops.EvictUnknown}},
			{"a check", ops.EvictOrderReply{CheckID: "w1-check", Service: "web"}, ops.EvictReportRequest{Outcome: ops.EvictDone}},
			{"a service", ops.EvictOrderReply{ServiceID: "d1"}, ops.EvictReportRequest{Outcome: ops.EvictDone}},
			{"it again", ops.EvictOrderReply{ServiceID: "d1"}, ops.EvictReportRequest{Outcome: ops.EvictUnknown}},
		} {
			if got := a.CarryOut(context.Background(), &row.order); *got != row.want {
				t.Errorf("%s: %+v, want %+v", row.name, *got, row.want)
			}
		}
		const order = `{"Node":"client-1","ServiceID":"w2"}`
		add("w2", "web")
		c.WaitFor("an eviction through gossip", func() error {
			if got := c.Servers()[0].Ask("", "PUT", "/v1/catalog/deregister?evict", order); got.Status != 200 || a.Local().Service("w2") != nil {
				return fmt.Errorf("%d %s", got.Status, got.Body)
			}
			return nil
		})
		if a.Local().Service("w1") == nil || a.Local().Check("w1-check") != nil || a.Local().Service("d1") != nil {
			t.Errorf("left: %v %v", a.Local().Services(), a.Local().Checks())
		}
	})
}

// TestWhatGossipSaysRemovesNothing: anybody can say in gossip that a server wants
// something removed.
func TestWhatGossipSaysRemovesNothing(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 1}, func(c *testcluster.Cluster) {
		a := c.Clients()[0].Agent()
		if err := a.Local().AddService(context.Background(), &catalog.Service{ID: "w1", Service: "web"}, nil, false, ""); err != nil {
			t.Fatal(err)
		}
		for _, payload := range []string{"", "w1", `{"ServiceID":"w1"}`, "6d5c2a0e-1111-2222-3333-444455556666"} {
			a.Hear(context.Background(), payload)
		}
		if a.Local().Service("w1") == nil {
			t.Error("the service is gone")
		}
	})
}

// TestEvictionNamesTheFileThatBringsItBack: what a file defines comes back when it is
// read again.
func TestEvictionNamesTheFileThatBringsItBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "defined.hcl")
	if err := os.WriteFile(file, []byte(`
services { name = "web" id = "w" port = 80 check { id = "wc" ttl = "1h" } connect { sidecar_service { port = 5 checks = [{ id = "sc" ttl = "1h" }] } } }
services { name = "db" port = 81 }
check { id = "nc" name = "n" ttl = "1h" }`), 0o600); err != nil {
		t.Fatal(err)
	}
	testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 1}, func(c *testcluster.Cluster) {
		owner := c.Clients()[0]
		owner.Crash()
		owner.ConfigFile = file
		owner.Start()
		a := owner.Agent()
		if err := a.Local().AddService(context.Background(), &catalog.Service{ID: "api", Service: "api"}, []*catalog.Check{{CheckID: "ac", ServiceID: "api"}}, false, ""); err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			order ops.EvictOrderReply
			file  string
		}{
			{ops.EvictOrderReply{CheckID: "wc", Service: "web"}, file},
			{ops.EvictOrderReply{CheckID: "sc"}, file},
			{ops.EvictOrderReply{CheckID: "nc"}, file},
			{ops.EvictOrderReply{CheckID: "ac"}, ""},
			{ops.EvictOrderReply{ServiceID: "w-sidecar-proxy"}, file},
			{ops.EvictOrderReply{ServiceID: "w"}, file},
			{ops.EvictOrderReply{ServiceID: "db"}, file},
			{ops.EvictOrderReply{ServiceID: "api"}, ""},
		} {
			want := ops.EvictReportRequest{Outcome: ops.EvictDone, File: row.file}
			if got := a.CarryOut(context.Background(), &row.order); *got != want {
				t.Errorf("%+v: %+v, want %+v", row.order, *got, want)
			}
		}
	})
}
