package acls

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"praetor/catalog"
	"praetor/internal/ops"
)

// numbered is a UUID that ends in a number.
func numbered(n int) string { return fmt.Sprintf("0f3a3c1f-0d3c-4c7e-9d51-%012d", n) }

func wantRefusal(t *testing.T, name string, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if want == "" && got != "" || !strings.HasPrefix(got, want) {
		t.Errorf("%s: %q, want %q", name, got, want)
	}
}

func TestNamesOfPoliciesAndRoles(t *testing.T) {
	const letters = "Only alphanumeric characters, a single '/', '-' and '_' are allowed"
	for name, want := range map[string]string{
		"a": "", "A-z_9": "", "team/app": "", "team/": "", strings.Repeat("a", 128): "",
		"": "Invalid Policy: no Name is set", strings.Repeat("a", 129): "Invalid Policy: invalid Name. Length must be greater than 0 and less than 128",
		"/a": "Invalid Policy: invalid Name. Names cannot be prefixed", "builtin/a": "Invalid Policy: invalid Name. Names cannot be prefixed", "builtins/a": "",
		"a/b/c": "Invalid Policy: invalid Name. " + letters, "a b": "Invalid Policy: invalid Name. " + letters, "a\n": "Invalid Policy: invalid Name. " + letters, "é": "Invalid Policy: invalid Name. " + letters,
	} {
		wantRefusal(t, fmt.Sprintf("policy %.20q", name), checkPolicyName(name), want)
	}
	const invalid = "Invalid Role: invalid Name. Only alphanumeric characters, '-' and '_' are allowed"
	for name, want := range map[string]string{
		"a": "", "A-z_9": "", strings.Repeat("a", 256): "", "": "Invalid Role: no Name is set", strings.Repeat("a", 257): invalid, "a/b": invalid, "a b": invalid, "a\n": invalid,
	} {
		wantRefusal(t, fmt.Sprintf("role %.20q", name), checkRoleName(name), want)
	}
}

func TestIDsThatMayBeChosen(t *testing.T) {
	for id, want := range map[string]string{
		numbered(1): "", strings.ToUpper(numbered(1)): "", "00000000-0000-0000-0000-000001000000": "",
		"":                "Invalid Token: SecretID - not a valid UUID",
		"secret":          "Invalid Token: SecretID - not a valid UUID",
		numbered(1) + "0": "Invalid Token: SecretID - not a valid UUID",
		strings.ReplaceAll(numbered(1), "-", "0"): "Invalid Token: SecretID - not a valid UUID",
		"00000000-0000-0000-0000-000000000002":    `Invalid Token: SecretID - UUIDs with the prefix "00000000-0000-0000-0000-0000000000" are reserved`,
		"00000000-0000-0000-0000-0000000000ff":    `Invalid Token: SecretID - UUIDs with the prefix "00000000-0000-0000-0000-0000000000" are reserved`,
	} {
		wantRefusal(t, id, checkNewID("SecretID", id), want)
	}
	for id, want := range map[string]string{numbered(1): "", "x": "failed acl policy lookup: index error: UUID must be 36 characters", strings.Repeat("x", 36): ""} {
		wantRefusal(t, id, checkLookup("policy", id), want)
	}
	made, err := newID("AccessorID", "")
	again, _ := newID("AccessorID", "")
	if err != nil || !isUUID(made) || made == again {
		t.Errorf("made %s and %s, %v", made, again, err)
	}
}

