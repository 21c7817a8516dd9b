package rules_test

import (
	"strings"
	"testing"

	"praetor/internal/acl"
	"praetor/internal/acl/rules"
)

// parse fails the test on an error.
func parse(t *testing.T, texts ...string) []*rules.Policy {
	t.Helper()
	var all []*rules.Policy
	for _, text := range texts {
		p, err := rules.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		all = append(all, p)
	}
	return all
}

// TestRuleThatDecides goes through the rules of reference/security.md §2. Each
// wanted word is NAME=ACCESS of a resource; "-" is no access.
func TestRuleThatDecides(t *testing.T) {
	const (
		read  = `key "k" { policy = "read" } service "s" { policy = "read" } node_prefix "n" { policy = "read" } operator = "read" acl = "read" key_prefix "kp" { policy = "read" }`
		write = `key "k" { policy = "write" } service "s" { policy = "write" } node_prefix "n" { policy = "write" } operator = "write" acl = "write" key_prefix "kp" { policy = "write" }`
		deny  = `key "k" { policy = "deny" } service "s" { policy = "deny" } node_prefix "n" { policy = "deny" } operator = "deny" acl = "deny" key_prefix "kp" { policy = "deny" }`
		list  = `key "k" { policy = "list" } key_prefix "kp" { policy = "list" }`
	)
	rows := []struct {
		name     string
		policies []string
		want     map[string]string
	}{
		{"nothing", []string{""}, map[string]string{"key": "=- a=-", "operator": "=-"}},
		{"services and their intentions", []string{`
			service "r" { policy = "read" }
			service "w" { policy = "write" }
			service "d" { policy = "deny" }
			service "ri" { policy = "read" intentions = "write" }
			service "wi" { policy = "write" intentions = "deny" }
			service "wr" { policy = "write" intentions = "read" }
			service "di" { policy = "deny" intentions = "read" }
			service_prefix "p-" { policy = "write" }
			service_prefix "pi-" { policy = "read" intentions = "read" }`},
			map[string]string{
				"service":   "r=read w=write d=deny ri=read wi=write wr=write di=deny p-x=write pi-x=read x=- *=-",
				"intention": "r=read w=read d=deny ri=write wi=deny wr=read di=read p-x=read pi-x=read x=-",
			}},
		{"keys", []string{`
			key "a" { policy = "read" }
			key "a/b" { policy = "write" }
			key "a/c" { policy = "list" }
			key "a/d" { policy = "deny" }
			key_prefix "p" { policy = "read" }
			key_prefix "p/l" { policy = "list" }
			key_prefix "p/w" { policy = "write" }
			key_prefix "p/w/d" { policy = "deny" }
			key "p/w/d/x" { policy = "write" }`},
			map[string]string{"key": "=- a=read a/=- a/b=write a/c=list a/d=deny p=read p/x=read p/l=list p/lx=list p/wx=write p/w/dz=deny p/w/d/x=write P=-"}},
		{"the exact rule, then the longest prefix", []string{`
			node "one" { policy = "write" }
			node "two" { policy = "read" }
			node "three" { policy = "deny" }
			node_prefix "t" { policy = "write" }
			node_prefix "tw" { policy = "deny" }
			node_prefix "o" { policy = "read" }`},
			map[string]string{"node": "one=write two=read three=deny t=write tw=deny twx=deny tx=write o=read one1=read On=- =-"}},
		{"the empty name and the empty prefix", []string{`key "" { policy = "write" } node_prefix "" { policy = "read" }`},
			map[string]string{"key": "=write a=-", "node": "=read a=read"}},
		{"mesh and peering follow operator", []string{`operator = "write" peering = "read"`},
			map[string]string{"mesh": "=write", "peering": "=read", "keyring": "=-", "acl": "=-"}},
		{"operator does not follow mesh", []string{`operator = "deny" mesh = "write"`},
			map[string]string{"mesh": "=write", "peering": "=deny", "operator": "=deny"}},
		{"read and write", []string{read, write}, map[string]string{
			"key": "k=write kp=write kpx=write", "service": "s=write sx=-", "node": "n=write nx=write", "operator": "=write", "acl": "=write"}},
		{"deny wins", []string{read, deny, write}, map[string]string{
			"key": "k=deny kpx=deny", "service": "s=deny sx=-", "node": "nx=deny", "operator": "=deny", "mesh": "=deny", "acl": "=deny", "intention": "s=deny"}},
		{"list above read", []string{list, read}, map[string]string{"key": "k=list kpx=list"}},
		{"write above list", []string{list, write}, map[string]string{"key": "k=write kpx=write"}},
		{"an exact deny beside a prefix of another policy", []string{deny, `key_prefix "k" { policy = "write" } service_prefix "s" { policy = "write" }`},
			map[string]string{"key": "k=deny kp=deny kx=write", "service": "s=deny sx=write"}},
		{"unset intentions are no value", []string{`service "a" { policy = "read" intentions = "write" }`, `service "a" { policy = "deny" }`},
			map[string]string{"service": "a=deny", "intention": "a=write"}},
		{"a name twice in one policy", []string{`service "a" { policy = "read" } service "a" { policy = "write" }`},
			map[string]string{"service": "a=write"}},
		{"JSON", []string{`{"key": [{"a": [{"policy": "read"}]}], "node_prefix": {"": {"policy": "Write"}}, "service": {"web": {"policy": "write", "intentions": "deny"}}, "operator": "read"}`},
			map[string]string{"key": "a=read b=-", "node": "x=write", "intention": "web=deny", "operator": "=read"}},
		{"other forms of HCL", []string{"key a { policy = \"write\" }\n# a comment\n/* block */\nservice = { \"web\" = { policy = \"write\", } }\nkey \"quo\\\"te\" { policy = \"read\" }"},
			map[string]string{"key": `a=write quo"te=read`, "service": "web=write"}},
		{"what is unknown is ignored", []string{`namespace "x" { acl = "read" } policy = "read" service "a" { policy = "read" intention = "write" } sentinel { code = "x" }`},
			map[string]string{"acl": "=-", "service": "a=read", "intention": "a=read"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			set := rules.Merge(parse(t, row.policies...)...)
			for resource, words := range row.want {
				for _, word := range strings.Fields(words) {
					name, want, _ := strings.Cut(word, "=")
					if want == "-" {
						want = ""
					}
					if got := set.Access(resourceNamed(t, resource), name); got.String() != want {
						t.Errorf("%s %q: %q, want %q", resource, name, got, want)
					}
				}
			}
		})
	}
}

