package access_test

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/access"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// servers answer what they are asked about tokens.
type servers struct {
	rules   string // of every token; "" for none
	local   bool
	expires int64
	slow    time.Duration // until they answer
	down    atomic.Bool
	asked   atomic.Int32
	denied  atomic.Bool
}

func (s *servers) Do(ctx context.Context, op *rpc.Desc, req rpc.Message) (rpc.Message, error) {
	s.asked.Add(1)
	if s.slow > 0 {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(s.slow):
		}
	}
	switch {
	case op != ops.ACLResolve.Desc:
		return nil, errors.New("another operation")
	case s.down.Load():
		return nil, fault.New(fault.NoLeader, "No known Consul servers")
	case s.denied.Load():
		return nil, fault.New(fault.Denied, "ACL not found")
	case req.(*ops.ACLResolveRequest).Token == "":
		return &ops.ACLResolveReply{AccessorID: acl.AnonymousAccessor}, nil
	}
	return &ops.ACLResolveReply{AccessorID: "accessor", Local: s.local, Expires: s.expires, Policies: []*catalog.ACLPolicy{
		{ID: "1", Rules: s.rules},
		{ID: "2", Rules: `key "far" { policy = "write" }`, Datacenters: []string{"dc2"}},
	}}, nil
}

func remote(s *servers, down access.DownPolicy) *access.Remote {
	return access.New(access.Options{Caller: s, Datacenter: "dc1", TTL: 30 * time.Second, Down: down, Logger: hclog.NewNullLogger()})
}

// verdict says whether a token may read the key "a".
func verdict(t *testing.T, r acl.Resolver, token string) string {
	t.Helper()
	az, err := r.Resolve(t.Context(), token)
	switch {
	case err != nil:
		return err.Error()
	case az.Allows(acl.Key.Read("a")):
		return "yes"
	}
	return "no: " + az.Accessor()
}

func TestAnswersAreUsedForTheTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &servers{rules: `key "a" { policy = "read" }`}
		r := remote(s, access.ExtendCache)
		for range 3 {
			if got := verdict(t, r, "t"); got != "yes" {
				t.Fatal(got)
			}
		}
		if n := s.asked.Load(); n != 1 {
			t.Errorf("asked %d times within the TTL", n)
		}
		az, err := r.Resolve(t.Context(), "t")
		if err != nil || az.Allows(acl.Key.Read("far")) {
			t.Errorf("a policy of another datacenter counts: %v", err)
		}
		time.Sleep(31 * time.Second)
		s.denied.Store(true)
		if got := verdict(t, r, "t"); got != "ACL not found" {
			t.Errorf("a deleted token after the TTL: %s", got)
		}
		s.denied.Store(false)
		if got := verdict(t, r, "t"); got != "yes" {
			t.Errorf("one that is there again: %s", got)
		}
	})
}

func TestDownPolicyDecidesWhenNoServerAnswers(t *testing.T) {
	const nobody = "no: primary-dc-down"
	for policy, want := range map[access.DownPolicy][2]string{ // of a known token, and of an unknown one
		access.ExtendCache: {"yes", nobody},
		access.AsyncCache:  {"yes", nobody},
		access.Deny:        {nobody, nobody},
		access.Allow:       {"yes", "yes"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &servers{rules: `key "a" { policy = "read" }`}
			r := remote(s, policy)
			verdict(t, r, "known")
			s.down.Store(true)
			time.Sleep(31 * time.Second)
			if got := [2]string{verdict(t, r, "known"), verdict(t, r, "unknown")}; got != want {
				t.Errorf("%s: %v, want %v", policy, got, want)
			}
		})
	}
}

func TestAsyncCacheAsksBehindTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &servers{rules: `key "a" { policy = "read" }`}
		r := remote(s, access.AsyncCache)
		verdict(t, r, "t")
		time.Sleep(31 * time.Second)
		s.denied.Store(true)
		if got := verdict(t, r, "t"); got != "yes" {
			t.Errorf("the old answer: %s", got)
		}
		synctest.Wait()
		if got := verdict(t, r, "t"); got != "ACL not found" {
			t.Errorf("after the fresh one: %s", got)
		}
	})
}

func TestDeniedTokensAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &servers{rules: `key "a" { policy = "read" }`}
		r := remote(s, access.ExtendCache)
		verdict(t, r, "t")
		time.Sleep(31 * time.Second)
		s.denied.Store(true)
		verdict(t, r, "t")
		s.down.Store(true)
		if got := verdict(t, r, "t"); got != "no: primary-dc-down" {
			t.Errorf("the down policy extends what a server took back: %s", got)
		}
	})
}

func TestTokensExpireBetweenTwoQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &servers{rules: `key "a" { policy = "read" }`, expires: time.Now().Add(10 * time.Second).UnixNano()}
		r := remote(s, access.ExtendCache)
		for _, row := range []struct {
			after time.Duration
			want  string
		}{{9 * time.Second, "yes"}, {time.Second, "ACL not found"}} {
			verdict(t, r, "t")
			time.Sleep(row.after)
			if got := verdict(t, r, "t"); got != row.want {
				t.Errorf("%s later: %s, want %s", row.after, got, row.want)
			}
		}
		if n := s.asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestOneQuestionServesAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &servers{rules: `key "a" { policy = "read" }`, slow: 5 * time.Second}
		r := remote(s, access.Deny)
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() {
			_, err := r.Resolve(ctx, "t")
			first <- err
		}()
		synctest.Wait()
		second := make(chan string, 1)
		go func() { second <- verdict(t, r, "t") }()
		synctest.Wait()
		cancel() // of the one whose question it was
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("who went away: %v", err)
		}
		if got := <-second; got != "yes" || s.asked.Load() != 1 {
			t.Errorf("who stayed: %s after %d questions", got, s.asked.Load())
		}
	})
}

func TestServersThatHangAreDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &servers{slow: time.Hour}
		start := time.Now()
		if got := verdict(t, remote(s, access.Allow), "t"); got != "yes" || time.Since(start) != 10*time.Second {
			t.Errorf("%s after %s", got, time.Since(start))
		}
	})
}

// Rules that this version cannot read are as bad as none.
func TestUnreadableRulesLeaveTheDownPolicy(t *testing.T) {
	s := &servers{rules: `key "a" {`}
	r := access.New(access.Options{Caller: s, Datacenter: "dc1", TTL: time.Minute, Down: access.Deny}) // no logger either
	for range 2 {
		if got := verdict(t, r, "t"); got != "no: primary-dc-down" {
			t.Error(got)
		}
	}
	if n := s.asked.Load(); n != 2 {
		t.Errorf("asked %d times: what failed is not remembered", n)
	}
}

func TestRememberedTokensAreBounded(t *testing.T) {
	s := &servers{}
	r := remote(s, access.ExtendCache)
	const bound = 16384
	for i := range bound {
		verdict(t, r, strconv.Itoa(i))
	}
	verdict(t, r, "0")
	if n := s.asked.Load(); n != bound {
		t.Fatalf("asked %d times for %d tokens", n, bound)
	}
	verdict(t, r, "one more")
	verdict(t, r, "0")
	if n := s.asked.Load(); n != bound+2 {
		t.Errorf("asked %d times, want %d: the first was not forgotten", n, bound+2)
	}
}

func TestLocalTokensOfAnotherDatacenterCountAsNone(t *testing.T) {
	s := &servers{rules: `key "a" { policy = "read" }`, local: true}
	r := access.New(access.Options{Caller: s, Datacenter: "dc2", Asked: "dc1", TTL: time.Minute, Logger: hclog.NewNullLogger()})
	if got := verdict(t, r, "t"); got != "no: "+acl.AnonymousAccessor {
		t.Errorf("a local token of dc1 in dc2: %s", got)
	}
}

func TestRecoveryTokenWorksWithoutServers(t *testing.T) {
	s := &servers{}
	s.down.Store(true)
	r := access.Recovery{Next: remote(s, access.Deny), Node: "n1", Secret: func() string { return "secret" }}
	az, err := r.Resolve(t.Context(), "secret")
	if err != nil {
		t.Fatal(err)
	}
	for need, want := range map[acl.Need]bool{
		acl.Agent.Write("n1"): true, acl.Agent.Read("n1"): true, acl.Agent.Read("n2"): false,
		acl.Node.Read("any"): true, acl.Node.Write("n1"): false, acl.Key.Read("a"): false, acl.Operator.Write(): false,
	} {
		if got := az.Allows(need); got != want {
			t.Errorf("%s on %q: %v", need.Permission(), need.Name(), got)
		}
	}
	if az.Accessor() != "agent-recovery:n1" {
		t.Errorf("accessor %s", az.Accessor())
	}
	if az, err := r.Resolve(t.Context(), "other"); err != nil || az.Allows(acl.Agent.Read("n1")) {
		t.Errorf("another secret: %v", err)
	}
}
