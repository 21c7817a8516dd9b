package server_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/serf/coordinate"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/fault"
	"praetor/internal/memnet"
	"praetor/internal/ops"
)

// fakePool is a gossip pool whose members the test chooses.
type fakePool struct {
	mu      sync.Mutex
	members []gossip.Member
	takes   time.Duration // to list them
	looks   int           // how often they were listed
	left    []string      // force-left
	fired   []string
	answer  func(member, name string, payload []byte) ([]byte, error) // to Ask; nil: none comes
	who     func(m gossip.Member) (gossip.Identity, error)            // who answers at an address; nil: whom members has alive
	fireErr error
	places  map[string]*coordinate.Coordinate // "" is this server's own
}

func (p *fakePool) Ask(_ context.Context, member, name string, payload []byte) ([]byte, error) {
	if p.answer == nil {
		return nil, gossip.ErrNoAnswer
	}
	return p.answer(member, name, payload)
}

func (p *fakePool) Identify(_ context.Context, m gossip.Member) (gossip.Identity, error) {
	p.mu.Lock()
	who := p.who
	p.mu.Unlock()
	if who != nil {
		return who(m)
	}
	return whoIsAt(p.Members(), m)
}

func (p *fakePool) Doubt(string) {}

// whoIsAt finds the living member at an address, the one said last.
func whoIsAt(members []gossip.Member, asked gossip.Member) (gossip.Identity, error) {
	for _, m := range slices.Backward(members) {
		if m.Addr.Equal(asked.Addr) && m.Status == gossip.Alive {
			return gossip.Identity{Name: m.Name, ID: m.Tags["id"]}, nil
		}
	}
	return gossip.Identity{}, errors.New("nobody answers")
}

func (p *fakePool) Members() []gossip.Member {
	p.mu.Lock()
	p.looks++
	list, takes := slices.Clone(p.members), p.takes
	p.mu.Unlock()
	if takes > 0 {
		<-time.After(takes)
	}
	return list
}

func (p *fakePool) Coordinate() *coordinate.Coordinate { return p.places[""] }

func (p *fakePool) CachedCoordinate(name string) *coordinate.Coordinate { return p.places[name] }

func (p *fakePool) ForceLeave(name string, _ bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = append(p.left, name)
	return nil
}

func (p *fakePool) Fire(name string, payload []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fired = append(p.fired, name+" "+string(payload))
	return p.fireErr
}

func (p *fakePool) set(members ...gossip.Member) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.members = members
}

func id(i int) string { return fmt.Sprintf("%08d-0000-0000-0000-000000000000", i) }

func serverMember(i int, status gossip.Status, change func(*gossip.ServerTags)) gossip.Member {
	tags := gossip.ServerTags{ID: id(i), Datacenter: "dc1", RPCPort: 8300, WANJoinPort: 8302}
	if change != nil {
		change(&tags)
	}
	return gossip.Member{Name: fmt.Sprint("s", i), Addr: net.IPv4(10, 0, 0, byte(i)), Port: 8301, Tags: tags.Map(), Status: status, ProtocolCur: 2, ProtocolMin: 1, ProtocolMax: 5}
}

func clientMember(name string, status gossip.Status) gossip.Member {
	return gossip.Member{Name: name, Addr: net.IPv4(10, 0, 1, 1), Port: 8301, Tags: gossip.ClientTags{ID: id(99), Datacenter: "dc1"}.Map(), Status: status}
}

// lone is a server that leads itself, in memory, on a pretend network.
type lone struct {
	*server.Server
	t       *testing.T
	pool    *fakePool
	network *memnet.Network
}

// virtual runs test with a lone leader in a bubble.
func virtual(t *testing.T, change func(*server.Options), test func(s *lone)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		host := network.Host("10.0.0.1")
		l, err := host.Listen(8300)
		if err != nil {
			t.Fatal(err)
		}
		pool := &fakePool{}
		pool.set(serverMember(1, gossip.Alive, nil))
		opts := server.Options{
			Name: "s1", ID: id(1), Datacenter: "dc1", Address: "10.0.0.1:8300",
			Bootstrap: true, Listener: l, Dial: host.Dial, LAN: pool,
		}
		if change != nil {
			change(&opts)
		}
		s, err := server.Open(opts)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }() // waited for below
		defer func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("Run: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}()
		test(&lone{s, t, pool, network})
	})
}

func (s *lone) register(reg catalog.Register) error {
	_, err := ops.CatalogRegister.Call(context.Background(), s.Router(), &ops.CatalogRegisterRequest{Register: reg})
	return err
}

