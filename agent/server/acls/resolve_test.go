package acls

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/testkernel"
)

const notBootstrapped = "ACL system must be bootstrapped before making any requests that require authorization: ACL not found"

func TestTheFirstTokenIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	reset := filepath.Join(dir, "acl-bootstrap-reset")
	ruled(t, Options{Enabled: true, DataDir: dir}, testkernel.Options{}, func(r room) {
		_, err := r.acls.Resolve(r.T.Context(), numbered(1))
		refused(t, "a token before there is any", err, fault.Denied, notBootstrapped)
		for secret, want := range map[string]string{
			"short": "Invalid Token: SecretID - not a valid UUID", "00000000-0000-0000-0000-000000000007": `Invalid Token: SecretID - UUIDs with the prefix "00000000-0000-0000-0000-0000000000" are reserved`,
		} {
			_, err := ask(r, ops.ACLBootstrap, "", &ops.ACLBootstrapRequest{Secret: secret})
			refused(t, secret, err, fault.Rejected, want)
		}
		first, err := ask(r, ops.ACLBootstrap, "", &ops.ACLBootstrapRequest{Secret: numbered(5)})
		if err != nil || first.Token.Row.SecretID != numbered(5) || first.Token.Row.Description != "Bootstrap Token (Global Management)" || len(first.Token.Policies) != 1 || first.Token.Policies[0].Name != "global-management" || first.Token.Row.Created == 0 {
			t.Fatalf("%+v, %v", first, err)
		}
		done := r.Store.Read().ACLBootstrapped()
		again := func() error {
			_, err := ask(r, ops.ACLBootstrap, "", &ops.ACLBootstrapRequest{})
			return err
		}
		closed := fmt.Sprintf("ACL bootstrap no longer allowed (reset index: %d)", done)
		refused(t, "a second time", again(), fault.Denied, closed)
		for _, text := range []string{"", "soon", "-1", fmt.Sprint(done, " ", done)} {
			if err := os.WriteFile(reset, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			refused(t, "with a reset file of "+text, again(), fault.Denied, closed)
		}
		if err := os.WriteFile(reset, []byte(fmt.Sprint(done+1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := again(); err == nil || !strings.Contains(err.Error(), fmt.Sprint(done)) {
			t.Errorf("with another index: %v", err)
		}
		if err := os.WriteFile(reset, []byte(fmt.Sprintf(" %d\n", done)), 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, "with the index", again(), 0, "")
		if _, err := os.Stat(reset); !os.IsNotExist(err) {
			t.Errorf("the reset file is still there: %v", err)
		}
		if err := again(); fault.KindOf(err) != fault.Denied {
			t.Errorf("after that: %v", err)
		}
	})
	k := testkernel.Options{}
	k.Primary = "dc0"
	ruled(t, Options{Enabled: true}, k, func(r room) {
		_, err := ask(r, ops.ACLBootstrap, "", &ops.ACLBootstrapRequest{})
		refused(t, "in a secondary datacenter", err, fault.Rejected, "ACL support disabled")
	})
}

// TestTokensDecideByWhatTheyHaveNow: a token that was resolved is remembered until rules
// change.
func TestTokensDecideByWhatTheyHaveNow(t *testing.T) {
	managed(t, func(r room) {
		p := r.policy("p", `key "a" { policy = "read" }`)
		r.token(10, "p")
		may := func(secret string) bool {
			r.T.Helper()
			az, err := r.acls.Resolve(r.T.Context(), secret)
			if err != nil {
				t.Fatal(err)
			}
			return az.Allows(acl.Key.Read("a"))
		}
		for range 3 {
			if !may(numbered(11)) || may("") || may("anonymous") || !may(root) {
				t.Fatal("wrong rights at first")
			}
		}
		if got := len(r.acls.tokens); got != 4 {
			t.Errorf("%d tokens are remembered", got)
		}
		p.Rules = `key "b" { policy = "read" }`
		must(r, ops.ACLPolicySet, &ops.ACLPolicySetRequest{Policy: p})
		if may(numbered(11)) {
			t.Error("the rules of before decide")
		}
		if got := len(r.acls.tokens); got != 1 {
			t.Errorf("%d tokens of before are remembered", got)
		}
		must(r, ops.ACLTokenDelete, &ops.ACLDeleteRequest{ID: numbered(10)})
		_, err := r.acls.Resolve(r.T.Context(), numbered(11))
		refused(t, "one that is gone", err, fault.Denied, "ACL not found")
	})
	ruled(t, Options{Enabled: true, Initial: root, AllowByDefault: true}, testkernel.Options{}, func(r room) {
		if az, err := r.acls.Resolve(r.T.Context(), ""); err != nil || !az.Allows(acl.Key.Read("a")) || az.Allows(acl.ACL.Read()) {
			t.Errorf("by default everything but ACLs: %v", err)
		}
	})
}

// TestOnlySoManyTokensAreRemembered: the rest takes their place.
func TestOnlySoManyTokensAreRemembered(t *testing.T) {
	managed(t, func(r room) {
		now := generationOf(r.Store.Read())
		for i := range maxKnown {
			r.acls.remember(now, fmt.Sprint(i), &known{})
		}
		if got := len(r.acls.tokens); got != maxKnown {
			t.Errorf("%d tokens, want %d", got, maxKnown)
		}
		r.acls.remember(now, "one more", &known{})
		if got := len(r.acls.tokens); got != 1 || r.acls.remembered("one more") == nil {
			t.Errorf("then %d", got)
		}
	})
}

func TestQuestionsAboutATokensRights(t *testing.T) {
	managed(t, func(r room) {
		r.policy("p", `key "a" { policy = "read" } operator = "read"`)
		r.token(10, "p")
		q := func(resource, access, segment string) ops.ACLQuestion {
			return ops.ACLQuestion{Resource: resource, Access: access, Segment: segment}
		}
		rep, err := ask(r, ops.ACLAuthorize, numbered(11), &ops.ACLAuthorizeRequest{Questions: []ops.ACLQuestion{
			q("key", "read", "a"), q("key", "WRITE", "a"), q("key", "Read", "b"), q("operator", "read", ""), q("operator", "write", ""),
		}})
		if err != nil || !slices.Equal(rep.Allow, []bool{true, false, false, true, false}) {
			t.Errorf("%+v, %v", rep, err)
		}
		if rep, err := ask(r, ops.ACLAuthorize, "", &ops.ACLAuthorizeRequest{Questions: []ops.ACLQuestion{q("key", "read", "a")}}); err != nil || rep.Allow[0] {
			t.Errorf("nobody: %+v, %v", rep, err)
		}
		if _, err := ask(r, ops.ACLAuthorize, root, &ops.ACLAuthorizeRequest{Questions: []ops.ACLQuestion{q("key", "read", "a"), q("moon", "read", "")}}); err == nil {
			t.Error("a resource that does not exist is answered")
		}
		_, err = ask(r, ops.ACLAuthorize, numbered(77), &ops.ACLAuthorizeRequest{})
		refused(t, "no token", err, fault.Denied, "ACL not found")

		r.role("r", "p")
		row := catalog.ACLToken{AccessorID: numbered(20), SecretID: numbered(21), Description: "d"}
		must(r, ops.ACLTokenSet, &ops.ACLTokenSetRequest{Create: true, Given: ops.ACLToken{Row: row, Roles: []ops.ACLLink{{Name: "r"}}}})
		why, err := ask(r, ops.ACLExplain, root, &ops.ACLExplainRequest{AccessorID: strings.ToUpper(numbered(20)), Question: q("key", "WRITE", "a")})
		if err != nil || why.Allow || why.AccessorID != numbered(20) || why.Description != "d" || why.AllowByDefault ||
			!strings.HasPrefix(why.Refusal, "Permission denied: token with AccessorID '"+numbered(20)+"'") || why.Decided == nil || why.Decided.Rule != `key "a" { policy = "read" }` || why.Decided.By[0].Role != "r" || why.Decided.By[0].Name != "p" {
			t.Errorf("%+v, %v", why, err)
		}
		if why, err := ask(r, ops.ACLExplain, numbered(21), &ops.ACLExplainRequest{Question: q("key", "read", "b")}); err != nil || why.Allow || why.Decided != nil || why.AccessorID != numbered(20) {
			t.Errorf("of his own token: %+v, %v", why, err)
		}
		if why, err := ask(r, ops.ACLExplain, numbered(21), &ops.ACLExplainRequest{AccessorID: numbered(20), Question: q("key", "read", "a")}); err != nil || !why.Allow || why.Refusal != "" {
			t.Errorf("of his own token, by its accessor: %+v, %v", why, err)
		}
		for name, c := range map[string]struct {
			secret, accessor string
			kind             fault.Kind
			want             string
		}{
			"of another's":       {numbered(21), numbered(10), fault.Denied, "Permission denied: token with AccessorID '" + numbered(20) + "' lacks permission 'acl:read'"},
			"of none":            {root, numbered(99), fault.Denied, noToken},
			"of no UUID":         {root, "x", fault.Rejected, strings.Replace(shortUUID, "%s", "token", 1)},
			"of a secret's name": {root, numbered(21), fault.Denied, noToken},
		} {
			_, err := ask(r, ops.ACLExplain, c.secret, &ops.ACLExplainRequest{AccessorID: c.accessor, Question: q("key", "read", "a")})
			refused(t, name, err, c.kind, c.want)
		}
		if _, err := ask(r, ops.ACLExplain, root, &ops.ACLExplainRequest{Question: q("moon", "read", "")}); err == nil {
			t.Error("a resource that does not exist is explained")
		}
		if _, err := ask(r, ops.ACLExplain, root, &ops.ACLExplainRequest{Below: true, Question: q("operator", "read", "")}); err == nil {
			t.Error("what is below a resource without names is explained")
		}
	})
}

// twoDatacenters runs a test of a server of dc2, whose primary is dc1, and one of dc1.
func twoDatacenters(t *testing.T, o Options, test func(here, primary room)) {
	t.Helper()
	twoDatacentersWith(t, o, func() string { return root }, test)
}

// twoDatacentersWith is twoDatacenters with another token for replication.
func twoDatacentersWith(t *testing.T, o Options, token func() string, test func(here, primary room)) {
	t.Helper()
	var here, primary room
	k := testkernel.Options{}
	k.Datacenter, k.Primary, k.ReplicationToken = "dc2", "dc1", token
	testkernel.Run(t, withRules(&here, o, k), func(s *testkernel.Server) {
		s.Also(2, withRules(&primary, Options{Enabled: true, Initial: root}, testkernel.Options{}))
		primary.established()
		s.Router.SetServers([]rpc.Server{s.At(), primary.At()}, []string{"dc2", "dc1"})
		test(here, primary)
	})
}

// TestASecondaryDatacenterHasThePrimarysRules, and its own local tokens.
func TestASecondaryDatacenterHasThePrimarysRules(t *testing.T) {
	twoDatacenters(t, Options{Enabled: true, TokenReplication: true, Elsewhere: denying{}}, func(here, primary room) {
		status := func() ops.ACLReplicationReply {
			rep, err := ask(here, ops.ACLReplicationStatus, "", &ops.ACLReplicationStatusRequest{})
			if err != nil {
				t.Fatal(err)
			}
			return *rep
		}
		if got := status(); !got.Enabled || got.Running || got.SourceDatacenter != "dc1" || got.ReplicationType != "" {
			t.Errorf("before it leads: %+v", got)
		}
		p := primary.policy("p", `key "a" { policy = "read" }`)
		primary.role("r", "p")
		primary.token(10, "p")
		local := catalog.ACLToken{AccessorID: numbered(30), SecretID: numbered(31), Local: true}
		must(primary, ops.ACLTokenSet, &ops.ACLTokenSetRequest{Create: true, Given: ops.ACLToken{Row: local}})
		gone := catalog.ACLPolicy{ID: numbered(50), Name: "p"} // has a name that another is to have
		here.Log(catalog.ACLPolicyCommand, &catalog.ACLPolicyWrite{Verb: catalog.ACLCreate, Policies: []*catalog.ACLPolicy{&gone}})
		own := catalog.ACLToken{AccessorID: numbered(60), SecretID: numbered(61), Local: true}
		here.Log(catalog.ACLTokenCommand, &catalog.ACLTokenWrite{Verb: catalog.ACLCreate, Tokens: []*catalog.ACLToken{&own}})
		here.runs(here.acls.Replicate)
		time.Sleep(10 * time.Second)
		same := func(when string) {
			t.Helper()
			for _, r := range replicas {
				_, ours := r.list(here.Store.Read(), nil)
				_, theirs := r.list(primary.Store.Read(), nil)
				if !slices.Equal(ours, theirs) {
					t.Errorf("%s: %s are %+v, want %+v", when, r.kind, ours, theirs)
				}
			}
			if _, there := here.Store.Read().ACLToken(nil, numbered(60)); there == nil {
				t.Errorf("%s: the local token is gone", when)
			}
			if _, there := here.Store.Read().ACLToken(nil, numbered(30)); there != nil {
				t.Errorf("%s: a local token was copied", when)
			}
		}
		same("at first")
		got := status()
		if !got.Running || got.ReplicationType != "tokens" || got.LastSuccess.IsZero() || got.LastErrorMessage != "" || got.ReplicatedIndex == 0 || got.ReplicatedRoleIndex == 0 || got.ReplicatedTokenIndex == 0 {
			t.Errorf("status %+v", got)
		}
		must(primary, ops.ACLPolicyDelete, &ops.ACLDeleteRequest{ID: p.ID})
		primary.policy("later", "")
		must(primary, ops.ACLTokenDelete, &ops.ACLDeleteRequest{ID: numbered(10)})
		time.Sleep(3 * time.Second)
		same("after changes")
		if later := status(); later.ReplicatedIndex <= got.ReplicatedIndex || later.ReplicatedTokenIndex <= got.ReplicatedTokenIndex || later.ReplicatedRoleIndex != got.ReplicatedRoleIndex {
			t.Errorf("status %+v after %+v", later, got)
		}

		// What is written here goes to the primary, but for local tokens.
		asHere := func(row catalog.ACLToken) error {
			_, err := ask(here, ops.ACLTokenSet, root, &ops.ACLTokenSetRequest{Create: true, Given: ops.ACLToken{Row: row}})
			return err
		}
		refused(t, "a local token here", asHere(catalog.ACLToken{AccessorID: numbered(70), Local: true}), 0, "")
		refused(t, "a global token here", asHere(catalog.ACLToken{AccessorID: numbered(71)}), 0, "")
		must(here, ops.ACLPolicySet, &ops.ACLPolicySetRequest{Create: true, Policy: catalog.ACLPolicy{Name: "from-here"}})
		for id, want := range map[string]bool{numbered(70): false, numbered(71): true} {
			if _, there := primary.Store.Read().ACLToken(nil, id); (there != nil) != want {
				t.Errorf("token %s is in the primary: %t", id, there != nil)
			}
		}
		if _, there := primary.Store.Read().ACLPolicyNamed(nil, "from-here"); there == nil {
			t.Error("the policy is not in the primary")
		}
		if here.acls.Abroad(numbered(61)) != "" || here.acls.Abroad(root) != root || here.acls.Abroad(numbered(1)) != numbered(1) {
			t.Error("others are told of a local token, or not of a global one")
		}
	})
}

// TestWithoutTokenReplicationThePrimaryIsAsked for tokens, and what was copied goes.
func TestWithoutTokenReplicationThePrimaryIsAsked(t *testing.T) {
	twoDatacenters(t, Options{Enabled: true, Elsewhere: denying{}}, func(here, primary room) {
		primary.policy("p", `key "a" { policy = "read" }`)
		primary.token(10, "p")
		old := catalog.ACLToken{AccessorID: numbered(60), SecretID: numbered(61)}
		here.Log(catalog.ACLTokenCommand, &catalog.ACLTokenWrite{Verb: catalog.ACLCreate, Tokens: []*catalog.ACLToken{&old}})
		here.runs(here.acls.Replicate)
		time.Sleep(5 * time.Second)
		if _, list := here.Store.Read().ACLTokens(nil); len(list) != 0 {
			t.Errorf("%d tokens are kept", len(list))
		}
		if _, p := here.Store.Read().ACLPolicyNamed(nil, "p"); p == nil {
			t.Error("policies are not copied")
		}
		here.ACL = testkernel.Rights{acl.ACL.Read(), acl.ACL.Write()}
		rep, err := ask(here, ops.ACLTokenSelf, numbered(11), &ops.ACLTokenSelfRequest{})
		if err != nil || rep.Token.Row.AccessorID != numbered(10) {
			t.Errorf("his own token, asked here: %+v, %v", rep, err)
		}
		_, err = ask(here, ops.ACLTokenSet, "", &ops.ACLTokenSetRequest{Create: true, Given: ops.ACLToken{Row: catalog.ACLToken{Local: true}}})
		refused(t, "a local token", err, fault.Rejected, "Local tokens are disabled")
		_, err = ask(here, ops.ACLLogin, "", &ops.ACLLoginRequest{AuthMethod: "m"})
		refused(t, "a login without a method", err, fault.Denied, `ACL not found: auth method "m" not found`)
		method := loginMethod("m")
		here.Log(catalog.ACLAuthMethodCommand, &catalog.ACLAuthMethodWrite{Verb: catalog.ACLPut, Methods: []*catalog.ACLAuthMethod{&method}})
		_, err = ask(here, ops.ACLLogin, "", &ops.ACLLoginRequest{AuthMethod: "m", Bearer: bearer(t, "x")})
		refused(t, "a login", err, fault.Rejected, "Local tokens are disabled")

		resolved, err := ask(here, ops.ACLResolve, numbered(11), &ops.ACLResolveRequest{})
		if err != nil || resolved.AccessorID != numbered(10) || len(resolved.Policies) != 1 {
			t.Errorf("resolved here: %+v, %v", resolved, err)
		}
		local := catalog.ACLToken{AccessorID: numbered(30), SecretID: numbered(31), Local: true, Policies: []string{"00000000-0000-0000-0000-000000000001"}}
		primary.Log(catalog.ACLTokenCommand, &catalog.ACLTokenWrite{Verb: catalog.ACLCreate, Tokens: []*catalog.ACLToken{&local}})
		if resolved, err := ask(here, ops.ACLResolve, numbered(31), &ops.ACLResolveRequest{}); err != nil || resolved.AccessorID != acl.AnonymousAccessor || len(resolved.Policies) != 0 {
			t.Errorf("a local token of the primary is %+v, %v; want nobody", resolved, err)
		}
		if _, err := here.acls.Resolve(here.T.Context(), numbered(11)); fmt.Sprint(err) != "asked elsewhere" {
			t.Errorf("what is not kept here: %v", err)
		}
		_, err = ask(here, ops.ACLExplain, "", &ops.ACLExplainRequest{AccessorID: numbered(10), Question: ops.ACLQuestion{Resource: "key", Access: "read", Segment: "a"}})
		refused(t, "explain", err, fault.NotFound, `the servers of datacenter "dc2" do not keep this token: ask those of "dc1"`)
	})
}

// TestCopiesThatFailAreToldAndTriedAgain: the token may not read tokens.
func TestCopiesThatFailAreToldAndTriedAgain(t *testing.T) {
	var manages atomic.Bool
	token := func() string {
		if manages.Load() {
			return root
		}
		return numbered(11)
	}
	twoDatacentersWith(t, Options{Enabled: true, TokenReplication: true}, token, func(here, primary room) {
		primary.policy("reads", `acl = "read"`)
		primary.token(10, "reads")
		here.runs(here.acls.Replicate)
		time.Sleep(5 * time.Second)
		rep, err := ask(here, ops.ACLReplicationStatus, "", &ops.ACLReplicationStatusRequest{})
		if err != nil || !strings.HasPrefix(rep.LastErrorMessage, "failed to retrieve remote ACL tokens: rpc error making call: Permission denied") || time.Since(rep.LastError) > 5*time.Second || rep.ReplicatedIndex == 0 || rep.ReplicatedTokenIndex != 0 {
			t.Errorf("%+v, %v", rep, err)
		}
		manages.Store(true)
		time.Sleep(2 * time.Minute)
		if rep, _ := ask(here, ops.ACLReplicationStatus, "", &ops.ACLReplicationStatusRequest{}); rep.ReplicatedTokenIndex == 0 {
			t.Errorf("with the right token: %+v", rep)
		}
	})
}

func TestWhatIsCopiedComesInPieces(t *testing.T) {
	managed(t, func(r room) {
		var ids []string
		for i := range 20 {
			p := &catalog.ACLPolicy{ID: numbered(i), Name: fmt.Sprint("p", i), Rules: "# " + strings.Repeat("x", 100<<10)}
			r.Log(catalog.ACLPolicyCommand, &catalog.ACLPolicyWrite{Verb: catalog.ACLCreate, Policies: []*catalog.ACLPolicy{p}})
			ids = append(ids, p.ID)
		}
		rep := must(r, ops.ACLReplicationRows, &ops.ACLReplicationRowsRequest{Kind: ops.ACLPolicies, IDs: append([]string{numbered(99)}, ids...)})
		if rep.Asked != 7 || len(rep.Policies) != 6 { // one is gone; the sixth passes 512 KiB
			t.Errorf("asked %d, got %d", rep.Asked, len(rep.Policies))
		}
		for _, kind := range []ops.ACLKind{"", "rules"} {
			_, err := ask(r, ops.ACLReplicationList, root, &ops.ACLReplicationListRequest{Kind: kind})
			refused(t, string(kind), err, fault.Rejected, fmt.Sprintf("there is nothing to copy that is called %q", kind))
		}
	})
}

func TestWhatIsCopiedAndWhatGoes(t *testing.T) {
	list := func(text string) (rows []ops.ACLRowHash) {
		for word := range strings.FieldsSeq(text) {
			id, hash, _ := strings.Cut(word, "=")
			rows = append(rows, ops.ACLRowHash{ID: id, Hash: hash})
		}
		return rows
	}
	for _, c := range []struct{ ours, theirs, gone, changed string }{
		{"", "", "", ""}, {"a=1", "a=1", "", ""}, {"a=1", "A=1", "", ""}, {"a=1", "a=2", "", "a"}, {"c=1 a=1 b=1", "b=1", "a c", ""}, {"", "a=1 c=1 b=1", "", "c b a"}, {"a=1", "b=1", "a", "b"},
	} {
		gone, changed := compare(list(c.ours), list(c.theirs))
		if strings.Join(gone, " ") != c.gone || strings.Join(changed, " ") != c.changed {
			t.Errorf("%s from %s: gone %v, changed %v", c.theirs, c.ours, gone, changed)
		}
	}
}

// denying is who is asked about tokens that are not kept here.
type denying struct{}

func (denying) Resolve(context.Context, string) (*acl.Authorizer, error) {
	return nil, fault.New(fault.Denied, "asked elsewhere")
}
