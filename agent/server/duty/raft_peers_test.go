package duty_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/server/duty"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/ops"
	"praetor/internal/testkernel"
)

// TestPlacesInRaft makes a server known to gossip, or unknown, in a cluster of s1 and
// others. In want and others "2 3*" is server 2 at host 2, and server 3 at host 3 with a vote.
func TestPlacesInRaft(t *testing.T) {
	const home = "1 10.0.0.1:8300*"
	two, moved := server(2, nil), server(2, nil)
	moved.Addr = net.IPv4(10, 0, 0, 7)
	renamed := server(2, nil)
	renamed.Name = "new"
	for _, c := range []struct {
		name    string
		peers   []string // "ID address"
		members []gossip.Member
		node    string // the ID that the catalog has for s2, if any
		do      func(d *duty.Set, room room) error
		want    []string
		err     string
	}{
		{"a new server", nil, []gossip.Member{two}, "", ensure(two), []string{home, "2 10.0.0.2:8300"}, ""},
		{"one that is there", []string{"2 10.0.0.2:8300"}, []gossip.Member{two}, "", ensure(two), []string{home, "2 10.0.0.2:8300"}, ""},
		{"one that moved", []string{"2 10.0.0.2:8300"}, []gossip.Member{moved}, "", ensure(moved), []string{home, "2 10.0.0.7:8300"}, ""},
		{"an address that was another's", []string{"9 10.0.0.2:8300"}, []gossip.Member{two}, "", ensure(two), []string{home, "2 10.0.0.2:8300", "9 " + testkernel.ID(9) + ".moved.invalid:0"}, ""},
		{"a successor by name", []string{"9 10.0.0.2:8300"}, []gossip.Member{two}, testkernel.ID(9), ensure(two), []string{home, "2 10.0.0.2:8300"}, ""},
		{"a successor by name of one who lives on", []string{"9 10.0.0.2:8300"}, []gossip.Member{two, server(9, nil)}, testkernel.ID(9), ensure(two), []string{home, "2 10.0.0.2:8300", "9 " + testkernel.ID(9) + ".moved.invalid:0"}, ""},
		{"a successor by name of one who failed", []string{"9 10.0.0.2:8300"}, []gossip.Member{two, testkernel.As(server(9, nil), gossip.Failed)}, testkernel.ID(9), ensure(two), []string{home, "2 10.0.0.2:8300"}, ""},
		{"itself", nil, []gossip.Member{server(1, nil)}, "", ensure(server(1, nil)), []string{home}, ""},
		{"one that bootstraps", nil, []gossip.Member{server(2, bootstraps)}, "", ensure(server(2, bootstraps)), []string{home},
			"'s1' and 's2' are both in bootstrap mode: only one server should be, not adding it as a raft peer"},

		{"one that left", []string{"2 10.0.0.2:8300"}, []gossip.Member{testkernel.As(two, gossip.Left)}, "", remove(two), []string{home}, ""},
		{"one that left, and was no peer", []string{"3 10.0.0.3:8300"}, nil, "", remove(two), []string{home, "3 10.0.0.3:8300"}, ""},
		{"one that left and lives under another name", []string{"2 10.0.0.2:8300"}, []gossip.Member{testkernel.As(two, gossip.Left), renamed}, "", remove(two), []string{home, "2 10.0.0.2:8300"}, ""},
		{"one that left and failed under another name", []string{"2 10.0.0.2:8300"}, []gossip.Member{testkernel.As(renamed, gossip.Failed)}, "", remove(two), []string{home}, ""},
		{"one that left, and its own entry is late", []string{"2 10.0.0.2:8300"}, []gossip.Member{two}, "", remove(two), []string{home}, ""},
	} {
		within(t, duty.Options{Bootstrap: true}, testkernel.Options{}, func(r room) {
			r.Pool.Set(append(c.members, server(1, nil))...)
			for _, p := range c.peers {
				id, address, _ := strings.Cut(p, " ")
				if err := r.Raft.AddNonvoter("0000000"+id+"-0000-0000-0000-000000000000", address); err != nil {
					t.Fatal(err)
				}
			}
			if c.node != "" {
				r.Log(catalog.RegisterCommand, &catalog.Register{Node: "s2", ID: c.node, Address: "10.0.0.2"})
			}
			r.Neighbour(2, testkernel.ID(2))
			r.Neighbour(7, testkernel.ID(2))
			err := c.do(r.duties, r)
			if fmt.Sprint(err) == duty.ErrVetting.Error() {
				synctest.Wait()
				err = c.do(r.duties, r)
			}
			if got := fmt.Sprint(err); err != nil && got != c.err || err == nil && c.err != "" {
				t.Errorf("%s: %v, want %q", c.name, err, c.err)
			}
			if got := r.peers(); !slices.Equal(got, c.want) {
				t.Errorf("%s: peers %q, want %q", c.name, got, c.want)
			}
		})
	}
}