func (s *lone) put(key, value string) {
	s.t.Helper()
	rep, err := ops.KVApply.Call(context.Background(), s.Router(), &ops.KVApplyRequest{
		Write: catalog.KVWrite{Verb: catalog.KVSet, Entry: catalog.KVEntry{Key: key, Value: []byte(value)}},
	})
	if err != nil || !rep.Done {
		s.t.Fatalf("put %s: %v, %v", key, rep, err)
	}
}

func (s *lone) health(node string) string {
	rep, err := ops.HealthNode.Call(context.Background(), s.Router(), &ops.HealthNodeRequest{Node: node})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range rep.Checks {
		if c.CheckID == catalog.SerfHealth {
			return c.Status + ": " + c.Output
		}
	}
	return ""
}

func TestLoneServerLeadsWithinAHundredMilliseconds(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		begin := time.Now()
		s.put("a", "1")
		if took := time.Since(begin); took > 100*time.Millisecond {
			t.Errorf("first write after %s", took)
		}
		synctest.Wait()
		if !slices.Contains(s.pool.fired, "consul:new-leader s1") {
			t.Errorf("events fired: %v, want the new leader's", s.pool.fired)
		}
	})
}

func TestMembersAreReconciled(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		synctest.Wait()
		if got := s.health("s1"); got != "passing: Agent alive and reachable" {
			t.Errorf("own serfHealth %q", got)
		}
		rep, err := ops.CatalogService.Call(context.Background(), s.Router(), &ops.CatalogServiceRequest{Service: "consul"})
		if err != nil || len(rep.Instances) != 1 {
			t.Fatalf("consul service: %v, %v", rep, err)
		}
		if svc := rep.Instances[0].Service; svc.Port != 8300 || svc.Meta["raft_version"] != "3" || svc.Meta["version"] != "1.22.7" || svc.Meta["non_voter"] != "false" {
			t.Errorf("consul service %+v", svc)
		}
		before := s.Store().Read().LastIndex()
		time.Sleep(5 * time.Minute)
		if after := s.Store().Read().LastIndex(); after != before {
			t.Errorf("full passes moved the index from %d to %d without a change", before, after)
		}
		event := func(typ gossip.EventType, m gossip.Member) {
			s.pool.set(serverMember(1, gossip.Alive, nil), m)
			s.HandleLAN(gossip.Event{Type: typ, Members: []gossip.Member{m}})
			time.Sleep(time.Second)
		}
		event(gossip.Joined, clientMember("C1", gossip.Alive))
		if got := s.health("c1"); got != "passing: Agent alive and reachable" {
			t.Errorf("after join %q", got)
		}
		event(gossip.HasFailed, clientMember("C1", gossip.Failed))
		if got := s.health("c1"); got != "critical: Agent not live or unreachable" {
			t.Errorf("after failure %q", got)
		}
		event(gossip.Joined, clientMember("C1", gossip.Alive))
		if got := s.health("c1"); !strings.HasPrefix(got, "passing") {
			t.Errorf("after return %q", got)
		}
		event(gossip.HasLeft, clientMember("C1", gossip.Left))
		if got := s.health("c1"); got != "" {
			t.Errorf("after leave %q", got)
		}
		event(gossip.HasFailed, clientMember("stranger", gossip.Failed))
		if got := s.health("stranger"); got != "" {
			t.Errorf("unknown failed member was registered: %q", got)
		}
	})
}

func TestNodesThatGossipForgotAreReapedAndExternalOnesStay(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		if err := s.register(catalog.Register{Node: "external", Address: "10.9.9.9"}); err != nil {
			t.Fatal(err)
		}
		err := s.register(catalog.Register{Node: "gone", Address: "10.9.9.8", Checks: []*catalog.Check{{CheckID: catalog.SerfHealth, Status: catalog.Passing}}})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2*time.Minute + 30*time.Second) // the second full pass that misses it removes it
		rep, err := ops.CatalogNodes.Call(context.Background(), s.Router(), &ops.CatalogNodesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, n := range rep.Nodes {
			names = append(names, n.Node)
		}
		if !slices.Equal(names, []string{"external", "s1"}) {
			t.Errorf("nodes %v, want external and s1", names)
		}
	})
}

