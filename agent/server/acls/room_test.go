package acls

import (
	"context"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/testkernel"
)

// root is the secret of the management token.
var root = numbered(9999)

// room is a leader with access rules.
type room struct {
	*testkernel.Server
	acls *Service
}

// ruled runs a test of a leader whose access rules are established, in a bubble.
func ruled(t *testing.T, o Options, k testkernel.Options, test func(r room)) {
	t.Helper()
	var r room
	testkernel.Run(t, withRules(&r, o, k), func(*testkernel.Server) { test(r.established()) })
}

// withRules are options of a server with access rules, which becomes r.
func withRules(r *room, o Options, k testkernel.Options) testkernel.Options {
	k.Register = func(s *testkernel.Server, m *kernel.Mux) {
		if o.Logger = s.Logger; o.Logger == nil {
			o.Logger = hclog.NewNullLogger()
		}
		*r = room{s, New(s.Kernel, o)}
		s.ACL = r.acls
		r.acls.Register(m)
	}
	return k
}

func (r room) established() room {
	r.T.Helper()
	if err := r.acls.Establish(r.T.Context()); err != nil {
		r.T.Fatal(err)
	}
	return r
}

// managed is ruled with a management token.
func managed(t *testing.T, test func(r room)) {
	t.Helper()
	ruled(t, Options{Enabled: true, Initial: root}, testkernel.Options{}, test)
}

// ask asks as a token.
func ask[Req, Rep any](r room, op rpc.Op[Req, Rep], token string, req *Req) (*Rep, error) {
	reflect.ValueOf(req).Elem().FieldByName("Token").SetString(token)
	return op.Call(r.T.Context(), r.Router, req)
}

// must asks as the management token for what has to work.
func must[Req, Rep any](r room, op rpc.Op[Req, Rep], req *Req) *Rep {
	r.T.Helper()
	rep, err := ask(r, op, root, req)
	if err != nil {
		r.T.Fatal(err)
	}
	return rep
}

func (r room) policy(name, rules string) catalog.ACLPolicy {
	r.T.Helper()
	return must(r, ops.ACLPolicySet, &ops.ACLPolicySetRequest{Create: true, Policy: catalog.ACLPolicy{Name: name, Rules: rules}}).Policy
}

func (r room) role(name string, policies ...string) ops.ACLRole {
	r.T.Helper()
	return must(r, ops.ACLRoleSet, &ops.ACLRoleSetRequest{Create: true, Role: ops.ACLRole{Row: catalog.ACLRole{Name: name}, Policies: links(policies)}}).Role
}

// token makes one whose accessor is numbered(n) and whose secret numbered(n+1).
func (r room) token(n int, policies ...string) ops.ACLToken {
	r.T.Helper()
	row := catalog.ACLToken{AccessorID: numbered(n), SecretID: numbered(n + 1)}
	return must(r, ops.ACLTokenSet, &ops.ACLTokenSetRequest{Create: true, Given: ops.ACLToken{Row: row, Policies: links(policies)}}).Token
}

func links(names []string) (links []ops.ACLLink) {
	for _, name := range names {
		links = append(links, ops.ACLLink{Name: name})
	}
	return links
}

// refused checks the text, all of it, and the kind of a refusal; "" for none.
func refused(t testing.TB, name string, err error, kind fault.Kind, want string) {
	t.Helper()
	switch {
	case err == nil && want == "":
	case err == nil || err.Error() != want:
		t.Errorf("%s: %v, want %q", name, err, want)
	case fault.KindOf(err) != kind:
		t.Errorf("%s: %v is a fault of kind %v, want %v", name, err, fault.KindOf(err), kind)
	}
}

