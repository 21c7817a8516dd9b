package server_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

func createSession(c rpc.Caller, session catalog.Session) (string, error) {
	rep, err := ops.SessionCreate.Call(context.Background(), c, &ops.SessionCreateRequest{Session: session})
	if err != nil {
		return "", err
	}
	return rep.ID, nil
}

func (s *lone) session(session catalog.Session) string {
	s.t.Helper()
	id, err := createSession(s.Router(), session)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *lone) destroy(id string) {
	s.t.Helper()
	if _, err := ops.SessionDestroy.Call(context.Background(), s.Router(), &ops.SessionDestroyRequest{ID: id}); err != nil {
		s.t.Fatal(err)
	}
}

func lock(c rpc.Caller, verb catalog.KVVerb, key, session string) (bool, error) {
	rep, err := ops.KVApply.Call(context.Background(), c, &ops.KVApplyRequest{
		Write: catalog.KVWrite{Verb: verb, Entry: catalog.KVEntry{Key: key, Session: session}},
	})
	if err != nil {
		return false, err
	}
	return rep.Done, nil
}

func (s *lone) wantLock(key, session string, want bool) {
	s.t.Helper()
	if got, err := lock(s.Router(), catalog.KVLock, key, session); err != nil || got != want {
		s.t.Errorf("lock %s for %s: %v, %v; want %v", key, session, got, err, want)
	}
}

// lives reports whether a session is there.
func lives(c rpc.Caller, id string) bool {
	rep, err := ops.SessionInfo.Call(context.Background(), c, &ops.SessionInfoRequest{ID: id})
	return err == nil && len(rep.Sessions) == 1
}

func renew(c rpc.Caller, id string) (*catalog.Session, error) {
	rep, err := ops.SessionRenew.Call(context.Background(), c, &ops.SessionRenewRequest{ID: id})
	if err != nil {
		return nil, err
	}
	return rep.Session, nil
}

func TestSessionsAreRefusedWithConsulsTexts(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		s.mustRegister(catalog.Register{Node: "n", Address: "a", Checks: []*catalog.Check{{CheckID: "bad"}}})
		for _, row := range []struct {
			session catalog.Session
			want    string
		}{
			{catalog.Session{Node: "nowhere"}, "apply failed: Missing node registration"},
			{catalog.Session{Node: "n", NodeChecks: []string{"x"}}, "apply failed: Missing check 'x' registration"},
			{catalog.Session{Node: "n", NodeChecks: []string{"bad"}}, "apply failed: Check 'bad' is in critical state"},
			{catalog.Session{Behavior: "zz"}, "Invalid Behavior setting 'zz'"},
			{catalog.Session{TTL: "5s"}, "Invalid Session TTL '5000000000', must be between [10s=24h0m0s]"},
			{catalog.Session{TTL: "-5s"}, "Invalid Session TTL '-5000000000', must be between [10s=24h0m0s]"},
			{catalog.Session{TTL: "24h1s"}, "Invalid Session TTL '86401000000000', must be between [10s=24h0m0s]"},
			{catalog.Session{TTL: "xs"}, `Session TTL 'xs' invalid: time: invalid duration "xs"`},
			{catalog.Session{TTL: "10"}, `Session TTL '10' invalid: time: missing unit in duration "10"`},
		} {
			if _, err := createSession(s.Router(), row.session); err == nil || err.Error() != row.want || fault.KindOf(err) != fault.Rejected {
				t.Errorf("got %v (%s), want %q", err, fault.KindOf(err), row.want)
			}
		}
		for verb, want := range map[catalog.KVVerb]string{catalog.KVLock: "raft apply failed: missing session", catalog.KVUnlock: "raft apply failed: missing session"} {
			if _, err := lock(s.Router(), verb, "k", ""); err == nil || err.Error() != want {
				t.Errorf("got %v, want %q", err, want)
			}
		}
		if _, err := lock(s.Router(), catalog.KVLock, "k", "x"); err == nil || err.Error() != `raft apply failed: invalid session "x"` {
			t.Errorf("got %v", err)
		}
		for _, ttl := range []string{"", "0s", "10s", "24h"} {
			s.session(catalog.Session{TTL: ttl}) // on the leader's own node
		}
		s.destroy("nothing")
		if session, err := renew(s.Router(), "nothing"); session != nil || err != nil {
			t.Errorf("renew: %v, %v", session, err)
		}
	})
}

