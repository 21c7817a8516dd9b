package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/hcl"
	"github.com/spf13/cobra"

	"praetor/internal/shape"
)

// grantFlags are the flags that say what a token or a role has.
type grantFlags struct {
	ids, names         list // of policies
	roleIDs, roleNames list
	services, nodes    list
	templates          templateFlags
}

// register adds the flags but those of templates and roles. does says what becomes of
// what is given.
func (g *grantFlags) register(cmd *cobra.Command, prefix, does string) {
	fs := cmd.Flags()
	fs.Var(&g.ids, prefix+"policy-id", "ID of a policy "+does+", or its beginning. May be repeated.")
	fs.Var(&g.names, prefix+"policy-name", "Name of a policy "+does+". May be repeated.")
	fs.Var(&g.services, prefix+"service-identity", "Service identity "+does+": NAME, or NAME:DC1,DC2 for some datacenters only. May be repeated.")
	fs.Var(&g.nodes, prefix+"node-identity", "Node identity "+does+": NAME:DATACENTER. May be repeated.")
}

func (g *grantFlags) registerRoles(cmd *cobra.Command, prefix, does string) {
	cmd.Flags().Var(&g.roleIDs, prefix+"role-id", "ID of a role "+does+", or its beginning. May be repeated.")
	cmd.Flags().Var(&g.roleNames, prefix+"role-name", "Name of a role "+does+". May be repeated.")
}

// isEmpty reports whether none was given.
func (g *grantFlags) isEmpty() bool {
	return len(g.ids)+len(g.names)+len(g.roleIDs)+len(g.roleNames)+len(g.services)+len(g.nodes) == 0 && g.templates.isEmpty()
}

// resolve gives what the flags say. IDs that are beginnings are looked up.
func (g *grantFlags) resolve(cmd *cobra.Command, cl *api.Client, c *client, variables list) (all grants, err error) {
	for _, name := range g.names {
		all.policies = append(all.policies, &api.ACLLink{Name: name})
	}
	for _, partial := range g.ids {
		id, err := wholePolicyID(cl, c, partial)
		if err != nil {
			return all, fail("Error resolving policy ID %s: %s", id, err)
		}
		all.policies = append(all.policies, &api.ACLLink{ID: id})
	}
	for _, name := range g.roleNames {
		all.roles = append(all.roles, &api.ACLLink{Name: name})
	}
	for _, partial := range g.roleIDs {
		id, err := wholeRoleID(cl, c, partial)
		if err != nil {
			return all, fail("Error resolving role ID %s: %s", id, err)
		}
		all.roles = append(all.roles, &api.ACLLink{ID: id})
	}
	if all.services, err = parseServiceIdentities(g.services); err != nil {
		return all, err
	}
	if all.nodes, err = parseNodeIdentities(g.nodes); err != nil {
		return all, err
	}
	all.templates, err = g.templates.resolve(cmd, variables)
	return all, err
}

func parseServiceIdentities(words []string) (all []*api.ACLServiceIdentity, err error) {
	for _, word := range words {
		name, datacenters, some := strings.Cut(word, ":")
		if strings.Contains(datacenters, ":") {
			return nil, fail("Malformed -service-identity argument: %q", word)
		}
		s := &api.ACLServiceIdentity{ServiceName: name}
		if some {
			s.Datacenters = strings.Split(datacenters, ",")
		}
		all = append(all, s)
	}
	return all, nil
}

func parseNodeIdentities(words []string) (all []*api.ACLNodeIdentity, err error) {
	for _, word := range words {
		name, datacenter, ok := strings.Cut(word, ":")
		if !ok || strings.Contains(datacenter, ":") {
			return nil, fail("Malformed -node-identity argument: %q", word)
		}
		all = append(all, &api.ACLNodeIdentity{NodeName: name, Datacenter: datacenter})
	}
	return all, nil
}