func TestALeaderMakesWhatIsBuiltIn(t *testing.T) {
	managed(t, func(r room) {
		tx := r.Store.Read()
		for id, name := range map[string]string{"00000000-0000-0000-0000-000000000001": "global-management", "00000000-0000-0000-0000-000000000002": "builtin/global-read-only"} {
			if _, p := tx.ACLPolicy(nil, id); p == nil || p.Name != name || p.Rules == "" {
				t.Errorf("%s is %+v", name, p)
			}
		}
		_, anonymous := tx.ACLToken(nil, "00000000-0000-0000-0000-000000000002")
		if anonymous == nil || anonymous.SecretID != "anonymous" || anonymous.Description != "Anonymous Token" || len(anonymous.Policies) > 0 || anonymous.Created == 0 {
			t.Errorf("the anonymous token is %+v", anonymous)
		}
		_, initial := tx.ACLTokenWithSecret(nil, root)
		if initial == nil || initial.Description != "Initial Management Token" || len(initial.Policies) != 1 || initial.Policies[0] != "00000000-0000-0000-0000-000000000001" || !isUUID(initial.AccessorID) {
			t.Errorf("the initial token is %+v", initial)
		}
		if tx.ACLBootstrapped() == 0 {
			t.Error("the initial token leaves the bootstrap open")
		}
		before := tx.LastIndex()
		r.established() // the next term
		if after := r.Store.Read().LastIndex(); after != before {
			t.Errorf("the second time %d rows are written", after-before)
		}
		_, p := tx.ACLPolicy(nil, "00000000-0000-0000-0000-000000000001")
		older := *p
		older.Name, older.Description, older.Rules = "all", "mine", `acl = "write"`
		r.Log(catalog.ACLPolicyCommand, &catalog.ACLPolicyWrite{Verb: catalog.ACLPut, Policies: []*catalog.ACLPolicy{&older}})
		r.established()
		if _, now := r.Store.Read().ACLPolicy(nil, older.ID); now.Name != "all" || now.Description != "mine" || now.Rules != p.Rules {
			t.Errorf("one that was renamed, with the rules of an older version, becomes %+v", now)
		}
	})
	for name, o := range map[string]Options{"not enabled": {Initial: root}, "a secondary datacenter": {Enabled: true, Initial: root}} {
		k := testkernel.Options{}
		if o.Enabled {
			k.Primary = "dc0"
		}
		ruled(t, o, k, func(r room) {
			_, policies := r.Store.Read().ACLPolicies(nil)
			_, tokens := r.Store.Read().ACLTokens(nil)
			if len(policies)+len(tokens) > 0 {
				t.Errorf("%s: %d policies and %d tokens", name, len(policies), len(tokens))
			}
		})
	}
}

func TestNothingIsAnsweredWhereAccessRulesAreOff(t *testing.T) {
	ruled(t, Options{}, testkernel.Options{}, func(r room) {
		calls := map[string]func() error{
			"bootstrap": func() error { _, err := ask(r, ops.ACLBootstrap, "", &ops.ACLBootstrapRequest{}); return err },
			"self":      func() error { _, err := ask(r, ops.ACLTokenSelf, "", &ops.ACLTokenSelfRequest{}); return err },
			"login":     func() error { _, err := ask(r, ops.ACLLogin, "", &ops.ACLLoginRequest{}); return err },
			"status": func() error {
				_, err := ask(r, ops.ACLReplicationStatus, "", &ops.ACLReplicationStatusRequest{})
				return err
			},
			"authorize": func() error { _, err := ask(r, ops.ACLAuthorize, "", &ops.ACLAuthorizeRequest{}); return err },
		}
		r.ACL = testkernel.Rights{} // what an agent without rules has
		for name, call := range calls {
			refused(t, name, call(), fault.Rejected, "ACL support disabled")
		}
	})
}