func bootstraps(t *gossip.ServerTags) { t.Bootstrap = true }

func ensure(m gossip.Member) func(*duty.Set, room) error {
	return func(d *duty.Set, r room) error { return d.EnsurePeer(r.T.Context(), m) }
}

func remove(m gossip.Member) func(*duty.Set, room) error {
	return func(d *duty.Set, _ room) error { return d.RemovePeer(m) }
}

// TestALeaderThatCameBackElsewhereCorrectsItsAddress: another has the one where it is now.
func TestALeaderThatCameBackElsewhereCorrectsItsAddress(t *testing.T) {
	within(t, duty.Options{}, testkernel.Options{}, func(r room) {
		if err := r.Raft.AddNonvoter(testkernel.ID(1), "10.0.0.8:8300"); err != nil {
			t.Fatal(err)
		}
		if err := r.Raft.AddNonvoter(testkernel.ID(2), "10.0.0.1:8300"); err != nil {
			t.Fatal(err)
		}
		if err := r.duties.EnsurePeer(r.T.Context(), server(1, nil)); err != nil {
			t.Fatal(err)
		}
		if got, want := r.peers(), []string{"1 10.0.0.1:8300*", "2 " + testkernel.ID(2) + ".moved.invalid:0"}; !slices.Equal(got, want) {
			t.Errorf("peers %q, want %q", got, want)
		}
	})
}

// TestWhoIsLetIntoRaft: a server shows its ID, and that it is of no other cluster.
func TestWhoIsLetIntoRaft(t *testing.T) {
	peersOf := func(ids ...int) (rep ops.StatusPeersReply) {
		for _, i := range ids {
			rep.IDs, rep.Addresses = append(rep.IDs, testkernel.ID(i)), append(rep.Addresses, testkernel.Address(i))
		}
		return rep
	}
	for _, c := range []struct {
		name  string
		who   int // who answers; 0: nobody
		peers ops.StatusPeersReply
		in    bool
		said  string // after four questions
	}{
		{"one without a cluster", 2, peersOf(), true, ""},
		{"one that was here before", 2, peersOf(1, 2, 5), true, ""},
		{"one of another cluster", 2, peersOf(5, 6), false, `error="it is of another cluster, with the servers 10.0.0.5:8300, 10.0.0.6:8300: if it is to join this one, stop it and empty its data folder"`},
		{"another one", 3, peersOf(), false, "not letting server into Raft: it does not show who it is: server=s2 id=" + testkernel.ID(2) + " address=10.0.0.2:8300"},
		{"nobody", 0, peersOf(), false, "not letting server into Raft"},
	} {
		var said log
		k := testkernel.Options{}
		k.Logger = said.logger()
		within(t, duty.Options{}, k, func(r room) {
			r.Pool.Set(server(1, nil), server(2, nil))
			if c.who > 0 {
				r.Neighbour(2, testkernel.ID(c.who)).SayPeers(c.peers)
			}
			err := r.duties.EnsurePeer(r.T.Context(), server(2, nil))
			if fmt.Sprint(err) != "it has not shown yet who it is" {
				t.Errorf("%s: %v before it was asked", c.name, err)
			}
			time.Sleep(1700 * time.Millisecond) // three pauses: 250, 500 and 1000 ms
			if said.count("not letting server into Raft") > 0 {
				t.Errorf("%s: a warning after three questions", c.name)
			}
			time.Sleep(20 * time.Second)
			_ = r.duties.EnsurePeer(r.T.Context(), server(2, nil)) // asks anew if what was shown is old
			synctest.Wait()
			if err := r.duties.EnsurePeer(r.T.Context(), server(2, nil)); c.in != (err == nil) {
				t.Errorf("%s: %v", c.name, err)
			}
			if got, want := r.duties.InRaft(testkernel.ID(2)), c.in; got != want {
				t.Errorf("%s: in Raft %t", c.name, got)
			}
			want := 0
			if c.said != "" {
				want = 1
			}
			if got := said.count(c.said); c.said != "" && got != want || said.count("not letting") != want {
				t.Errorf("%s: %q is said %d times in\n%s", c.name, c.said, got, said.String())
			}
			r.Pool.Set(server(1, nil)) // nobody claims it any more
			r.duties.StopVetting()
		})
	}
}

