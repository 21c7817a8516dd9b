package builtin

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"praetor/internal/fault"
)

// Policy is a policy that nobody wrote.
type Policy struct {
	ID          string
	Name        string
	Description string
	Rules       string
	Datacenters []string // where it holds; nil for everywhere
}

// Template makes a policy of a name.
type Template struct {
	ID          string
	Name        string
	Description string
	Schema      string // JSON schema of the variables, "" if there are none
	Text        string // rules, with {{.Name}} for the variable

	subject string // what a bad name is called; "" for a template without a variable
}

// nameSchema is the schema of templates with the variable "name".
const nameSchema = `{
	"type": "object",
	"properties": {
		"name": { "type": "string", "$ref": "#/definitions/min-length-one" }
	},
	"required": ["name"],
	"definitions": {
		"min-length-one": {
				"type": "string",
				"minLength": 1
		}
	}
}`

const idPrefix = "00000000-0000-0000-0000-00000000000"

var templates = []Template{
	{
		ID: idPrefix + "3", Name: "builtin/service", Schema: nameSchema, subject: `service identity %q has`,
		Description: "Gives the token or role permissions to register a service and discover services in the Consul catalog. " +
			"It also gives the specified service's sidecar proxy the permission to discover and route traffic to other services.",
		Text: "\nservice \"{{.Name}}\" {\n\tpolicy = \"write\"\n}\nservice \"{{.Name}}-sidecar-proxy\" {\n\tpolicy = \"write\"\n}\n" +
			"service_prefix \"\" {\n\tpolicy = \"read\"\n}\nnode_prefix \"\" {\n\tpolicy = \"read\"\n}",
	},
	{
		ID: idPrefix + "4", Name: "builtin/node", Schema: nameSchema, subject: `node identity %q  has`,
		Description: "Gives the token or role permissions for a register an agent/node into the catalog. " +
			"A node is typically a consul agent but can also be a physical server, cloud instance or a container.",
		Text: "\nnode \"{{.Name}}\" {\n\tpolicy = \"write\"\n}\nservice_prefix \"\" {\n\tpolicy = \"read\"\n}",
	},
	{
		ID: idPrefix + "5", Name: "builtin/dns",
		Description: "Gives the token or role permissions for the Consul DNS to query services in the network.",
		Text:        "\nnode_prefix \"\" {\n\tpolicy = \"read\"\n}\nservice_prefix \"\" {\n\tpolicy = \"read\"\n}\nquery_prefix \"\" {\n\tpolicy = \"read\"\n}",
	},
	{
		ID: idPrefix + "6", Name: "builtin/nomad-server",
		Description: "Gives the token or role permissions required for integration with a nomad server.",
		Text: "\nacl = \"write\"\nagent_prefix \"\" {\n  policy = \"read\"\n}\nnode_prefix \"\" {\n  policy = \"read\"\n}\n" +
			"service_prefix \"\" {\n  policy = \"write\"\n}",
	},
	{
		ID: idPrefix + "8", Name: "builtin/api-gateway", Schema: nameSchema, subject: `api gateway %q has`,
		Description: "Gives the token or role permissions for a Consul api gateway",
		Text: "mesh = \"read\"\nnode_prefix \"\" {\n\tpolicy = \"read\"\n}\nservice_prefix \"\" {\n\tpolicy = \"read\"\n}\n" +
			"service \"{{.Name}}\" {\n\tpolicy = \"write\"\n}",
	},
	{
		ID: idPrefix + "9", Name: "builtin/nomad-client",
		Description: "Gives the token or role permissions required for integration with a nomad client.",
		Text: "agent_prefix \"\" {\n  policy = \"read\"\n}\nnode_prefix \"\" {\n  policy = \"read\"\n}\n" +
			"service_prefix \"\" {\n  policy = \"write\"\n}\nkey_prefix \"\" {\n  policy = \"read\"\n}",
	},
}

// Templates lists all templates. Do not change them.
func Templates() []Template { return templates }

// TemplateNamed finds a template by its exact name.
func TemplateNamed(name string) (*Template, bool) {
	return find(func(t *Template) bool { return t.Name == name })
}

// TemplateWithID finds a template by its ID.
func TemplateWithID(id string) (*Template, bool) {
	return find(func(t *Template) bool { return t.ID == id })
}

func find(is func(*Template) bool) (*Template, bool) {
	for i := range templates {
		if is(&templates[i]) {
			return &templates[i], true
		}
	}
	return nil, false
}

const maxNameBytes = 256

var validName = regexp.MustCompile(`^[a-z0-9]([a-z0-9\-_]*[a-z0-9])?$`)

// ValidName reports whether a service or node may have an identity by this name.
func ValidName(name string) bool { return len(name) <= maxNameBytes && validName.MatchString(name) }

// HasVariable reports whether the template is about a name.
func (t *Template) HasVariable() bool { return t.subject != "" }

// Check reports whether the template can be rendered with a name: kind Rejected,
// in Consul's words, if it cannot.
func (t *Template) Check(name string) error {
	if t.subject == "" || ValidName(name) {
		return nil
	}
	return fault.New(fault.Rejected, "%s an invalid name. Only lowercase alphanumeric characters, '-' and '_' are allowed", fmt.Sprintf(t.subject, name))
}

// Render makes the policy for a name, which a template without a variable ignores.
func (t *Template) Render(name string, datacenters ...string) (Policy, error) {
	if err := t.Check(name); err != nil {
		return Policy{}, err
	}
	return synthetic(t.rules(name), "synthetic policy generated from templated policy: "+t.Name, datacenters), nil
}

func (t *Template) rules(name string) string { return strings.ReplaceAll(t.Text, "{{.Name}}", name) }

// emptySum is FNV-1a 128 of nothing, which ends the IDs of synthetic policies.
const emptySum = "6c62272e07bb014262b821756295c58d"

func synthetic(rules, description string, datacenters []string) Policy {
	id := hex.EncodeToString([]byte(rules)) + emptySum
	return Policy{ID: id, Name: "synthetic-policy-" + id, Description: description, Rules: rules, Datacenters: datacenters}
}

// ServiceIdentity is the policy of a service that acts for itself: it may register
// itself and its sidecar, and look up all others.
func ServiceIdentity(service string, datacenters []string) Policy {
	t, _ := TemplateNamed("builtin/service")
	return synthetic(t.rules(service), "synthetic policy", datacenters)
}

// NodeIdentity is the policy of an agent: it may register its node, and look up
// services. It holds in one datacenter.
func NodeIdentity(node, datacenter string) Policy {
	t, _ := TemplateNamed("builtin/node")
	return synthetic(t.rules(node), "synthetic policy", []string{datacenter})
}
