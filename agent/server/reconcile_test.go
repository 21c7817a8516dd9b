package server_test

import (
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/ops"
)

func TestLateEventOfAMemberThatReturnedChangesNothing(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		client := clientMember("c1", gossip.Alive)
		s.pool.set(serverMember(1, gossip.Alive, nil), client)
		s.HandleLAN(gossip.Event{Type: gossip.Joined, Members: []gossip.Member{client}})
		synctest.Wait()
		before := s.Store().Read().LastIndex()
		for _, late := range []gossip.Event{
			{Type: gossip.HasLeft, Members: []gossip.Member{clientMember("c1", gossip.Left)}},
			{Type: gossip.HasFailed, Members: []gossip.Member{clientMember("C1", gossip.Failed)}},
			{Type: gossip.Reaped, Members: []gossip.Member{clientMember("c1", gossip.Failed)}},
		} {
			s.HandleLAN(late)
		}
		synctest.Wait()
		if after := s.Store().Read().LastIndex(); after != before {
			t.Errorf("index moved from %d to %d", before, after)
		}
		if got := s.health("c1"); got != "passing: Agent alive and reachable" {
			t.Errorf("serfHealth %q", got)
		}
	})
}

func TestMemberErasedFromThePoolIsDeregisteredAtOnce(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		client := clientMember("c1", gossip.Alive)
		s.pool.set(serverMember(1, gossip.Alive, nil), client)
		s.HandleLAN(gossip.Event{Type: gossip.Joined, Members: []gossip.Member{client}})
		synctest.Wait()
		s.pool.set(serverMember(1, gossip.Alive, nil))
		s.HandleLAN(gossip.Event{Type: gossip.Reaped, Members: []gossip.Member{client}})
		synctest.Wait()
		if got := s.health("c1"); got != "" {
			t.Errorf("serfHealth %q", got)
		}
	})
}

func TestMoreEventsThanFitCostAFullPassAndNoMember(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		members := []gossip.Member{serverMember(1, gossip.Alive, nil)}
		for i := range 1000 {
			members = append(members, clientMember(fmt.Sprint("c", i), gossip.Alive))
			members[i+1].Tags = map[string]string{"role": "node", "dc": "dc1", "id": fmt.Sprintf("%08d-1111-0000-0000-000000000000", i)}
		}
		s.pool.set(members...)
		for _, m := range members {
			s.HandleLAN(gossip.Event{Type: gossip.Joined, Members: []gossip.Member{m}})
		}
		synctest.Wait()
		if _, nodes := s.Store().Read().Nodes(nil); len(nodes) != 1001 {
			t.Errorf("%d nodes, want 1001", len(nodes))
		}
	})
}

func TestNewLeaderGivesMembersTimeToShowUp(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		time.Sleep(30 * time.Second) // between two passes
		err := s.register(catalog.Register{Node: "c1", Address: "10.0.1.1", ID: id(99), Service: &catalog.Service{Service: "web"},
			Checks: []*catalog.Check{{CheckID: catalog.SerfHealth, Status: catalog.Passing}}})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // one pass has missed it
		if _, web := s.Store().Read().ServiceInstances(nil, "web"); len(web) != 1 {
			t.Fatal("a node went after one pass without it")
		}
		s.pool.set(serverMember(1, gossip.Alive, nil), clientMember("c1", gossip.Alive))
		time.Sleep(time.Minute) // it was there for the second
		s.pool.set(serverMember(1, gossip.Alive, nil))
		time.Sleep(time.Minute)
		if _, web := s.Store().Read().ServiceInstances(nil, "web"); len(web) != 1 {
			t.Fatal("passes that missed a node count though not in a row")
		}
		time.Sleep(time.Minute)
		if _, web := s.Store().Read().ServiceInstances(nil, "web"); len(web) != 0 {
			t.Error("a node that two passes in a row missed is still there")
		}
	})
}

func TestWhatAnAgentSaysOfItsNodeStays(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		client := clientMember("c1", gossip.Alive)
		meta, tagged := map[string]string{"rack": "7"}, map[string]string{"wan": "1.2.3.4"}
		err := s.register(catalog.Register{Node: "c1", ID: id(99), Address: "10.0.1.1", NodeMeta: meta, TaggedAddresses: tagged})
		if err != nil {
			t.Fatal(err)
		}
		node := func() *catalog.Node {
			_, n := s.Store().Read().Node(nil, "c1")
			return n
		}
		s.pool.set(serverMember(1, gossip.Alive, nil), client)
		s.HandleLAN(gossip.Event{Type: gossip.Joined, Members: []gossip.Member{client}})
		synctest.Wait()
		if n := node(); !maps.Equal(n.Meta, meta) || !maps.Equal(n.TaggedAddresses, tagged) || n.Address != "10.0.1.1" {
			t.Errorf("node %+v after it joined", n)
		}
		client.Addr[len(client.Addr)-1] = 77 // it moved
		s.HandleLAN(gossip.Event{Type: gossip.Updated, Members: []gossip.Member{client}})
		synctest.Wait()
		if n := node(); n.Address != "10.0.1.77" || !maps.Equal(n.Meta, meta) || !maps.Equal(n.TaggedAddresses, tagged) {
			t.Errorf("node %+v after it moved", n)
		}
	})
}