func TestIdentitiesNameSomething(t *testing.T) {
	service := func(name string, dcs ...string) catalog.ACLServiceIdentity {
		return catalog.ACLServiceIdentity{ServiceName: name, Datacenters: dcs}
	}
	node := func(name, dc string) catalog.ACLNodeIdentity {
		return catalog.ACLNodeIdentity{NodeName: name, Datacenter: dc}
	}
	for name, c := range map[string]struct {
		given identities
		want  string
	}{
		"none":                          {identities{on: "token"}, ""},
		"a service":                     {identities{on: "token", services: []catalog.ACLServiceIdentity{service("web-1_a")}}, ""},
		"a service of datacenters":      {identities{on: "token", services: []catalog.ACLServiceIdentity{service("web", "dc1")}}, ""},
		"on a local token":              {identities{on: "token", local: true, services: []catalog.ACLServiceIdentity{service("web", "dc1")}}, `Service identity "web" cannot specify a list of datacenters on a local token`},
		"everywhere on a local token":   {identities{on: "token", local: true, services: []catalog.ACLServiceIdentity{service("web")}}, ""},
		"a service without a name":      {identities{on: "role", services: []catalog.ACLServiceIdentity{service("")}}, "Service identity is missing the service name field on this role"},
		"a service in capitals":         {identities{on: "token", services: []catalog.ACLServiceIdentity{service("Web")}}, `Service identity "Web" has an invalid name.`},
		"of a role in capitals":         {identities{on: "role", services: []catalog.ACLServiceIdentity{service("Web")}}, "Service identity has an invalid name."},
		"the second one":                {identities{on: "token", services: []catalog.ACLServiceIdentity{service("web"), service("")}}, "Service identity is missing the service name field on this token"},
		"a node":                        {identities{on: "token", nodes: []catalog.ACLNodeIdentity{node("n1", "dc1")}}, ""},
		"a node without a name":         {identities{on: "token", nodes: []catalog.ACLNodeIdentity{node("", "dc1")}}, "Node identity is missing the node name field on this token"},
		"a node without a datacenter":   {identities{on: "role", nodes: []catalog.ACLNodeIdentity{node("n1", "")}}, "Node identity is missing the datacenter field on this role"},
		"a node with quotes":            {identities{on: "token", nodes: []catalog.ACLNodeIdentity{node(`n"1`, "dc1")}}, "Node identity has an invalid name."},
		"services come before nodes":    {identities{on: "token", services: []catalog.ACLServiceIdentity{service("")}, nodes: []catalog.ACLNodeIdentity{node("", "")}}, "Service identity is missing"},
		"templates come last":           {identities{on: "token", nodes: []catalog.ACLNodeIdentity{node("", "")}, templates: []catalog.ACLTemplatedPolicy{{}}}, "Node identity is missing"},
		"a template without a name":     {identities{on: "role", templates: []catalog.ACLTemplatedPolicy{{}}}, "templated policy is missing the template name field on this role"},
		"a template that is not there":  {identities{on: "token", templates: []catalog.ACLTemplatedPolicy{{TemplateName: "builtin/none"}}}, `no such ACL templated policy with Name "builtin/none"`},
		"of a role":                     {identities{on: "role", templates: []catalog.ACLTemplatedPolicy{{TemplateName: "builtin/none"}}}, "templated policy with an invalid templated name: builtin/none for this role"},
		"an ID that is not there":       {identities{on: "token", templates: []catalog.ACLTemplatedPolicy{{TemplateID: numbered(1)}}}, `no such ACL templated policy with ID "` + numbered(1) + `"`},
		"an ID of another template":     {identities{on: "token", templates: []catalog.ACLTemplatedPolicy{{TemplateName: "builtin/dns", TemplateID: numbered(1)}}}, `templated policy "builtin/dns" has another ID than`},
		"a variable that is missing":    {identities{on: "token", templates: []catalog.ACLTemplatedPolicy{{TemplateName: "builtin/service"}}}, `validation error for templated policy "builtin/service": `},
		"a variable that is wrong":      {identities{on: "token", templates: []catalog.ACLTemplatedPolicy{{TemplateName: "builtin/node", Name: `a" {`}}}, `validation error for templated policy "builtin/node": `},
		"a template without a variable": {identities{on: "token", templates: []catalog.ACLTemplatedPolicy{{TemplateName: "builtin/dns"}}}, ""},
	} {
		wantRefusal(t, name, c.given.check(), c.want)
	}
}

