package duty_test

import (
	"fmt"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/testkernel"
)

// stocked puts services and checks on a living node c, a failed one and one without an agent.
func (r room) stocked() {
	r.Pool.Set(server(1, nil), client("c", 1), testkernel.As(client("failed", 2), gossip.Failed), testkernel.As(client("left", 3), gossip.Left))
	for _, node := range []string{"c", "failed", "outside", "s1"} {
		r.Log(catalog.RegisterCommand, &catalog.Register{
			Node: node, Address: "10.0.1.1", Service: &catalog.Service{ID: "w1", Service: "web"},
			Checks: []*catalog.Check{{CheckID: "alive", Name: "alive", ServiceID: "w1"}, {CheckID: "disk", Name: "disk"}},
		})
	}
}

func (r room) evict(token string, d catalog.Deregister) (*ops.CatalogEvictReply, error) {
	req := &ops.CatalogEvictRequest{Deregister: d}
	req.Token = token
	return ops.CatalogEvict.Call(r.T.Context(), r.Router, req)
}

func TestWhatNoLivingAgentAnswersForGoesFromTheCatalog(t *testing.T) {
	for _, c := range []struct {
		d         catalog.Deregister
		action    string
		mayReturn bool
		detail    string
	}{
		{catalog.Deregister{Node: "outside"}, ops.EvictedFromCatalog, false, `removed node "outside" from the catalog: no agent runs on node "outside", so nothing registers it again.`},
		{catalog.Deregister{Node: "outside", ServiceID: "W1"}, ops.EvictedFromCatalog, false, `removed service "W1" from the catalog: no agent runs on node "outside", so nothing registers it again.`},
		{catalog.Deregister{Node: "outside", CheckID: "disk"}, ops.EvictedFromCatalog, false, `removed check "disk" from the catalog: no agent runs on node "outside", so nothing registers it again.`},
		{catalog.Deregister{Node: "failed"}, ops.EvictedFromCatalog, true, `removed node "failed" from the catalog: the agent of node "failed" is failed; should it start again with its data folder, it registers what it knew.`},
		{catalog.Deregister{Node: "FAILED", ServiceID: "w1"}, ops.EvictedFromCatalog, true, `removed service "w1" from the catalog: the agent of node "FAILED" is failed; should it start again with its data folder, it registers what it knew.`},
		{catalog.Deregister{Node: "gone"}, ops.EvictedNothing, false, `there is no node "gone" in the catalog.`},
		{catalog.Deregister{Node: "left"}, ops.EvictedNothing, false, `there is no node "left" in the catalog.`},
		{catalog.Deregister{Node: "outside", ServiceID: "web"}, ops.EvictedNothing, false, `there is no service "web" on node "outside"; ensure that the service ID is passed, not the service name.`},
		{catalog.Deregister{Node: "gone", ServiceID: "w1"}, ops.EvictedNothing, false, `there is no service "w1" on node "gone"; ensure that the service ID is passed, not the service name.`},
		{catalog.Deregister{Node: "failed", CheckID: "Disk"}, ops.EvictedNothing, false, `there is no check "Disk" on node "failed"; ensure that the check ID is passed, not the check name.`},
	} {
		leading(t, func(r room) {
			r.stocked()
			before := r.Store.Read().LastIndex()
			rep, err := r.evict("", c.d)
			if err != nil || *rep != (ops.CatalogEvictReply{Action: c.action, MayReturn: c.mayReturn, Detail: c.detail}) {
				t.Errorf("%+v: %+v, %v; want %s, %t: %s", c.d, rep, err, c.action, c.mayReturn, c.detail)
			}
			if wrote := r.Store.Read().LastIndex() != before; wrote != (c.action != ops.EvictedNothing) {
				t.Errorf("%+v: written %t", c.d, wrote)
			}
		})
	}
}

func TestWhatTheLeaderWouldBringBackIsNotEvicted(t *testing.T) {
	const isServer, bySerf, lives = `service "consul" on node "s1" says that the node is a server: it goes when the server leaves`,
		`check "serfHealth" is what gossip says of node "c": it goes with the node`,
		`node "c" is alive: its agent would register it again; stop that agent, or run 'leave' on its machine; 'force-leave c' forgets a node whose agent has failed`
	for _, c := range []struct {
		d    catalog.Deregister
		want string // "": it is not refused
	}{
		{catalog.Deregister{Node: "s1", ServiceID: "consul"}, isServer},
		{catalog.Deregister{Node: "s1", ServiceID: "Consul"}, `service "Consul" on node "s1" says that the node is a server: it goes when the server leaves`},
		{catalog.Deregister{Node: "c", ServiceID: "consul"}, ""}, // no server: whoever registered it is asked
		{catalog.Deregister{Node: "s1", ServiceID: "w1"}, ""},
		{catalog.Deregister{Node: "c", CheckID: "serfHealth"}, bySerf},
		{catalog.Deregister{Node: "c", ServiceID: "w1", CheckID: "serfHealth"}, ""}, // the service goes
		{catalog.Deregister{Node: "outside", CheckID: "serfHealth"}, ""},
		{catalog.Deregister{Node: "c", CheckID: "disk"}, ""},
		{catalog.Deregister{Node: "c"}, lives},
	} {
		leading(t, func(r room) {
			r.stocked()
			r.Pool.Answer = r.agent(ops.EvictReportRequest{Outcome: ops.EvictDone}, nil)
			rep, err := r.evict("", c.d)
			if got := fmt.Sprint(err); err != nil && (got != c.want || fault.KindOf(err) != fault.Invalid) || err == nil && c.want != "" {
				t.Errorf("%+v: %+v, %v; want %q", c.d, rep, err, c.want)
			}
		})
	}
}

