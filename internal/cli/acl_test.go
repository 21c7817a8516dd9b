package cli_test

import (
	"os"
	"strings"
	"testing"

	"praetor/internal/cli"
)

// aclAnswers are what agents answer of access rules.
var aclAnswers = map[string]string{
	"tokenA":    `{"AccessorID":"aaaaaaaa-0000-0000-0000-00000000000a","SecretID":"5ec2e7","Description":"first","Policies":[{"ID":"00000000-0000-0000-0000-00000000000p","Name":"app"}],"Local":false,"CreateTime":"2026-01-02T03:04:05.123456789Z","Hash":"qrs=","CreateIndex":7,"ModifyIndex":8}`,
	"fullToken": fullToken, "expandedToken": `{` + expansion + fullToken[1:],
	"policyP": policyP,
	"list":    `[{"ID":"00000000-0000-0000-0000-00000000000p","Name":"app","Description":"d","Datacenters":["dc1","dc2"],"Hash":"qrs=","CreateIndex":3,"ModifyIndex":4},{"ID":"10000000-0000-0000-0000-00000000000q","Name":"other","Description":"","Datacenters":null,"Hash":"qrs=","CreateIndex":5,"ModifyIndex":5}]`,
	"role": `{"ID":"00000000-0000-0000-0000-00000000000r","Name":"ops","Description":"d","Policies":[{"ID":"00000000-0000-0000-0000-00000000000p","Name":"app"}],"ServiceIdentities":[{"ServiceName":"web","Datacenters":["dc1","dc2"]},{"ServiceName":"api"}],` +
		`"NodeIdentities":[{"NodeName":"n1","Datacenter":"dc1"}],"TemplatedPolicies":[{"TemplateName":"builtin/service","TemplateVariables":{"Name":"db"}},{"TemplateName":"builtin/dns","Datacenters":["dc1"]}],"Hash":"qrs=","CreateIndex":3,"ModifyIndex":4}`,
	"method":        `{"Name":"j","Type":"jwt","DisplayName":"J","Description":"d","MaxTokenTTL":"5m0s","TokenLocality":"global","Config":{"BoundIssuer":"<iss>","BoundAudiences":["consul"]},"CreateIndex":3,"ModifyIndex":4}`,
	"rule":          `{"ID":"b0000000-0000-0000-0000-00000000000b","Description":"d","AuthMethod":"j","Selector":"value.user == alice","BindType":"service","BindName":"s-${value.user}","CreateIndex":3,"ModifyIndex":4}`,
	"boundTemplate": `{"ID":"b0000000-0000-0000-0000-00000000000c","Description":"","AuthMethod":"j","Selector":"","BindType":"templated-policy","BindName":"builtin/service","BindVars":{"Name":"x"},"CreateIndex":3,"ModifyIndex":4}`,
}

const (
	policyP = `{"ID":"00000000-0000-0000-0000-00000000000p","Name":"app","Description":"d","Rules":"key_prefix \"app/\" { policy = \"write\" }","Datacenters":["dc1","dc2"],"Hash":"qrs=","CreateIndex":3,"ModifyIndex":4}`

	fullToken = `{"AccessorID":"aaaaaaaa-0000-0000-0000-00000000000a","SecretID":"5ec2e7","Name":"n","Description":"first","Policies":[{"ID":"00000000-0000-0000-0000-00000000000p","Name":"app"}],"Roles":[{"ID":"00000000-0000-0000-0000-00000000000r","Name":"ops"}],` +
		`"ServiceIdentities":[{"ServiceName":"web"}],"NodeIdentities":[{"NodeName":"n1","Datacenter":"dc1"}],"TemplatedPolicies":[{"TemplateName":"builtin/service","TemplateVariables":{"Name":"db"}}],` +
		`"Local":true,"AuthMethod":"m","ExpirationTime":"2026-01-03T00:00:00Z","CreateTime":"2026-01-02T03:04:05.123456789Z","Hash":"qrs=","CreateIndex":7,"ModifyIndex":8}`

	expansion = `"ExpandedPolicies":[` + policyP + `,{"ID":"00000000-0000-0000-0000-00000000000q","Name":"dns","Description":"q","Rules":"operator = \"read\"\n\nacl = \"read\"\n"}],` +
		`"ExpandedRoles":[{"ID":"00000000-0000-0000-0000-00000000000r","Name":"ops","Description":"of it","Policies":[{"ID":"00000000-0000-0000-0000-00000000000q","Name":"dns"}],"ServiceIdentities":[{"ServiceName":"api","Datacenters":["dc1"]}]}],` +
		`"AgentACLDefaultPolicy":"deny","AgentACLDownPolicy":"extend-cache","ResolvedByAgent":"a",`
)