func TestSessionTTLMinIsConfigured(t *testing.T) {
	virtual(t, func(o *server.Options) { o.SessionTTLMin = time.Second }, func(s *lone) {
		s.put("a", "1")
		s.session(catalog.Session{TTL: "1s"})
		const want = "Invalid Session TTL '999000000', must be between [1s=24h0m0s]"
		if _, err := createSession(s.Router(), catalog.Session{TTL: "999ms"}); err == nil || err.Error() != want {
			t.Errorf("got %v, want %q", err, want)
		}
	})
}

func TestSessionExpiresTwoTTLsAfterItWasRenewed(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		kept, left, forever := s.session(catalog.Session{TTL: "10s"}), s.session(catalog.Session{TTL: "10s", Behavior: catalog.SessionDelete}), s.session(catalog.Session{})
		s.wantLock("left", left, true)
		time.Sleep(19 * time.Second)
		if session, err := renew(s.Router(), kept); session == nil || err != nil {
			t.Fatalf("renew: %v, %v", session, err)
		}
		if session, err := renew(s.Router(), forever); session == nil || err != nil {
			t.Errorf("renew without TTL: %v, %v", session, err)
		}
		if !lives(s.Router(), left) {
			t.Error("it ended before two TTLs")
		}
		time.Sleep(2 * time.Second)
		if lives(s.Router(), left) || !lives(s.Router(), kept) {
			t.Errorf("after 21 s: left lives is %v, kept lives is %v; want false and true", lives(s.Router(), left), lives(s.Router(), kept))
		}
		if _, entry := s.Store().Read().KVGet(nil, "left"); entry != nil {
			t.Errorf("its key is %+v, want it deleted", entry)
		}
		if session, err := renew(s.Router(), left); session != nil || err != nil {
			t.Errorf("renew after the end: %v, %v; want none", session, err)
		}
		time.Sleep(17 * time.Second)
		if !lives(s.Router(), kept) {
			t.Error("the renewed one ended before two TTLs")
		}
		time.Sleep(time.Hour)
		if lives(s.Router(), kept) || !lives(s.Router(), forever) {
			t.Error("after an hour: want only the one without TTL")
		}
	})
}

func TestLockDelayHoldsKeysOfSessionsThatEnded(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("free", "1")
		owner, other := s.session(catalog.Session{LockDelay: time.Hour}), s.session(catalog.Session{})
		for _, key := range []string{"held", "given up", "removed"} {
			s.wantLock(key, owner, true)
		}
		s.mustUnlock("given up", owner)
		if done, err := lock(s.Router(), catalog.KVDelete, "removed", ""); !done || err != nil {
			t.Fatalf("delete: %v, %v", done, err)
		}
		s.destroy(owner)
		for key, want := range map[string]bool{"held": false, "given up": true, "removed": true, "free": true} {
			s.wantLock(key, other, want)
		}
		s.put("held", "plain writes go on")
		time.Sleep(59 * time.Second)
		s.wantLock("held", other, false)
		time.Sleep(2 * time.Second) // an hour counts as a minute
		s.wantLock("held", other, true)
		for _, delay := range []time.Duration{0, -1, math.MinInt64} {
			none := s.session(catalog.Session{LockDelay: delay})
			s.wantLock("k", none, true)
			s.destroy(none)
			s.wantLock("k", other, true)
			s.mustUnlock("k", other)
		}
		longest := s.session(catalog.Session{LockDelay: math.MaxInt64}) // 292 years
		s.wantLock("k", longest, true)
		s.destroy(longest)
		time.Sleep(59 * time.Second)
		s.wantLock("k", other, false)
		time.Sleep(2 * time.Second)
		s.wantLock("k", other, true)
	})
}

func (s *lone) mustUnlock(key, session string) {
	s.t.Helper()
	if done, err := lock(s.Router(), catalog.KVUnlock, key, session); !done || err != nil {
		s.t.Fatalf("unlock %s: %v, %v", key, done, err)
	}
}

