package acls

import (
	"praetor/catalog"
	"praetor/internal/ops"
)

// noun is what tokens and roles can be linked to. Its look-ups return no ID for what
// is not there.
type noun struct {
	what         string
	byID, byName func(*catalog.Tx, string) ops.ACLLink
}

var (
	policies = noun{"policy",
		func(tx *catalog.Tx, id string) ops.ACLLink { _, p := tx.ACLPolicy(nil, id); return policyLink(p) },
		func(tx *catalog.Tx, name string) ops.ACLLink {
			_, p := tx.ACLPolicyNamed(nil, name)
			return policyLink(p)
		}}
	roles = noun{"role",
		func(tx *catalog.Tx, id string) ops.ACLLink { _, r := tx.ACLRole(nil, id); return roleLink(r) },
		func(tx *catalog.Tx, name string) ops.ACLLink { _, r := tx.ACLRoleNamed(nil, name); return roleLink(r) }}
)

func policyLink(p *catalog.ACLPolicy) ops.ACLLink {
	if p == nil {
		return ops.ACLLink{}
	}
	return ops.ACLLink{ID: p.ID, Name: p.Name}
}

func roleLink(r *catalog.ACLRole) ops.ACLLink {
	if r == nil {
		return ops.ACLLink{}
	}
	return ops.ACLLink{ID: r.ID, Name: r.Name}
}

// ids finds what links name, each once.
func (n noun) ids(tx *catalog.Tx, links []ops.ACLLink) (ids []string, err error) {
	for _, link := range links {
		var found ops.ACLLink
		switch {
		case link.ID == "":
			if found = n.byName(tx, link.Name); found.ID == "" {
				return nil, rejected("No such ACL %s with name %q", n.what, link.Name)
			}
		case len(link.ID) != uuidLen:
			return nil, rejected("Error looking up %s for ID: %q: index error: UUID must be %d characters", n.what, link.ID, uuidLen)
		default:
			if found = n.byID(tx, link.ID); found.ID == "" {
				return nil, rejected("No such ACL %s with ID %q", n.what, link.ID)
			}
		}
		if !containsID(ids, found.ID) {
			ids = append(ids, found.ID)
		}
	}
	return ids, nil
}

// links shows what is there of ids, by its present name.
func (n noun) links(tx *catalog.Tx, ids []string) (links []ops.ACLLink) {
	for _, id := range ids {
		if link := n.byID(tx, id); link.ID != "" {
			links = append(links, link)
		}
	}
	return links
}

// hidden stands for a secret that the caller may not see.
const hidden = "<hidden>"

// showToken shows a token; secrets are for those who may write ACLs.
func showToken(tx *catalog.Tx, t *catalog.ACLToken, secrets bool) *ops.ACLToken {
	shown := &ops.ACLToken{Row: *t, Policies: policies.links(tx, t.Policies), Roles: roles.links(tx, t.Roles)}
	if !secrets {
		shown.Row.SecretID = hidden
	}
	return shown
}

func showRole(tx *catalog.Tx, r *catalog.ACLRole) *ops.ACLRole {
	return &ops.ACLRole{Row: *r, Policies: policies.links(tx, r.Policies)}
}
