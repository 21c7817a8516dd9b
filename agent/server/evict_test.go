package server_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

// withWeb makes c1, a living client, own service web, ID w1, with a check.
func withWeb(s *lone) {
	s.t.Helper()
	s.put("a", "1") // it leads
	s.pool.set(serverMember(1, gossip.Alive, nil), clientMember("c1", gossip.Alive), clientMember("gone", gossip.Failed))
	for _, node := range []string{"c1", "gone", "outside"} {
		err := s.register(catalog.Register{
			Node: node, Address: "10.0.1.1", Service: &catalog.Service{ID: "w1", Service: "web"},
			Checks: []*catalog.Check{{CheckID: "alive", ServiceID: "w1"}, {CheckID: "disk"}},
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *lone) evict(d catalog.Deregister) (*ops.CatalogEvictReply, error) {
	return s.evictWith("", d)
}

func (s *lone) evictWith(token string, d catalog.Deregister) (*ops.CatalogEvictReply, error) {
	req := &ops.CatalogEvictRequest{Deregister: d}
	req.Token = token
	return ops.CatalogEvict.Call(context.Background(), s.Router(), req)
}

func (s *lone) has(node, service string) bool {
	_, found := s.Store().Read().NodeServices(nil, node)
	for _, svc := range found.Services {
		if svc.ID == service {
			return true
		}
	}
	return false
}

// agentOf plays an agent that gossip tells of an order: it fetches it, hands it to
// asked as JSON, and reports what report says, in JSON; "" for no report.
func agentOf(t *testing.T, s *lone, report string, asked func(member, what string)) func(member, name string, payload []byte) ([]byte, error) {
	return func(member, name string, payload []byte) ([]byte, error) {
		if name != "praetor:evict" {
			t.Errorf("question %s", name)
		}
		order, err := ops.EvictOrder.Call(context.Background(), s.Router(), &ops.EvictOrderRequest{ID: string(payload), Node: member})
		if err != nil {
			t.Errorf("the order of %s: %v", member, err)
			return nil, gossip.ErrNoAnswer
		}
		what, _ := json.Marshal(order) // strings always encode
		asked(member, string(what))
		if report == "" {
			return nil, gossip.ErrNoAnswer
		}
		req := &ops.EvictReportRequest{ID: string(payload), Node: member}
		if err := json.Unmarshal([]byte(report), req); err != nil {
			t.Fatal(err)
		}
		if _, err := ops.EvictReport.Call(context.Background(), s.Router(), req); err != nil {
			t.Errorf("the report of %s: %v", member, err)
		}
		return nil, nil
	}
}

// order is an order as JSON.
func order(serviceID, checkID, service string) string {
	text, _ := json.Marshal(ops.EvictOrderReply{ServiceID: serviceID, CheckID: checkID, Service: service})
	return string(text)
}

func TestAgentIsAskedToRemoveWhatItOwns(t *testing.T) {
	service, check := catalog.Deregister{Node: "C1", ServiceID: "w1", CheckID: "alive"}, catalog.Deregister{Node: "c1", CheckID: "disk"}
	rows := []struct {
		name      string
		d         catalog.Deregister
		asked     string
		answer    string // "" for none in time
		action    string
		mayReturn bool
		detail    string
		err       string
	}{
		{"removed", service, order("w1", "", ""), `{"Outcome":"removed"}`, ops.EvictedAtAgent, false,
			`removed service "w1" at the agent of node "C1", from its data folder too, and from the catalog.`, ""},
		{"a check", check, order("", "disk", ""), `{"Outcome":"removed"}`, ops.EvictedAtAgent, false,
			`removed check "disk" at the agent of node "c1", from its data folder too, and from the catalog.`, ""},
		{"of a file", service, order("w1", "", ""), `{"Outcome":"removed","File":"/etc/web.hcl"}`, ops.EvictedAtAgent, true,
			`removed service "w1" at the agent of node "C1" and from the catalog, until that agent starts or reloads: /etc/web.hcl on its machine defines it; remove it there to be rid of it.`, ""},
		{"unknown there", service, order("w1", "", ""), `{"Outcome":"unknown"}`, ops.EvictedFromCatalog, false,
			`removed service "w1" from the catalog: the agent of node "C1" does not have it.`, ""},
		{"unknown everywhere", catalog.Deregister{Node: "c1", ServiceID: "web"}, order("web", "", ""), `{"Outcome":"unknown"}`, ops.EvictedNothing, false,
			`there is no service "web" on node "c1"; ensure that the service ID is passed, not the service name.`, ""},
		{"no answer", service, order("w1", "", ""), "", ops.EvictedFromCatalog, true,
			`removed service "w1" from the catalog: the agent of node "C1" did not do it (the member did not answer in time) and may bring it back within two minutes; deregister it there, or stop that agent.`, ""},
		{"no answer about what the catalog lacks", catalog.Deregister{Node: "c1", CheckID: "x"}, order("", "x", ""), "", "", false, "",
			`the agent of node "c1" was asked to remove check "x", which the catalog does not have: the member did not answer in time`},
		{"an answer of a later version", service, order("w1", "", ""), `{"Outcome":"pondering"}`, ops.EvictedFromCatalog, true,
			`removed service "w1" from the catalog: the agent of node "C1" did not do it (outcome "pondering" is unknown) and may bring it back within two minutes; deregister it there, or stop that agent.`, ""},
		{"refused", service, order("w1", "", ""), `{"Outcome":"refused","Reason":"disk full"}`, "", false, "",
			`the agent of node "C1" refused to remove service "w1": disk full`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			virtual(t, nil, func(s *lone) {
				withWeb(s)
				s.pool.answer = agentOf(t, s, row.answer, func(member, what string) {
					if member != "c1" || what != row.asked {
						t.Errorf("asked %s %s, want c1 %s", member, what, row.asked)
					}
				})
				rep, err := s.evict(row.d)
				if row.err != "" {
					if err == nil || err.Error() != row.err {
						t.Errorf("error %v, want %s", err, row.err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if rep.Action != row.action || rep.MayReturn != row.mayReturn || rep.Detail != row.detail {
					t.Errorf("got %s, may return %v: %s\nwant %s, %v: %s", rep.Action, rep.MayReturn, rep.Detail, row.action, row.mayReturn, row.detail)
				}
				if gone := !s.has("c1", "w1"); gone != (row.d.ServiceID == "w1") {
					t.Errorf("service gone from the catalog: %v", gone)
				}
				if !s.has("outside", "w1") {
					t.Error("the same ID on another node went too")
				}
			})
		})
	}
}

func TestEvictionsThatMakeNoSenseAreRefused(t *testing.T) {
	rows := []struct {
		name string
		d    catalog.Deregister
		kind fault.Kind
		want string
	}{
		{"no node", catalog.Deregister{ServiceID: "w1"}, fault.Rejected, "Must provide node"},
		{"a living node", catalog.Deregister{Node: "c1"}, fault.Invalid, `node "c1" is alive: its agent would register it again; ` +
			`stop that agent, or run 'leave' on its machine; 'force-leave c1' forgets a node whose agent has failed`},
		{"a server's own service", catalog.Deregister{Node: "s1", ServiceID: "consul"}, fault.Invalid,
			`service "consul" on node "s1" says that the node is a server: it goes when the server leaves`},
		{"what gossip says", catalog.Deregister{Node: "gone", CheckID: "serfHealth"}, fault.Invalid,
			`check "serfHealth" is what gossip says of node "gone": it goes with the node`},
	}
	virtual(t, nil, func(s *lone) {
		withWeb(s)
		for _, row := range rows {
			if rep, err := s.evict(row.d); fault.KindOf(err) != row.kind || err.Error() != row.want {
				t.Errorf("%s: %v, %v; want %s", row.name, rep, err, row.want)
			}
		}
	})
}

func TestEvictionNeedsTheRightsOfADeregistration(t *testing.T) {
	asked := ""
	as := func(who rights, test func(s *lone)) {
		virtual(t, func(o *server.Options) { o.ACL = limited{who} }, func(s *lone) {
			withWeb(s)
			s.pool.answer = agentOf(t, s, `{"Outcome":"removed"}`, func(_, what string) { asked = what })
			test(s)
		})
	}
	as(rights{}, func(s *lone) {
		if _, err := s.evictWith("t", catalog.Deregister{Node: "c1", ServiceID: "w1"}); fault.KindOf(err) != fault.Denied || asked != "" {
			t.Errorf("without rights: %v, asked %s", err, asked)
		}
	})
	as(rights{acl.Service.Write("web")}, func(s *lone) {
		// The agent has to look whether it still is the service that the right is for.
		if _, err := s.evictWith("t", catalog.Deregister{Node: "c1", ServiceID: "w1"}); err != nil || asked != order("w1", "", "web") {
			t.Errorf("with service:write: %v, asked %s", err, asked)
		}
		if _, err := s.evictWith("t", catalog.Deregister{Node: "gone", CheckID: "disk"}); fault.KindOf(err) != fault.Denied {
			t.Errorf("a check of the node: %v", err)
		}
	})
	as(rights{acl.Node.Write("c1")}, func(s *lone) {
		if _, err := s.evictWith("t", catalog.Deregister{Node: "c1", CheckID: "alive"}); err != nil || asked != order("", "alive", "") {
			t.Errorf("with node:write: %v, asked %s", err, asked)
		}
	})
}

// TestAnswersThatComeByGossipAreNotBelieved: only a report over RPC counts, under the
// order's ID and from its node.
func TestAnswersThatComeByGossipAreNotBelieved(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		withWeb(s)
		s.pool.answer = func(_, _ string, payload []byte) ([]byte, error) {
			for _, forged := range []ops.EvictReportRequest{
				{ID: "00000000-0000-0000-0000-000000000000", Node: "c1", Outcome: ops.EvictUnknown},
				{ID: string(payload), Node: "other", Outcome: ops.EvictUnknown},
			} {
				if _, err := ops.EvictReport.Call(context.Background(), s.Router(), &forged); fault.KindOf(err) != fault.NotFound {
					t.Errorf("report %+v: %v, want not found", forged, err)
				}
			}
			return []byte(`{"Outcome":"unknown"}`), nil
		}
		rep, err := s.evict(catalog.Deregister{Node: "c1", ServiceID: "w1"})
		if err != nil || !rep.MayReturn || !strings.Contains(rep.Detail, "did not answer in time") {
			t.Errorf("%+v, %v; want that the agent did not report", rep, err)
		}
	})
}

// TestOrdersEndWithTheirEviction: an ID that was heard of later gives nothing.
func TestOrdersEndWithTheirEviction(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		withWeb(s)
		id := ""
		played := agentOf(t, s, `{"Outcome":"removed"}`, func(string, string) {})
		s.pool.answer = func(member, name string, payload []byte) ([]byte, error) {
			id = string(payload)
			return played(member, name, payload)
		}
		if _, err := s.evict(catalog.Deregister{Node: "c1", ServiceID: "w1"}); err != nil {
			t.Fatal(err)
		}
		_, err := ops.EvictOrder.Call(context.Background(), s.Router(), &ops.EvictOrderRequest{ID: id, Node: "c1"})
		if fault.KindOf(err) != fault.NotFound {
			t.Errorf("the order afterwards: %v, want not found", err)
		}
	})
}
