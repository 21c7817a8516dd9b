package duty_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/server/duty"
	"praetor/agent/server/kernel"
	"praetor/gossip"
	"praetor/internal/acl"
	"praetor/internal/ops"
	"praetor/internal/testkernel"
)

func TestWhoFoundsACluster(t *testing.T) {
	failed := testkernel.As(server(2, expecting(3)), gossip.Failed)
	for _, c := range []struct {
		name    string
		self    int
		members []gossip.Member
		list    string // of server numbers
		why     string
	}{
		{"too few", 1, []gossip.Member{server(1, expecting(3)), server(2, expecting(3))}, "1 2", "too few servers"},
		{"all told", 1, []gossip.Member{server(3, expecting(3)), server(1, expecting(3)), server(2, expecting(3))}, "1 2 3", ""},
		{"another has a lower ID", 2, []gossip.Member{server(3, expecting(3)), server(1, expecting(3)), server(2, expecting(3))}, "1 2 3", "another server initiates"},
		{"only this one was told", 2, []gossip.Member{server(3, nil), server(2, expecting(3)), server(1, nil)}, "1 2 3", ""},
		{"two of three were told", 1, []gossip.Member{server(3, expecting(3)), server(2, nil), server(1, expecting(3))}, "1 2 3", ""},
		{"two of three were told, another is lower", 3, []gossip.Member{server(3, expecting(3)), server(2, nil), server(1, expecting(3))}, "1 2 3", "another server initiates"},
		{"enough were told: the silent join later", 1, []gossip.Member{server(1, expecting(3)), server(4, nil), server(2, expecting(3)), server(3, expecting(3))}, "1 2 3", ""},
		{"more than enough", 1, []gossip.Member{server(1, expecting(3)), server(4, expecting(3)), server(2, expecting(3)), server(3, expecting(3))}, "1 2 3 4", ""},
		{"nobody was told, as gossip has it", 1, []gossip.Member{server(1, nil), server(2, nil), server(3, nil)}, "1 2 3", "another server initiates"},
		{"one failed", 1, []gossip.Member{server(1, expecting(3)), failed, server(3, expecting(3))}, "1 3", "too few servers"},
		{"clients do not count", 1, []gossip.Member{server(1, expecting(3)), client("c", 1), server(3, expecting(3))}, "1 3", "too few servers"},
		{"read replicas do not count", 1, []gossip.Member{server(1, expecting(3)), server(3, expecting(3)), server(2, func(t *gossip.ServerTags) { t.Expect, t.ReadReplica = 3, true })}, "1 3", "too few servers"},
		{"another datacenter", 1, []gossip.Member{server(1, expecting(3)), server(3, expecting(3)), server(2, func(t *gossip.ServerTags) { t.Expect, t.Datacenter = 3, "dc2" })}, "1 3", "too few servers"},
		{"one bootstraps", 1, []gossip.Member{server(1, expecting(3)), server(2, func(t *gossip.ServerTags) { t.Bootstrap = true }), server(3, expecting(3))}, "", "Member is in bootstrap mode. Expect disabled. s2"},
		{"another number", 1, []gossip.Member{server(1, expecting(3)), server(2, expecting(5)), server(3, expecting(3))}, "", "Member has a conflicting expect value. All nodes should expect the same number. s2"},
		{"another number, failed", 1, []gossip.Member{server(1, expecting(3)), testkernel.As(server(2, expecting(5)), gossip.Failed), server(3, expecting(3)), server(4, expecting(3))}, "1 3 4", ""},
	} {
		s := duty.New(kernel.New(kernel.Options{ID: testkernel.ID(c.self), Datacenter: "dc1", LAN: testkernel.NewPool(c.members...), ACL: acl.AllowAll{}}), duty.Options{BootstrapExpect: 3})
		servers, why := s.Candidates()
		var list []string
		for _, srv := range servers {
			list = append(list, srv.ID[7:8])
		}
		if got := strings.Join(list, " "); got != c.list || why != c.why {
			t.Errorf("%s: %q, %q; want %q, %q", c.name, got, why, c.list, c.why)
		}
	}
}

func TestAServerThatNeedNotWaitIsTheWholeCluster(t *testing.T) {
	for name, c := range map[string]struct {
		o    duty.Options
		want []string
	}{
		"bootstrap":    {duty.Options{Bootstrap: true}, []string{"1 10.0.0.1:8300*"}},
		"dev":          {duty.Options{Dev: true}, []string{"1 10.0.0.1:8300*"}},
		"expects one":  {duty.Options{BootstrapExpect: 1}, []string{"1 10.0.0.1:8300*"}},
		"expects two":  {duty.Options{BootstrapExpect: 2}, nil},
		"told nothing": {duty.Options{}, nil},
	} {
		within(t, c.o, testkernel.Options{Stateless: true}, func(r room) {
			for range 2 { // with state nothing is left to do
				if err := r.duties.BootstrapAlone(); err != nil || !slices.Equal(r.peers(), c.want) {
					t.Errorf("%s: %v, peers %q; want %q", name, err, r.peers(), c.want)
				}
			}
		})
	}
}

// founding runs a server that expects so many until the test ends.
func (r room) founding() {
	ctx, cancel := context.WithCancel(r.T.Context())
	var done sync.WaitGroup
	done.Go(func() {
		if err := r.duties.RunBootstrap(ctx); err != nil {
			r.T.Error(err)
		}
	})
	r.T.Cleanup(func() { cancel(); done.Wait() })
}

var three = []string{"1 10.0.0.1:8300*", "2 10.0.0.2:8300*", "3 10.0.0.3:8300*"}

