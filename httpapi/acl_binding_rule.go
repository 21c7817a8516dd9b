package httpapi

import (
	"net/http"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/ops"
)

// bindingRuleJSON is a binding rule as it is shown and given.
type bindingRuleJSON struct {
	ID          string
	Description string
	AuthMethod  string
	Selector    string
	BindType    string
	BindName    string
	BindVars    *wire.TemplateVariables `json:",omitempty"`
	CreateIndex uint64
	ModifyIndex uint64
}

func showBindingRule(r *catalog.ACLBindingRule) bindingRuleJSON {
	shown := bindingRuleJSON{
		ID: r.ID, Description: r.Description, AuthMethod: r.AuthMethod, Selector: r.Selector, BindType: r.BindType, BindName: r.BindName,
		CreateIndex: r.CreateIndex, ModifyIndex: r.ModifyIndex,
	}
	if r.BindVars != "" {
		shown.BindVars = &wire.TemplateVariables{Name: r.BindVars}
	}
	return shown
}

func aclBindingRules(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.ACLBindingRuleList, &ops.ACLBindingRuleListRequest{ReadOptions: opts, AuthMethod: x.query.Get("authmethod")})
	if err != nil {
		return err
	}
	list := make([]bindingRuleJSON, len(rep.Rules))
	for i, r := range rep.Rules {
		list[i] = showBindingRule(r)
	}
	return x.reflected(list)
}

func aclBindingRule(x *exchange) error {
	switch {
	case x.isCreate():
		return aclBindingRuleCreate(x)
	case x.name == "":
		return missing("binding rule ID")
	case x.r.Method == http.MethodPut:
		return x.setBindingRule(x.name)
	case x.r.Method == http.MethodDelete:
		if _, err := ops.ACLBindingRuleDelete.Call(x.r.Context(), x.api.opts.Caller, &ops.ACLDeleteRequest{WriteOptions: x.writeOptions(), ID: x.name}); err != nil {
			return err
		}
		return x.bool(true)
	}
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.ACLBindingRuleGet, &ops.ACLGetRequest{ReadOptions: opts, ID: x.name})
	if err != nil {
		return err
	}
	return x.reflected(showBindingRule(&rep.Rule))
}

func aclBindingRuleCreate(x *exchange) error { return x.setBindingRule("") }

// setBindingRule creates a rule, or replaces the one with an ID.
func (x *exchange) setBindingRule(id string) error {
	var body bindingRuleJSON
	if err := x.decodeAs("BindingRule decoding failed: %w", &body); err != nil {
		return err
	}
	if err := sameInBody("BindingRule ID", id, body.ID); err != nil {
		return err
	}
	row := catalog.ACLBindingRule{
		ID: id, Description: body.Description, AuthMethod: body.AuthMethod, Selector: body.Selector, BindType: body.BindType, BindName: body.BindName,
	}
	if body.BindVars != nil {
		row.BindVars = body.BindVars.Name
	}
	rep, err := ops.ACLBindingRuleSet.Call(x.r.Context(), x.api.opts.Caller, &ops.ACLBindingRuleSetRequest{
		WriteOptions: x.writeOptions(), Create: id == "", Rule: row,
	})
	if err != nil {
		return err
	}
	return x.reflected(showBindingRule(&rep.Rule))
}