// TestWhoMayAskForWhat asks for everything with acl:read, acl:write and neither.
func TestWhoMayAskForWhat(t *testing.T) {
	managed(t, func(r room) {
		r.policy("read", `acl = "read"`)
		r.policy("write", `acl = "write"`)
		r.policy("none", `key_prefix "" { policy = "write" }`)
		secrets := map[string]string{"read": numbered(101), "write": numbered(103), "none": numbered(105)}
		for i, name := range []string{"read", "write", "none"} {
			r.token(100+2*i, name)
		}
		for name, c := range map[string]struct {
			call func(token string) error
			need string
		}{
			"token list":    {func(s string) error { _, err := ask(r, ops.ACLTokenList, s, &ops.ACLTokenListRequest{}); return err }, "read"},
			"token get":     {func(s string) error { _, err := ask(r, ops.ACLTokenGet, s, &ops.ACLTokenGetRequest{}); return err }, "read"},
			"token set":     {func(s string) error { _, err := ask(r, ops.ACLTokenSet, s, &ops.ACLTokenSetRequest{}); return err }, "write"},
			"token clone":   {func(s string) error { _, err := ask(r, ops.ACLTokenClone, s, &ops.ACLTokenCloneRequest{}); return err }, "write"},
			"token delete":  {func(s string) error { _, err := ask(r, ops.ACLTokenDelete, s, &ops.ACLDeleteRequest{}); return err }, "write"},
			"policy list":   {func(s string) error { _, err := ask(r, ops.ACLPolicyList, s, &ops.ACLListRequest{}); return err }, "read"},
			"policy get":    {func(s string) error { _, err := ask(r, ops.ACLPolicyGet, s, &ops.ACLGetRequest{}); return err }, "read"},
			"policy set":    {func(s string) error { _, err := ask(r, ops.ACLPolicySet, s, &ops.ACLPolicySetRequest{}); return err }, "write"},
			"policy delete": {func(s string) error { _, err := ask(r, ops.ACLPolicyDelete, s, &ops.ACLDeleteRequest{}); return err }, "write"},
			"role list":     {func(s string) error { _, err := ask(r, ops.ACLRoleList, s, &ops.ACLListRequest{}); return err }, "read"},
			"role get":      {func(s string) error { _, err := ask(r, ops.ACLRoleGet, s, &ops.ACLGetRequest{}); return err }, "read"},
			"role set":      {func(s string) error { _, err := ask(r, ops.ACLRoleSet, s, &ops.ACLRoleSetRequest{}); return err }, "write"},
			"role delete":   {func(s string) error { _, err := ask(r, ops.ACLRoleDelete, s, &ops.ACLDeleteRequest{}); return err }, "write"},
			"method list":   {func(s string) error { _, err := ask(r, ops.ACLAuthMethodList, s, &ops.ACLListRequest{}); return err }, "read"},
			"method get":    {func(s string) error { _, err := ask(r, ops.ACLAuthMethodGet, s, &ops.ACLGetRequest{}); return err }, "read"},
			"method set": {func(s string) error {
				_, err := ask(r, ops.ACLAuthMethodSet, s, &ops.ACLAuthMethodSetRequest{})
				return err
			}, "write"},
			"method delete": {func(s string) error {
				_, err := ask(r, ops.ACLAuthMethodDelete, s, &ops.ACLDeleteRequest{})
				return err
			}, "write"},
			"rule list": {func(s string) error {
				_, err := ask(r, ops.ACLBindingRuleList, s, &ops.ACLBindingRuleListRequest{})
				return err
			}, "read"},
			"rule get": {func(s string) error { _, err := ask(r, ops.ACLBindingRuleGet, s, &ops.ACLGetRequest{}); return err }, "read"},
			"rule set": {func(s string) error {
				_, err := ask(r, ops.ACLBindingRuleSet, s, &ops.ACLBindingRuleSetRequest{})
				return err
			}, "write"},
			"rule delete": {func(s string) error {
				_, err := ask(r, ops.ACLBindingRuleDelete, s, &ops.ACLDeleteRequest{})
				return err
			}, "write"},
			"copy policies": {func(s string) error {
				_, err := ask(r, ops.ACLReplicationList, s, &ops.ACLReplicationListRequest{Kind: ops.ACLPolicies})
				return err
			}, "read"},
			"copy roles": {func(s string) error {
				_, err := ask(r, ops.ACLReplicationRows, s, &ops.ACLReplicationRowsRequest{Kind: ops.ACLRoles})
				return err
			}, "read"},
			"copy tokens": {func(s string) error {
				_, err := ask(r, ops.ACLReplicationList, s, &ops.ACLReplicationListRequest{Kind: ops.ACLTokens})
				return err
			}, "write"},
			"rows of tokens": {func(s string) error {
				_, err := ask(r, ops.ACLReplicationRows, s, &ops.ACLReplicationRowsRequest{Kind: ops.ACLTokens})
				return err
			}, "write"},
		} {
			for has, secret := range secrets {
				may := has == "write" || has == c.need
				err := c.call(secret)
				isRefusal := fault.KindOf(err) == fault.Denied && strings.HasPrefix(err.Error(), "Permission denied: token with AccessorID '")
				if may == isRefusal {
					t.Errorf("%s with acl:%s: %v", name, has, err)
				}
			}
			if err := c.call(numbered(77)); fault.KindOf(err) != fault.Denied || err.Error() != "ACL not found" {
				t.Errorf("%s with a token that does not exist: %v", name, err)
			}
		}
	})
}

