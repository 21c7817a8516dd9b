package httpapi

import (
	"net/http"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/ops"
)

// What it takes to see and change access rules.
var aclRead = acl.ACL.Read()

// policyJSON is a policy as it is shown and given.
type policyJSON struct {
	ID          string
	Name        string
	Description string
	Rules       string
	Datacenters []string `json:",omitempty"`
	Hash        []byte
	CreateIndex uint64
	ModifyIndex uint64
}

// policyInList is a policy in a list: without its rules.
type policyInList struct {
	ID          string
	Name        string
	Description string
	Datacenters []string
	Hash        []byte
	CreateIndex uint64
	ModifyIndex uint64
}

func showPolicy(p *catalog.ACLPolicy) policyJSON {
	return policyJSON{p.ID, p.Name, p.Description, p.Rules, p.Datacenters, p.Hash, p.CreateIndex, p.ModifyIndex}
}

func aclPolicies(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.ACLPolicyList, &ops.ACLListRequest{ReadOptions: opts})
	if err != nil {
		return err
	}
	list := make([]policyInList, len(rep.Policies))
	for i, p := range rep.Policies {
		list[i] = policyInList{p.ID, p.Name, p.Description, p.Datacenters, p.Hash, p.CreateIndex, p.ModifyIndex}
	}
	return x.reflected(list)
}

func aclPolicy(x *exchange) error {
	switch {
	case x.isCreate():
		return aclPolicyCreate(x)
	case x.name == "":
		return missing("policy ID")
	case x.r.Method == http.MethodPut:
		return x.setPolicy(x.name)
	case x.r.Method == http.MethodDelete:
		if _, err := ops.ACLPolicyDelete.Call(x.r.Context(), x.api.opts.Caller, &ops.ACLDeleteRequest{WriteOptions: x.writeOptions(), ID: x.name}); err != nil {
			return err
		}
		return x.bool(true)
	}
	return x.getPolicy(ops.ACLGetRequest{ID: x.name})
}

func aclPolicyCreate(x *exchange) error { return x.setPolicy("") }

func aclPolicyNamed(x *exchange) error {
	if x.name == "" {
		return missing("policy Name")
	}
	return x.getPolicy(ops.ACLGetRequest{Name: x.name})
}

func (x *exchange) getPolicy(req ops.ACLGetRequest) (err error) {
	if req.ReadOptions, err = x.readOptions(); err != nil {
		return err
	}
	rep, err := ask(x, ops.ACLPolicyGet, &req)
	if err != nil {
		return err
	}
	return x.reflected(showPolicy(&rep.Policy))
}

// setPolicy creates a policy, or replaces the one with an ID.
func (x *exchange) setPolicy(id string) error {
	var body policyJSON
	if err := x.decodeAs("Policy decoding failed: %w", &body); err != nil {
		return err
	}
	if id == "" && body.ID != "" {
		return invalid("Cannot specify the ID when creating a new policy")
	}
	if err := sameInBody("Policy ID", id, body.ID); err != nil {
		return err
	}
	rep, err := ops.ACLPolicySet.Call(x.r.Context(), x.api.opts.Caller, &ops.ACLPolicySetRequest{
		WriteOptions: x.writeOptions(), Create: id == "",
		Policy: catalog.ACLPolicy{ID: id, Name: body.Name, Description: body.Description, Rules: body.Rules, Datacenters: body.Datacenters},
	})
	if err != nil {
		return err
	}
	return x.reflected(showPolicy(&rep.Policy))
}