// TestServersThatWereToldNothingCountOnceTheListHasSettled: those that were told found
// at once.
func TestServersThatWereToldNothingCountOnceTheListHasSettled(t *testing.T) {
	for name, c := range map[string]struct {
		told    int
		founded time.Duration
	}{"all told": {3, 0}, "one was not": {0, 2 * time.Second}} {
		within(t, duty.Options{BootstrapExpect: 3}, testkernel.Options{Stateless: true}, func(r room) {
			r.Neighbour(2, testkernel.ID(2))
			r.Neighbour(3, testkernel.ID(3))
			others := []gossip.Member{server(1, expecting(3)), server(2, expecting(3)), server(3, expecting(c.told))}
			r.Pool.Set(others[:2]...)
			r.founding()
			time.Sleep(900 * time.Millisecond)
			r.Pool.Set(others...)
			r.duties.HandleLAN(gossip.Event{Type: gossip.Joined})
			synctest.Wait()
			if c.founded > 0 {
				time.Sleep(c.founded - 10*time.Millisecond)
				if got := r.peers(); len(got) > 0 {
					t.Errorf("%s: peers %q before the list has settled", name, got)
				}
				time.Sleep(1010 * time.Millisecond) // it looks every second
			}
			if got := r.peers(); !slices.Equal(got, three) {
				t.Errorf("%s: peers %q", name, got)
			}
		})
	}
}

// TestAListThatChangesDoesNotSettle has a server come and go.
func TestAListThatChangesDoesNotSettle(t *testing.T) {
	within(t, duty.Options{BootstrapExpect: 3}, testkernel.Options{Stateless: true}, func(r room) {
		for i := 2; i <= 4; i++ {
			r.Neighbour(i, testkernel.ID(i))
		}
		r.founding()
		for i := range 10 {
			r.Pool.Set(server(1, expecting(3)), server(2, nil), server(3+i%2, nil))
			time.Sleep(1500 * time.Millisecond)
			if got := r.peers(); len(got) > 0 {
				t.Fatalf("peers %q", got)
			}
		}
		time.Sleep(3 * time.Second)
		if got, want := r.peers(), []string{three[0], three[1], "4 10.0.0.4:8300*"}; !slices.Equal(got, want) {
			t.Errorf("peers %q, want %q", got, want)
		}
	})
}

func TestNobodyFoundsOverServersWithState(t *testing.T) {
	within(t, duty.Options{BootstrapExpect: 3}, testkernel.Options{Stateless: true}, func(r room) {
		r.Pool.Set(server(1, expecting(3)), server(2, expecting(3)), server(3, expecting(3)))
		r.Neighbour(2, testkernel.ID(2))
		third := r.Neighbour(3, testkernel.ID(3))
		third.SayPeers(ops.StatusPeersReply{Addresses: []string{"10.0.0.9:8300"}, IDs: []string{testkernel.ID(9)}})
		r.founding()
		time.Sleep(5 * time.Second)
		third.SayPeers(ops.StatusPeersReply{}) // it gave up for good
		time.Sleep(time.Minute)
		if got := r.peers(); len(got) > 0 {
			t.Errorf("peers %q", got)
		}
	})
}

// TestAServerThatCannotBeAskedIsWaitedFor: it may have state.
func TestAServerThatCannotBeAskedIsWaitedFor(t *testing.T) {
	within(t, duty.Options{BootstrapExpect: 3}, testkernel.Options{Stateless: true}, func(r room) {
		r.Pool.Set(server(1, expecting(3)), server(2, expecting(3)), server(3, expecting(3)))
		r.Neighbour(2, testkernel.ID(2))
		r.founding()
		time.Sleep(time.Minute)
		if got := r.peers(); len(got) > 0 {
			t.Errorf("peers %q while a server is silent", got)
		}
		r.Neighbour(3, testkernel.ID(3))
		time.Sleep(time.Minute)
		if got := r.peers(); !slices.Equal(got, three) {
			t.Errorf("peers %q", got)
		}
	})
}

func TestWhoDoesNotFound(t *testing.T) {
	for name, o := range map[string]duty.Options{"a read replica": {BootstrapExpect: 3, ReadReplica: true}, "expects one": {BootstrapExpect: 1}, "told nothing": {}} {
		within(t, o, testkernel.Options{Stateless: true}, func(r room) {
			r.Pool.Set(server(1, expecting(3)), server(2, expecting(3)), server(3, expecting(3)))
			r.Neighbour(2, testkernel.ID(2))
			r.Neighbour(3, testkernel.ID(3))
			r.founding()
			time.Sleep(10 * time.Second)
			if got := r.peers(); len(got) > 0 {
				t.Errorf("%s: peers %q", name, got)
			}
		})
	}
}

func TestObstaclesAreToldOnce(t *testing.T) {
	var said log
	within(t, duty.Options{BootstrapExpect: 3}, testkernel.Options{Stateless: true, Options: kernel.Options{Logger: said.logger()}}, func(r room) {
		r.Pool.Set(server(1, expecting(3)), server(2, expecting(5)))
		r.founding()
		time.Sleep(10 * time.Second)
		r.Pool.Set(server(1, expecting(3)))
		time.Sleep(10 * time.Second)
	})
	for text, want := range map[string]int{
		"Member has a conflicting expect value. All nodes should expect the same number.: member=s2": 1,
		fmt.Sprintf("not bootstrapping yet: reason=%q expected=3", "too few servers"):                1,
	} {
		if got := said.count(text); got != want {
			t.Errorf("%q is said %d times, want %d, in\n%s", text, got, want, said.String())
		}
	}
}