func TestTemplatesGetTheirIDAndName(t *testing.T) {
	byName := identities{on: "token", templates: []catalog.ACLTemplatedPolicy{{TemplateName: "builtin/service", Name: "web"}}}
	if err := byName.check(); err != nil {
		t.Fatal(err)
	}
	id := byName.templates[0].TemplateID
	byID := identities{on: "token", templates: []catalog.ACLTemplatedPolicy{{TemplateID: id, Name: "web"}}}
	if err := byID.check(); err != nil || id == "" || byID.templates[0].TemplateName != "builtin/service" {
		t.Errorf("ID %q is %+v, %v", id, byID.templates[0], err)
	}
}

func TestForHowLongATokenMayLive(t *testing.T) {
	const now = int64(1_700_000_000_000_000_000)
	for _, c := range []struct {
		name    string
		ttl     time.Duration
		expires int64
		want    string
		stored  int64
	}{
		{"for ever", 0, 0, "", 0},
		{"a minute", time.Minute, 0, "", now + int64(time.Minute)},
		{"less than a minute", time.Minute - 1, 0, "ExpirationTime cannot be less than 1m0s in the future (was 59.999999999s)", 0},
		{"a negative time", -1, 0, "Token Expiration TTL '-1ns' should be > 0", 0},
		{"until then", 0, now + int64(time.Hour), "", now + int64(time.Hour)},
		{"until now", 0, now, "ExpirationTime cannot be before CreateTime", 0},
		{"until yesterday", 0, now - int64(24*time.Hour), "ExpirationTime cannot be before CreateTime", 0},
		{"until very soon", 0, now + 1, "ExpirationTime cannot be less than 1m0s in the future (was 1ns)", 0},
		{"both", time.Hour, now + int64(time.Hour), "Token Expiration TTL and Expiration Time cannot both be set", 0},
	} {
		token := &catalog.ACLToken{Created: now, Expires: c.expires}
		err := setExpiry(token, c.ttl)
		wantRefusal(t, c.name, err, c.want)
		if err == nil && token.Expires != c.stored {
			t.Errorf("%s: it expires at %d, want %d", c.name, token.Expires, c.stored)
		}
	}
}

func TestWhatAnUpdateMustNotChange(t *testing.T) {
	old := &catalog.ACLToken{AccessorID: numbered(1), SecretID: numbered(2), AuthMethod: "m", Created: 1000, Expires: 1000 + int64(time.Hour), Description: "before"}
	for name, c := range map[string]struct {
		given catalog.ACLToken
		ttl   time.Duration
		want  string
	}{
		"nothing given":         {catalog.ACLToken{}, 0, ""},
		"the same given":        {catalog.ACLToken{SecretID: numbered(2), AuthMethod: "m", Expires: old.Expires}, time.Hour, ""},
		"another secret":        {catalog.ACLToken{SecretID: numbered(3)}, 0, "Changing a token's SecretID is not permitted"},
		"another place":         {catalog.ACLToken{Local: true}, 0, "Cannot toggle local mode of " + numbered(1)},
		"another method":        {catalog.ACLToken{AuthMethod: "n"}, 0, "Cannot change AuthMethod of " + numbered(1)},
		"another end":           {catalog.ACLToken{Expires: old.Expires + 1}, 0, "Cannot change expiration time of " + numbered(1)},
		"another time":          {catalog.ACLToken{}, time.Hour + 1, "Cannot change expiration time of " + numbered(1)},
		"what may change stays": {catalog.ACLToken{Description: "after", Name: "n"}, 0, ""},
	} {
		given := c.given
		err := keepFixed(&given, old, c.ttl)
		wantRefusal(t, name, err, c.want)
		if err != nil {
			continue
		}
		want := *old
		want.Description, want.Name = c.given.Description, c.given.Name
		if !reflect.DeepEqual(given, want) {
			t.Errorf("%s: %+v\nwant %+v", name, given, want)
		}
	}
}