func TestBootstrapDecisions(t *testing.T) {
	expect := func(n int) func(*gossip.ServerTags) { return func(t *gossip.ServerTags) { t.Expect = n } }
	rows := []struct {
		name    string
		members []gossip.Member
		peers   int
	}{
		{"too few", []gossip.Member{serverMember(1, gossip.Alive, expect(2))}, 0},
		{"enough, this has the lowest ID", []gossip.Member{serverMember(1, gossip.Alive, expect(2)), serverMember(2, gossip.Alive, nil)}, 2},
		{"failed servers do not count", []gossip.Member{serverMember(1, gossip.Alive, expect(2)), serverMember(2, gossip.Failed, nil)}, 0},
		{"another initiates", []gossip.Member{serverMember(0, gossip.Alive, expect(2)), serverMember(1, gossip.Alive, expect(2))}, 0},
		{"conflicting numbers", []gossip.Member{serverMember(1, gossip.Alive, expect(2)), serverMember(2, gossip.Alive, expect(3))}, 0},
		{"one bootstraps by itself", []gossip.Member{serverMember(1, gossip.Alive, expect(2)), serverMember(2, gossip.Alive, func(t *gossip.ServerTags) { t.Bootstrap = true })}, 0},
		{"another datacenter does not count", []gossip.Member{serverMember(1, gossip.Alive, expect(2)), serverMember(2, gossip.Alive, func(t *gossip.ServerTags) { t.Datacenter = "dc2" })}, 0},
		{"clients do not count", []gossip.Member{serverMember(1, gossip.Alive, expect(2)), clientMember("c", gossip.Alive)}, 0},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			virtual(t, func(o *server.Options) {
				o.Bootstrap, o.BootstrapExpect = false, 2
				o.LAN.(*fakePool).set(row.members...)
			}, func(s *lone) {
				other := silentServer(s.t, s.network.Host("10.0.0.2"))
				defer other()
				time.Sleep(10 * time.Second)
				rep, err := ops.StatusPeers.Call(context.Background(), s.Router(), &ops.StatusRequest{})
				if err != nil || len(rep.Addresses) != row.peers {
					t.Errorf("peers %v, %v; want %d", rep, err, row.peers)
				}
			})
		})
	}
}

// silentServer is another server that was told nothing and waits.
func silentServer(t *testing.T, host *memnet.Host) (stop func()) {
	t.Helper()
	l, err := host.Listen(8300)
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.Open(server.Options{
		Name: "s2", ID: id(2), Datacenter: "dc1", Address: "10.0.0.2:8300", Listener: l, Dial: host.Dial, LAN: &fakePool{},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }() // waited for by stop
	return func() {
		cancel()
		<-ended
		s.Close()
	}
}

func TestRegistrationsAreRefusedWithConsulsTexts(t *testing.T) {
	rows := []struct {
		reg  catalog.Register
		want string
	}{
		{catalog.Register{}, "Must provide node"},
		{catalog.Register{Node: "n"}, "Must provide address if SkipNodeUpdate is not set"},
		{catalog.Register{Node: "n", Address: "a", ID: "x"}, "Bad node ID: uuid string is wrong length"},
		{catalog.Register{Node: "n", Address: "a", Service: &catalog.Service{ID: "x"}}, "Must provide service name (Service.Service) when service ID is provided"},
		{catalog.Register{Node: "n", Address: "a", Service: &catalog.Service{Service: "x", Address: "0.0.0.0"}}, "Invalid service address"},
		{catalog.Register{Node: "n", Address: "a", Checks: []*catalog.Check{{CheckID: "c", ServiceID: "nope"}}}, "Unknown service ID 'nope' for check ID 'c'"},
	}
	virtual(t, nil, func(s *lone) {
		for _, row := range rows {
			err := s.register(row.reg)
			if err == nil || err.Error() != row.want || fault.KindOf(err) != fault.Rejected {
				t.Errorf("got %v (%s), want %q", err, fault.KindOf(err), row.want)
			}
		}
		if _, nodes := s.Store().Read().Nodes(nil); len(nodes) > 1 {
			t.Errorf("a refused registration left nodes: %v", nodes)
		}
	})
}

func TestSyncJudgesEachMemberByItself(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		rep, err := ops.CatalogSync.Call(context.Background(), s.Router(), &ops.CatalogSyncRequest{
			Registers: []*catalog.Register{
				{Node: "n", Address: "10.1.1.1", Service: &catalog.Service{Service: "web"}},
				{Node: "n"},
				{Node: "n", Address: "10.1.1.1", Checks: []*catalog.Check{{CheckID: "c", ServiceID: "nope"}}},
			},
			Deregisters: []*catalog.Deregister{{Node: "n", ServiceID: "none"}, {}},
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"", "Must provide address if SkipNodeUpdate is not set", "Unknown service ID 'nope' for check ID 'c'", "", "Must provide node"}
		if !slices.Equal(rep.Errors, want) {
			t.Errorf("errors %q, want %q", rep.Errors, want)
		}
		if _, instances := s.Store().Read().ServiceInstances(nil, "web"); len(instances) != 1 {
			t.Errorf("%d instances of web, want 1", len(instances))
		}
	})
}

