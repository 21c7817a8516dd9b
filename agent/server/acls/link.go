package acls

import (
	"slices"
	"strings"

	"praetor/catalog"
	"praetor/internal/ops"
)

// policyIDs finds the policies that links name, each once.
func policyIDs(tx *catalog.Tx, links []ops.ACLLink) ([]string, error) {
	return linkedIDs(links, "policy", func(id string) string {
		if _, p := tx.ACLPolicy(nil, id); p != nil {
			return p.ID
		}
		return ""
	}, func(name string) string {
		if _, p := tx.ACLPolicyNamed(nil, name); p != nil {
			return p.ID
		}
		return ""
	})
}

// roleIDs finds the roles that links name, each once.
func roleIDs(tx *catalog.Tx, links []ops.ACLLink) ([]string, error) {
	return linkedIDs(links, "role", func(id string) string {
		if _, r := tx.ACLRole(nil, id); r != nil {
			return r.ID
		}
		return ""
	}, func(name string) string {
		if _, r := tx.ACLRoleNamed(nil, name); r != nil {
			return r.ID
		}
		return ""
	})
}

func linkedIDs(links []ops.ACLLink, what string, byID, byName func(string) string) ([]string, error) {
	var ids []string
	for _, link := range links {
		id := ""
		switch {
		case link.ID == "":
			if id = byName(link.Name); id == "" {
				return nil, rejected("No such ACL %s with name %q", what, link.Name)
			}
		case len(link.ID) != uuidLen:
			return nil, rejected("Error looking up %s for ID: %q: index error: UUID must be %d characters", what, link.ID, uuidLen)
		default:
			if id = byID(link.ID); id == "" {
				return nil, rejected("No such ACL %s with ID %q", what, link.ID)
			}
		}
		if !slices.ContainsFunc(ids, func(other string) bool { return strings.EqualFold(other, id) }) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// policyLinks shows the policies that are there, by their present names.
func policyLinks(tx *catalog.Tx, ids []string) (links []ops.ACLLink) {
	for _, id := range ids {
		if _, p := tx.ACLPolicy(nil, id); p != nil {
			links = append(links, ops.ACLLink{ID: p.ID, Name: p.Name})
		}
	}
	return links
}

func roleLinks(tx *catalog.Tx, ids []string) (links []ops.ACLLink) {
	for _, id := range ids {
		if _, r := tx.ACLRole(nil, id); r != nil {
			links = append(links, ops.ACLLink{ID: r.ID, Name: r.Name})
		}
	}
	return links
}

// hidden stands for a secret that the caller may not see.
const hidden = "<hidden>"

// showToken shows a token; secrets are for those who may write ACLs.
func showToken(tx *catalog.Tx, t *catalog.ACLToken, secrets bool) *ops.ACLToken {
	shown := &ops.ACLToken{Row: *t, Policies: policyLinks(tx, t.Policies), Roles: roleLinks(tx, t.Roles)}
	if !secrets {
		shown.Row.SecretID = hidden
	}
	return shown
}

func showRole(tx *catalog.Tx, r *catalog.ACLRole) *ops.ACLRole {
	return &ops.ACLRole{Row: *r, Policies: policyLinks(tx, r.Policies)}
}
