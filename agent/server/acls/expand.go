package acls

import (
	"slices"
	"strings"

	"praetor/catalog"
	"praetor/internal/acl/builtin"
	"praetor/internal/ops"
)

// effective lists the policies that a token's grants come from in a datacenter, each
// once: its own, those of its roles, and those of its identities and templates.
// Policies for other datacenters are left out; "" is for all.
func effective(tx *catalog.Tx, t *catalog.ACLToken, datacenter string) []*catalog.ACLPolicy {
	all := granted(tx, t, datacenter)
	policies := make([]*catalog.ACLPolicy, len(all))
	for i, g := range all {
		policies[i] = g.policy
	}
	return policies
}

// grant is a policy that a token has, with every way that it came by it.
type grant struct {
	policy *catalog.ACLPolicy
	by     []ops.ACLGrant
}

// granted is effective with the ways.
func granted(tx *catalog.Tx, t *catalog.ACLToken, datacenter string) []*grant {
	e := expansion{tx: tx, datacenter: datacenter, seen: map[string]*grant{}}
	e.add(t.Policies, t.ServiceIdentities, t.NodeIdentities, t.TemplatedPolicies)
	for _, id := range t.Roles {
		if _, r := tx.ACLRole(nil, id); r != nil {
			e.role = r.Name
			e.add(r.Policies, r.ServiceIdentities, r.NodeIdentities, r.TemplatedPolicies)
		}
	}
	return e.grants
}

type expansion struct {
	tx         *catalog.Tx
	datacenter string
	role       string            // that is being added, "" for the token itself
	seen       map[string]*grant // by ID and datacenters: identities of two places have one ID
	grants     []*grant
}

func (e *expansion) add(policies []string, services []catalog.ACLServiceIdentity, nodes []catalog.ACLNodeIdentity, templates []catalog.ACLTemplatedPolicy) {
	for _, id := range policies {
		if _, p := e.tx.ACLPolicy(nil, id); p != nil {
			e.take(p, ops.ACLGrant{Kind: "policy", ID: p.ID, Name: p.Name})
		}
	}
	for _, s := range services {
		e.synthetic(builtin.ServiceIdentity(s.ServiceName, s.Datacenters), "service identity", s.ServiceName)
	}
	for _, n := range nodes {
		e.synthetic(builtin.NodeIdentity(n.NodeName, n.Datacenter), "node identity", n.NodeName)
	}
	for _, t := range templates {
		template, found := builtin.TemplateNamed(t.TemplateName)
		if !found {
			continue // of a newer server
		}
		if p, err := template.Render(t.Name, t.Datacenters...); err == nil {
			e.synthetic(p, "templated policy", t.TemplateName)
		}
	}
}

func (e *expansion) synthetic(p builtin.Policy, kind, name string) {
	e.take(&catalog.ACLPolicy{ID: p.ID, Name: p.Name, Description: p.Description, Rules: p.Rules, Datacenters: p.Datacenters}, ops.ACLGrant{Kind: kind, Name: name})
}

func (e *expansion) take(p *catalog.ACLPolicy, by ops.ACLGrant) {
	if len(p.Datacenters) > 0 && e.datacenter != "" && !slices.Contains(p.Datacenters, e.datacenter) {
		return
	}
	by.Role = e.role
	key := strings.Join(append([]string{p.ID}, p.Datacenters...), "\x00")
	g := e.seen[key]
	if g == nil {
		g = &grant{policy: p}
		e.seen[key] = g
		e.grants = append(e.grants, g)
	}
	g.by = append(g.by, by)
}