func TestFailedNodeLosesItsSessions(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		tell := func(typ gossip.EventType, status gossip.Status) {
			m := clientMember("c1", status)
			s.pool.set(serverMember(1, gossip.Alive, nil), m)
			s.HandleLAN(gossip.Event{Type: typ, Members: []gossip.Member{m}})
			time.Sleep(time.Second)
		}
		tell(gossip.Joined, gossip.Alive)
		bound := s.session(catalog.Session{Node: "c1", NodeChecks: []string{catalog.SerfHealth}})
		loose := s.session(catalog.Session{Node: "c1"})
		s.wantLock("k", bound, true)
		tell(gossip.HasFailed, gossip.Failed)
		if lives(s.Router(), bound) || !lives(s.Router(), loose) {
			t.Error("after the failure: want only the one that is bound to nothing")
		}
		if _, err := createSession(s.Router(), catalog.Session{Node: "c1", NodeChecks: []string{catalog.SerfHealth}}); err == nil {
			t.Error("a session was bound to a critical check")
		}
		tell(gossip.HasLeft, gossip.Left)
		if lives(s.Router(), loose) {
			t.Error("the session outlived its node")
		}
	})
}

func TestWaitingForAMissingSessionIsNotDisturbedByOthers(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		id := s.session(catalog.Session{})
		info := func(id string, index uint64) (*ops.SessionsReply, time.Duration) {
			begin := time.Now()
			rep, err := ops.SessionInfo.Call(context.Background(), s.Router(), &ops.SessionInfoRequest{
				ReadOptions: rpc.ReadOptions{MinIndex: index, MaxWait: time.Minute}, ID: id,
			})
			if err != nil {
				t.Fatal(err)
			}
			return rep, time.Since(begin)
		}
		now, _ := info("none", 0)
		go func() { // the bubble waits for it
			time.Sleep(10 * time.Second)
			createSession(s.Router(), catalog.Session{})
			time.Sleep(10 * time.Second)
			ops.SessionDestroy.Call(context.Background(), s.Router(), &ops.SessionDestroyRequest{ID: id})
		}()
		if rep, took := info(id, now.Index); len(rep.Sessions) != 0 || took < 20*time.Second || took > 21*time.Second {
			t.Errorf("its end was told as %v after %s, want none after 20 s", rep.Sessions, took)
		}
		if rep, took := info("none", now.Index); len(rep.Sessions) != 0 || took > time.Second {
			t.Errorf("an old index was answered after %s", took)
		}
		now, _ = info("none", 0)
		go func() { // the bubble waits for it
			time.Sleep(10 * time.Second)
			createSession(s.Router(), catalog.Session{})
		}()
		if _, took := info("none", now.Index); took < time.Minute {
			t.Errorf("another session was told after %s to who waits for one that is absent", took)
		}
	})
}

func TestSessionsNeedTheRightsOfTheirNode(t *testing.T) {
	who := &switched{acl.AllowAll{}}
	virtual(t, func(o *server.Options) { o.ACL = who }, func(s *lone) {
		s.put("a", "1")
		s.mustRegister(catalog.Register{Node: "mine", Address: "a"})
		s.mustRegister(catalog.Register{Node: "theirs", Address: "a"})
		mine, theirs := s.session(catalog.Session{Node: "mine"}), s.session(catalog.Session{Node: "theirs"})
		synctest.Wait()
		who.Resolver = rights{acl.Session.Read("mine"), acl.Session.Write("mine")}
		const want = "Permission denied: anonymous token lacks permission 'session:write' on \"theirs\". " +
			"The anonymous token is used implicitly when a request does not specify a token."
		_, created := createSession(s.Router(), catalog.Session{Node: "theirs"})
		_, renewed := renew(s.Router(), theirs)
		_, ended := ops.SessionDestroy.Call(context.Background(), s.Router(), &ops.SessionDestroyRequest{ID: theirs})
		for what, err := range map[string]error{"create": created, "renew": renewed, "destroy": ended} {
			if err == nil || err.Error() != want || fault.KindOf(err) != fault.Denied {
				t.Errorf("%s: got %v, want %q", what, err, want)
			}
		}
		if session, err := renew(s.Router(), mine); session == nil || err != nil {
			t.Errorf("renew: %v, %v", session, err)
		}
		if !lives(s.Router(), mine) || lives(s.Router(), theirs) {
			t.Error("want to see only mine")
		}
		rep, err := ops.SessionList.Call(context.Background(), s.Router(), &ops.SessionListRequest{})
		if err != nil || len(rep.Sessions) != 1 || !rep.Filtered {
			t.Errorf("list: %+v, %v; want one, filtered", rep, err)
		}
		rep, err = ops.SessionNode.Call(context.Background(), s.Router(), &ops.SessionNodeRequest{Node: "theirs"})
		if err != nil || len(rep.Sessions) != 0 || !rep.Filtered {
			t.Errorf("node: %+v, %v; want none, filtered", rep, err)
		}
		s.destroy(mine)
		who.Resolver = acl.AllowAll{}
		synctest.Wait()
	})
}