func TestSyncedServicesHaveIndexesOfTheirOwnInTheirOrder(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		req := &ops.CatalogSyncRequest{}
		for i := range 100 {
			req.Registers = append(req.Registers, &catalog.Register{
				Node: "n", Address: "10.1.1.1", Service: &catalog.Service{ID: strconv.Itoa(100 - i), Service: "web"},
			})
		}
		if _, err := ops.CatalogSync.Call(context.Background(), s.Router(), req); err != nil {
			t.Fatal(err)
		}
		_, instances := s.Store().Read().ServiceInstances(nil, "web")
		slices.SortFunc(instances, func(a, b *catalog.Instance) int { return cmp.Compare(a.Service.CreateIndex, b.Service.CreateIndex) })
		last := uint64(0)
		for i, in := range instances {
			if in.Service.ID != strconv.Itoa(100-i) || in.Service.CreateIndex <= last {
				t.Fatalf("instance %d is %s, made at %d after %d", i, in.Service.ID, in.Service.CreateIndex, last)
			}
			last = in.Service.CreateIndex
		}
		if len(instances) != 100 {
			t.Errorf("%d instances, want 100", len(instances))
		}
	})
}

func TestARefusedNodeTakesItsBatchAlong(t *testing.T) {
	id := "00000000-0000-0000-0000-00000000000"
	web := &catalog.Register{Node: "n", Address: "10.1.1.9", SkipNodeUpdate: true, Service: &catalog.Service{Service: "web"}}
	for name, node := range map[string]*catalog.Register{
		"by the leader": {ID: "x", Node: "n", Address: "10.1.1.9"},
		"by the log":    {ID: id + "2", Node: "n", Address: "10.1.1.9"},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, nil, func(s *lone) {
				first := catalog.Register{ID: id + "1", Node: "n", Address: "10.1.1.1", Checks: []*catalog.Check{{CheckID: catalog.SerfHealth, Status: catalog.Passing}}}
				if err := s.register(first); err != nil {
					t.Fatal(err)
				}
				rep, err := ops.CatalogSync.Call(context.Background(), s.Router(), &ops.CatalogSyncRequest{
					Registers: []*catalog.Register{node, web}, Deregisters: []*catalog.Deregister{{Node: "n", CheckID: catalog.SerfHealth}},
				})
				if err != nil {
					t.Fatal(err)
				}
				if len(rep.Errors) != 3 || rep.Errors[0] == "" || rep.Errors[1] != ops.TextNodeRefused || rep.Errors[2] != ops.TextNodeRefused {
					t.Errorf("errors %q", rep.Errors)
				}
				tx := s.Store().Read()
				if _, instances := tx.ServiceInstances(nil, "web"); len(instances) != 0 {
					t.Errorf("%d instances of web", len(instances))
				}
				if _, checks := tx.NodeChecks(nil, "n"); len(checks) != 1 {
					t.Errorf("%d checks, want 1", len(checks))
				}
			})
		})
	}
}

func TestUnchangedServiceIsAnsweredWithTheSameSlice(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		ask := func() []*catalog.InstanceHealth {
			rep, err := ops.HealthService.Call(context.Background(), s.Router(), &ops.HealthServiceRequest{Service: "WEB", PassingOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			return rep.Instances
		}
		web := func(port int) catalog.Register {
			return catalog.Register{Node: "n", Address: "10.1.1.1", Service: &catalog.Service{Service: "web", Port: port}}
		}
		if err := s.register(web(1)); err != nil {
			t.Fatal(err)
		}
		first := ask()
		s.put("other", "1")
		if second := ask(); &first[0] != &second[0] {
			t.Error("an unrelated write made a new answer")
		}
		if err := s.register(web(2)); err != nil {
			t.Fatal(err)
		}
		if third := ask(); &first[0] == &third[0] || third[0].Service.Port != 2 {
			t.Error("a change was answered with the old slice")
		}
	})
}