// rows is a state with some policies and roles.
func rows(t *testing.T) *catalog.Tx {
	t.Helper()
	st := catalog.New()
	for i, c := range []struct {
		kind catalog.CommandType
		body msgp.Marshaler
	}{
		{catalog.ACLPolicyCommand, &catalog.ACLPolicyWrite{Verb: catalog.ACLCreate, Policies: []*catalog.ACLPolicy{
			{ID: numbered(1), Name: "everywhere"}, {ID: numbered(2), Name: "here", Datacenters: []string{"dc1"}}, {ID: numbered(3), Name: "there", Datacenters: []string{"dc2", "dc3"}},
		}}},
		{catalog.ACLRoleCommand, &catalog.ACLRoleWrite{Verb: catalog.ACLCreate, Roles: []*catalog.ACLRole{
			{ID: numbered(10), Name: "r", Policies: []string{numbered(1), numbered(3), numbered(99)}, ServiceIdentities: []catalog.ACLServiceIdentity{{ServiceName: "web"}}},
		}}},
	} {
		data, err := catalog.Encode(c.kind, c.body)
		if err != nil {
			t.Fatal(err)
		}
		if result := st.Apply([]catalog.Entry{{Index: uint64(i + 1), Data: data}})[0]; result != nil {
			t.Fatal(result)
		}
	}
	return st.Read()
}

