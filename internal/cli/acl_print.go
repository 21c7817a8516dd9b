package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"

	"praetor/internal/acl/builtin"
)

// block is the text of an object: rows of labels and values (reference/cli.md §9).
type block struct {
	strings.Builder
	width  int    // of the labels
	indent string // before each line
}

func newBlock(width int, indent string) *block { return &block{width: width, indent: indent} }

func (b *block) row(label string, value any) {
	fmt.Fprintf(b, "%s%-*s%v\n", b.indent, b.width, label+":", value)
}

// set is row for a value that may not be set.
func (b *block) set(label, value string) {
	if value != "" {
		b.row(label, value)
	}
}

func (b *block) line(format string, args ...any) {
	fmt.Fprintf(b, b.indent+format+"\n", args...)
}

func (b *block) indexes(create, modify uint64) {
	b.row("Create Index", create)
	b.row("Modify Index", modify)
}

// grants are what tokens and roles have.
type grants struct {
	policies, roles []*api.ACLLink
	services        []*api.ACLServiceIdentity
	nodes           []*api.ACLNodeIdentity
	templates       []*api.ACLTemplatedPolicy
}

func tokenGrants(t *api.ACLToken) grants {
	return grants{t.Policies, t.Roles, t.ServiceIdentities, t.NodeIdentities, t.TemplatedPolicies}
}

func roleGrants(r *api.ACLRole) grants {
	return grants{r.Policies, nil, r.ServiceIdentities, r.NodeIdentities, r.TemplatedPolicies}
}

func (b *block) grants(g grants) {
	b.links("Policies", g.policies)
	b.links("Roles", g.roles)
	if len(g.services) > 0 {
		b.line("Service Identities:")
	}
	for _, s := range g.services {
		b.line("   %s", serviceIdentityText(s))
	}
	if len(g.nodes) > 0 {
		b.line("Node Identities:")
	}
	for _, n := range g.nodes {
		b.line("   %s", nodeIdentityText(n))
	}
	if len(g.templates) > 0 {
		b.line("Templated Policies:")
	}
	for _, t := range g.templates {
		b.line("   %s", t.TemplateName)
		if name := templateVariable(t); name != "" {
			b.line("      Name: %s", name)
		}
		b.line("      Datacenters: %s", datacentersText(t.Datacenters))
	}
}

func (b *block) links(title string, links []*api.ACLLink) {
	if len(links) > 0 {
		b.line("%s:", title)
	}
	for _, l := range links {
		b.line("   %s - %s", l.ID, l.Name)
	}
}

func datacentersText(list []string) string {
	if len(list) == 0 {
		return "all"
	}
	return strings.Join(list, ", ")
}

func serviceIdentityText(s *api.ACLServiceIdentity) string {
	return fmt.Sprintf("%s (Datacenters: %s)", s.ServiceName, datacentersText(s.Datacenters))
}

func nodeIdentityText(n *api.ACLNodeIdentity) string {
	return fmt.Sprintf("%s (Datacenter: %s)", n.NodeName, n.Datacenter)
}

func templateVariable(t *api.ACLTemplatedPolicy) string {
	if t.TemplateVariables == nil {
		return ""
	}
	return t.TemplateVariables.Name
}

const tokenWidth = 18

// tokenHead is a token without its grants.
func (o *aclOutput) tokenHead(t *api.ACLToken) *block {
	b := newBlock(tokenWidth, "")
	b.row("AccessorID", t.AccessorID)
	b.row("SecretID", t.SecretID)
	b.set("Name", t.Name)
	b.row("Description", t.Description)
	b.row("Local", t.Local)
	if t.AuthMethod != "" {
		b.row("Auth Method", fmt.Sprintf("%s (Namespace: %s)", t.AuthMethod, t.AuthMethodNamespace))
	}
	b.row("Create Time", t.CreateTime)
	if t.ExpirationTime != nil && !t.ExpirationTime.IsZero() {
		b.row("Expiration Time", *t.ExpirationTime)
	}
	if o.meta {
		b.row("Hash", fmt.Sprintf("%x", t.Hash))
		b.indexes(t.CreateIndex, t.ModifyIndex)
	}
	return b
}

func (o *aclOutput) token(t *api.ACLToken) string {
	b := o.tokenHead(t)
	b.grants(tokenGrants(t))
	return b.String()
}