func TestBlockingReadWaitsAsLongAsAskedAndASixteenthAtMost(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		req := &ops.KVGetRequest{Key: "a"}
		rep, err := ops.KVGet.Call(context.Background(), s.Router(), req)
		if err != nil {
			t.Fatal(err)
		}
		req.MinIndex, req.MaxWait = rep.Index, 16*time.Second
		begin := time.Now()
		again, err := ops.KVGet.Call(context.Background(), s.Router(), req)
		took := time.Since(begin)
		if err != nil || again.Index != rep.Index || took < 16*time.Second || took > 17*time.Second {
			t.Errorf("answered after %s with index %d, %v; want 16 to 17 s and %d", took, again.Index, err, rep.Index)
		}
	})
}

func TestAbsentKeyKeepsBlockingUntilItAppears(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("other", "1")
		req := &ops.KVGetRequest{Key: "late"}
		rep, err := ops.KVGet.Call(context.Background(), s.Router(), req)
		if err != nil || rep.Entry != nil {
			t.Fatal(rep, err)
		}
		req.MinIndex, req.MaxWait = rep.Index, time.Minute
		got := make(chan *ops.KVGetReply, 1)
		go func() { // waited for through got
			rep, _ := ops.KVGet.Call(context.Background(), s.Router(), req)
			got <- rep
		}()
		synctest.Wait()
		s.put("other", "2")
		synctest.Wait()
		select {
		case <-got:
			t.Fatal("woken by another key")
		default:
		}
		s.put("late", "x")
		if rep := <-got; rep == nil || rep.Entry == nil {
			t.Errorf("woken with %v", rep)
		}
	})
}

func TestEveryHandlerAsksTheAuthorizer(t *testing.T) {
	virtual(t, func(o *server.Options) { o.ACL = rights{} }, func(s *lone) {
		ctx, r := context.Background(), s.Router()
		wantDenied := func(what string, err error) {
			t.Helper()
			if fault.KindOf(err) != fault.Denied || !strings.HasPrefix(err.Error(), "Permission denied") {
				t.Errorf("%s: %v, want a refusal", what, err)
			}
		}
		_, err := ops.KVGet.Call(ctx, r, &ops.KVGetRequest{Key: "a"})
		wantDenied("KV.Get", err)
		_, err = ops.KVApply.Call(ctx, r, &ops.KVApplyRequest{})
		wantDenied("KV.Apply", err)
		_, err = ops.KVApply.Call(ctx, r, &ops.KVApplyRequest{Write: catalog.KVWrite{Verb: catalog.KVDeleteTree}})
		wantDenied("KV.Apply tree", err)
		wantDenied("Catalog.Register", s.register(catalog.Register{Node: "n", Address: "a"}))
		_, err = ops.CatalogDeregister.Call(ctx, r, &ops.CatalogDeregisterRequest{Deregister: catalog.Deregister{Node: "s1"}})
		wantDenied("Catalog.Deregister", err)
		sync, err := ops.CatalogSync.Call(ctx, r, &ops.CatalogSyncRequest{Registers: []*catalog.Register{{Node: "n", Address: "a"}}})
		if err != nil || !sync.Denied[0] {
			t.Errorf("Catalog.Sync: %v, %v", sync, err)
		}
		synctest.Wait() // the server itself is registered by now
		nodes, err := ops.CatalogNodes.Call(ctx, r, &ops.CatalogNodesRequest{})
		if err != nil || len(nodes.Nodes) != 0 || !nodes.Filtered {
			t.Errorf("Catalog.Nodes: %v, %v; want all hidden", nodes, err)
		}
		services, err := ops.CatalogServices.Call(ctx, r, &ops.CatalogServicesRequest{})
		if err != nil || len(services.Services) != 0 || !services.Filtered {
			t.Errorf("Catalog.Services: %v, %v; want all hidden", services, err)
		}
		health, err := ops.HealthService.Call(ctx, r, &ops.HealthServiceRequest{Service: "consul"})
		if err != nil || len(health.Instances) != 0 || !health.Filtered {
			t.Errorf("Health.Service: %v, %v; want all hidden", health, err)
		}
		checks, err := ops.HealthState.Call(ctx, r, &ops.HealthStateRequest{State: "any"})
		if err != nil || len(checks.Checks) != 0 || !checks.Filtered {
			t.Errorf("Health.State: %v, %v; want all hidden", checks, err)
		}
		node, err := ops.CatalogNode.Call(ctx, r, &ops.CatalogNodeRequest{Node: "s1"})
		if err != nil || node.NodeServices != nil {
			t.Errorf("Catalog.Node: %v, %v; want it hidden", node, err)
		}
	})
}

// pass lets virtual time go by.
func pass(d time.Duration) { time.Sleep(d) }