// A new leader knows no renewals, so it gives every session its whole time, and
// lock-delays are forgotten.
func TestNewLeaderRestartsTTLsAndForgetsLockDelays(t *testing.T) {
	withFleet(t, func(f *fleet) {
		three(f)
		first := f.leader()
		u := f.running[first]
		kept, err := createSession(u.Router(), catalog.Session{TTL: "30s"})
		if err != nil {
			t.Fatal(err)
		}
		gone, err := createSession(u.Router(), catalog.Session{LockDelay: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if done, err := lock(u.Router(), catalog.KVLock, "k", gone); !done || err != nil {
			t.Fatalf("lock: %v, %v", done, err)
		}
		if _, err := ops.SessionDestroy.Call(context.Background(), u.Router(), &ops.SessionDestroyRequest{ID: gone}); err != nil {
			t.Fatal(err)
		}
		if done, err := lock(u.Router(), catalog.KVLock, "k", kept); done || err != nil {
			t.Fatalf("lock in the delay: %v, %v; want false", done, err)
		}
		time.Sleep(50 * time.Second)
		f.stop(first)
		second := f.leader(first)
		u = f.running[second]
		time.Sleep(55 * time.Second)
		if !lives(u.Router(), kept) {
			t.Fatal("it ended less than two TTLs after the change of leaders")
		}
		if done, err := lock(u.Router(), catalog.KVLock, "k", kept); !done || err != nil {
			t.Errorf("lock under the new leader: %v, %v; want true", done, err)
		}
		f.waitFor("end of the session", func() error {
			if lives(u.Router(), kept) {
				return fmt.Errorf("%s lives", kept)
			}
			return nil
		})
	})
}

func TestServerThatLeadsNoMoreHasNoSessionTimers(t *testing.T) {
	withFleet(t, func(f *fleet) {
		three(f)
		first := f.leader()
		u := f.running[first]
		id, err := createSession(u.Router(), catalog.Session{TTL: "1h"})
		if err != nil {
			t.Fatal(err)
		}
		if n := u.SessionTTLs(); n != 1 {
			t.Fatalf("%d timers on the leader, want 1", n)
		}
		if _, err := ops.OperatorTransferLeader.Call(context.Background(), u.Router(), &ops.OperatorTransferLeaderRequest{}); err != nil {
			t.Fatal(err)
		}
		second := f.leader(first)
		f.waitFor("the term's end", func() error {
			if n := u.SessionTTLs(); n != 0 {
				return fmt.Errorf("%d timers on the server that led", n)
			}
			return nil
		})
		if _, err := renew(u.Router(), id); err != nil || f.running[second].SessionTTLs() != 1 || u.SessionTTLs() != 0 {
			t.Errorf("after a renewal: %d timers on the leader, %d on the server that led, %v", f.running[second].SessionTTLs(), u.SessionTTLs(), err)
		}
	})
}

func TestDeletionsAreForgottenAfterFifteenMinutes(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		index := func() uint64 {
			at, _ := s.Store().Read().KVKeys(nil, "t/", "")
			return at
		}
		s.put("t/a", "1")
		live := index()
		s.put("t/b", "1")
		if _, err := lock(s.Router(), catalog.KVDelete, "t/b", ""); err != nil {
			t.Fatal(err)
		}
		dead := index()
		time.Sleep(14 * time.Minute)
		if got := index(); got != dead {
			t.Errorf("after 14 minutes the index of the prefix is %d, want %d", got, dead)
		}
		time.Sleep(2 * time.Minute)
		if got := index(); got != live {
			t.Errorf("after 16 minutes the index of the prefix is %d, want %d", got, live)
		}
		last := s.Store().Read().LastIndex()
		time.Sleep(time.Hour)
		if got := s.Store().Read().LastIndex(); got != last {
			t.Errorf("with nothing to forget the log went from %d to %d", last, got)
		}
	})
}