// TestAccessRules plays reference/cli.md §9.
func TestAccessRules(t *testing.T) {
	for _, file := range []string{
		"acl_auth_method.txt", "acl_binding_rule.txt", "acl_bootstrap.txt", "acl_explain.txt", "acl_policy.txt", "acl_role.txt", "acl_set_agent_token.txt",
		"acl_templated_policy.txt", "acl_token_create.txt", "acl_token_read.txt", "acl_token_update.txt", "login.txt",
	} {
		t.Run(file, func(t *testing.T) { playFile(t, file, aclAnswers) })
	}
}

// TestLoginWritesTheSecretForItsOwner: the secret alone, in a folder that is made.
func TestLoginWritesTheSecretForItsOwner(t *testing.T) {
	t.Chdir(t.TempDir())
	answer(t, map[string]string{"POST /v1/acl/login": aclAnswers["tokenA"]})
	if err := os.WriteFile("b", []byte("eyJ"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, 0, "", "", "login", "-method=m", "-bearer-token-file=b", "-token-sink-file=made/here/s")
	secret, err := os.ReadFile("made/here/s")
	if err != nil || string(secret) != "5ec2e7" {
		t.Errorf("%q, %v", secret, err)
	}
	for path, mode := range map[string]os.FileMode{"made": 0o700, "made/here/s": 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

// TestExplainReadsQuestionsAndRefusals: accessor, resource, access and name.
func TestExplainReadsQuestionsAndRefusals(t *testing.T) {
	const token = "aaaaaaaa-0000-0000-0000-00000000000a"
	for _, row := range []struct {
		args []string
		want [4]string
		err  string
	}{
		{[]string{"key:write", "app/config"}, [4]string{"", "key", "write", "app/config"}, ""},
		{[]string{"operator:Read"}, [4]string{"", "operator", "Read", ""}, ""},
		{[]string{"Permission denied: token with AccessorID '" + token + "' lacks permission 'key:write' on \"app/config\""}, [4]string{token, "key", "write", "app/config"}, ""},
		{[]string{"Error! Failed writing data: Unexpected response code: 403 (rpc error making call: Permission denied: token with AccessorID '" + token + "' lacks permission 'node:read' on \"a\\\"b\\n\")"}, [4]string{token, "node", "read", "a\"b\n"}, ""},
		{[]string{"Permission denied: token with AccessorID '" + token + "' lacks permission 'acl:read'"}, [4]string{token, "acl", "read", ""}, ""},
		{[]string{"Permission denied: anonymous token lacks permission 'key:read' on \"x\". The anonymous token is used implicitly when a request does not specify a token."}, [4]string{"anonymous", "key", "read", "x"}, ""},
		{[]string{"token with AccessorID '" + token + "' lacks permission 'node:read' on \"all nodes\""}, [4]string{token, "node", "read", "all nodes"}, "The refusal is about all nodes: ask about one of them, with node:read NAME"},
		{[]string{"token with AccessorID '" + token + "' lacks permission 'node:read' on \"\\q\""}, [4]string{token, "node", "read", ""}, `The refusal names something that cannot be read: "\q"`},
		{[]string{"Permission denied"}, [4]string{}, `"Permission denied" is neither of the form RESOURCE:ACCESS, such as key:read, nor a refusal that names a permission`},
		{[]string{"key:"}, [4]string{}, `"key:" is neither of the form RESOURCE:ACCESS, such as key:read, nor a refusal that names a permission`},
		{nil, [4]string{}, "Missing RESOURCE:ACCESS, such as key:read"},
		{[]string{"key:read", "a", "b"}, [4]string{}, "Too many arguments (expected 2, got 3)"},
	} {
		got, err := cli.ParseQuestion(row.args...)
		said := ""
		if err != nil {
			said = err.Error()
		}
		if got != row.want || said != row.err {
			t.Errorf("%q: %q, %s\nwant %q, %s", row.args, got, said, row.want, row.err)
		}
	}
}

func TestFilesOfTemplatedPoliciesThatCannotBe(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "there is no TemplatedPolicy in it",
		"TemplatedPolicy = 1":               "not an object type for map",
		"TemplatedPolicy {":                 "object expected closing RBRACE",
		strings.Repeat("a{", 200):           "nested deeper than 100 levels",
		strings.Repeat("#", 2<<20):          "larger than 1048576 bytes",
		`TemplatedPolicy "a" { Name = [] }`: "unknown type for string",
	} {
		if all, err := cli.ParseTemplatedPolicies(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, %v; want %s", text, all, err, want)
		}
	}
}

func FuzzTemplatedPolicies(f *testing.F) {
	f.Add(`TemplatedPolicy "builtin/service" { Name = "api" }`)
	f.Add(`{"TemplatedPolicy": {"builtin/dns": [{}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		all, err := cli.ParseTemplatedPolicies(text)
		if (err == nil) != (len(all) > 0) {
			t.Errorf("%d policies, %v", len(all), err)
		}
	})
}

func FuzzQuestions(f *testing.F) {
	f.Add("key:read", "a")
	f.Add(`token with AccessorID 'a' lacks permission 'key:read' on "x"`, "")
	f.Fuzz(func(t *testing.T, one, two string) { cli.ParseQuestion(one, two) })
}