func TestPoliciesThatAreInForce(t *testing.T) {
	tx := rows(t)
	for name, c := range map[string]struct {
		token      catalog.ACLToken
		datacenter string
		want       string
	}{
		"none":                     {catalog.ACLToken{}, "dc1", ""},
		"everywhere":               {catalog.ACLToken{Policies: []string{numbered(1)}}, "dc9", "everywhere"},
		"here":                     {catalog.ACLToken{Policies: []string{numbered(1), numbered(2), numbered(3)}}, "dc1", "everywhere here"},
		"there":                    {catalog.ACLToken{Policies: []string{numbered(1), numbered(2), numbered(3)}}, "dc3", "everywhere there"},
		"anywhere":                 {catalog.ACLToken{Policies: []string{numbered(1), numbered(2), numbered(3)}}, "", "everywhere here there"},
		"one that is gone":         {catalog.ACLToken{Policies: []string{numbered(99)}}, "dc1", ""},
		"twice":                    {catalog.ACLToken{Policies: []string{numbered(1), numbered(1)}}, "dc1", "everywhere"},
		"of a role":                {catalog.ACLToken{Roles: []string{numbered(10)}}, "dc1", "everywhere synthetic"},
		"of a role and its own":    {catalog.ACLToken{Policies: []string{numbered(2), numbered(1)}, Roles: []string{numbered(10)}}, "dc1", "here everywhere synthetic"},
		"of a role that is gone":   {catalog.ACLToken{Roles: []string{numbered(98)}}, "dc1", ""},
		"of a service":             {catalog.ACLToken{ServiceIdentities: []catalog.ACLServiceIdentity{{ServiceName: "web"}}}, "dc1", "synthetic"},
		"of a service elsewhere":   {catalog.ACLToken{ServiceIdentities: []catalog.ACLServiceIdentity{{ServiceName: "web", Datacenters: []string{"dc2"}}}}, "dc1", ""},
		"of two services":          {catalog.ACLToken{ServiceIdentities: []catalog.ACLServiceIdentity{{ServiceName: "web"}, {ServiceName: "db"}, {ServiceName: "web"}}}, "dc1", "synthetic synthetic"},
		"of a node":                {catalog.ACLToken{NodeIdentities: []catalog.ACLNodeIdentity{{NodeName: "n", Datacenter: "dc1"}, {NodeName: "n", Datacenter: "dc2"}}}, "dc1", "synthetic"},
		"of a template":            {catalog.ACLToken{TemplatedPolicies: []catalog.ACLTemplatedPolicy{{TemplateName: "builtin/service", Name: "web"}}}, "dc1", "synthetic"},
		"of a template to come":    {catalog.ACLToken{TemplatedPolicies: []catalog.ACLTemplatedPolicy{{TemplateName: "builtin/later", Name: "web"}}}, "dc1", ""},
		"of a template elsewhere":  {catalog.ACLToken{TemplatedPolicies: []catalog.ACLTemplatedPolicy{{TemplateName: "builtin/dns", Datacenters: []string{"dc2"}}}}, "dc1", ""},
		"of a template, wrong now": {catalog.ACLToken{TemplatedPolicies: []catalog.ACLTemplatedPolicy{{TemplateName: "builtin/service", Name: `a"`}}}, "dc1", ""},
	} {
		var names []string
		for _, p := range effective(tx, &c.token, c.datacenter) {
			if strings.HasPrefix(p.Name, "synthetic") {
				p = &catalog.ACLPolicy{Name: "synthetic"}
			}
			names = append(names, p.Name)
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestLinksAreFoundOnce(t *testing.T) {
	tx := rows(t)
	link := func(id, name string) ops.ACLLink { return ops.ACLLink{ID: id, Name: name} }
	for name, c := range map[string]struct {
		noun  noun
		links []ops.ACLLink
		ids   []string
		want  string
	}{
		"none":                  {policies, nil, nil, ""},
		"by ID":                 {policies, []ops.ACLLink{link(numbered(1), "")}, []string{numbered(1)}, ""},
		"by name":               {policies, []ops.ACLLink{link("", "here")}, []string{numbered(2)}, ""},
		"by both, the ID":       {policies, []ops.ACLLink{link(numbered(1), "here")}, []string{numbered(1)}, ""},
		"twice":                 {policies, []ops.ACLLink{link(numbered(1), ""), link("", "everywhere"), link("", "there")}, []string{numbered(1), numbered(3)}, ""},
		"a role":                {roles, []ops.ACLLink{link("", "r")}, []string{numbered(10)}, ""},
		"an ID that is not":     {policies, []ops.ACLLink{link(numbered(99), "")}, nil, `No such ACL policy with ID "` + numbered(99) + `"`},
		"a name that is not":    {policies, []ops.ACLLink{link(numbered(1), ""), link("", "none")}, nil, `No such ACL policy with name "none"`},
		"a role that is not":    {roles, []ops.ACLLink{link("", "none")}, nil, `No such ACL role with name "none"`},
		"nothing":               {roles, []ops.ACLLink{{}}, nil, `No such ACL role with name ""`},
		"an ID that cannot be":  {policies, []ops.ACLLink{link("here", "")}, nil, `Error looking up policy for ID: "here": index error: UUID must be 36 characters`},
		"a policy is no role":   {roles, []ops.ACLLink{link(numbered(1), "")}, nil, `No such ACL role with ID "` + numbered(1) + `"`},
		"a role is not a right": {policies, []ops.ACLLink{link("", "r")}, nil, `No such ACL policy with name "r"`},
	} {
		ids, err := c.noun.ids(tx, c.links)
		wantRefusal(t, name, err, c.want)
		if !reflect.DeepEqual(ids, c.ids) {
			t.Errorf("%s: %q, want %q", name, ids, c.ids)
		}
	}
	if got := policies.links(tx, []string{numbered(3), numbered(99), numbered(1)}); !reflect.DeepEqual(got, []ops.ACLLink{link(numbered(3), "there"), link(numbered(1), "everywhere")}) {
		t.Errorf("links %v", got)
	}
}

func TestSecretsAreShownToThoseWhoMayWrite(t *testing.T) {
	tx := rows(t)
	row := &catalog.ACLToken{AccessorID: numbered(20), SecretID: numbered(21), Policies: []string{numbered(1)}, Roles: []string{numbered(10)}}
	if got := showToken(tx, row, true); got.Row.SecretID != numbered(21) || got.Policies[0].Name != "everywhere" || got.Roles[0].Name != "r" {
		t.Errorf("with secrets %+v", got)
	}
	if got := showToken(tx, row, false); got.Row.SecretID != hidden || row.SecretID != numbered(21) {
		t.Errorf("without secrets %+v of %+v", got, row)
	}
	if _, r := tx.ACLRole(nil, numbered(10)); len(showRole(tx, r).Policies) != 2 {
		t.Errorf("a role with a policy that is gone: %+v", showRole(tx, r).Policies)
	}
}
