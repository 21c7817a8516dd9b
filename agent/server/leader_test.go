package server_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// three starts three servers that expect each other, and waits for a leader.
func three(f *fleet) {
	f.t.Helper()
	for i := 1; i <= 3; i++ {
		f.start(i, 3, nil)
	}
	f.leader()
	f.waitFor("three peers", f.peers(3))
}

func TestFollowersForwardAndStaleReadsAreAnsweredByThemselves(t *testing.T) {
	withFleet(t, func(f *fleet) {
		three(f)
		leader := f.leader()
		for i, u := range f.running {
			if err := put(u, fmt.Sprint("k", i), "v"); err != nil {
				t.Fatalf("write through s%d: %v", i, err)
			}
			for _, opts := range []rpc.ReadOptions{{}, {Consistent: true}} {
				if v, err := get(u, fmt.Sprint("k", i), opts); v != "v" || err != nil {
					t.Errorf("read through s%d with %+v: %q, %v", i, opts, v, err)
				}
			}
		}
		follower := leader%3 + 1
		f.waitFor("the write on a follower", func() error {
			if _, entry := f.running[follower].Store().Read().KVGet(nil, "k1"); entry == nil {
				return errors.New("it is absent")
			}
			return nil
		})
		f.cut(follower)
		rep, err := ops.KVGet.Call(context.Background(), f.running[follower].Router(), &ops.KVGetRequest{ReadOptions: rpc.ReadOptions{Stale: true}, Key: "k1"})
		if err != nil || rep.Entry == nil || rep.Consistency != "stale" {
			t.Errorf("stale read on a cut-off server: %+v, %v", rep, err)
		}
		time.Sleep(3 * time.Second)
		rep, err = ops.KVGet.Call(context.Background(), f.running[follower].Router(), &ops.KVGetRequest{ReadOptions: rpc.ReadOptions{Stale: true}, Key: "k1"})
		if err != nil || rep.LastContact < 2*time.Second || rep.KnownLeader {
			t.Errorf("three seconds later: %+v, %v; want it to tell how old it is", rep, err)
		}
	})
}

