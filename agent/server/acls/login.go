package acls

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/acl/builtin"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

// maxBearer bounds what somebody may log in with, in bytes: anybody may try.
const maxBearer = 64 << 10

// identity is what a method knows of one who logs in.
type identity struct {
	values  values
	matches func(ctx context.Context, selector string) (bool, error)
}

// login makes a token for one whom an auth method knows, of what the method's rules
// grant him.
func (s *Service) login(ctx context.Context, _ *acl.Authorizer, req *ops.ACLLoginRequest) (*ops.ACLTokenReply, error) {
	tx := s.Store.Read()
	_, row := tx.ACLAuthMethod(nil, req.AuthMethod)
	switch {
	case row == nil:
		return nil, fault.New(fault.Denied, "ACL not found: auth method %q not found", req.AuthMethod)
	case s.Secondary() && !s.opts.TokenReplication:
		return nil, errNoLocalTokens
	case len(req.Bearer) > maxBearer:
		return nil, rejected("a bearer token may have %d bytes, not %d", maxBearer, len(req.Bearer))
	}
	m, err := newMethod(row)
	if err != nil {
		return nil, rejected("auth method %q: %w", row.Name, err) // an older version took it
	}
	who, err := m.identify(req.Bearer)
	if err != nil {
		return nil, rejected("%w", err)
	}
	t := &catalog.ACLToken{AuthMethod: row.Name, Local: row.TokenLocality != globalTokens, Description: "token created via login"}
	if len(req.Meta) > 0 {
		meta, err := json.Marshal(req.Meta)
		if err != nil {
			return nil, err
		}
		t.Description += ": " + string(meta)
	}
	if err := s.grant(ctx, tx, t, who); err != nil {
		return nil, err
	}
	if err := prepareNew(tx, t, row.MaxTokenTTL); err != nil {
		return nil, err
	}
	return s.writeToken(ctx, &catalog.ACLTokenWrite{Verb: catalog.ACLCreate, Tokens: []*catalog.ACLToken{t}})
}

// grant gives a token what the rules of its method bind.
func (s *Service) grant(ctx context.Context, tx *catalog.Tx, t *catalog.ACLToken, who *identity) error {
	granted := false
	_, rules := tx.ACLBindingRules(nil, t.AuthMethod)
	for _, r := range rules {
		is, err := who.matches(ctx, r.Selector)
		if err != nil {
			return err
		}
		if !is {
			continue
		}
		b, err := who.values.rendered(r, strings.ToLower) // names of identities are in lower case
		if err != nil {
			return rejected("%w", err)
		}
		if s.add(tx, t, b) {
			granted = true
		}
	}
	if !granted {
		return fault.New(fault.Denied, "Permission denied")
	}
	return nil
}

// add gives a token one grant, each once; false if there is no such role or policy.
func (s *Service) add(tx *catalog.Tx, t *catalog.ACLToken, b bound) bool {
	switch b.kind {
	case bindService:
		if !slices.ContainsFunc(t.ServiceIdentities, func(i catalog.ACLServiceIdentity) bool { return i.ServiceName == b.name }) {
			t.ServiceIdentities = append(t.ServiceIdentities, catalog.ACLServiceIdentity{ServiceName: b.name})
		}
	case bindNode:
		i := catalog.ACLNodeIdentity{NodeName: b.name, Datacenter: s.Datacenter}
		if !slices.Contains(t.NodeIdentities, i) {
			t.NodeIdentities = append(t.NodeIdentities, i)
		}
	case bindRole:
		return link(roles, tx, &t.Roles, b.name)
	case bindPolicy:
		return link(policies, tx, &t.Policies, b.name)
	case bindTemplate:
		template, _ := builtin.TemplateNamed(b.name)
		i := catalog.ACLTemplatedPolicy{TemplateID: template.ID, TemplateName: template.Name, Name: b.variable}
		if !slices.ContainsFunc(t.TemplatedPolicies, func(o catalog.ACLTemplatedPolicy) bool { return o.TemplateID == i.TemplateID && o.Name == i.Name }) {
			t.TemplatedPolicies = append(t.TemplatedPolicies, i)
		}
	}
	return true
}

func link(n noun, tx *catalog.Tx, ids *[]string, name string) bool {
	found := n.byName(tx, name)
	if found.ID != "" && !containsID(*ids, found.ID) {
		*ids = append(*ids, found.ID)
	}
	return found.ID != ""
}
