package httpapi

import (
	"net/http"

	"praetor/catalog"
	"praetor/internal/ops"
)

// roleJSON is a role as it is shown and given.
type roleJSON struct {
	ID          string
	Name        string
	Description string
	Policies    []aclLink `json:",omitempty"`
	identities
	Hash        []byte
	CreateIndex uint64
	ModifyIndex uint64
}

func showRole(r *ops.ACLRole) roleJSON {
	row := &r.Row
	return roleJSON{
		row.ID, row.Name, row.Description, showLinks(r.Policies), showIdentities(row.ServiceIdentities, row.NodeIdentities, row.TemplatedPolicies),
		row.Hash, row.CreateIndex, row.ModifyIndex,
	}
}

func aclRoles(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.ACLRoleList, &ops.ACLListRequest{ReadOptions: opts, PolicyID: x.query.Get("policy")})
	if err != nil {
		return err
	}
	list := make([]roleJSON, len(rep.Roles))
	for i, r := range rep.Roles {
		list[i] = showRole(r)
	}
	return x.reflected(list)
}

func aclRole(x *exchange) error {
	switch {
	case x.isCreate():
		return aclRoleCreate(x)
	case x.name == "":
		return missing("role ID")
	case x.r.Method == http.MethodPut:
		return x.setRole(x.name)
	case x.r.Method == http.MethodDelete:
		if _, err := ops.ACLRoleDelete.Call(x.r.Context(), x.api.opts.Caller, &ops.ACLDeleteRequest{WriteOptions: x.writeOptions(), ID: x.name}); err != nil {
			return err
		}
		return x.bool(true)
	}
	return x.getRole(ops.ACLGetRequest{ID: x.name})
}

func aclRoleCreate(x *exchange) error { return x.setRole("") }

func aclRoleNamed(x *exchange) error {
	if x.name == "" {
		return missing("role Name")
	}
	return x.getRole(ops.ACLGetRequest{Name: x.name})
}

func (x *exchange) getRole(req ops.ACLGetRequest) (err error) {
	if req.ReadOptions, err = x.readOptions(); err != nil {
		return err
	}
	rep, err := ask(x, ops.ACLRoleGet, &req)
	if err != nil {
		return err
	}
	return x.reflected(showRole(&rep.Role))
}

// setRole creates a role, or replaces the one with an ID.
func (x *exchange) setRole(id string) error {
	var body roleJSON
	if err := x.decodeAs("Role decoding failed: %w", &body); err != nil {
		return err
	}
	if id == "" && body.ID != "" {
		return invalid("Role ID in URL and payload do not match")
	}
	if err := sameInBody("Role ID", id, body.ID); err != nil {
		return err
	}
	rep, err := ops.ACLRoleSet.Call(x.r.Context(), x.api.opts.Caller, &ops.ACLRoleSetRequest{
		WriteOptions: x.writeOptions(), Create: id == "",
		Role: ops.ACLRole{Policies: links(body.Policies), Row: catalog.ACLRole{
			ID: id, Name: body.Name, Description: body.Description,
			ServiceIdentities: body.services(), NodeIdentities: body.nodes(), TemplatedPolicies: body.templates(),
		}},
	})
	if err != nil {
		return err
	}
	return x.reflected(showRole(&rep.Role))
}