func TestNewMemberGetsTheVersionAsMetadata(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		client := clientMember("c1", gossip.Alive)
		s.pool.set(serverMember(1, gossip.Alive, nil), client)
		s.HandleLAN(gossip.Event{Type: gossip.Joined, Members: []gossip.Member{client}})
		synctest.Wait()
		if _, n := s.Store().Read().Node(nil, "c1"); n == nil || n.ID != id(99) || n.Address != "10.0.1.1" || !maps.Equal(n.Meta, map[string]string{"consul-version": "1.22.7"}) {
			t.Errorf("node %+v", n)
		}
	})
}

func TestLeaderDoesNotDeregisterItself(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		s.pool.set(serverMember(1, gossip.Left, nil))
		s.HandleLAN(gossip.Event{Type: gossip.HasLeft, Members: []gossip.Member{serverMember(1, gossip.Left, nil)}})
		time.Sleep(3 * time.Minute)
		if got := s.health("s1"); got == "" {
			t.Error("it is gone")
		}
	})
}

// renamed is server 2 under another name.
func renamed(status gossip.Status) gossip.Member {
	m := serverMember(2, status, nil)
	m.Name = "new-name"
	return m
}

func TestServerThatLivesOnUnderAnotherNameStaysAPeer(t *testing.T) {
	withFleet(t, func(f *fleet) {
		three(f)
		if f.leader() == 2 {
			if err := f.running[2].PrepareLeave(t.Context()); err != nil {
				t.Fatal(err)
			}
			f.leader(2)
		}
		f.say(gossip.Joined, renamed(gossip.Alive))
		f.say(gossip.HasLeft, serverMember(2, gossip.Left, nil))
		for range 10 {
			time.Sleep(20 * time.Second)
			if err := f.peers(3)(); err != nil {
				t.Fatal(err)
			}
		}
		leader := f.running[f.leader()]
		if serfHealth(leader, "s2") != "" || serfHealth(leader, "new-name") != catalog.Passing {
			t.Errorf("serfHealth %q and %q, want the new name only", serfHealth(leader, "s2"), serfHealth(leader, "new-name"))
		}
	})
}

// logEnd is the last index of a server's log; changes of peers count.
func logEnd(t *testing.T, u *unit) uint64 {
	t.Helper()
	rep, err := ops.StatusRaft.Call(t.Context(), u.Router(), &ops.StatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return rep.LastIndex
}

func TestServersThatClaimOneAddressDoNotPushEachOtherOut(t *testing.T) {
	withFleet(t, func(f *fleet) {
		three(f)
		liar := serverMember(2, gossip.Alive, func(t *gossip.ServerTags) { t.ID = id(7) })
		liar.Name = "liar"
		leader := f.running[f.leader()]
		time.Sleep(time.Second)
		before := logEnd(t, leader)
		f.say(gossip.Joined, liar)
		time.Sleep(3 * time.Minute)
		if after := logEnd(t, leader); after != before {
			t.Errorf("%d entries were written, want none", after-before)
		}
	})
}

func TestServerThatLostItsDiskTakesItsOldPlace(t *testing.T) {
	withFleet(t, func(f *fleet) {
		three(f)
		victim := f.leader()%3 + 1
		f.stop(victim)
		u := f.start(victim, 3, func(o *server.Options) { o.ID = id(70 + victim) })
		f.waitFor("three peers", f.peers(3))
		time.Sleep(30 * time.Second) // until it may vote
		if err := put(u, "a", "1"); err != nil {
			t.Error(err)
		}
		f.stop(f.leader())
		if next := f.leader(); put(f.running[next], "b", "1") != nil {
			t.Error("the newcomer does not vote")
		}
	})
}

// TestMassJoinCostsFewLooksAtAllMembers: where a look takes 10 ms, a second of events
// costs some ten, not one after the other.
func TestMassJoinCostsFewLooksAtAllMembers(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		members := []gossip.Member{serverMember(1, gossip.Alive, nil)}
		s.pool.set(members...)
		synctest.Wait()
		s.pool.mu.Lock()
		s.pool.takes = 10 * time.Millisecond
		before := s.pool.looks
		s.pool.mu.Unlock()
		for i := range 1000 {
			m := clientMember(fmt.Sprint("c", i), gossip.Alive)
			m.Tags = map[string]string{"role": "node", "dc": "dc1", "id": fmt.Sprintf("%08d-1111-0000-0000-000000000000", i)}
			members = append(members, m)
			s.pool.set(members...)
			s.HandleLAN(gossip.Event{Type: gossip.Joined, Members: []gossip.Member{m}})
			<-time.After(time.Millisecond)
		}
		<-time.After(200 * time.Millisecond)
		synctest.Wait()
		s.pool.mu.Lock()
		looks := s.pool.looks - before
		s.pool.mu.Unlock()
		if _, nodes := s.Store().Read().Nodes(nil); len(nodes) != 1001 {
			t.Errorf("%d nodes, want 1001", len(nodes))
		}
		if looks > 30 {
			t.Errorf("looked at all members %d times", looks)
		}
	})
}