const (
	noPolicy  = "Requested policy does not exist: ACL not found"
	noRole    = "Requested role does not exist: ACL not found"
	noToken   = "token does not exist: ACL not found"
	shortUUID = "failed acl %s lookup: index error: UUID must be 36 characters"
)

func TestPolicies(t *testing.T) {
	managed(t, func(r room) {
		a, b := r.policy("a", `key "a" { policy = "read" }`), r.policy("b", "")
		builtin := "00000000-0000-0000-0000-000000000001"
		_, management := r.Store.Read().ACLPolicy(nil, builtin)
		set := func(create bool, p catalog.ACLPolicy) error {
			_, err := ask(r, ops.ACLPolicySet, root, &ops.ACLPolicySetRequest{Create: create, Policy: p})
			return err
		}
		for name, c := range map[string]struct {
			err  error
			kind fault.Kind
			want string
		}{
			"one without a name":       {set(true, catalog.ACLPolicy{}), fault.Rejected, "Invalid Policy: no Name is set"},
			"a name that is taken":     {set(true, catalog.ACLPolicy{Name: "a"}), fault.Rejected, `Invalid Policy: A Policy with Name "a" already exists`},
			"in capitals":              {set(true, catalog.ACLPolicy{Name: "A"}), fault.Rejected, `Invalid Policy: A Policy with Name "A" already exists`},
			"another's name":           {set(false, catalog.ACLPolicy{ID: b.ID, Name: "a"}), fault.Rejected, `Invalid Policy: A Policy with Name "a" already exists`},
			"its own name":             {set(false, catalog.ACLPolicy{ID: a.ID, Name: "a", Rules: a.Rules}), 0, ""},
			"its own ID in capitals":   {set(false, catalog.ACLPolicy{ID: strings.ToUpper(a.ID), Name: "a", Rules: a.Rules}), 0, ""},
			"a name that cannot be":    {set(false, catalog.ACLPolicy{ID: b.ID, Name: "builtin/x"}), fault.Rejected, "Invalid Policy: invalid Name. Names cannot be prefixed with '/' or 'builtin/'"},
			"one that is not there":    {set(false, catalog.ACLPolicy{ID: numbered(1), Name: "x"}), fault.Rejected, "cannot find policy " + numbered(1)},
			"no rules to speak of":     {set(true, catalog.ACLPolicy{Name: "x", Rules: `key "a" { policy = "fly" }`}), fault.Rejected, `Invalid key policy: &acl.Rule{Name:"a", Policy:"fly"}: use "read", "write" or "deny"; for keys also "list"`},
			"rules of a builtin":       {set(false, catalog.ACLPolicy{ID: builtin, Name: "global-management", Rules: "x"}), fault.Rejected, "Changing the Rules for the builtin global-management policy is not permitted"},
			"datacenters of a builtin": {set(false, catalog.ACLPolicy{ID: builtin, Name: "global-management", Rules: management.Rules, Datacenters: []string{"dc1"}}), fault.Rejected, "Changing the Datacenters of the builtin global-management policy is not permitted"},
			"the name of a builtin":    {set(false, catalog.ACLPolicy{ID: builtin, Name: "everything", Rules: management.Rules}), 0, ""},
		} {
			refused(t, name, c.err, c.kind, c.want)
		}
		get := func(id, name string) (*ops.ACLPolicyReply, error) {
			return ask(r, ops.ACLPolicyGet, root, &ops.ACLGetRequest{ID: id, Name: name})
		}
		for _, c := range [][2]string{{a.ID, ""}, {strings.ToUpper(a.ID), ""}, {"", "a"}, {"", "A"}, {a.ID, "b"}} {
			if rep, err := get(c[0], c[1]); err != nil || rep.Policy.ID != a.ID || rep.Policy.Rules != a.Rules || rep.Index == 0 {
				t.Errorf("%q: %+v, %v", c, rep, err)
			}
		}
		for _, c := range []struct {
			id, name string
			kind     fault.Kind
			want     string
		}{{numbered(1), "", fault.NotFound, noPolicy}, {"", "none", fault.NotFound, noPolicy}, {"a", "", fault.Rejected, strings.Replace(shortUUID, "%s", "policy", 1)}} {
			_, err := get(c.id, c.name)
			refused(t, c.id+c.name, err, c.kind, c.want)
		}
		if rep := must(r, ops.ACLPolicyList, &ops.ACLListRequest{}); len(rep.Policies) != 4 || rep.Index == 0 {
			t.Errorf("listed: %+v", rep)
		}
		remove := func(id string) error {
			_, err := ask(r, ops.ACLPolicyDelete, root, &ops.ACLDeleteRequest{ID: id})
			return err
		}
		refused(t, "remove a builtin", remove(builtin), fault.Rejected, "Delete operation not permitted on the builtin everything policy")
		refused(t, "remove what is not there", remove(numbered(1)), fault.NotFound, noPolicy)
		refused(t, "remove by name", remove("a"), fault.Rejected, strings.Replace(shortUUID, "%s", "policy", 1))
		refused(t, "remove", remove(strings.ToUpper(a.ID)), 0, "")
		if _, err := get(a.ID, ""); err == nil {
			t.Error("it is still there")
		}
	})
}