func TestAFollowerThatCaughtUpHasAllThatWasAcknowledged(t *testing.T) {
	withFleet(t, func(f *fleet) {
		three(f)
		follower := f.leader()%3 + 1
		u := f.running[follower]
		for i := range 50 {
			if err := put(f.running[f.leader()], "k", fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
			if !u.CatchUp(context.Background(), &rpc.ReadOptions{Consistent: i%2 == 0}) {
				t.Fatalf("write %d: a follower that is well may not answer", i)
			}
			if _, entry := u.Store().Read().KVGet(nil, "k"); entry == nil || string(entry.Value) != fmt.Sprint(i) {
				t.Fatalf("write %d: the follower has %+v", i, entry)
			}
		}
		rep, err := ops.KVGet.Call(context.Background(), u.Router(), &ops.KVGetRequest{Key: "k"})
		if err != nil || rep.Consistency != "leader" || rep.LastContact != 0 || !rep.KnownLeader || string(rep.Entry.Value) != "49" {
			t.Errorf("a default read there: %+v, %v", rep, err)
		}
		left, leave := context.WithCancel(context.Background())
		leave()
		if u.CatchUp(left, &rpc.ReadOptions{}) {
			t.Error("a reader that has left is answered")
		}
		if !u.CatchUp(context.Background(), &rpc.ReadOptions{}) {
			t.Error("since one reader has left, the next may not be answered")
		}
		f.cut(follower)
		for range 2 {
			if u.CatchUp(context.Background(), &rpc.ReadOptions{}) {
				t.Error("a follower that is cut off may answer")
			}
		}
		f.heal(follower)
		f.waitFor("the follower to answer again", func() error {
			if !u.CatchUp(context.Background(), &rpc.ReadOptions{}) {
				return errors.New("it may not")
			}
			return nil
		})
	})
}

func TestServerThatNeverHeardALeaderAnswersNothing(t *testing.T) {
	withFleet(t, func(f *fleet) {
		u := f.start(1, 3, nil)
		for _, opts := range []rpc.ReadOptions{{}, {Stale: true}, {Consistent: true}} {
			begin := time.Now()
			_, err := get(u, "a", opts)
			if fault.KindOf(err) != fault.NoLeader || err.Error() != "No cluster leader" {
				t.Errorf("%+v: %v, want no cluster leader", opts, err)
			}
			if took := time.Since(begin); took < 7*time.Second || took > 8*time.Second {
				t.Errorf("%+v: held for %s, want 7 s", opts, took)
			}
		}
	})
}

func TestCutOffLeaderIsReplacedAndItsBlockingReadsMoveOn(t *testing.T) {
	withFleet(t, func(f *fleet) {
		three(f)
		old := f.leader()
		if err := put(f.running[old], "a", "1"); err != nil {
			t.Fatal(err)
		}
		req := &ops.KVGetRequest{Key: "a"}
		req.MinIndex, req.MaxWait = f.running[old].Store().Read().LastIndex(), 10*time.Minute
		ended := make(chan error, 1)
		go func() { // waited for through ended
			_, err := ops.KVGet.Call(context.Background(), f.running[old].Router(), req)
			ended <- err
		}()
		synctest.Wait()
		f.cut(old)
		begin := time.Now()
		next := f.leader(old)
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("a new leader after %s", took)
		}
		if err := put(f.running[next], "a", "2"); err != nil {
			t.Fatal(err)
		}
		err := <-ended
		if took := time.Since(begin); fault.KindOf(err) != fault.NoLeader || took > 10*time.Second {
			t.Errorf("blocking read on the old leader ended after %s with %v, want no leader once it was held", took, err)
		}
		f.heal(old)
		f.waitFor("the old leader to follow", func() error {
			if v, err := get(f.running[old], "a", rpc.ReadOptions{}); v != "2" {
				return fmt.Errorf("it reads %q, %v", v, err)
			}
			return nil
		})
	})
}

func TestServersThatFailOrLeaveGoFromCatalogAndPeers(t *testing.T) {
	withFleet(t, func(f *fleet) {
		three(f)
		f.start(4, 0, nil) // told nothing: waits to be added
		f.waitFor("four peers", f.peers(4))
		time.Sleep(30 * time.Second) // autopilot trusts it after ten seconds
		leader := f.running[f.leader()]
		if rep, _ := ops.CatalogService.Call(context.Background(), leader.Router(), &ops.CatalogServiceRequest{Service: "consul"}); len(rep.Instances) != 4 {
			t.Errorf("%d instances of consul, want 4", len(rep.Instances))
		}
		victim := f.leader()%3 + 1
		name := fmt.Sprint("s", victim)
		f.stop(victim)
		failed := serverMember(victim, gossip.Failed, nil)
		f.say(gossip.HasFailed, failed)
		synctest.Wait()
		if got := serfHealth(leader, name); got != catalog.Critical {
			t.Errorf("serfHealth of the failed server is %q at once", got)
		}
		// Three of four still live: autopilot forces the dead one to leave, which
		// takes it from the catalog and the peers.
		f.waitFor("three peers", f.peers(3))
		f.waitFor("the node to go", func() error {
			if got := serfHealth(leader, name); got != "" {
				return errors.New(got)
			}
			return nil
		})
	})
}