// TestMergingChangesNoPolicy wants one policy to mean the same in every token: in
// the reference a token that joined two policies changed one of them for others
// (reference/security.md §12).
func TestMergingChangesNoPolicy(t *testing.T) {
	all := parse(t, `service "a" { policy = "read" }`, `service "a" { policy = "write" intentions = "write" }`)
	rules.Merge(all...)
	rules.Merge(all[1], all[0])
	alone := rules.Merge(all[0])
	if got, in := alone.Access(resourceNamed(t, "service"), "a"), alone.Access(resourceNamed(t, "intention"), "a"); got != rules.Read || in != rules.Read {
		t.Errorf("after merging with another: service %s, intention %s", got, in)
	}
}

func TestWholePrefixIsGrantedOnlyWithAllBelow(t *testing.T) {
	set := rules.Merge(parse(t, `
		key_prefix "p/" { policy = "write" }
		key_prefix "p/d/" { policy = "deny" }
		key "p/e/r" { policy = "read" }
		key "only" { policy = "write" }
		key "only/exact" { policy = "write" }
		key_prefix "l/" { policy = "list" }`)...)
	for prefix, want := range map[string]string{ // with either default policy
		"p/": "no/no", "p/a": "yes/yes", "p/e/": "no/no", "p/d/x": "no/no",
		"": "no/no", "x": "yes/no", "l/": "no/no",
		"on": "yes/no", "only": "yes/no", "only/": "yes/no", // narrower rules give nothing to all names
	} {
		need := acl.Key.WriteBelow(prefix)
		if got := verdict[set.Allows(need, true)] + "/" + verdict[set.Allows(need, false)]; got != want {
			t.Errorf("below %q: %q, want %q", prefix, got, want)
		}
	}
}

var verdict = map[bool]string{true: "yes", false: "no"}

