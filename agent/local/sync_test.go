package local_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/local"
	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

// pass lets virtual time go by.
func pass(d time.Duration) { time.Sleep(d) }

// running runs a state inside a bubble until the test's function returns.
func running(t *testing.T, f *servers, change func(*local.Options), test func(t *testing.T, s *local.State)) {
	synctest.Test(t, func(t *testing.T) {
		o := options("", f)
		if change != nil {
			change(&o)
		}
		s := open(t, o)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		test(t, s)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestFirstSyncPushesTheNode(t *testing.T) {
	f := newServers()
	running(t, f, nil, func(t *testing.T, s *local.State) {
		synctest.Wait()
		_, n := f.store.Read().Node(nil, "n1")
		if n == nil || n.Address != "10.0.0.1" || n.TaggedAddresses["lan"] != "10.0.0.1" {
			t.Fatalf("node is %+v", n)
		}
		if seg, ok := n.Meta["consul-network-segment"]; !ok || seg != "" || n.Meta["consul-version"] == "" || n.Meta["rack"] != "7" {
			t.Errorf("meta is %v", n.Meta)
		}
		f.sent()
		time.Sleep(10 * time.Minute)
		if b := f.sent(); len(b) != 0 {
			t.Errorf("nothing changed, yet sent %v", b)
		}
	})
}

// awaits is how long Await takes, in virtual time.
func awaits(s *local.State) time.Duration {
	began := time.Now()
	s.Await(bg)
	return time.Since(began)
}

func TestWhoWaitsFindsItsChangeInTheCatalog(t *testing.T) {
	f := newServers()
	running(t, f, nil, func(t *testing.T, s *local.State) {
		f.set(func() { f.before = func(string) { pass(50 * time.Millisecond) } }) // a round trip
		must(t, s.AddService(bg, service("early"), nil, false, ""))               // before the first sync
		s.Await(bg)
		if f.service("early") == nil {
			t.Error("Await returned before the first sync")
		}
		for i := range 300 { // others keep the loop busy
			go func() {
				pass(time.Duration(i) * time.Millisecond)
				s.AddService(bg, service(fmt.Sprint("other", i)), nil, false, "")
			}()
		}
		for i := range 10 {
			id := fmt.Sprint("s", i)
			must(t, s.AddService(bg, service(id), []*catalog.Check{ttl("c-" + id)}, false, ""))
			if took := awaits(s); took > 150*time.Millisecond || f.service(id) == nil {
				t.Errorf("%s after %s: %v", id, took, f.service(id))
			}
			must(t, s.UpdateTTL(bg, "c-"+id, catalog.Passing, "well"))
			if s.Await(bg); f.check("c-"+id).Status != catalog.Passing {
				t.Errorf("check of %s is %s", id, f.check("c-"+id).Status)
			}
			must(t, s.RemoveService(bg, id))
			if s.Await(bg); f.service(id) != nil {
				t.Errorf("%s is still there", id)
			}
		}
		pass(time.Second)
		if took := awaits(s); took != 0 {
			t.Errorf("waited %s for nothing", took)
		}
	})
}

func TestNobodyWaitsForServersThatDoNotAnswer(t *testing.T) {
	f := newServers()
	running(t, f, nil, func(t *testing.T, s *local.State) {
		synctest.Wait()
		f.set(func() { f.refuse = func(*catalog.Register) string { return "no" } })
		must(t, s.AddService(bg, service("refused"), nil, false, ""))
		if took := awaits(s); took != 0 {
			t.Errorf("a refusal: %s", took)
		}
		pass(time.Minute)
		f.set(func() { f.refuse, f.gate = nil, make(chan struct{}, 1) })
		must(t, s.AddService(bg, service("slow"), nil, false, ""))
		if took := awaits(s); took != time.Second {
			t.Errorf("a request that hangs: %s", took)
		}
		f.set(func() { f.down = errors.New("no route") })
		f.gate <- struct{}{}
		synctest.Wait()
		must(t, s.AddService(bg, service("late"), nil, false, ""))
		s.Await(bg) // the attempt that finds out
		must(t, s.AddService(bg, service("later"), nil, false, ""))
		if took := awaits(s); took != 0 {
			t.Errorf("while down: %s", took)
		}
		f.set(func() { f.down, f.gate = nil, nil })
		pass(2 * time.Minute)
		if f.service("later") == nil {
			t.Error("not sent once servers were back")
		}
		must(t, s.AddService(bg, service("last"), nil, false, ""))
		if s.Await(bg); f.service("last") == nil {
			t.Error("nobody waits any more")
		}
	})
}

func TestChangesReachTheCatalogAtOnce(t *testing.T) {
	f := newServers()
	running(t, f, nil, func(t *testing.T, s *local.State) {
		synctest.Wait()
		f.sent()
		must(t, s.AddService(bg, service("web"), []*catalog.Check{ttl("c")}, false, ""))
		synctest.Wait()
		b := f.sent()
		if len(b) != 1 || len(b[0].Registers) != 1 || !b[0].Registers[0].SkipNodeUpdate || len(b[0].Registers[0].Checks) != 1 {
			t.Fatalf("sent %+v", b)
		}
		must(t, s.UpdateTTL(bg, "c", catalog.Passing, "well"))
		synctest.Wait()
		c := f.check("c")
		if c == nil || c.Status != catalog.Passing || c.Output != "well" || c.ServiceName != "web" || c.Definition.TTL != 0 {
			t.Errorf("check is %+v", c)
		}
		must(t, s.RemoveCheck(bg, "c"))
		synctest.Wait()
		if f.check("c") != nil {
			t.Error("check still there")
		}
		must(t, s.RemoveService(bg, "web"))
		synctest.Wait()
		if f.service("web") != nil {
			t.Error("service still there")
		}
		if b := f.sent(); len(b) != 3 {
			t.Errorf("%d requests for 3 changes", len(b))
		}
	})
}

func TestABurstBecomesFewRequests(t *testing.T) {
	f := newServers()
	running(t, f, nil, func(t *testing.T, s *local.State) {
		synctest.Wait()
		f.sent()
		f.mu.Lock()
		f.gate = make(chan struct{})
		f.mu.Unlock()
		for i := range 600 {
			must(t, s.AddService(bg, service(fmt.Sprint("s", i)), nil, false, ""))
			if i == 0 {
				synctest.Wait() // the first is on its way and stuck
			}
		}
		close(f.gate)
		synctest.Wait()
		b := f.sent()
		if len(b) != 4 || len(b[0].Registers) != 1 || len(b[1].Registers) != 256 || len(b[2].Registers) != 256 {
			t.Errorf("%d requests", len(b))
		}
		n := 0
		for _, req := range b {
			for _, r := range req.Registers {
				if want := fmt.Sprint("s", n); r.Service.ID != want {
					t.Fatalf("sent %s where it was the turn of %s", r.Service.ID, want)
				}
				n++
			}
		}
		if got := len(f.services()); got != 600 {
			t.Errorf("%d services in the catalog", got)
		}
	})
}

func TestFullSyncRepairsTheCatalog(t *testing.T) {
	f := newServers()
	running(t, f, nil, func(t *testing.T, s *local.State) {
		must(t, s.AddService(bg, service("web"), []*catalog.Check{ttl("c")}, false, ""))
		must(t, s.AddService(bg, service("db"), nil, false, ""))
		synctest.Wait()
		other := service("web")
		other.Port = 99
		skip := catalog.Register{Node: "n1", SkipNodeUpdate: true}
		for _, r := range []catalog.Register{
			{Service: other},
			{Service: service("stray"), Checks: []*catalog.Check{{CheckID: "stray-c", ServiceID: "stray"}}},
			{Service: service("consul")},
			{Checks: []*catalog.Check{{CheckID: catalog.SerfHealth, Status: catalog.Passing}, {CheckID: "ghost"}}},
			{Checks: []*catalog.Check{{CheckID: "c", ServiceID: "web", Status: catalog.Passing}}},
		} {
			r.Node, r.SkipNodeUpdate = skip.Node, true
			f.write(t, &r)
		}
		f.remove(&catalog.Deregister{Node: "n1", ServiceID: "db"})
		f.write(t, &catalog.Register{Node: "n1", Address: "10.0.0.1"}) // its metadata erased
		f.sent()
		time.Sleep(2 * time.Minute)
		if got := fmt.Sprint(f.services()); got != "[consul db web]" {
			t.Errorf("services are %s", got)
		}
		if f.service("web").Port != 80 || f.check("c").Status != catalog.Critical {
			t.Errorf("the agent's word did not win: %+v %+v", f.service("web"), f.check("c"))
		}
		if f.check("ghost") != nil || f.check("stray-c") != nil || f.check(catalog.SerfHealth) == nil {
			t.Error("wrong checks in the catalog")
		}
		if _, n := f.store.Read().Node(nil, "n1"); n.Meta["rack"] != "7" {
			t.Errorf("node not repaired: %+v", n)
		}
		if b := f.sent(); len(b) != 1 || b[0].Registers[0].SkipNodeUpdate {
			t.Errorf("wanted one request with the node first, sent %+v", b)
		}
	})
}

// TestIDsThatDifferInCaseAreOneInstanceOfTheCatalog: of two here it has the one written last, without a fight; nothing that
// is here goes because of how its ID was spelled before.
func TestIDsThatDifferInCaseAreOneInstanceOfTheCatalog(t *testing.T) {
	f := newServers()
	running(t, f, nil, func(t *testing.T, s *local.State) {
		has := func(when, want string) {
			t.Helper()
			if got := fmt.Sprint(f.services()); got != want {
				t.Errorf("%s: services are %s, want %s", when, got, want)
			}
		}
		must(t, s.AddService(bg, service("web"), nil, false, ""))
		synctest.Wait()
		f.mu.Lock()
		f.gate = make(chan struct{})
		f.mu.Unlock()
		must(t, s.AddService(bg, service("stuck"), nil, false, ""))
		synctest.Wait() // on its way: what follows is sent together
		must(t, s.RemoveService(bg, "web"))
		must(t, s.AddService(bg, service("Web"), nil, false, ""))
		must(t, s.RemoveService(bg, "stuck"))
		close(f.gate)
		synctest.Wait()
		has("spelled anew", "[Web]")

		must(t, s.AddService(bg, service("WEB"), nil, false, ""))
		synctest.Wait()
		has("a second one", "[WEB]")
		f.sent()
		time.Sleep(10 * time.Minute)
		if b := f.sent(); len(b) > 0 {
			t.Errorf("they fight over their row: %+v", b)
		}
		has("later", "[WEB]")
		must(t, s.RemoveService(bg, "WEB"))
		synctest.Wait()
		has("the second one removed", "[Web]")

		f.write(t, &catalog.Register{Node: "n1", SkipNodeUpdate: true, Service: service("wEB")})
		time.Sleep(2 * time.Minute)
		has("spelled by others", "[Web]")
		must(t, s.RemoveService(bg, "Web"))
		synctest.Wait()
		has("removed", "[]")
	})
}

func TestTagsAreAdoptedWhereTheServiceAllows(t *testing.T) {
	f := newServers()
	running(t, f, nil, func(t *testing.T, s *local.State) {
		for _, id := range []string{"free", "strict"} {
			svc := service(id)
			svc.Tags, svc.EnableTagOverride = []string{"own"}, id == "free"
			must(t, s.AddService(bg, svc, nil, false, ""))
		}
		synctest.Wait()
		for _, id := range []string{"free", "strict"} {
			r := *f.service(id)
			r.Tags = []string{"theirs"}
			r.TaggedAddresses = map[string]catalog.ServiceAddress{"consul-virtual": {Address: "240.0.0.1", Port: 1}}
			f.write(t, &catalog.Register{Node: "n1", SkipNodeUpdate: true, Service: &r})
		}
		time.Sleep(2 * time.Minute)
		for id, want := range map[string]string{"free": "[theirs]", "strict": "[own]"} {
			here, there := s.Service(id), f.service(id)
			if fmt.Sprint(here.Tags) != want || fmt.Sprint(there.Tags) != want {
				t.Errorf("%s: tags %v here, %v there, want %s", id, here.Tags, there.Tags, want)
			}
			if here.TaggedAddresses["consul-virtual"].Address != "240.0.0.1" {
				t.Errorf("%s: addresses %v", id, here.TaggedAddresses)
			}
		}
	})
}

func TestOutputAloneReachesTheCatalogLater(t *testing.T) {
	f := newServers()
	running(t, f, nil, func(t *testing.T, s *local.State) {
		must(t, s.AddCheck(bg, ttl("c"), ""))
		must(t, s.UpdateTTL(bg, "c", catalog.Passing, "0"))
		synctest.Wait()
		for i := range 145 { // a full sync on the way does not send it either
			time.Sleep(time.Second)
			must(t, s.UpdateTTL(bg, "c", catalog.Passing, fmt.Sprint(i)))
		}
		synctest.Wait()
		if got := f.check("c").Output; got != "0" {
			t.Errorf("after 145s: %q", got)
		}
		if got := s.Check("c").Output; got != "144" {
			t.Errorf("here: %q", got)
		}
		time.Sleep(5*time.Minute + 10*time.Second)
		if got := f.check("c").Output; got != "144" {
			t.Errorf("after seven and a half minutes: %q", got)
		}
		must(t, s.UpdateTTL(bg, "c", catalog.Passing, "held"))
		must(t, s.UpdateTTL(bg, "c", catalog.Warning, "news"))
		synctest.Wait()
		if got := f.check("c"); got.Output != "news" || got.Status != catalog.Warning {
			t.Errorf("a new status waited: %+v", got)
		}
	})
}

func TestOutputIsSentAtOnceWithoutInterval(t *testing.T) {
	f := newServers()
	running(t, f, func(o *local.Options) { o.CheckUpdateInterval = 0 }, func(t *testing.T, s *local.State) {
		must(t, s.AddCheck(bg, ttl("c"), ""))
		must(t, s.UpdateTTL(bg, "c", catalog.Critical, "word"))
		synctest.Wait()
		if got := f.check("c").Output; got != "word" {
			t.Errorf("got %q", got)
		}
	})
}

func TestUnreachableServersAreTriedAgainLater(t *testing.T) {
	f := newServers()
	f.down = fault.New(fault.NoLeader, "No cluster leader")
	running(t, f, nil, func(t *testing.T, s *local.State) {
		synctest.Wait()
		must(t, s.AddService(bg, service("web"), nil, false, ""))
		time.Sleep(14 * time.Second)
		if got := f.asked("Catalog.Node") + f.asked("Catalog.Sync"); got != 1 {
			t.Errorf("%d requests within 14s of a failure", got)
		}
		time.Sleep(17 * time.Second)
		if got := f.asked("Catalog.Node"); got < 2 {
			t.Errorf("%d requests within 31s of a failure", got)
		}
		f.mu.Lock()
		f.down = nil
		f.mu.Unlock()
		s.SyncSoon()
		time.Sleep(3 * time.Second)
		if f.service("web") == nil {
			t.Error("no sync within 3s of a new leader")
		}
	})
}

func TestPausesGrowWithTheCluster(t *testing.T) {
	for members, want := range map[int]int{0: 1, 1: 1, 128: 1, 129: 2, 256: 2, 512: 3, 1024: 4, 8192: 7} {
		if got := local.Scale(members); got != want {
			t.Errorf("%d members: got %d, want %d", members, got, want)
		}
	}
}

func TestDeniedMembersWaitForTheNextFullSync(t *testing.T) {
	f := newServers()
	f.deny = func(token string) bool { return token == "bad" }
	running(t, f, nil, func(t *testing.T, s *local.State) {
		synctest.Wait()
		f.sent()
		must(t, s.AddService(bg, service("bad"), nil, false, "bad"))
		must(t, s.AddService(bg, service("good"), nil, false, "good"))
		synctest.Wait()
		f.sent()
		must(t, s.AddService(bg, service("other"), nil, false, "good"))
		synctest.Wait()
		for _, b := range f.sent() {
			for _, r := range b.Registers {
				if r.Service.ID == "bad" {
					t.Error("tried again at once")
				}
			}
		}
		if got := fmt.Sprint(f.services()); got != "[good other]" {
			t.Errorf("services are %s", got)
		}
		f.mu.Lock()
		f.deny = nil
		f.mu.Unlock()
		time.Sleep(2 * time.Minute)
		if f.service("bad") == nil {
			t.Error("not tried at the full sync")
		}
	})
}

func TestARefusedMemberDoesNotHoldUpOthers(t *testing.T) {
	f := newServers()
	f.refuse = func(r *catalog.Register) string {
		if r.Service != nil && r.Service.ID == "bad" {
			return "no"
		}
		return ""
	}
	running(t, f, nil, func(t *testing.T, s *local.State) {
		synctest.Wait()
		must(t, s.AddService(bg, service("bad"), nil, false, ""))
		synctest.Wait()
		must(t, s.AddService(bg, service("good"), nil, false, ""))
		synctest.Wait()
		if f.service("good") == nil {
			t.Error("held up")
		}
		f.mu.Lock()
		f.refuse = nil
		f.mu.Unlock()
		time.Sleep(30 * time.Second)
		if f.service("bad") == nil {
			t.Error("not tried again within 30s")
		}
	})
}

func TestARefusedNodeKeepsWhatIsOnItOut(t *testing.T) {
	f := newServers()
	f.refuse = func(r *catalog.Register) string {
		if r.Service == nil && !r.SkipNodeUpdate {
			return "Node name n1 is reserved"
		}
		return ""
	}
	var log strings.Builder
	tokens := local.Tokens{Agent: "agent", Default: "default"}
	running(t, f, func(o *local.Options) {
		o.Tokens = func() local.Tokens { return tokens }
		o.Logger = logTo(&log)
	}, func(t *testing.T, s *local.State) {
		must(t, s.AddService(bg, service("web"), nil, false, ""))
		synctest.Wait()
		must(t, s.AddService(bg, service("db"), nil, false, "own"))
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := f.services(); len(got) > 0 {
			t.Errorf("services %v on a node that is not ours", got)
		}
		if want := `Node info update failed: node=n1 error="Node name n1 is reserved"`; !strings.Contains(log.String(), want) {
			t.Errorf("no %s in\n%s", want, log.String())
		}
		if strings.Contains(log.String(), ops.TextNodeRefused) {
			t.Errorf("tells of each member:\n%s", log.String())
		}
		f.mu.Lock()
		f.refuse = nil
		f.mu.Unlock()
		time.Sleep(30 * time.Second)
		if got := fmt.Sprint(f.services()); got != "[db web]" {
			t.Errorf("services are %s 30 s after the node was accepted", got)
		}
	})
}

func TestEachTokenGetsItsOwnRequest(t *testing.T) {
	f := newServers()
	tokens := local.Tokens{Agent: "agent", Default: "default", ConfigFile: "file"}
	running(t, f, func(o *local.Options) { o.Tokens = func() local.Tokens { return tokens } }, func(t *testing.T, s *local.State) {
		synctest.Wait()
		f.sent()
		must(t, s.LoadDefinitions(local.Definitions{Services: []local.ServiceDefinition{
			{Service: service("from-file")}, {Service: service("own-token"), Token: "own"}}}))
		must(t, s.AddService(bg, service("plain"), nil, false, ""))
		synctest.Wait()
		must(t, s.RemoveService(bg, "plain"))
		synctest.Wait()
		f.mu.Lock()
		defer f.mu.Unlock()
		got := slices.Sorted(slices.Values(f.tokens))
		if fmt.Sprint(got) != "[agent default file own]" {
			t.Errorf("tokens used: %v", got)
		}
	})
}

// TestCatalogFollowsRandomChanges lets servers fail at random and looks at what
// is there in the end.
func TestCatalogFollowsRandomChanges(t *testing.T) {
	f := newServers()
	rng := rand.New(rand.NewPCG(3, 4))
	running(t, f, func(o *local.Options) { o.CheckUpdateInterval = 10 * time.Second }, func(t *testing.T, s *local.State) {
		for range 2000 {
			id, chk := fmt.Sprint("s", rng.IntN(6)), fmt.Sprint("c", rng.IntN(9))
			switch rng.IntN(9) {
			case 0, 1:
				svc := service(id)
				svc.Tags = []string{fmt.Sprint(rng.IntN(3))}
				_ = s.AddService(bg, svc, []*catalog.Check{ttl(chk)}, rng.IntN(2) == 0, fmt.Sprint(rng.IntN(2)))
			case 2:
				_ = s.RemoveService(bg, id)
			case 3:
				_ = s.AddCheck(bg, ttlOf(chk, id), "")
			case 4:
				_ = s.RemoveCheck(bg, chk)
			case 5, 6:
				_ = s.UpdateTTL(bg, chk, []string{catalog.Passing, catalog.Warning, catalog.Critical}[rng.IntN(3)], fmt.Sprint(rng.IntN(9)))
			case 7:
				f.mu.Lock()
				f.down = nil
				if rng.IntN(3) == 0 {
					f.down = errors.New("connection reset")
				}
				f.mu.Unlock()
			case 8:
				time.Sleep(time.Duration(rng.Int64N(int64(5 * time.Second))))
			}
		}
		f.mu.Lock()
		f.down = nil
		f.mu.Unlock()
		time.Sleep(5 * time.Minute)
		if got, want := f.services(), sorted(s.Services()); !slices.Equal(got, want) {
			t.Errorf("services %v, want %v", got, want)
		}
		_, checks := f.store.Read().NodeChecks(nil, "n1")
		if len(checks) != len(s.Checks()) {
			t.Errorf("%d checks, want %d", len(checks), len(s.Checks()))
		}
		for _, c := range checks {
			h := s.Check(c.CheckID)
			if h == nil || h.Status != c.Status || h.Output != c.Output || h.ServiceID != c.ServiceID {
				t.Errorf("check %s: %+v there, %+v here", c.CheckID, c, h)
			}
		}
		for _, id := range f.services() {
			if got, want := f.service(id).Tags, s.Service(id).Tags; !slices.Equal(got, want) {
				t.Errorf("%s: tags %v there, %v here", id, got, want)
			}
		}
		f.sent()
		time.Sleep(5 * time.Minute)
		if b := f.sent(); len(b) != 0 {
			t.Errorf("it does not settle: sent %d more requests", len(b))
		}
	})
}

func TestNoTokenIsEverLogged(t *testing.T) {
	f := newServers()
	f.deny = func(string) bool { return true }
	var log strings.Builder
	running(t, f, func(o *local.Options) {
		o.Logger = logTo(&log)
		o.Accessor = func(_ context.Context, token string) string {
			return map[string]string{"sesame": "A", "": "anonymous token"}[token]
		}
	}, func(t *testing.T, s *local.State) {
		must(t, s.AddService(bg, service("web"), []*catalog.Check{ttl("c")}, false, "sesame"))
		synctest.Wait()
		f.mu.Lock()
		f.deny = nil
		f.mu.Unlock()
		time.Sleep(2 * time.Minute)
	})
	text := log.String()
	for _, want := range []string{"Service registration blocked by ACLs: service=web accessorID=A", `Node info update blocked by ACLs: node=n1 accessorID="anonymous token"`, "Synced service: service=web", "Synced node info"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the log:\n%s", want, text)
		}
	}
	if strings.Contains(text, "sesame") {
		t.Errorf("token in the log:\n%s", text)
	}
}
