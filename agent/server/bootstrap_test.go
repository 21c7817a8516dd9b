package server_test

import (
	"slices"
	"testing"
	"time"

	"praetor/agent/server"
	"praetor/gossip"
	"praetor/internal/ops"
)

// TestOneClusterIsFounded starts servers in some order; told[i] is the
// bootstrap_expect of server i+1.
func TestOneClusterIsFounded(t *testing.T) {
	rows := []struct {
		name  string
		told  []int
		order []int
	}{
		{"all told", []int{3, 3, 3}, []int{1, 2, 3}},
		{"all told, backwards", []int{3, 3, 3}, []int{3, 2, 1}},
		{"one of three told two", []int{2, 0, 0}, []int{1, 2, 3}},
		{"one of three told two, last", []int{0, 0, 2}, []int{1, 2, 3}},
		{"one of three told three, first", []int{0, 3, 0}, []int{2, 1, 3}},
		{"two of three told three", []int{3, 0, 3}, []int{3, 2, 1}},
		{"a server that was told nothing joins later", []int{2, 2, 0}, []int{1, 2, 3}},
		{"one bootstraps, others were told nothing", []int{1, 0, 0}, []int{2, 3, 1}},
	}
	for _, row := range rows {
		for _, pause := range []time.Duration{0, 5 * time.Second} {
			t.Run(row.name+", "+pause.String()+" apart", func(t *testing.T) {
				withFleet(t, func(f *fleet) {
					for _, i := range row.order {
						f.start(i, row.told[i-1], nil)
						pass(pause)
					}
					f.leader()
					f.waitFor("three peers", f.peers(3))
					if err := put(f.running[1], "a", "1"); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}

// TestViewsThatDifferAtFirstFoundOneCluster has two servers of six that were
// told three, and neither sees the other for a second: each sees enough others
// to found a cluster of its own.
func TestViewsThatDifferAtFirstFoundOneCluster(t *testing.T) {
	withFleet(t, func(f *fleet) {
		f.hide(1, 2, 5, 6)
		f.hide(2, 1, 3, 4)
		for i, told := range []int{3, 3, 0, 0, 0, 0} {
			f.start(i+1, told, nil)
		}
		pass(time.Second)
		f.hide(1)
		f.hide(2)
		leader := f.leader()
		f.waitFor("six peers everywhere", f.peers(6))
		for i, u := range f.running {
			if u.IsLeader() && i != leader {
				t.Errorf("s%d leads too", i)
			}
		}
	})
}

func TestToldServerThatLostItsDiskFoundsNothing(t *testing.T) {
	withFleet(t, func(f *fleet) {
		for i, told := range []int{2, 0, 0} {
			f.start(i+1, told, nil)
		}
		f.leader()
		f.waitFor("three peers", f.peers(3))
		if err := put(f.running[2], "a", "1"); err != nil {
			t.Fatal(err)
		}
		f.stop(1)
		f.leader()
		u := f.start(1, 2, func(o *server.Options) { o.ID = id(0) }) // the lowest of all
		f.waitFor("three peers", f.peers(3))
		if v := valueEverywhere(f, "a"); !slices.Equal(v, []string{"1", "1", "1"}) {
			t.Errorf("values %q", v)
		}
		if err := put(u, "b", "1"); err != nil {
			t.Error(err)
		}
	})
}

// TestServersWithStateAreNotFoundedOver has two servers that hold a cluster's
// log but cannot reach each other: no leader could add the newcomer.
func TestServersWithStateAreNotFoundedOver(t *testing.T) {
	withFleet(t, func(f *fleet) {
		for i, told := range []int{2, 0, 0} {
			f.start(i+1, told, nil)
		}
		f.leader()
		f.waitFor("three peers", f.peers(3))
		if err := put(f.running[2], "a", "1"); err != nil {
			t.Fatal(err)
		}
		f.network.Cut(ip(2), ip(3))
		f.stop(1)
		f.say(gossip.HasFailed, serverMember(1, gossip.Failed, nil))
		pass(5 * time.Second)
		u := f.start(4, 2, func(o *server.Options) { o.ID = id(0) })
		pass(30 * time.Second)
		rep, err := ops.StatusPeers.Call(t.Context(), u.Router(), &ops.StatusRequest{})
		if err != nil || len(rep.Addresses) != 0 {
			t.Errorf("the newcomer has peers %v, %v; want none", rep, err)
		}
		f.network.Heal(ip(2), ip(3))
		f.waitFor("three peers", f.peers(3))
	})
}

func valueEverywhere(f *fleet, key string) []string {
	var values []string
	for _, u := range f.running {
		_, entry := u.Store().Read().KVGet(nil, key)
		if entry != nil {
			values = append(values, string(entry.Value))
		}
	}
	return values
}