// TestNeedsAreDecided goes through the questions of reference/security.md §2, with
// both default policies: "allow/deny" is the verdict under each.
func TestNeedsAreDecided(t *testing.T) {
	const yes, no, byDefault = "yes/yes", "no/no", "yes/no"
	rows := []struct {
		rules string
		need  acl.Need
		want  string
	}{
		{"", acl.Key.Read("a"), byDefault},
		{"", acl.ACL.Read(), no},
		{"", acl.ACL.Write(), no},
		{"", acl.Operator.Write(), byDefault},
		{"", acl.Service.WriteAny(), byDefault},
		{"", acl.Service.ReadAll(), byDefault},
		{"", acl.Key.WriteBelow(""), byDefault},
		{"", acl.Intention.Write("*"), byDefault},
		{`acl = "read"`, acl.ACL.Read(), yes},
		{`acl = "read"`, acl.ACL.Write(), no},
		{`operator = "write"`, acl.Mesh.Write(), yes},
		{`operator = "deny" mesh = "write"`, acl.Mesh.Write(), yes},
		{`key "a" { policy = "list" }`, acl.Key.Read("a"), yes},
		{`key "a" { policy = "list" }`, acl.Key.List("a"), yes},
		{`key "a" { policy = "read" }`, acl.Key.List("a"), no},
		{`key_prefix "a/" { policy = "write" } key "a/b" { policy = "read" }`, acl.Key.WriteBelow("a/"), no},
		{`key_prefix "a/" { policy = "write" } key "b" { policy = "deny" }`, acl.Key.WriteBelow("a/"), yes},
		{`key_prefix "a/" { policy = "write" } key "b" { policy = "deny" }`, acl.Key.WriteBelow(""), no},
		{`service "a" { policy = "write" }`, acl.Service.WriteAny(), yes},
		{`service "a" { policy = "read" }`, acl.Service.WriteAny(), byDefault},
		{`node_prefix "" { policy = "read" }`, acl.Node.ReadAll(), yes},
		{`node_prefix "a" { policy = "read" }`, acl.Node.ReadAll(), byDefault},
		{`node_prefix "" { policy = "read" } node "x" { policy = "deny" }`, acl.Node.ReadAll(), no},
		{`service_prefix "p" { policy = "read" }`, acl.Intention.Read("*"), yes},
		{`service "d" { policy = "deny" }`, acl.Intention.Read("*"), byDefault},
		{`service_prefix "" { policy = "write" }`, acl.Intention.Write("*"), no},
		{`service_prefix "" { policy = "read" } service "*" { policy = "read" intentions = "write" }`, acl.Intention.Write("*"), no},
		{`service_prefix "" { policy = "write" intentions = "write" }`, acl.Intention.Write("*"), yes},
		{`service_prefix "" { policy = "write" intentions = "write" } service "a" { policy = "read" }`, acl.Intention.Write("*"), no},
	}
	for _, row := range rows {
		set := rules.Merge(parse(t, row.rules)...)
		if got := verdict[set.Allows(row.need, true)] + "/" + verdict[set.Allows(row.need, false)]; got != row.want {
			t.Errorf("%s: %s on %q, scope %d: %s, want %s", row.rules, row.need.Permission(), row.need.Name(), row.need.Scope(), got, row.want)
		}
	}
}

func resourceNamed(t *testing.T, name string) acl.Resource {
	t.Helper()
	for r := range acl.Resource(acl.Resources) {
		if r.String() == name {
			return r
		}
	}
	t.Fatalf("no resource %q", name)
	return 0
}

