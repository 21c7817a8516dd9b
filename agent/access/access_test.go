package access_test

import (
	"context"
	"errors"
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
	rules  string // of every token; "" for none
	local  bool
	down   atomic.Bool
	asked  atomic.Int32
	denied atomic.Bool
}

func (s *servers) Do(_ context.Context, op *rpc.Desc, req rpc.Message) (rpc.Message, error) {
	s.asked.Add(1)
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
	return &ops.ACLResolveReply{AccessorID: "accessor", Local: s.local, Policies: []*catalog.ACLPolicy{
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