func TestRoles(t *testing.T) {
	managed(t, func(r room) {
		p, q := r.policy("p", ""), r.policy("q", "")
		a, b := r.role("a", "p", "q", "p"), r.role("b")
		if len(a.Policies) != 2 || a.Policies[0] != (ops.ACLLink{ID: p.ID, Name: "p"}) || len(b.Policies) != 0 {
			t.Errorf("made %+v and %+v", a, b)
		}
		set := func(create bool, row catalog.ACLRole, policies ...string) error {
			_, err := ask(r, ops.ACLRoleSet, root, &ops.ACLRoleSetRequest{Create: create, Role: ops.ACLRole{Row: row, Policies: links(policies)}})
			return err
		}
		for name, c := range map[string]struct {
			err  error
			want string
		}{
			"one without a name":      {set(true, catalog.ACLRole{}), "Invalid Role: no Name is set"},
			"a name that is taken":    {set(true, catalog.ACLRole{Name: "A"}), `Invalid Role: A Role with Name "A" already exists`},
			"another's name":          {set(false, catalog.ACLRole{ID: b.Row.ID, Name: "a"}), `Invalid Role: A Role with Name "a" already exists`},
			"its own name":            {set(false, catalog.ACLRole{ID: strings.ToUpper(a.Row.ID), Name: "a"}, "p", "q"), ""},
			"one that is not there":   {set(false, catalog.ACLRole{ID: numbered(1), Name: "x"}), "cannot find role " + numbered(1)},
			"a policy that is not":    {set(true, catalog.ACLRole{Name: "x"}, "none"), `No such ACL policy with name "none"`},
			"an identity of nothing":  {set(true, catalog.ACLRole{Name: "x", ServiceIdentities: []catalog.ACLServiceIdentity{{}}}), "Service identity is missing the service name field on this role"},
			"a node without a place":  {set(true, catalog.ACLRole{Name: "x", NodeIdentities: []catalog.ACLNodeIdentity{{NodeName: "n"}}}), "Node identity is missing the datacenter field on this role"},
			"a template that is none": {set(true, catalog.ACLRole{Name: "x", TemplatedPolicies: []catalog.ACLTemplatedPolicy{{TemplateName: "x"}}}), "templated policy with an invalid templated name: x for this role"},
		} {
			refused(t, name, c.err, fault.Rejected, c.want)
		}
		for _, c := range []struct {
			id, name string
			want     string
		}{{a.Row.ID, "", "a"}, {strings.ToUpper(b.Row.ID), "", "b"}, {"", "B", "b"}, {a.Row.ID, "b", "a"}} {
			if rep, err := ask(r, ops.ACLRoleGet, root, &ops.ACLGetRequest{ID: c.id, Name: c.name}); err != nil || rep.Role.Row.Name != c.want || rep.Role.Row.ID != strings.ToLower(rep.Role.Row.ID) || rep.Index == 0 || (c.want == "a") != (len(rep.Role.Policies) == 2) {
				t.Errorf("%s %s: %+v, %v", c.id, c.name, rep, err)
			}
		}
		for _, c := range []struct {
			id, name string
			kind     fault.Kind
			want     string
		}{{numbered(1), "", fault.NotFound, noRole}, {"", "none", fault.NotFound, noRole}, {"a", "", fault.Rejected, strings.Replace(shortUUID, "%s", "role", 1)}} {
			_, err := ask(r, ops.ACLRoleGet, root, &ops.ACLGetRequest{ID: c.id, Name: c.name})
			refused(t, c.id+c.name, err, c.kind, c.want)
		}
		for policy, want := range map[string]int{"": 2, q.ID: 1, strings.ToUpper(q.ID): 1, numbered(1): 0} {
			if rep := must(r, ops.ACLRoleList, &ops.ACLListRequest{PolicyID: policy}); len(rep.Roles) != want || rep.Roles == nil {
				t.Errorf("roles with policy %q: %+v", policy, rep.Roles)
			}
		}
		remove := func(id string) error {
			_, err := ask(r, ops.ACLRoleDelete, root, &ops.ACLDeleteRequest{ID: id})
			return err
		}
		refused(t, "remove what is not there", remove(numbered(1)), fault.NotFound, noRole)
		refused(t, "remove by name", remove("a"), fault.Rejected, strings.Replace(shortUUID, "%s", "role", 1))
		refused(t, "remove", remove(a.Row.ID), 0, "")
		if rep := must(r, ops.ACLRoleList, &ops.ACLListRequest{}); len(rep.Roles) != 1 {
			t.Errorf("left are %+v", rep.Roles)
		}
	})
}