// tokens parts tokens by empty lines.
func (o *aclOutput) tokens(list []*api.ACLTokenListEntry) string {
	texts := make([]string, len(list))
	for i, e := range list {
		texts[i] = o.token(&api.ACLToken{
			AccessorID: e.AccessorID, SecretID: e.SecretID, Name: e.Name, Description: e.Description, Local: e.Local,
			Policies: e.Policies, Roles: e.Roles, ServiceIdentities: e.ServiceIdentities, NodeIdentities: e.NodeIdentities, TemplatedPolicies: e.TemplatedPolicies,
			AuthMethod: e.AuthMethod, AuthMethodNamespace: e.AuthMethodNamespace, CreateTime: e.CreateTime, ExpirationTime: e.ExpirationTime,
			Hash: e.Hash, CreateIndex: e.CreateIndex, ModifyIndex: e.ModifyIndex,
		})
	}
	return strings.Join(texts, "\n")
}

// expandedToken shows a token with the rules of all that it has.
func (o *aclOutput) expandedToken(t *api.ACLTokenExpanded) string {
	b := o.tokenHead(&t.ACLToken)
	e := expanded{b, map[string]*api.ACLPolicy{}}
	for i := range t.ExpandedPolicies {
		e.policies[t.ExpandedPolicies[i].ID] = &t.ExpandedPolicies[i]
	}
	e.grants(tokenGrants(&t.ACLToken))
	if len(t.ExpandedRoles) > 0 {
		b.line("Roles:")
	}
	for i := range t.ExpandedRoles {
		r := &t.ExpandedRoles[i]
		b.line("\tRole Name: %s", r.Name)
		b.indent = "\t\t"
		b.line("ID: %s", r.ID)
		b.line("Description: %s", r.Description)
		e.grants(roleGrants(r))
		b.indent = ""
	}
	b.line("=== End of Authorizer Layer 0: Token ===")
	b.line("=== Start of Authorizer Layer 2: Agent Configuration Defaults (Inherited) ===")
	b.line("Description: Defined at request-time by the agent that resolves the ACL token; other agents may have different configuration defaults")
	b.line("Resolved By Agent: %q\n", t.ResolvedByAgent)
	b.line("Default Policy: %s", t.AgentACLDefaultPolicy)
	b.line("\tDescription: Backstop rule used if no preceding layer has a matching rule (refer to default_policy option in agent configuration)\n")
	b.line("Down Policy: %s", t.AgentACLDownPolicy)
	b.line("\tDescription: Defines what to do if this Token's information cannot be read from the primary_datacenter (refer to down_policy option in agent configuration)\n")
	return b.String()
}

// expanded writes grants with their rules.
type expanded struct {
	*block
	policies map[string]*api.ACLPolicy // by ID
}

func (e expanded) grants(g grants) {
	if len(g.policies) > 0 {
		e.line("Policies:")
	}
	for _, l := range g.policies {
		e.line("\tPolicy Name: %s", l.Name)
		e.line("\t\tID: %s", l.ID)
		if p := e.policies[l.ID]; p != nil {
			e.rules(p.Description, p.Rules)
		}
	}
	if len(g.services) > 0 {
		e.line("Service Identities:")
	}
	for _, s := range g.services {
		e.line("\tName: %s", serviceIdentityText(s))
		p := builtin.ServiceIdentity(s.ServiceName, s.Datacenters)
		e.rules(p.Description, p.Rules)
	}
	if len(g.nodes) > 0 {
		e.line("Node Identities:")
	}
	for _, n := range g.nodes {
		e.line("\tName: %s", nodeIdentityText(n))
		p := builtin.NodeIdentity(n.NodeName, n.Datacenter)
		e.rules(p.Description, p.Rules)
	}
	if len(g.templates) > 0 {
		e.line("Templated Policies:")
	}
	for _, t := range g.templates {
		e.line("\t%s", t.TemplateName)
		if name := templateVariable(t); name != "" {
			e.line("\t\tName: %s", name)
		}
		e.line("\t\tDatacenters: %s", datacentersText(t.Datacenters))
		if template, found := builtin.TemplateNamed(t.TemplateName); found {
			if p, err := template.Render(templateVariable(t)); err == nil {
				e.rules(p.Description, p.Rules)
			}
		}
	}
}

func (e expanded) rules(description, rules string) {
	e.line("\t\tDescription: %s", description)
	e.line("\t\tRules:")
	for line := range strings.Lines(rules) {
		e.line("\t\t\t%s", strings.TrimSuffix(line, "\n"))
	}
	e.WriteString("\n")
}

const policyWidth = 14

