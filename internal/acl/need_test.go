package acl_test

import (
	"fmt"
	"testing"

	"praetor/internal/acl"
	"praetor/internal/fault"
)

// TestEveryRightIsReadAsItIsSpelled: the words are those of /v1/internal/acl/authorize and of
// `praetor acl explain` (reference/security.md §3).
func TestEveryRightIsReadAsItIsSpelled(t *testing.T) {
	for _, c := range []struct {
		resource, access, name string
		want                   acl.Need
		scalar                 bool
	}{
		{"agent", "read", "n1", acl.Agent.Read("n1"), false},
		{"agent", "write", "n1", acl.Agent.Write("n1"), false},
		{"event", "write", "deploy", acl.Event.Write("deploy"), false},
		{"intention", "read", "db", acl.Intention.Read("db"), false},
		{"key", "read", "a/b", acl.Key.Read("a/b"), false},
		{"key", "list", "a/", acl.Key.List("a/"), false},
		{"key", "write", "", acl.Key.Write(""), false},
		{"node", "read", "n1", acl.Node.Read("n1"), false},
		{"query", "read", "q", acl.Query.Read("q"), false},
		{"service", "WRITE", "web", acl.Service.Write("web"), false},
		{"service", "Read", "web", acl.Service.Read("web"), false},
		{"session", "write", "n1", acl.Session.Write("n1"), false},
		{"acl", "read", "", acl.ACL.Read(), true},
		{"acl", "write", "whatever", acl.ACL.Write(), true},
		{"keyring", "write", "", acl.Keyring.Write(), true},
		{"mesh", "read", "x", acl.Mesh.Read(), true},
		{"operator", "Write", "", acl.Operator.Write(), true},
		{"peering", "read", "", acl.Peering.Read(), true},
	} {
		got, err := acl.ParseNeed(c.resource, c.access, c.name)
		if err != nil || got != c.want {
			t.Errorf("%s:%s on %q: %v, %v, want %v", c.resource, c.access, c.name, got, err, c.want)
		}
		if got.Resource().String() != c.resource || got.Resource().IsScalar() != c.scalar || got.Scope() != acl.One {
			t.Errorf("%s:%s is of %s, by itself %t, %v", c.resource, c.access, got.Resource(), got.Resource().IsScalar(), got.Scope())
		}
	}
}

func TestRightsThatThereAreNot(t *testing.T) {
	for _, c := range []struct{ resource, access, want string }{
		{"", "read", `Invalid ACL resource requested: ""`},
		{"Key", "read", `Invalid ACL resource requested: "Key"`},
		{"keys", "read", `Invalid ACL resource requested: "keys"`},
		{"key_prefix", "read", `Invalid ACL resource requested: "key_prefix"`},
		{"key", "", `Invalid access level for key resource: `},
		{"key", "deny", `Invalid access level for key resource: deny`},
		{"key", "execute", `Invalid access level for key resource: execute`},
		{"service", "list", `Invalid access level for service resource: list`},
		{"operator", "LIST", `Invalid access level for operator resource: LIST`},
		{"acl", "list", `Invalid access level for acl resource: list`},
	} {
		got, err := acl.ParseNeed(c.resource, c.access, "x")
		if err == nil || err.Error() != c.want || fault.KindOf(err) != fault.Invalid || got != (acl.Need{}) {
			t.Errorf("%s:%s: %v, %v, want %s", c.resource, c.access, got, err, c.want)
		}
	}
}

// TestOnlyWritesOfKeysAreAskedForWholePrefixes: of nothing else do requests touch all below one.
func TestOnlyWritesOfKeysAreAskedForWholePrefixes(t *testing.T) {
	below, err := acl.Key.Write("a/").Below()
	if err != nil || below != acl.Key.WriteBelow("a/") || below.Scope() != acl.Below {
		t.Errorf("key:write: %v, %v", below, err)
	}
	for _, need := range []acl.Need{acl.Key.Read("a"), acl.Key.List("a"), acl.Service.Write("a"), acl.Session.Read("a"), acl.Operator.Write()} {
		want := "only key:write is asked for whole prefixes, not " + need.Permission()
		if got, err := need.Below(); err == nil || err.Error() != want || fault.KindOf(err) != fault.Invalid || got != (acl.Need{}) {
			t.Errorf("%v: %v, %v, want %s", need, got, err, want)
		}
	}
}

// TestWhoDecidesAlike: answers are shared between tokens for which this says yes.
func TestWhoDecidesAlike(t *testing.T) {
	type rules struct{ text string }
	one, same, other := rules{"a"}, rules{"a"}, rules{"b"}
	everything := func(acl.Need) bool { return true }
	a := acl.NewFrom("A", one, everything)
	for name, c := range map[string]struct {
		a, b *acl.Authorizer
		want bool
	}{
		"itself":                   {a, a, true},
		"equal rules":              {a, acl.NewFrom("B", same, nothing), true},
		"other rules":              {a, acl.NewFrom("A", other, everything), false},
		"rules that nobody knows":  {acl.New("A", everything), acl.New("A", everything), false},
		"rules, and none":          {a, acl.New("A", everything), false},
		"none, and rules":          {acl.New("A", everything), a, false},
		"nobody":                   {nil, nil, true},
		"somebody and nobody":      {a, nil, false},
		"nobody and somebody":      {nil, a, false},
		"who may do all, twice":    {acl.Unrestricted, acl.Unrestricted, true},
		"who may do all, and some": {acl.Unrestricted, a, false},
	} {
		if got := c.a.DecidesAs(c.b); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if b := acl.NewFrom("B", one, nothing); b.Accessor() != "B" || b.Allows(acl.Key.Read("a")) || !a.Allows(acl.Key.Read("a")) {
		t.Error("an authorizer of rules goes by others, or is another's")
	}
	if (*acl.Authorizer)(nil).Accessor() != "" {
		t.Error("nobody has a name")
	}
}

func ExampleParseNeed() {
	need, err := acl.ParseNeed("key", "write", "app/")
	fmt.Println(need.Permission(), need.Name(), err)
	_, err = acl.ParseNeed("key", "deny", "app/")
	fmt.Println(err)
	// Output:
	// key:write app/ <nil>
	// Invalid access level for key resource: deny
}
