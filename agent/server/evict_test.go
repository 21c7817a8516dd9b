package server_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

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

// limited gives rights to those who bring a token; the others may all.
type limited struct{ rights }

func (l limited) Resolve(token string) (acl.Authorizer, error) {
	if token == "" {
		return acl.AllowAll{}, nil
	}
	return l.rights, nil
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

// timeless is a question without its time, which must be now.
func timeless(t *testing.T, payload []byte) string {
	q, err := server.ParseEvictQuestion(payload)
	if err != nil || time.Since(q.Asked) != 0 {
		t.Errorf("question %s, %v", payload, err)
	}
	q.Asked = time.Time{}
	plain, _ := json.Marshal(q) // strings always encode
	return string(plain)
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
		{"removed", service, `{"ServiceID":"w1"}`, `{"Outcome":"removed"}`, ops.EvictedAtAgent, false,
			`removed service "w1" at the agent of node "C1", from its data folder too, and from the catalog.`, ""},
		{"a check", check, `{"CheckID":"disk"}`, `{"Outcome":"removed"}`, ops.EvictedAtAgent, false,
			`removed check "disk" at the agent of node "c1", from its data folder too, and from the catalog.`, ""},
		{"of a file", service, `{"ServiceID":"w1"}`, `{"Outcome":"removed","File":"/etc/web.hcl"}`, ops.EvictedAtAgent, true,
			`removed service "w1" at the agent of node "C1" and from the catalog, until that agent starts or reloads: /etc/web.hcl on its machine defines it; remove it there to be rid of it.`, ""},
		{"unknown there", service, `{"ServiceID":"w1"}`, `{"Outcome":"unknown"}`, ops.EvictedFromCatalog, false,
			`removed service "w1" from the catalog: the agent of node "C1" does not have it.`, ""},
		{"unknown everywhere", catalog.Deregister{Node: "c1", ServiceID: "web"}, `{"ServiceID":"web"}`, `{"Outcome":"unknown"}`, ops.EvictedNothing, false,
			`there is no service "web" on node "c1"; ensure that the service ID is passed, not the service name.`, ""},
		{"no answer", service, `{"ServiceID":"w1"}`, "", ops.EvictedFromCatalog, true,
			`removed service "w1" from the catalog: the agent of node "C1" did not do it (the member did not answer in time) and may bring it back within two minutes; deregister it there, or stop that agent.`, ""},
		{"no answer about what the catalog lacks", catalog.Deregister{Node: "c1", CheckID: "x"}, `{"CheckID":"x"}`, "", "", false, "",
			`the agent of node "c1" was asked to remove check "x", which the catalog does not have: the member did not answer in time`},
		{"an answer of a later version", service, `{"ServiceID":"w1"}`, `{"Outcome":"pondering"}`, ops.EvictedFromCatalog, true,
			`removed service "w1" from the catalog: the agent of node "C1" did not do it (read answer to eviction: outcome "pondering" is unknown) and may bring it back within two minutes; deregister it there, or stop that agent.`, ""},
		{"refused", service, `{"ServiceID":"w1"}`, `{"Outcome":"refused","Reason":"disk full"}`, "", false, "",
			`the agent of node "C1" refused to remove service "w1": disk full`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			virtual(t, nil, func(s *lone) {
				withWeb(s)
				s.pool.answer = func(member, name string, payload []byte) ([]byte, error) {
					if member != "c1" || name != "praetor:evict" || timeless(t, payload) != row.asked {
						t.Errorf("asked %s %s %s, want c1 praetor:evict %s", member, name, payload, row.asked)
					}
					if row.answer == "" {
						return nil, gossip.ErrNoAnswer
					}
					return []byte(row.answer), nil
				}
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
			s.pool.answer = func(_, _ string, payload []byte) ([]byte, error) {
				asked = timeless(t, payload)
				return []byte(`{"Outcome":"removed"}`), nil
			}
			test(s)
		})
	}
	as(rights{}, func(s *lone) {
		if _, err := s.evictWith("t", catalog.Deregister{Node: "c1", ServiceID: "w1"}); fault.KindOf(err) != fault.Denied || asked != "" {
			t.Errorf("without rights: %v, asked %s", err, asked)
		}
	})
	as(rights{serviceWrite: []string{"web"}}, func(s *lone) {
		// The agent has to look whether it still is the service that the right is for.
		if _, err := s.evictWith("t", catalog.Deregister{Node: "c1", ServiceID: "w1"}); err != nil || asked != `{"ServiceID":"w1","Service":"web"}` {
			t.Errorf("with service:write: %v, asked %s", err, asked)
		}
		if _, err := s.evictWith("t", catalog.Deregister{Node: "gone", CheckID: "disk"}); fault.KindOf(err) != fault.Denied {
			t.Errorf("a check of the node: %v", err)
		}
	})
	as(rights{nodeWrite: []string{"c1"}}, func(s *lone) {
		if _, err := s.evictWith("t", catalog.Deregister{Node: "c1", CheckID: "alive"}); err != nil || asked != `{"CheckID":"alive"}` {
			t.Errorf("with node:write: %v, asked %s", err, asked)
		}
	})
}

func TestEvictAnswersFitIntoGossip(t *testing.T) {
	long := strings.Repeat("é", gossip.MaxAnswerBytes)
	for _, a := range []server.EvictAnswer{
		{Outcome: server.EvictDone, File: "/etc/web.hcl"},
		{Outcome: server.EvictDone, File: long},
		{Outcome: server.EvictRefused, Reason: long},
	} {
		text := a.Encode()
		var got server.EvictAnswer
		if err := json.Unmarshal(text, &got); err != nil || len(text) > gossip.MaxAnswerBytes {
			t.Fatalf("%d bytes, %v", len(text), err)
		}
		if got.Outcome != a.Outcome || (got.File == "") != (a.File == "") {
			t.Errorf("%+v became %+v", a.Outcome, got)
		}
	}
}

func FuzzEvictMessages(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"ServiceID":"w1","Service":"web"}`, `{"CheckID":"c"}`, `{"ServiceID":"a","CheckID":"b"}`, `{"ServiceID":1}`,
		`{"Outcome":"removed","File":"/etc/web.hcl"}`, `{"Outcome":"refused","Reason":"no"}`, `{"Outcome":"unknown"}`, `[]`, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if q, err := server.ParseEvictQuestion(data); err == nil && (q.ServiceID == "") == (q.CheckID == "") {
			t.Errorf("accepted %+v", q)
		}
		if a, err := server.ParseEvictAnswer(data); err == nil && a.Outcome == "" {
			t.Errorf("accepted %+v", a)
		}
	})
}

var _ acl.Resolver = limited{}
