package server_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"praetor/agent/server"
	"praetor/agent/server/acls"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// elsewhere is a resolver of tokens that are kept in the primary datacenter: it knows
// at most root, and counts who asks.
type elsewhere struct {
	asked int
	root  bool
}

func (e *elsewhere) Resolve(_ context.Context, token string) (*acl.Authorizer, error) {
	e.asked++
	if e.root && token == "root" {
		return acl.Unrestricted, nil
	}
	return nil, fault.New(fault.Denied, "ACL not found")
}

// pair is a primary datacenter, dc1, and a secondary one, dc2, that copies from it.
type pair struct {
	first, second *lone
	far           *elsewhere
	told          *secret // what dc2 shows to dc1
}

// secret is a token that may change while the server asks for it.
type secret struct{ text atomic.Value }

func (s *secret) set(text string) { s.text.Store(text) }

func (s *secret) get() string { return s.text.Load().(string) }

// federated runs test with a pair, after the first copies are made.
func federated(t *testing.T, tokens bool, test func(p *pair)) {
	t.Helper()
	locked(t, func(first *lone) {
		p := &pair{first: first, far: &elsewhere{}, told: &secret{}}
		p.told.set("root")
		host := first.network.Host("10.0.2.1")
		l, err := host.Listen(8300)
		if err != nil {
			t.Fatal(err)
		}
		pool := &fakePool{}
		member := serverMember(7, gossip.Alive, func(tags *gossip.ServerTags) { tags.Datacenter = "dc2" })
		pool.set(member)
		s, err := server.Open(server.Options{
			Name: "s7", ID: id(7), Datacenter: "dc2", Primary: "dc1", ReplicationToken: func() string { return p.told.get() }, Address: "10.0.2.1:8300", Bootstrap: true, Listener: l, Dial: host.Dial, LAN: pool,
			ACLs: acls.Options{Enabled: true, Elsewhere: p.far, TokenReplication: tokens},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }() // waited for below
		defer func() {
			cancel()
			if err := errors.Join(<-ended, s.Close()); err != nil {
				t.Error(err)
			}
		}()
		p.second = &lone{s, t, pool, first.network}
		servers := []rpc.Server{{ID: id(1), Datacenter: "dc1", Address: "10.0.0.1:8300"}, {ID: id(7), Datacenter: "dc2", Address: "10.0.2.1:8300"}}
		first.Router().SetServers(servers, []string{"dc1", "dc2"})
		s.Router().SetServers(servers, []string{"dc2", "dc1"})
		p.settle()
		test(p)
	})
}

// settle gives changes the time that they have to arrive.
func (p *pair) settle() { time.Sleep(2500 * time.Millisecond) }

func (p *pair) status() *ops.ACLReplicationReply {
	p.first.t.Helper()
	rep, err := ops.ACLReplicationStatus.Call(context.Background(), p.second.Router(), &ops.ACLReplicationStatusRequest{})
	if err != nil {
		p.first.t.Fatal(err)
	}
	return rep
}

// wantEqual compares what both datacenters have of the kinds that are copied.
func (p *pair) wantEqual(what string) {
	p.first.t.Helper()
	show := func(s *lone) string {
		var b strings.Builder
		tx := s.Store().Read()
		_, policies := tx.ACLPolicies(nil)
		for _, row := range policies {
			fmt.Fprintf(&b, "%s %s %s %x\n", row.ID, row.Name, row.Rules, row.Hash)
		}
		_, roles := tx.ACLRoles(nil)
		for _, row := range roles {
			fmt.Fprintf(&b, "%s %s %x\n", row.ID, row.Name, row.Hash)
		}
		_, tokens := tx.ACLTokens(nil)
		for _, row := range tokens {
			if !row.Local {
				fmt.Fprintf(&b, "%s %s %s %x\n", row.AccessorID, row.SecretID, row.Description, row.Hash)
			}
		}
		return b.String()
	}
	if one, two := show(p.first), show(p.second); one != two {
		p.first.t.Errorf("%s: dc1 has\n%sand dc2\n%s", what, one, two)
	}
}

func TestSecondaryDatacenterHasWhatThePrimaryHas(t *testing.T) {
	federated(t, true, func(p *pair) {
		p.wantEqual("at the start")
		const many = 1500 // several questions and commands
		var ids []string
		for i := range many {
			ids = append(ids, setPolicy(t, p.first.Server, "", fmt.Sprint("p", i), `key "a" { policy = "read" }`))
		}
		here := newToken(t, p.second.Server, catalog.ACLToken{Local: true, Description: "of dc2"}, ids[0])
		newToken(t, p.first.Server, catalog.ACLToken{Local: true, Description: "of dc1"})
		global := newToken(t, p.first.Server, catalog.ACLToken{Description: "global"}, ids[1])
		p.settle()
		p.wantEqual("after writes")

		// Two rows swap their names, one goes, one changes, and a token of the primary
		// has the accessor of a local one.
		setPolicy(t, p.first.Server, ids[2], "swap", "")
		setPolicy(t, p.first.Server, ids[3], "p2", "")
		setPolicy(t, p.first.Server, ids[2], "p3", "")
		if _, err := ops.ACLPolicyDelete.Call(context.Background(), p.first.Router(), &ops.ACLDeleteRequest{WriteOptions: root(), ID: ids[4]}); err != nil {
			t.Fatal(err)
		}
		if _, err := ops.ACLTokenDelete.Call(context.Background(), p.first.Router(), &ops.ACLDeleteRequest{WriteOptions: root(), ID: global.AccessorID}); err != nil {
			t.Fatal(err)
		}
		p.settle()
		p.wantEqual("after changes")
		newToken(t, p.first.Server, catalog.ACLToken{AccessorID: here.AccessorID})
		p.settle()
		if _, got := p.second.Store().Read().ACLToken(nil, here.AccessorID); got == nil || got.SecretID != here.SecretID || !got.Local {
			t.Errorf("the local token is now %+v", got)
		}
		if _, got := p.second.Store().Read().ACLTokenWithSecret(nil, here.SecretID); got == nil || got.Description != "of dc2" {
			t.Errorf("the local token is now %+v", got)
		}
		st := p.status()
		if !st.Enabled || !st.Running || st.ReplicationType != "tokens" || st.SourceDatacenter != "dc1" || st.LastErrorMessage != "" || st.LastSuccess.IsZero() || st.ReplicatedIndex == 0 || st.ReplicatedTokenIndex == 0 || st.ReplicatedRoleIndex == 0 {
			t.Errorf("status: %+v", st)
		}
		if p.far.asked > 0 {
			t.Errorf("dc1 was asked about %d tokens that dc2 has, or must not have", p.far.asked)
		}
	})
}

// TestPrimaryThatIsCutOffStopsNobody has the primary datacenter vanish. Nothing of what dc2 knows has an end:
// two hours stand for a day.
func TestPrimaryThatIsCutOffStopsNobody(t *testing.T) {
	federated(t, true, func(p *pair) {
		policy := setPolicy(t, p.first.Server, "", "reads", `key_prefix "" { policy = "read" }`)
		global := newToken(t, p.first.Server, catalog.ACLToken{}, policy)
		p.settle()
		local := newToken(t, p.second.Server, catalog.ACLToken{Local: true}, policy)
		p.first.network.Cut("10.0.0.1", "10.0.2.1")
		for _, after := range []time.Duration{time.Minute, 2 * time.Hour} {
			time.Sleep(after)
			for what, token := range map[string]string{"global": global.SecretID, "local": local.SecretID, "management": "root"} {
				begin := time.Now()
				az, err := p.second.ACL().Resolve(context.Background(), token)
				if err != nil || !az.Allows(acl.Key.Read("a")) || time.Since(begin) > 0 {
					t.Errorf("%s token after %s: %v, took %s", what, after, err, time.Since(begin))
				}
			}
			if _, err := p.second.ACL().Resolve(context.Background(), "unknown"); fault.KindOf(err) != fault.Denied {
				t.Errorf("unknown token: %v", err)
			}
			newToken(t, p.second.Server, catalog.ACLToken{Local: true}, policy)
			_, err := ops.ACLPolicySet.Call(context.Background(), p.second.Router(), &ops.ACLPolicySetRequest{WriteOptions: root(), Create: true, Policy: catalog.ACLPolicy{Name: "new"}})
			if err == nil {
				t.Error("a policy was written without the primary datacenter")
			}
			if st := p.status(); !st.Running || !strings.HasPrefix(st.LastErrorMessage, "failed to retrieve remote ACL ") || st.LastError.Before(time.Now().Add(-3*time.Minute)) {
				t.Errorf("status: %+v at %s", st, time.Now())
			}
		}
		p.first.network.Heal("10.0.0.1", "10.0.2.1")
		setPolicy(t, p.first.Server, "", "late", "")
		time.Sleep(2 * time.Minute)
		p.wantEqual("after the cut")
	})
}

// TestReplicationAsksForItsRights shows dc1 tokens that must not copy.
func TestReplicationAsksForItsRights(t *testing.T) {
	federated(t, true, func(p *pair) {
		reader := newToken(t, p.first.Server, catalog.ACLToken{}, setPolicy(t, p.first.Server, "", "reader", `acl = "read"`))
		p.settle()
		p.told.set(reader.SecretID)
		setPolicy(t, p.first.Server, "", "seen", "")
		newToken(t, p.first.Server, catalog.ACLToken{Description: "secret"})
		time.Sleep(2 * time.Minute)
		if _, found := p.second.Store().Read().ACLPolicyNamed(nil, "seen"); found == nil {
			t.Error("acl:read does not copy policies")
		}
		if st := p.status(); !strings.Contains(st.LastErrorMessage, "failed to retrieve remote ACL tokens: rpc error making call: Permission denied") || strings.Contains(st.LastErrorMessage, reader.SecretID) {
			t.Errorf("status: %+v", st)
		}
		for _, text := range []string{"", "unknown"} {
			p.told.set(text)
			time.Sleep(2 * time.Minute)
			if st := p.status(); !strings.Contains(st.LastErrorMessage, "failed to retrieve remote ACL ") {
				t.Errorf("with the token %q: %+v", text, st)
			}
		}
	})
}

// TestTokensAreAskedForWithoutTokenReplication has dc2 without copies of tokens.
func TestTokensAreAskedForWithoutTokenReplication(t *testing.T) {
	federated(t, false, func(p *pair) {
		setPolicy(t, p.first.Server, "", "copied", "")
		p.settle()
		if _, found := p.second.Store().Read().ACLPolicyNamed(nil, "copied"); found == nil {
			t.Error("policies are not copied")
		}
		if _, tokens := p.second.Store().Read().ACLTokens(nil); len(tokens) > 0 {
			t.Errorf("dc2 holds %d tokens", len(tokens))
		}
		before := p.far.asked
		for _, token := range []string{"root", "", "unknown"} {
			if _, err := p.second.ACL().Resolve(context.Background(), token); err == nil {
				t.Errorf("dc2 knows the token %q by itself", token)
			}
		}
		if asked := p.far.asked - before; asked != 3 {
			t.Errorf("dc1 was asked about %d tokens, want 3", asked)
		}
		rep, err := ops.ACLResolve.Call(context.Background(), p.second.Router(), &ops.ACLResolveRequest{ReadOptions: rpc.ReadOptions{Token: "root", Stale: true}})
		if err != nil || len(rep.Policies) == 0 {
			t.Errorf("an agent of dc2 is told %+v, %v of dc1's token", rep, err)
		}
		local := newToken(t, p.first.Server, catalog.ACLToken{Local: true})
		rep, err = ops.ACLResolve.Call(context.Background(), p.second.Router(), &ops.ACLResolveRequest{ReadOptions: rpc.ReadOptions{Token: local.SecretID, Stale: true}})
		if err != nil || rep.AccessorID != acl.AnonymousAccessor {
			t.Errorf("an agent of dc2 is told %+v, %v of a local token of dc1", rep, err)
		}
		if st := p.status(); st.ReplicationType != "policies" || !st.Running || st.LastErrorMessage != "" {
			t.Errorf("status: %+v", st)
		}
	})
}

// entries are the bodies of all config entries, by kind and name.
func entries(s *lone) string {
	var b strings.Builder
	_, list := s.Store().Read().ConfigEntries(nil, "")
	for _, e := range list {
		fmt.Fprintf(&b, "%s %s %s\n", e.Kind, e.Name, e.Body)
	}
	return b.String()
}

// set writes a config entry, at a server of either datacenter.
func set(t *testing.T, s *lone, verb catalog.ConfigVerb, kind, name, body string) {
	t.Helper()
	req := &ops.ConfigApplyRequest{WriteOptions: root(), Write: catalog.ConfigWrite{Verb: verb, Entry: catalog.ConfigEntry{Kind: kind, Name: name, Body: []byte(body)}}}
	if _, err := ops.ConfigApply.Call(context.Background(), s.Router(), req); err != nil {
		t.Fatalf("%s %s: %v", kind, name, err)
	}
}

func TestSecondaryDatacenterHasTheConfigEntriesOfThePrimary(t *testing.T) {
	federated(t, false, func(p *pair) {
		wantEqual := func(what string, n int) {
			t.Helper()
			p.settle()
			one, two := entries(p.first), entries(p.second)
			if one != two || strings.Count(one, "\n") != n {
				t.Errorf("%s: dc1 has\n%sand dc2\n%s", what, one, two)
			}
		}
		p.far.root = true
		// The router comes before what it needs, in the order of their kinds.
		set(t, p.first, catalog.ConfigSet, "service-defaults", "web", `{"Kind":"service-defaults","Name":"web","Protocol":"http"}`)
		set(t, p.second, catalog.ConfigSet, "service-splitter", "web", `{"Kind":"service-splitter","Name":"web","Splits":[{"Weight":100}]}`)
		set(t, p.second, catalog.ConfigSet, "service-resolver", "db", `{"Kind":"service-resolver","Name":"db"}`)
		set(t, p.first, catalog.ConfigSet, "proxy-defaults", "global", `{"Kind":"proxy-defaults","Name":"global"}`)
		wantEqual("after writes to both", 4)
		set(t, p.first, catalog.ConfigDelete, "service-splitter", "web", "")
		set(t, p.second, catalog.ConfigDelete, "service-defaults", "web", "")
		set(t, p.second, catalog.ConfigSet, "service-resolver", "db", `{"Kind":"service-resolver","Name":"db","ConnectTimeout":"7s"}`)
		wantEqual("after changes", 3-1)

		// What is hidden from the token is not gone. One more change comes by the question
		// that is asked already.
		less := newToken(t, p.first.Server, catalog.ACLToken{}, setPolicy(t, p.first.Server, "", "less", `service "web" { policy = "read" }`))
		p.told.set(less.SecretID)
		set(t, p.first, catalog.ConfigSet, "service-resolver", "db", `{"Kind":"service-resolver","Name":"db","ConnectTimeout":"8s"}`)
		wantEqual("a change under way", 2)
		before := entries(p.second)
		set(t, p.first, catalog.ConfigSet, "service-resolver", "db", `{"Kind":"service-resolver","Name":"db","ConnectTimeout":"9s"}`)
		time.Sleep(3 * time.Second)
		if now := entries(p.second); now != before {
			t.Errorf("dc2 has\n%sand had\n%s", now, before)
		}
		p.told.set("root")
		time.Sleep(10 * time.Second)
		wantEqual("once the token may see all again", 2)
	})
}