// errBothTemplates refuses to replace and to add at once.
var errBothTemplates = fail("Cannot combine the use of replace-templated-policy flags with append- variants. " +
	"To set or overwrite existing templated policies, use -replace-templated-policy or -replace-templated-policy-file. " +
	"To append to existing templated policies, use -append-templated-policy or -append-templated-policy-file.")

// templateFlags are the flags for templated policies: one by name, or those of a file.
type templateFlags struct{ name, file string }

func (f *templateFlags) register(cmd *cobra.Command, prefix, does string) {
	cmd.Flags().StringVar(&f.name, prefix+"templated-policy", "", "Name of a templated policy "+does+"; -var gives its variables.")
	cmd.Flags().StringVar(&f.file, prefix+"templated-policy-file", "", "File with templated policies "+does+", in HCL: TemplatedPolicy \"builtin/service\" { Name = \"api\" }.")
}

func (f *templateFlags) isEmpty() bool { return f.name == "" && f.file == "" }

func (f *templateFlags) resolve(cmd *cobra.Command, variables list) (all []*api.ACLTemplatedPolicy, err error) {
	if f.file != "" {
		text, err := readFile(cmd, f.file)
		if err != nil {
			return nil, fail("%s", err)
		}
		if all, err = parseTemplatedPolicies(string(text)); err != nil {
			return nil, fail("%s", err)
		}
	}
	if f.name == "" {
		return all, nil
	}
	t := &api.ACLTemplatedPolicy{TemplateName: f.name}
	if t.TemplateVariables, err = parseVariables(variables); err != nil {
		return nil, err
	}
	return append(all, t), nil
}

// parseVariables reads words NAME:VALUE; nil without any.
func parseVariables(words []string) (*api.ACLTemplatedPolicyVariables, error) {
	if len(words) == 0 {
		return nil, nil
	}
	v := new(api.ACLTemplatedPolicyVariables)
	for _, word := range words {
		name, value, ok := strings.Cut(word, ":")
		if !ok {
			return nil, fail("malformed -var argument: %q, expecting VariableName:Value", word)
		}
		if !strings.EqualFold(name, "name") {
			return nil, fail("unknown variable in -var %q: templated policies have the variable name only", word)
		}
		v.Name = value
	}
	return v, nil
}

const (
	// maxTemplateBytes and maxTemplateNesting bound what HCL's parser is given: it
	// recurses once per bracket.
	maxTemplateBytes   = 1 << 20
	maxTemplateNesting = 100
)

// parseTemplatedPolicies reads a file of templated policies (reference/cli.md §9). A
// panic of the parser becomes an error.
func parseTemplatedPolicies(text string) (all []*api.ACLTemplatedPolicy, err error) {
	defer func() {
		if p := recover(); p != nil {
			all, err = nil, fmt.Errorf("cannot be parsed: %v", p)
		}
	}()
	switch {
	case len(text) > maxTemplateBytes:
		return nil, fmt.Errorf("larger than %d bytes", maxTemplateBytes)
	case shape.Nesting(text) > maxTemplateNesting:
		return nil, fmt.Errorf("nested deeper than %d levels", maxTemplateNesting)
	}
	var file struct {
		TemplatedPolicy map[string][]api.ACLTemplatedPolicyVariables
	}
	if err := hcl.Decode(&file, text); err != nil {
		return nil, err
	}
	for name, uses := range file.TemplatedPolicy {
		for i := range uses {
			t := &api.ACLTemplatedPolicy{TemplateName: name}
			if uses[i] != (api.ACLTemplatedPolicyVariables{}) {
				t.TemplateVariables = &uses[i]
			}
			all = append(all, t)
		}
	}
	slices.SortStableFunc(all, func(a, b *api.ACLTemplatedPolicy) int { return strings.Compare(a.TemplateName, b.TemplateName) })
	if len(all) == 0 {
		return nil, errors.New("there is no TemplatedPolicy in it")
	}
	return all, nil
}

func registerVariables(cmd *cobra.Command, variables *list) {
	cmd.Flags().Var(variables, "var", "A variable of the templated policy, NAME:VALUE. May be repeated.")
}