func TestRulesThatCannotBe(t *testing.T) {
	rows := []struct{ text, want string }{
		{`agent "a" { policy = "list" }`, "Invalid agent policy: "},
		{`event_prefix "e" { }`, "Invalid event_prefix policy: "},
		{`key_prefix "k" { policy = "" }`, "Invalid key_prefix policy: "},
		{`service_prefix "s" { policy = "read" intentions = "list" }`, "Invalid service_prefix intentions policy: "},
		{`service "s" { intentions = "read" }`, "Invalid service policy: "},
		{`operator = "list"`, `Invalid operator policy: "list"`},
		{`acl = "bogus"`, `Invalid acl policy: "bogus"`},
		{`key "a" { policy = 5 }`, "Invalid key policy: "},
		{"key_prefix \"x/\" {\n  policy = <<EOF\nread\nEOF\n}", "Invalid key_prefix policy: "},
		{`key "a" { policy = true }`, "Failed to parse ACL rules: At 1:20: root.key[0].Policy: unknown type for string "},
		{`key "a" "read"`, `Failed to parse ACL rules: At 1:15: key 'key "a" "read"' expected start of object ('{') or assignment ('=')`},
		{`key = "read"`, "Failed to parse ACL rules: At 1:7: unknown slice type: "},
		{`operator { policy = "read" }`, "Failed to parse ACL rules: At 1:12: root.operator: unknown type for string "},
		{`operator = true`, "Failed to parse ACL rules: At 1:12: root.operator: unknown type for string "},
		{`key "a" { policy = "read" policy = "write" }`, `Failed to parse ACL rules: The argument "policy" at 1:27 was already set. Each argument can only be defined once`},
		{`operator = "read" operator = "write"`, `Failed to parse ACL rules: The argument "operator" at 1:19 was already set. Each argument can only be defined once`},
		{`key_prefix "a" { policy = "read"`, "Failed to parse ACL rules: At 1:34: object expected closing RBRACE got: EOF"},
		{`{"key": "read"}`, "Failed to parse ACL rules: At -: unknown slice type: "},
		{`[]`, "Failed to parse ACL rules: At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: LBRACK"},
		{"key \"a\n\" { policy = \"read\" }", "Failed to parse ACL rules: At 2:22: literal not terminated"},
		{"\x00", "Failed to parse ACL rules: At 1:1: unexpected null character (0x00)"},
		{`key 'a' { policy = 'read' }`, "Failed to parse ACL rules: At 1:5: illegal char"},
		{strings.Repeat("a{", 200), "Failed to parse ACL rules: nested deeper than 100 levels"},
		{strings.Repeat("#", 2<<20), "Failed to parse ACL rules: larger than 1048576 bytes"},
		{`{"key": {"a": {"policy": "write"}}`, "Failed to parse ACL rules: "},
		{"key \"a\" {\n policy = \"write\"\n sentinel { code = \"x\" enforcementlevel = \"hard-mandatory\" } }", "Failed to parse ACL rules: sentinel at 3:2: Sentinel code is not enforced"},
		{`{"key": {"sentinel": {"policy": "read"}, "b": {"policy": "write", "sentinel": {"code": "x"}}}}`, "Failed to parse ACL rules: sentinel at "},
	}
	for _, row := range rows {
		if err := rules.Validate(row.text); err == nil || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("%.60q: %v, want %s", row.text, err, row.want)
		}
	}
	for _, text := range []string{`key "sentinel" { policy = "read" }`, `{"key": {"sentinel": {"policy": "read"}}}`} {
		if err := rules.Validate(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"", " \n", `{"key": {"a": {"policy": "write"}}`, `mesh = "" acl = ""`, `service "a" { policy = "read" intentions = "" }`} {
		parse(t, text)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`key_prefix "a" { policy = "read" }`)
	f.Add(`{"service": [{"a": {"policy": "write", "intentions": "deny"}}], "acl": "write"}`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := rules.Parse(text)
		if fault := rules.Validate(text); err != nil {
			if fault == nil {
				t.Fatalf("may be stored though it is refused: %v", err)
			}
			return
		}
		set := rules.Merge(p, p)
		set.Allows(acl.Key.Read(text), true)
		set.Allows(acl.Key.WriteBelow("a"), true)
	})
}

func BenchmarkAllows(b *testing.B) {
	p, err := rules.Parse(`key_prefix "a/" { policy = "read" } key_prefix "app/service/" { policy = "write" } key_prefix "app/" { policy = "list" } key "x" { policy = "read" }`)
	if err != nil {
		b.Fatal(err)
	}
	set := rules.Merge(p)
	for b.Loop() {
		if !set.Allows(acl.Key.Write("app/service/config/one"), false) {
			b.Fatal("refused")
		}
	}
}

func TestCacheMakesAuthorizersOfTexts(t *testing.T) {
	var c rules.Cache
	texts := []string{`key "a" { policy = "read" }`, `key "b" { policy = "write" }`}
	for range 2 {
		az, err := c.Authorizer("me", texts, false)
		if err != nil {
			t.Fatal(err)
		}
		if !az.Allows(acl.Key.Read("a")) || az.Allows(acl.Key.Write("a")) || !az.Allows(acl.Key.Write("b")) || az.Accessor() != "me" {
			t.Error("the texts are not what decides")
		}
	}
	if open, err := c.Authorizer("", texts, true); err != nil || !open.Allows(acl.Key.Write("c")) {
		t.Errorf("by default: %v", err)
	}
	if _, err := c.Authorizer("", []string{"key = 5"}, true); err == nil {
		t.Error("a text that cannot be parsed was left out")
	}
}