// agent plays one that fetches each order, which it adds to orders, and reports.
func (r room) agent(report ops.EvictReportRequest, orders *[]ops.EvictOrderReply) func(member, name string, payload []byte) ([]byte, error) {
	return func(member, _ string, payload []byte) ([]byte, error) {
		order, err := ops.EvictOrder.Call(r.T.Context(), r.Router, &ops.EvictOrderRequest{ID: string(payload), Node: member})
		if err != nil {
			return nil, err
		}
		if orders != nil {
			*orders = append(*orders, *order)
		}
		report.ID, report.Node = string(payload), member
		_, err = ops.EvictReport.Call(r.T.Context(), r.Router, &report)
		return nil, err
	}
}

// TestAnOrderSaysWhatTheRightIsFor: who may write a service has just that removed.
func TestAnOrderSaysWhatTheRightIsFor(t *testing.T) {
	web, node := testkernel.Rights{acl.Service.Write("web")}, testkernel.Rights{acl.Node.Write("c")}
	for _, c := range []struct {
		name   string
		rights testkernel.Rights
		d      catalog.Deregister
		order  ops.EvictOrderReply
		denied bool
	}{
		{"a service, by its right", web, catalog.Deregister{Node: "c", ServiceID: "w1"}, ops.EvictOrderReply{ServiceID: "w1", Service: "web"}, false},
		{"a service's check, by its right", web, catalog.Deregister{Node: "c", CheckID: "alive"}, ops.EvictOrderReply{CheckID: "alive", Service: "web"}, false},
		{"a service, by the node's", node, catalog.Deregister{Node: "c", ServiceID: "w1"}, ops.EvictOrderReply{ServiceID: "w1"}, false},
		{"a node's check, by the node's", node, catalog.Deregister{Node: "c", CheckID: "disk"}, ops.EvictOrderReply{CheckID: "disk"}, false},
		{"service and check: the service", node, catalog.Deregister{Node: "c", ServiceID: "w1", CheckID: "alive"}, ops.EvictOrderReply{ServiceID: "w1"}, false},
		{"a node's check, by the service's", web, catalog.Deregister{Node: "c", CheckID: "disk"}, ops.EvictOrderReply{}, true},
		{"a service, by another's", testkernel.Rights{acl.Service.Write("db")}, catalog.Deregister{Node: "c", ServiceID: "w1"}, ops.EvictOrderReply{}, true},
		{"a service, by another node's", testkernel.Rights{acl.Node.Write("d")}, catalog.Deregister{Node: "c", ServiceID: "w1"}, ops.EvictOrderReply{}, true},
	} {
		leading(t, func(r room) {
			r.stocked()
			r.ACL = c.rights
			var orders []ops.EvictOrderReply
			r.Pool.Answer = r.agent(ops.EvictReportRequest{Outcome: ops.EvictDone}, &orders)
			_, err := r.evict("t", c.d)
			if c.denied != (fault.KindOf(err) == fault.Denied) || c.denied != (len(orders) == 0) || !c.denied && orders[0] != c.order {
				t.Errorf("%s: %v, asked for %+v", c.name, err, orders)
			}
		})
	}
}

func TestEvictionsUnderWayAreBounded(t *testing.T) {
	leading(t, func(r room) {
		r.stocked()
		var ids []string
		for range 256 {
			id, _, err := r.duties.AddOrder("c")
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		if _, _, err := r.duties.AddOrder("c"); fault.KindOf(err) != fault.Limit || err.Error() != "256 evictions are under way: try again" {
			t.Errorf("one more: %v", err)
		}
		r.duties.RemoveOrder(ids[7])
		if _, _, err := r.duties.AddOrder("c"); err != nil {
			t.Errorf("after one has ended: %v", err)
		}
	})
}

// TestTheFirstReportCounts, if it comes within ten seconds.
func TestTheFirstReportCounts(t *testing.T) {
	leading(t, func(r room) {
		id, await, err := r.duties.AddOrder("C")
		if err != nil {
			t.Fatal(err)
		}
		report := func(node string, outcome ops.EvictOutcome) error {
			_, err := ops.EvictReport.Call(r.T.Context(), r.Router, &ops.EvictReportRequest{ID: id, Node: node, Outcome: outcome})
			return err
		}
		if err := report("d", ops.EvictRefused); fault.KindOf(err) != fault.NotFound || err.Error() != `no server asks node "d" to remove anything under ID "`+id+`"` {
			t.Errorf("a report of another node: %v", err)
		}
		for _, outcome := range []ops.EvictOutcome{ops.EvictDone, ops.EvictRefused} {
			if err := report("c", outcome); err != nil {
				t.Errorf("report %s: %v", outcome, err)
			}
		}
		if rep, err := await(); err != nil || rep.Outcome != ops.EvictDone {
			t.Errorf("the report is %+v, %v", rep, err)
		}
		began := time.Now()
		if rep, err := await(); err != gossip.ErrNoAnswer || time.Since(began) != 10*time.Second {
			t.Errorf("without a report: %+v, %v after %s", rep, err, time.Since(began))
		}
		r.duties.RemoveOrder(id)
		if err := report("c", ops.EvictDone); fault.KindOf(err) != fault.NotFound {
			t.Errorf("a report after the end: %v", err)
		}
	})
}

func TestOnlyALeaderEvicts(t *testing.T) {
	within(t, dutyOptions, testkernel.Options{Unready: true}, func(r room) {
		_, err := r.duties.Evict(r.T.Context(), catalog.Deregister{Node: "outside"})
		if fault.KindOf(err) != fault.NoLeader {
			t.Errorf("%v, want that it is not ready", err)
		}
	})
}
