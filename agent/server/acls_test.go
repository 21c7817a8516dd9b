package server_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/server"
	"praetor/agent/server/acls"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// locked is a lone leader under access rules whose management token is "root".
func locked(t *testing.T, test func(s *lone)) {
	t.Helper()
	virtual(t, func(o *server.Options) {
		o.ACLs = acls.Options{Enabled: true, Initial: "root"}
	}, test)
}

func root() rpc.WriteOptions { return rpc.WriteOptions{Token: "root"} }

// setPolicy writes a policy, and returns its ID.
func setPolicy(t testing.TB, s *server.Server, id, name, rules string) string {
	t.Helper()
	rep, err := ops.ACLPolicySet.Call(context.Background(), s.Router(), &ops.ACLPolicySetRequest{
		WriteOptions: root(), Create: id == "", Policy: catalog.ACLPolicy{ID: id, Name: name, Rules: rules}})
	if err != nil {
		t.Fatal(err)
	}
	return rep.Policy.ID
}

func newToken(t testing.TB, s *server.Server, row catalog.ACLToken, policies ...string) catalog.ACLToken {
	t.Helper()
	given := ops.ACLToken{Row: row}
	for _, p := range policies {
		given.Policies = append(given.Policies, ops.ACLLink{ID: p})
	}
	rep, err := ops.ACLTokenSet.Call(context.Background(), s.Router(), &ops.ACLTokenSetRequest{WriteOptions: root(), Create: true, Given: given})
	if err != nil {
		t.Fatal(err)
	}
	return rep.Token.Row
}

// TestBlockedReadsFollowTheRules has a read of a key, and a stream of keys, wait while
// the rules change.
func TestBlockedReadsFollowTheRules(t *testing.T) {
	const readsK = `key_prefix "k" { policy = "read" }`
	type answer struct {
		err  error
		took time.Duration
	}
	reads := map[string]func(s *lone, o rpc.ReadOptions) error{
		"a key": func(s *lone, o rpc.ReadOptions) error {
			_, err := ops.KVGet.Call(context.Background(), s.Router(), &ops.KVGetRequest{ReadOptions: o, Key: "k"})
			return err
		},
		"a stream": func(s *lone, o rpc.ReadOptions) error {
			_, out, err := ops.KVStream.Call(context.Background(), s.Router(), &ops.KVListRequest{ReadOptions: o, Prefix: "k"}, nil)
			if err == nil {
				err = out.Close()
			}
			return err
		},
	}
	for what, read := range reads {
		for _, row := range []struct {
			name   string
			change func(s *lone, policy, accessor string, round int)
			rounds int
			denied string // in the error; "" for an answer
			least  time.Duration
			most   time.Duration
		}{
			{"its token is deleted", func(s *lone, _, accessor string, _ int) {
				if _, err := ops.ACLTokenDelete.Call(context.Background(), s.Router(), &ops.ACLDeleteRequest{WriteOptions: root(), ID: accessor}); err != nil {
					t.Error(err)
				}
			}, 1, "ACL not found", 0, time.Second},
			{"its policy grants less", func(s *lone, policy, _ string, _ int) {
				setPolicy(s.t, s.Server, policy, "reads", `key_prefix "x" { policy = "read" }`)
			}, 1, "", 0, time.Second},
			{"policies of others change again and again", func(s *lone, _, _ string, round int) {
				setPolicy(s.t, s.Server, "", fmt.Sprint("other", round), readsK)
			}, 10, "", 20 * time.Second, 23 * time.Second},
		} {
			t.Run(what+"/"+row.name, func(t *testing.T) {
				locked(t, func(s *lone) {
					policy := setPolicy(s.t, s.Server, "", "reads", readsK)
					token := newToken(s.t, s.Server, catalog.ACLToken{}, policy)
					if _, err := ops.KVApply.Call(context.Background(), s.Router(), &ops.KVApplyRequest{WriteOptions: root(), Write: catalog.KVWrite{Entry: catalog.KVEntry{Key: "k"}}}); err != nil {
						t.Fatal(err)
					}
					answered, begin := make(chan answer, 1), time.Now()
					o := rpc.ReadOptions{Token: token.SecretID, MinIndex: s.Store().Read().LastIndex(), MaxWait: 20 * time.Second}
					go func() { // waited for below
						err := read(s, o)
						answered <- answer{err, time.Since(begin)}
					}()
					synctest.Wait()
					for round := range row.rounds {
						row.change(s, policy, token.AccessorID, round)
						time.Sleep(3 * time.Second)
					}
					got := <-answered
					if got.took < row.least || got.took > row.most {
						t.Errorf("answered after %v, want %v to %v: %v", got.took, row.least, row.most, got.err)
					}
					refused := got.err != nil && fault.KindOf(got.err) == fault.Denied
					if what == "a key" && row.name == "its policy grants less" {
						if !refused {
							t.Errorf("got %v, want a refusal", got.err)
						}
					} else if refused != (row.denied != "") || !refused && got.err != nil {
						t.Errorf("got %v, want %q", got.err, row.denied)
					}
				})
			})
		}
	}
}