func TestTokens(t *testing.T) {
	managed(t, func(r room) {
		p := r.policy("p", "")
		role := r.role("r", "p")
		made := r.token(10, "p")
		if made.Row.SecretID != numbered(11) || made.Row.Created != time.Now().UnixNano() || made.Row.CreateIndex == 0 || len(made.Policies) != 1 {
			t.Errorf("made %+v", made)
		}
		set := func(create bool, row catalog.ACLToken, ttl time.Duration, policies ...string) error {
			_, err := ask(r, ops.ACLTokenSet, root, &ops.ACLTokenSetRequest{Create: create, Given: ops.ACLToken{Row: row, ExpirationTTL: ttl, Policies: links(policies)}})
			return err
		}
		for name, c := range map[string]struct {
			err  error
			want string
		}{
			"an accessor that is taken": {set(true, catalog.ACLToken{AccessorID: numbered(10)}, 0), "Invalid Token: AccessorID is already in use"},
			"a secret that is taken":    {set(true, catalog.ACLToken{SecretID: numbered(11)}, 0), "Invalid Token: SecretID is already in use"},
			"no UUID":                   {set(true, catalog.ACLToken{AccessorID: "x"}, 0), "Invalid Token: AccessorID - not a valid UUID"},
			"an accessor as a secret":   {set(true, catalog.ACLToken{SecretID: numbered(10)}, 0), ""},
			"of a login":                {set(true, catalog.ACLToken{AuthMethod: "m"}, 0), "AuthMethod field is disallowed outside of login"},
			"for a moment":              {set(true, catalog.ACLToken{}, time.Second), "ExpirationTime cannot be less than 1m0s in the future (was 1s)"},
			"a policy that is not":      {set(true, catalog.ACLToken{}, 0, "none"), `No such ACL policy with name "none"`},
			"a local one of places":     {set(true, catalog.ACLToken{Local: true, ServiceIdentities: []catalog.ACLServiceIdentity{{ServiceName: "web", Datacenters: []string{"dc1"}}}}, 0), `Service identity "web" cannot specify a list of datacenters on a local token`},
			"an update of nothing":      {set(false, catalog.ACLToken{AccessorID: numbered(1)}, 0), `Cannot find token "` + numbered(1) + `"`},
			"an update without ID":      {set(false, catalog.ACLToken{}, 0), "AccessorID is not a valid UUID"},
			"another secret":            {set(false, catalog.ACLToken{AccessorID: numbered(10), SecretID: numbered(1)}, 0), "Changing a token's SecretID is not permitted"},
			"an update":                 {set(false, catalog.ACLToken{AccessorID: strings.ToUpper(numbered(10)), Description: "d"}, 0, "p"), ""},
		} {
			refused(t, name, c.err, fault.Rejected, c.want)
		}
		if got := must(r, ops.ACLTokenGet, &ops.ACLTokenGetRequest{AccessorID: numbered(10)}).Token; got.Row.Description != "d" || got.Row.SecretID != numbered(11) || got.Row.Created != made.Row.Created {
			t.Errorf("updated to %+v", got)
		}

		// Whoever may read ACLs sees no secret but his own.
		r.policy("reads", `acl = "read"`)
		r.token(20, "reads")
		if got, err := ask(r, ops.ACLTokenGet, numbered(21), &ops.ACLTokenGetRequest{AccessorID: numbered(10)}); err != nil || got.Token.Row.SecretID != "<hidden>" {
			t.Errorf("to a reader it is %+v, %v", got, err)
		}
		if list, err := ask(r, ops.ACLTokenList, numbered(21), &ops.ACLTokenListRequest{}); err != nil || len(list.Tokens) != 5 {
			t.Errorf("a reader's list: %+v, %v", list, err)
		} else {
			for _, token := range list.Tokens {
				if token.Row.SecretID != "<hidden>" {
					t.Errorf("a reader sees %+v", token.Row)
				}
			}
		}
		if got, err := ask(r, ops.ACLTokenSelf, numbered(21), &ops.ACLTokenSelfRequest{}); err != nil || got.Token.Row.SecretID != numbered(21) {
			t.Errorf("himself he sees as %+v, %v", got, err)
		}
		_, err := ask(r, ops.ACLTokenSelf, "", &ops.ACLTokenSelfRequest{})
		refused(t, "nobody's own token", err, fault.Denied, noToken)

		row := catalog.ACLToken{AccessorID: numbered(30), SecretID: numbered(31), ServiceIdentities: []catalog.ACLServiceIdentity{{ServiceName: "web"}}}
		must(r, ops.ACLTokenSet, &ops.ACLTokenSetRequest{Create: true, Given: ops.ACLToken{Row: row, Roles: []ops.ACLLink{{Name: "r"}}}})
		for name, c := range map[string]struct {
			req  ops.ACLTokenListRequest
			want int
		}{
			"all": {ops.ACLTokenListRequest{}, 6}, "of a policy": {ops.ACLTokenListRequest{PolicyID: strings.ToUpper(p.ID)}, 1}, "of a role": {ops.ACLTokenListRequest{RoleID: role.Row.ID}, 1},
			"of a service": {ops.ACLTokenListRequest{ServiceName: "web"}, 1}, "of another service": {ops.ACLTokenListRequest{ServiceName: "db"}, 0}, "of a method": {ops.ACLTokenListRequest{AuthMethod: "m"}, 0},
		} {
			list := must(r, ops.ACLTokenList, &c.req).Tokens
			if len(list) != c.want || list == nil {
				t.Errorf("%s: %d tokens, want %d", name, len(list), c.want)
			}
			for i := 1; i < len(list); i++ {
				if list[i-1].Row.SecretID > list[i].Row.SecretID {
					t.Errorf("%s: not in the order of secrets", name)
				}
			}
		}
		_, err = ask(r, ops.ACLTokenList, root, &ops.ACLTokenListRequest{PolicyID: p.ID, RoleID: role.Row.ID})
		refused(t, "two filters", err, fault.Rejected, "can only filter by one of policy, role, serviceName, or methodName at a time")
		if e := must(r, ops.ACLTokenGet, &ops.ACLTokenGetRequest{AccessorID: numbered(30), Expanded: true}).Expanded; len(e.Policies) != 2 || len(e.Roles) != 1 || e.Roles[0].Row.Name != "r" {
			t.Errorf("expanded: %+v", e)
		}

		clone := func(accessor, description string) (*ops.ACLTokenReply, error) {
			return ask(r, ops.ACLTokenClone, root, &ops.ACLTokenCloneRequest{AccessorID: accessor, Description: description})
		}
		got, err := clone(numbered(10), "")
		if err != nil || got.Token.Row.Description != "d" || got.Token.Row.AccessorID == numbered(10) || got.Token.Row.SecretID == numbered(11) || len(got.Token.Policies) != 1 {
			t.Errorf("cloned: %+v, %v", got, err)
		}
		if got, err := clone(numbered(10), "other"); err != nil || got.Token.Row.Description != "other" {
			t.Errorf("cloned: %+v, %v", got, err)
		}
		_, err = clone(numbered(1), "")
		refused(t, "clone what is not there", err, fault.Denied, noToken)
		_, err = clone("x", "")
		refused(t, "clone no UUID", err, fault.Rejected, strings.Replace(shortUUID, "%s", "token", 1))

		remove := func(id string) error {
			_, err := ask(r, ops.ACLTokenDelete, root, &ops.ACLDeleteRequest{ID: id})
			return err
		}
		_, own := r.Store.Read().ACLTokenWithSecret(nil, root)
		refused(t, "remove no UUID", remove("x"), fault.Rejected, "Accessor ID is missing or an invalid UUID")
		refused(t, "remove what is not there", remove(numbered(1)), fault.NotFound, "Cannot find token to delete")
		refused(t, "remove the anonymous one", remove("00000000-0000-0000-0000-000000000002"), fault.Rejected, "Delete operation not permitted on the anonymous token")
		refused(t, "remove one's own", remove(own.AccessorID), fault.Rejected, "Deletion of the request's authorization token is not permitted")
		refused(t, "remove", remove(strings.ToUpper(numbered(10))), 0, "")
		_, err = ask(r, ops.ACLTokenGet, root, &ops.ACLTokenGetRequest{AccessorID: numbered(10)})
		refused(t, "get one that was removed", err, fault.Denied, noToken)
		_, err = ask(r, ops.ACLTokenSelf, numbered(11), &ops.ACLTokenSelfRequest{})
		refused(t, "one that was removed asks", err, fault.Denied, noToken)
	})
}

