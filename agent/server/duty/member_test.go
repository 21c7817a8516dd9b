package duty_test

import (
	"fmt"
	"maps"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/testkernel"
	"praetor/internal/version"
)

func TestServersAreTheServiceConsul(t *testing.T) {
	plain := map[string]string{
		"non_voter": "false", "read_replica": "false", "raft_version": "3", "serf_protocol_current": "2", "serf_protocol_min": "1", "serf_protocol_max": "5",
		"version": version.Compatible,
	}
	with := func(more ...string) map[string]string {
		m := maps.Clone(plain)
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	for name, c := range map[string]struct {
		m    gossip.Member
		meta map[string]string // nil: it has no such service
		port int
	}{
		"a server":                   {server(2, nil), plain, 8300},
		"a read replica":             {server(2, func(t *gossip.ServerTags) { t.ReadReplica = true }), with("non_voter", "true", "read_replica", "true"), 8300},
		"with gRPC":                  {server(2, func(t *gossip.ServerTags) { t.GRPCPort = 8502 }), with("grpc_port", "8502"), 8300},
		"with gRPC over TLS":         {server(2, func(t *gossip.ServerTags) { t.GRPCTLSPort = 8503 }), with("grpc_tls_port", "8503"), 8300},
		"at another port":            {server(2, func(t *gossip.ServerTags) { t.RPCPort = 9300 }), plain, 9300},
		"a client":                   {client("c", 1), nil, 0},
		"one of another datacenter":  {server(2, func(t *gossip.ServerTags) { t.Datacenter = "dc2" }), nil, 0},
		"one that tells its version": {tagged(server(2, nil), "build", "9.9.9:abcdef"), with("version", "9.9.9"), 8300},
	} {
		leading(t, func(r room) {
			r.Pool.Set(server(1, nil), c.m)
			if c.meta != nil {
				if err := r.Raft.AddNonvoter(c.m.Tags["id"], fmt.Sprintf("10.0.0.2:%d", c.port)); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.duties.ReconcileMember(r.T.Context(), c.m, false); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			_, services := kernel.NodeNamed(r.Store.Read(), c.m.Name)
			if c.meta == nil {
				if len(services) > 0 || r.serf(c.m.Name) != catalog.Passing {
					t.Errorf("%s: %+v, serfHealth %s", name, services, r.serf(c.m.Name))
				}
				return
			}
			svc := kernel.ServiceWithID(services, "consul")
			if svc == nil || svc.Service != "consul" || svc.Port != c.port || svc.Address != "" || len(svc.Tags) > 0 || svc.Weights != (catalog.Weights{Passing: 1, Warning: 1}) || !maps.Equal(svc.Meta, c.meta) {
				t.Errorf("%s: %+v, want metadata %v", name, svc, c.meta)
			}
			for _, change := range []func(){
				func() {},
				func() {
					r.Log(catalog.DeregisterCommand, &catalog.Deregister{Node: c.m.Name, ServiceID: "consul"})
				},
				func() {
					r.Log(catalog.RegisterCommand, &catalog.Register{Node: c.m.Name, SkipNodeUpdate: true, Service: &catalog.Service{ID: "consul", Service: "consul", Port: 1, Meta: c.meta}})
				},
				func() {
					r.Log(catalog.RegisterCommand, &catalog.Register{Node: c.m.Name, SkipNodeUpdate: true, Service: &catalog.Service{ID: "consul", Service: "consul", Port: c.port}})
				},
			} {
				before := r.Store.Read().LastIndex()
				change()
				changed := r.Store.Read().LastIndex() != before
				if err := r.duties.ReconcileMember(r.T.Context(), c.m, false); err != nil {
					t.Fatal(err)
				}
				_, services := kernel.NodeNamed(r.Store.Read(), c.m.Name)
				if svc := kernel.ServiceWithID(services, "consul"); svc == nil || svc.Port != c.port || !maps.Equal(svc.Meta, c.meta) || !changed && r.Store.Read().LastIndex() != before {
					t.Errorf("%s: afterwards %+v", name, svc)
				}
			}
		})
	}
}

func tagged(m gossip.Member, key, value string) gossip.Member {
	m.Tags[key] = value
	return m
}

func from(m gossip.Member, address string) gossip.Member {
	m.Addr = net.ParseIP(address)
	return m
}

// TestMembersDecideAboutNodes is the table of internals.md §2 for members that need not
// be asked.
func TestMembersDecideAboutNodes(t *testing.T) {
	c := client("c", 1) // at 10.0.1.1
	for _, row := range []struct {
		name   string
		before func(r room)
		m      gossip.Member
		reaped bool
		writes bool
		status string // "": the node is not there
		addr   string
	}{
		{"new", nil, c, false, true, catalog.Passing, "10.0.1.1"},
		{"as it was", has(c, catalog.Passing), c, false, false, catalog.Passing, "10.0.1.1"},
		{"back", has(c, catalog.Critical), c, false, true, catalog.Passing, "10.0.1.1"},
		{"moved", has(from(c, "10.9.9.9"), catalog.Passing), c, false, true, catalog.Passing, "10.0.1.1"},
		{"registered by hand", func(r room) { r.Log(catalog.RegisterCommand, &catalog.Register{Node: "c", Address: "10.0.1.1"}) }, c, false, true, catalog.Passing, "10.0.1.1"},
		{"failed", has(c, catalog.Passing), testkernel.As(c, gossip.Failed), false, true, catalog.Critical, "10.0.1.1"},
		{"failed before", has(c, catalog.Critical), testkernel.As(c, gossip.Failed), false, false, catalog.Critical, "10.0.1.1"},
		{"failed before, elsewhere", has(from(c, "10.9.9.9"), catalog.Critical), testkernel.As(c, gossip.Failed), false, false, catalog.Critical, "10.9.9.9"},
		{"failed, elsewhere", has(from(c, "10.9.9.9"), catalog.Passing), testkernel.As(c, gossip.Failed), false, true, catalog.Critical, "10.9.9.9"},
		{"failed, unknown", nil, testkernel.As(c, gossip.Failed), false, false, "", ""},
		{"failed, its name is another's", has(tagged(client("c", 1), "id", testkernel.ID(77)), catalog.Passing), testkernel.As(c, gossip.Failed), false, false, catalog.Passing, "10.0.1.1"},
		{"left", has(c, catalog.Passing), testkernel.As(c, gossip.Left), false, true, "", ""},
		{"left, unknown", nil, testkernel.As(c, gossip.Left), false, false, "", ""},
		{"left, its name is another's", has(tagged(client("c", 1), "id", testkernel.ID(77)), catalog.Passing), testkernel.As(c, gossip.Left), false, false, catalog.Passing, "10.0.1.1"},
		{"forgotten after it failed", has(c, catalog.Critical), testkernel.As(c, gossip.Failed), true, true, "", ""},
		{"forgotten, said to be alive", has(c, catalog.Passing), c, true, true, "", ""},
		{"leaving", has(c, catalog.Passing), testkernel.As(c, gossip.Leaving), false, false, catalog.Passing, "10.0.1.1"},
		{"leaving, unknown", nil, testkernel.As(c, gossip.Leaving), false, false, "", ""},
	} {
		leading(t, func(r room) {
			if row.before != nil {
				row.before(r)
			}
			before := r.Store.Read().LastIndex()
			if err := r.duties.ReconcileMember(r.T.Context(), row.m, row.reaped); err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
			writes := r.Store.Read().LastIndex() != before
			addr := ""
			if n := r.node("c"); n != nil {
				addr = n.Address
			}
			if writes != row.writes || r.serf("c") != row.status || addr != row.addr {
				t.Errorf("%s: writes %t, %q at %q; want %t, %q at %q", row.name, writes, r.serf("c"), addr, row.writes, row.status, row.addr)
			}
		})
	}
}

func has(m gossip.Member, status string) func(r room) { return func(r room) { r.known(m, status) } }

// TestTheLeaderItselfStays whatever gossip says of it.
func TestTheLeaderItselfStays(t *testing.T) {
	var said log
	k := testkernel.Options{}
	k.Logger = said.logger()
	within(t, dutyOptions, k, func(r room) {
		r.known(server(1, nil), catalog.Passing)
		for _, m := range []gossip.Member{testkernel.As(server(1, nil), gossip.Left), server(1, nil)} {
			m.Name = "S1"
			if err := r.duties.ReconcileMember(r.T.Context(), m, m.Status == gossip.Alive); err != nil {
				t.Error(err)
			}
		}
		if r.serf("s1") != catalog.Passing || len(r.peers()) != 1 {
			t.Errorf("serfHealth %q, peers %q", r.serf("s1"), r.peers())
		}
	})
	if got := said.count("deregistering self should be done by follower"); got != 2 {
		t.Errorf("said %d times in\n%s", got, said.String())
	}
}

// TestANameInARestoredStateMayBeAnothers: the leader takes its own back.
func TestANameInARestoredStateMayBeAnothers(t *testing.T) {
	leading(t, func(r room) {
		other := server(1, func(t *gossip.ServerTags) { t.ID = testkernel.ID(77) })
		r.known(other, catalog.Passing)
		r.Log(catalog.RegisterCommand, &catalog.Register{Node: "s1", ID: testkernel.ID(77), Address: "10.0.0.1", Service: &catalog.Service{ID: "w", Service: "web"}})
		if err := r.duties.ReconcileMember(r.T.Context(), server(1, nil), false); err != nil {
			t.Fatal(err)
		}
		_, services := kernel.NodeNamed(r.Store.Read(), "s1")
		if n := r.node("s1"); n == nil || n.ID != testkernel.ID(1) || len(services) != 1 || services[0].Service != "consul" {
			t.Errorf("%+v with %+v", n, services)
		}
	})
}

// TestNodesThatGossipDoesNotKnowGoAfterTwoPasses, unless they answer, or are nobody's.
func TestNodesThatGossipDoesNotKnowGoAfterTwoPasses(t *testing.T) {
	leading(t, func(r room) {
		for i, name := range []string{"silent", "answers", "other"} {
			r.known(client(name, i+1), catalog.Passing)
		}
		r.known(from(client("nameless", 9), "10.0.1.9"), catalog.Passing)
		r.Log(catalog.RegisterCommand, &catalog.Register{Node: "hosted", ID: testkernel.ID(300), Address: "db.example", Checks: []*catalog.Check{{CheckID: catalog.SerfHealth, Name: "x", Status: catalog.Passing}}})
		r.Log(catalog.RegisterCommand, &catalog.Register{Node: "external", Address: "10.5.5.5", Checks: []*catalog.Check{{CheckID: "up", Name: "up", Status: catalog.Passing}}})
		asked := map[string]int{}
		r.Pool.Who = func(m gossip.Member) (gossip.Identity, error) {
			asked[m.Name]++
			if m.Port != 8301 {
				t.Errorf("%s is asked at port %d, want that of this server", m.Name, m.Port)
			}
			switch m.Name {
			case "answers":
				return gossip.Identity{Name: "answers", ID: m.Tags["id"]}, nil
			case "other":
				return gossip.Identity{Name: "somebody", ID: testkernel.ID(55)}, nil
			}
			return gossip.Identity{}, gossip.ErrNoAnswer
		}
		suspects := r.duties.ReapUnknown(r.T.Context(), nil)
		if len(suspects) != 5 || len(asked) > 0 || r.node("silent") == nil {
			t.Fatalf("the first pass suspects %v and asks %v", suspects, asked)
		}
		delete(suspects, "nameless") // it was there in between
		suspects = r.duties.ReapUnknown(r.T.Context(), suspects)
		for name, there := range map[string]bool{"silent": false, "other": false, "hosted": false, "answers": true, "nameless": true, "external": true} {
			if got := r.node(name) != nil; got != there {
				t.Errorf("%s is there: %t", name, got)
			}
		}
		if want := map[string]bool{"answers": true, "nameless": true}; !maps.Equal(suspects, want) {
			t.Errorf("suspects %v, want %v", suspects, want)
		}
	})
}

// TestEventsCountAsGossipHasThemNow: members are looked up when an event is taken up, and
// those that it does not know any more are gone.
func TestEventsCountAsGossipHasThemNow(t *testing.T) {
	leading(t, func(r room) {
		r.serving()
		c := client("c", 1)
		r.Pool.Set(server(1, nil), c)
		r.duties.HandleLAN(gossip.Event{Type: gossip.HasFailed, Members: []gossip.Member{testkernel.As(client("C", 1), gossip.Failed)}})
		synctest.Wait()
		if got := r.serf("c"); got != catalog.Passing {
			t.Errorf("serfHealth %q", got)
		}
		r.Pool.Set(server(1, nil))
		r.duties.HandleLAN(gossip.Event{Type: gossip.Joined, Members: []gossip.Member{c}})
		synctest.Wait()
		if r.node("c") != nil {
			t.Error("a member that gossip forgot is still there")
		}
	})
}

// TestMembersAreComparedEveryMinute though no event came.
func TestMembersAreComparedEveryMinute(t *testing.T) {
	leading(t, func(r room) {
		r.serving()
		r.Pool.Set(server(1, nil), client("c", 1))
		time.Sleep(59 * time.Second)
		if r.node("c") != nil {
			t.Error("too early")
		}
		time.Sleep(2 * time.Second)
		if r.serf("c") != catalog.Passing {
			t.Errorf("serfHealth %q after a minute", r.serf("c"))
		}
	})
}

// TestUserEventsWakeNobody: they are the agent's.
func TestUserEventsWakeNobody(t *testing.T) {
	leading(t, func(r room) {
		r.serving()
		r.Pool.Set(server(1, nil), client("c", 1))
		r.duties.HandleLAN(gossip.Event{Type: gossip.User, Members: []gossip.Member{client("c", 1)}})
		synctest.Wait()
		if r.node("c") != nil {
			t.Error("a user event was taken for news of a member")
		}
	})
}