func (o *aclOutput) policy(p *api.ACLPolicy) string {
	b := newBlock(policyWidth, "")
	b.row("ID", p.ID)
	b.row("Name", p.Name)
	o.policyRows(b, &api.ACLPolicyListEntry{Description: p.Description, Datacenters: p.Datacenters, Hash: p.Hash, CreateIndex: p.CreateIndex, ModifyIndex: p.ModifyIndex})
	b.line("Rules:")
	b.WriteString(p.Rules)
	return b.String()
}

func (o *aclOutput) policyRows(b *block, p *api.ACLPolicyListEntry) {
	b.row("Description", p.Description)
	b.row("Datacenters", strings.Join(p.Datacenters, ", "))
	if o.meta {
		b.row("Hash", fmt.Sprintf("%x", p.Hash))
		b.indexes(p.CreateIndex, p.ModifyIndex)
	}
}

// entryIndent is before each line of an object in a list.
const entryIndent = "   "

func (o *aclOutput) policyList(list []*api.ACLPolicyListEntry) string {
	b := newBlock(policyWidth, entryIndent)
	for _, p := range list {
		fmt.Fprintf(b, "%s:\n", p.Name)
		b.row("ID", p.ID)
		o.policyRows(b, p)
	}
	return b.String()
}

func (o *aclOutput) role(r *api.ACLRole) string {
	b := newBlock(policyWidth, "")
	b.row("ID", r.ID)
	b.row("Name", r.Name)
	o.roleRows(b, r)
	return b.String()
}

func (o *aclOutput) roleRows(b *block, r *api.ACLRole) {
	b.row("Description", r.Description)
	if o.meta {
		b.row("Hash", fmt.Sprintf("%x", r.Hash))
		b.indexes(r.CreateIndex, r.ModifyIndex)
	}
	b.grants(roleGrants(r))
}

func (o *aclOutput) roleList(list []*api.ACLRole) string {
	b := newBlock(policyWidth, entryIndent)
	for _, r := range list {
		fmt.Fprintf(b, "%s:\n", r.Name)
		b.row("ID", r.ID)
		o.roleRows(b, r)
	}
	return b.String()
}

const methodWidth = 15

func (o *aclOutput) authMethod(m *api.ACLAuthMethod) (string, error) {
	b := newBlock(methodWidth, "")
	b.row("Name", m.Name)
	b.row("Type", m.Type)
	b.set("DisplayName", m.DisplayName)
	b.row("Description", m.Description)
	if m.MaxTokenTTL > 0 {
		b.row("MaxTokenTTL", time.Duration(m.MaxTokenTTL))
	}
	b.set("TokenLocality", m.TokenLocality)
	if o.meta {
		b.indexes(m.CreateIndex, m.ModifyIndex)
	}
	config, err := json.MarshalIndent(m.Config, "", "  ")
	if err != nil {
		return "", fail("Error formatting auth method configuration: %s", err)
	}
	b.line("Config:")
	b.Write(config)
	return b.String(), nil
}

func (o *aclOutput) authMethodList(list []*api.ACLAuthMethodListEntry) string {
	b := newBlock(policyWidth, entryIndent)
	for _, m := range list {
		fmt.Fprintf(b, "%s:\n", m.Name)
		b.row("Type", m.Type)
		b.set("DisplayName", m.DisplayName)
		b.row("Description", m.Description)
		if o.meta {
			b.indexes(m.CreateIndex, m.ModifyIndex)
		}
	}
	return b.String()
}

func (o *aclOutput) bindingRule(r *api.ACLBindingRule) string {
	b := newBlock(policyWidth, "")
	b.row("ID", r.ID)
	o.bindingRuleRows(b, r, "     ")
	return b.String()
}

func (o *aclOutput) bindingRuleRows(b *block, r *api.ACLBindingRule, variableIndent string) {
	b.row("AuthMethod", r.AuthMethod)
	b.row("Description", r.Description)
	b.row("BindType", r.BindType)
	b.row("BindName", r.BindName)
	if r.BindVars != nil && r.BindVars.Name != "" {
		b.row("BindVars", "")
		fmt.Fprintf(b, "%s- Name: %s\n", variableIndent, r.BindVars.Name)
	}
	b.row("Selector", r.Selector)
	if o.meta {
		b.indexes(r.CreateIndex, r.ModifyIndex)
	}
}

func (o *aclOutput) bindingRuleList(list []*api.ACLBindingRule) string {
	b := newBlock(policyWidth, entryIndent)
	for _, r := range list {
		fmt.Fprintf(b, "%s:\n", r.ID)
		o.bindingRuleRows(b, r, "      ")
	}
	return b.String()
}
