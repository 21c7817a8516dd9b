package httpapi

import (
	"encoding/json"
	"net/http"
	"time"

	"praetor/catalog"
	"praetor/internal/definition"
	"praetor/internal/ops"
)

// authMethodJSON is an auth method as it is shown; in lists without Config.
type authMethodJSON struct {
	Name          string
	Type          string
	DisplayName   string          `json:",omitempty"`
	Description   string          `json:",omitempty"`
	MaxTokenTTL   string          `json:",omitempty"`
	TokenLocality string          `json:",omitempty"`
	Config        json.RawMessage `json:",omitempty"`
	CreateIndex   uint64
	ModifyIndex   uint64
}

// authMethodBody is an auth method as it is given.
type authMethodBody struct {
	Name          string
	Type          string
	DisplayName   string
	Description   string
	MaxTokenTTL   definition.Duration
	TokenLocality string
	Config        map[string]any
	CreateIndex   uint64
	ModifyIndex   uint64
}

func showAuthMethod(m *catalog.ACLAuthMethod) authMethodJSON {
	shown := authMethodJSON{
		Name: m.Name, Type: m.Type, DisplayName: m.DisplayName, Description: m.Description, TokenLocality: m.TokenLocality,
		Config: m.Config, CreateIndex: m.CreateIndex, ModifyIndex: m.ModifyIndex,
	}
	if m.MaxTokenTTL != 0 {
		shown.MaxTokenTTL = m.MaxTokenTTL.String()
	}
	return shown
}

func aclAuthMethods(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.ACLAuthMethodList, &ops.ACLListRequest{ReadOptions: opts})
	if err != nil {
		return err
	}
	list := make([]authMethodJSON, len(rep.Methods))
	for i, m := range rep.Methods {
		list[i] = showAuthMethod(m)
	}
	return x.reflected(list)
}

func aclAuthMethod(x *exchange) error {
	switch {
	case x.name == "":
		return missing("auth method name")
	case x.r.Method == http.MethodPut:
		return x.setAuthMethod(x.name)
	case x.r.Method == http.MethodDelete:
		if _, err := ops.ACLAuthMethodDelete.Call(x.r.Context(), x.api.opts.Caller, &ops.ACLDeleteRequest{WriteOptions: x.writeOptions(), ID: x.name}); err != nil {
			return err
		}
		return x.bool(true)
	}
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.ACLAuthMethodGet, &ops.ACLGetRequest{ReadOptions: opts, Name: x.name})
	if err != nil {
		return err
	}
	return x.reflected(showAuthMethod(&rep.Method))
}

func aclAuthMethodCreate(x *exchange) error { return x.setAuthMethod("") }

// setAuthMethod makes or replaces the method that the body names, which is the URL's if
// that has a name.
func (x *exchange) setAuthMethod(name string) error {
	var body authMethodBody
	if err := x.decodeAs("AuthMethod decoding failed: %w", &body); err != nil {
		return err
	}
	if name != "" {
		if err := sameInBody("AuthMethod Name", name, body.Name); err != nil {
			return err
		}
		body.Name = name
	}
	config, err := json.Marshal(body.Config)
	if err != nil {
		return err
	}
	rep, err := ops.ACLAuthMethodSet.Call(x.r.Context(), x.api.opts.Caller, &ops.ACLAuthMethodSetRequest{
		WriteOptions: x.writeOptions(),
		Method: catalog.ACLAuthMethod{
			Name: body.Name, Type: body.Type, DisplayName: body.DisplayName, Description: body.Description,
			MaxTokenTTL: time.Duration(body.MaxTokenTTL), TokenLocality: body.TokenLocality, Config: config,
		},
	})
	if err != nil {
		return err
	}
	return x.reflected(showAuthMethod(&rep.Method))
}