// When a server ends the others have both pools look at once, since they saw its
// connections end, and again while its port refuses new ones.
func TestServersHaveGossipLookAtOneThatEnded(t *testing.T) {
	withFleet(t, func(f *fleet) {
		for i := 1; i <= 3; i++ {
			f.start(i, 3, func(o *server.Options) { o.WAN = fleetPool{f, i, fmt.Sprint("wan of s", i)} })
		}
		old := f.leader()
		f.waitFor("three peers", f.peers(3))
		during := func(what func()) [][2]string {
			f.mu.Lock()
			f.doubted = nil
			f.mu.Unlock()
			what()
			synctest.Wait()
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.doubted
		}
		doubted := during(func() { f.stop(old) })
		for i := 1; i <= 3; i++ {
			for _, pool := range []string{"lan", "wan"} {
				if i != old && !slices.Contains(doubted, [2]string{fmt.Sprint(pool, " of s", i), id(old)}) {
					t.Errorf("s%d did not have its %s look at s%d: %v", i, pool, old, doubted)
				}
			}
		}
		leader := 0
		doubted = during(func() { leader = f.leader(); time.Sleep(5 * time.Second) })
		if !slices.Contains(doubted, [2]string{fmt.Sprint("lan of s", leader), id(old)}) {
			t.Errorf("the new leader, s%d, is refused by s%d and says nothing: %v", leader, old, doubted)
		}
	})
}

func TestLeaderThatLeavesHandsOn(t *testing.T) {
	withFleet(t, func(f *fleet) {
		three(f)
		old := f.leader()
		ctx := context.Background()
		begin := time.Now()
		if err := f.running[old].PrepareLeave(ctx); err != nil {
			t.Fatal(err)
		}
		next := f.leader(old)
		if took := time.Since(begin); took > time.Second {
			t.Errorf("a new leader after %s, want a transfer and no election timeout", took)
		}
		f.say(gossip.HasLeft, serverMember(old, gossip.Left, nil))
		if err := f.running[old].FinishLeave(ctx); err != nil {
			t.Fatal(err)
		}
		if err := put(f.running[old], "a", "1"); fault.KindOf(err) != fault.NoLeader {
			t.Errorf("write on a server that is leaving: %v, want no leader", err)
		}
		f.stop(old)
		f.waitFor("two peers", f.peers(2))
		if got := serfHealth(f.running[next], fmt.Sprint("s", old)); got != "" {
			t.Errorf("serfHealth of the server that left: %q", got)
		}
		if err := put(f.running[next], "a", "1"); err != nil {
			t.Error(err)
		}
	})
}

// TestReadinessOfAnEarlierTermDoesNotCount holds up a new leader before its
// barrier; from an earlier term it is still marked ready.
func TestReadinessOfAnEarlierTermDoesNotCount(t *testing.T) {
	withFleet(t, func(f *fleet) {
		three(f)
		old := f.leader()
		f.running[old].PrepareLeave(t.Context())
		f.leader(old)
		f.running[f.leader()].PrepareLeave(t.Context())
		time.Sleep(5 * time.Second)
		old = f.leader()
		for i, u := range f.running {
			if i != old {
				u.LeaveReady() // as every follower that led before
			}
		}
		release := make(chan struct{})
		f.mu.Lock()
		f.fire = func(int) { <-release }
		f.mu.Unlock()
		if err := f.running[old].PrepareLeave(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		for i, u := range f.running {
			if u.IsLeader() {
				t.Errorf("s%d leads before its barrier", i)
			}
		}
		close(release)
		if next := f.leader(); next == old {
			t.Errorf("leadership did not move on from s%d", old)
		}
	})
}

func TestLeaderOfAnyTermIsReadyOnlyOnceItAppliedItsPredecessors(t *testing.T) {
	withFleet(t, func(f *fleet) {
		three(f)
		for round := range 5 {
			want := fmt.Sprint(round)
			old := f.leader()
			if err := put(f.running[old], "a", want); err != nil {
				t.Fatal(err)
			}
			if err := f.running[old].PrepareLeave(context.Background()); err != nil {
				t.Fatal(err)
			}
			next := f.running[f.leader(old)]
			rep, err := ops.KVGet.Call(context.Background(), next.Router(), &ops.KVGetRequest{Key: "a"})
			if err != nil || string(rep.Entry.Value) != want || rep.Consistency != "leader" {
				t.Errorf("round %d: new leader answers %+v, %v", round, rep, err)
			}
		}
	})
}