func TestClaimsAreBounded(t *testing.T) {
	leading(t, func(r room) {
		members := []gossip.Member{server(1, nil)}
		for i := 2; i < 60; i++ {
			members = append(members, server(i, nil))
		}
		r.Pool.Set(members...)
		for _, m := range members[1:] {
			_ = r.duties.EnsurePeer(r.T.Context(), m)
		}
		nameless := server(60, nil)
		nameless.Tags["id"] = ""
		if got := r.duties.Claims(); got != 32 {
			t.Errorf("%d servers are asked at a time, want 32", got)
		}
		r.Pool.Set(server(1, nil))
		time.Sleep(time.Minute) // gossip says so no more
		if got := r.duties.Claims(); got != 0 {
			t.Errorf("%d are asked still", got)
		}
		_ = r.duties.EnsurePeer(r.T.Context(), nameless)
		if got := r.duties.Claims(); got != 0 {
			t.Error("one without an ID is asked")
		}
	})
}

func TestWhatAServerHasShownHoldsForTenSeconds(t *testing.T) {
	for held, shown := range map[time.Duration]bool{10 * time.Second: true, 10*time.Second + 1: false} {
		leading(t, func(r room) {
			r.Pool.Set(server(1, nil), server(2, nil))
			n := r.Neighbour(2, testkernel.ID(2))
			_ = r.duties.EnsurePeer(r.T.Context(), server(2, nil))
			synctest.Wait()
			n.Stop()
			time.Sleep(held)
			if err := r.duties.EnsurePeer(r.T.Context(), server(2, nil)); (err == nil) != shown {
				t.Errorf("after %s: %v", held, err)
			}
			r.Pool.Set(server(1, nil))
			r.duties.StopVetting()
		})
	}
}

// TestAServerGetsItsPlaceOnceItHasShownWhoItIs, without another event.
func TestAServerGetsItsPlaceOnceItHasShownWhoItIs(t *testing.T) {
	leading(t, func(r room) {
		r.serving()
		r.Pool.Set(server(1, nil), server(2, nil))
		r.duties.HandleLAN(gossip.Event{Type: gossip.Joined, Members: []gossip.Member{server(2, nil)}})
		time.Sleep(3 * time.Second) // nobody answers
		if r.duties.InRaft(testkernel.ID(2)) || r.node("s2") != nil {
			t.Error("a server that was not asked has a place")
		}
		r.Neighbour(2, testkernel.ID(2))
		time.Sleep(5 * time.Second)
		if !r.duties.InRaft(testkernel.ID(2)) || r.serf("s2") != "passing" {
			t.Errorf("peers %q, serfHealth %q", r.peers(), r.serf("s2"))
		}
	})
}
