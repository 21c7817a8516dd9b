package acls

import (
	"slices"

	"praetor/catalog"
	"praetor/internal/acl/builtin"
)

// effective lists the policies that a token's grants come from in a datacenter, each
// once: its own, those of its roles, and those of its identities and templates.
// Policies for other datacenters are left out; "" is for all.
func effective(tx *catalog.Tx, t *catalog.ACLToken, datacenter string) []*catalog.ACLPolicy {
	e := expansion{tx: tx, datacenter: datacenter, seen: map[string]bool{}}
	e.add(t.Policies, t.ServiceIdentities, t.NodeIdentities, t.TemplatedPolicies)
	for _, id := range t.Roles {
		if _, r := tx.ACLRole(nil, id); r != nil {
			e.add(r.Policies, r.ServiceIdentities, r.NodeIdentities, r.TemplatedPolicies)
		}
	}
	return e.policies
}

type expansion struct {
	tx         *catalog.Tx
	datacenter string
	seen       map[string]bool // by ID
	policies   []*catalog.ACLPolicy
}

func (e *expansion) add(policies []string, services []catalog.ACLServiceIdentity, nodes []catalog.ACLNodeIdentity, templates []catalog.ACLTemplatedPolicy) {
	for _, id := range policies {
		if _, p := e.tx.ACLPolicy(nil, id); p != nil {
			e.take(p)
		}
	}
	for _, s := range services {
		e.synthetic(builtin.ServiceIdentity(s.ServiceName, s.Datacenters))
	}
	for _, n := range nodes {
		e.synthetic(builtin.NodeIdentity(n.NodeName, n.Datacenter))
	}
	for _, t := range templates {
		template, found := builtin.TemplateNamed(t.TemplateName)
		if !found {
			continue // of a newer server
		}
		if p, err := template.Render(t.Name, t.Datacenters...); err == nil {
			e.synthetic(p)
		}
	}
}

func (e *expansion) synthetic(p builtin.Policy) {
	e.take(&catalog.ACLPolicy{ID: p.ID, Name: p.Name, Description: p.Description, Rules: p.Rules, Datacenters: p.Datacenters})
}

func (e *expansion) take(p *catalog.ACLPolicy) {
	if len(p.Datacenters) > 0 && e.datacenter != "" && !slices.Contains(p.Datacenters, e.datacenter) || e.seen[p.ID] {
		return
	}
	e.seen[p.ID] = true
	e.policies = append(e.policies, p)
}