// TestTokensEnd: from the moment on nobody sees or uses one, and a leader removes it.
func TestTokensEnd(t *testing.T) {
	managed(t, func(r room) {
		row := catalog.ACLToken{AccessorID: numbered(10), SecretID: numbered(11)}
		must(r, ops.ACLTokenSet, &ops.ACLTokenSetRequest{Create: true, Given: ops.ACLToken{Row: row, ExpirationTTL: time.Minute}})
		if _, err := r.acls.Resolve(r.T.Context(), numbered(11)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		_, err := r.acls.Resolve(r.T.Context(), numbered(11)) // is remembered
		refused(t, "resolve", err, fault.Denied, "ACL not found")
		_, err = ask(r, ops.ACLTokenSelf, numbered(11), &ops.ACLTokenSelfRequest{})
		refused(t, "self", err, fault.Denied, "token has expired: ACL not found")
		_, err = ask(r, ops.ACLTokenGet, root, &ops.ACLTokenGetRequest{AccessorID: numbered(10)})
		refused(t, "get", err, fault.Denied, noToken)
		_, err = ask(r, ops.ACLTokenClone, root, &ops.ACLTokenCloneRequest{AccessorID: numbered(10)})
		refused(t, "clone", err, fault.Denied, noToken)
		_, err = ask(r, ops.ACLTokenSet, root, &ops.ACLTokenSetRequest{Given: ops.ACLToken{Row: row}})
		refused(t, "update", err, fault.Rejected, `Cannot find token "`+numbered(10)+`"`)
		if list := must(r, ops.ACLTokenList, &ops.ACLTokenListRequest{}).Tokens; len(list) != 2 {
			t.Errorf("listed: %d", len(list))
		}
		r.runs(r.acls.ExpireTokens)
		time.Sleep(5*time.Second - 1)
		if _, there := r.Store.Read().ACLToken(nil, numbered(10)); there == nil {
			t.Error("it went too early")
		}
		time.Sleep(2 * time.Nanosecond)
		if _, there := r.Store.Read().ACLToken(nil, numbered(10)); there != nil {
			t.Error("it is still there")
		}
		before := r.Store.Read().LastIndex()
		time.Sleep(time.Minute)
		if after := r.Store.Read().LastIndex(); after != before {
			t.Errorf("%d writes though nothing is over", after-before)
		}
	})
}

// runs runs a duty until the end of the test.
func (r room) runs(duty func(context.Context)) {
	ctx, cancel := context.WithCancel(r.T.Context())
	var done sync.WaitGroup
	done.Go(func() { duty(ctx) })
	r.T.Cleanup(func() { cancel(); done.Wait() })
}