// TestIdentitiesOfTwoDatacentersBothCount: both stand for the same rules, and whoever
// asks for another datacenter has to hear of each.
func TestIdentitiesOfTwoDatacentersBothCount(t *testing.T) {
	locked(t, func(s *lone) {
		token := newToken(s.t, s.Server, catalog.ACLToken{ServiceIdentities: []catalog.ACLServiceIdentity{
			{ServiceName: "web", Datacenters: []string{"dc1"}}, {ServiceName: "web", Datacenters: []string{"dc2"}},
		}})
		rep, err := ops.ACLResolve.Call(context.Background(), s.Router(), &ops.ACLResolveRequest{ReadOptions: rpc.ReadOptions{Token: token.SecretID}})
		if err != nil || len(rep.Policies) != 2 {
			t.Errorf("%d policies, %v; want one for each datacenter", len(rep.Policies), err)
		}
		az, err := s.ACL().Resolve(context.Background(), token.SecretID)
		if err != nil || !az.Allows(acl.Service.Write("web")) {
			t.Errorf("in dc1: %v", err)
		}
	})
}

// BenchmarkResolve resolves tokens of a thousand policies: again and again, and each
// after a change of the rules. The aim of the first is 300 ns.
func BenchmarkResolve(b *testing.B) {
	s, _ := benchServer(b, func(o *server.Options) {
		o.ACLs = acls.Options{Enabled: true, Initial: "root"}
	})
	for _, err := s.ACL().Resolve(context.Background(), "root"); err != nil; _, err = s.ACL().Resolve(context.Background(), "root") {
		runtime.Gosched() // until the leader has made the token
	}
	var secrets []string
	for i := range 1000 {
		policy := setPolicy(b, s, "", fmt.Sprint("p", i), fmt.Sprintf(`service "s%d" { policy = "write" } node_prefix "" { policy = "read" }`, i))
		secrets = append(secrets, newToken(b, s, catalog.ACLToken{}, policy).SecretID)
	}
	resolve := func(b *testing.B, secret string) {
		if _, err := s.ACL().Resolve(context.Background(), secret); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("known", func(b *testing.B) {
		for _, secret := range secrets {
			resolve(b, secret)
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			resolve(b, secrets[i%len(secrets)])
		}
	})
	changes := 0
	b.Run("after a change", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			b.StopTimer()
			changes++
			setPolicy(b, s, "", fmt.Sprint("other", changes), `operator = "read"`)
			b.StartTimer()
			resolve(b, secrets[i%len(secrets)])
		}
	})
}

// TestLogoutEndsWhatALoginMade has only tokens of logins remove themselves.
func TestLogoutEndsWhatALoginMade(t *testing.T) {
	locked(t, func(s *lone) {
		method := &catalog.ACLAuthMethodWrite{Methods: []*catalog.ACLAuthMethod{{Name: "m"}}}
		if err := s.Log(context.Background(), catalog.ACLAuthMethodCommand, method); err != nil {
			t.Fatal(err)
		}
		login := &catalog.ACLToken{AccessorID: "a0000000-0000-0000-0000-000000000001", SecretID: "of a login", Local: true, AuthMethod: "m"}
		if err := s.Log(context.Background(), catalog.ACLTokenCommand, &catalog.ACLTokenWrite{Tokens: []*catalog.ACLToken{login}}); err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct{ token, want string }{
			{"root", "Permission denied: token wasn't created via login"},
			{"", "Permission denied: token wasn't created via login"},
			{"unknown", "ACL not found"},
			{"of a login", ""},
			{"of a login", "ACL not found"},
		} {
			_, err := ops.ACLLogout.Call(context.Background(), s.Router(), &ops.ACLLogoutRequest{WriteOptions: rpc.WriteOptions{Token: row.token}})
			if row.want == "" && err != nil || row.want != "" && (fault.KindOf(err) != fault.Denied || err.Error() != row.want) {
				t.Errorf("logout of %q: %v, want %q", row.token, err, row.want)
			}
		}
	})
}
