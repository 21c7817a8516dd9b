package httpapi

import (
	"net/http"
	"strings"
	"time"

	"praetor/catalog"
	"praetor/internal/definition"
	"praetor/internal/ops"
)

// tokenJSON is a token as it is shown.
type tokenJSON struct {
	AccessorID  string
	SecretID    string
	Name        string `json:",omitempty"`
	Description string
	Policies    []aclLink `json:",omitempty"`
	Roles       []aclLink `json:",omitempty"`
	identities
	Local          bool
	AuthMethod     string     `json:",omitempty"`
	ExpirationTime *time.Time `json:",omitempty"`
	CreateTime     time.Time
	Hash           []byte
	CreateIndex    uint64
	ModifyIndex    uint64
}

// tokenBody is a token as it is given. Members that the server makes are what
// clients send back.
type tokenBody struct {
	tokenJSON
	ExpirationTTL definition.Duration
}

func showToken(t *ops.ACLToken) tokenJSON {
	row := &t.Row
	shown := tokenJSON{
		AccessorID: row.AccessorID, SecretID: row.SecretID, Name: row.Name, Description: row.Description,
		Policies: showLinks(t.Policies), Roles: showLinks(t.Roles),
		identities: showIdentities(row.ServiceIdentities, row.NodeIdentities, row.TemplatedPolicies),
		Local:      row.Local, AuthMethod: row.AuthMethod, CreateTime: time.Unix(0, row.Created).UTC(),
		Hash: row.Hash, CreateIndex: row.CreateIndex, ModifyIndex: row.ModifyIndex,
	}
	if row.Expires != 0 {
		at := time.Unix(0, row.Expires).UTC()
		shown.ExpirationTime = &at
	}
	return shown
}

// token is the body as servers take it.
func (b *tokenBody) token() ops.ACLToken {
	t := ops.ACLToken{Policies: links(b.Policies), Roles: links(b.Roles), ExpirationTTL: b.ExpirationTTL.Span(), Row: catalog.ACLToken{
		AccessorID: b.AccessorID, SecretID: b.SecretID, Name: b.Name, Description: b.Description,
		ServiceIdentities: b.services(), NodeIdentities: b.nodes(), TemplatedPolicies: b.templates(), Local: b.Local, AuthMethod: b.AuthMethod,
	}}
	if b.ExpirationTime != nil && !b.ExpirationTime.IsZero() {
		t.Row.Expires = b.ExpirationTime.UnixNano()
	}
	return t
}

func aclTokens(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.ACLTokenList, &ops.ACLTokenListRequest{
		ReadOptions: opts, PolicyID: x.query.Get("policy"), RoleID: x.query.Get("role"),
		ServiceName: x.query.Get("servicename"), AuthMethod: x.query.Get("authmethod"),
	})
	if err != nil {
		return err
	}
	list := make([]tokenJSON, len(rep.Tokens))
	for i, t := range rep.Tokens {
		list[i] = showToken(t)
	}
	return x.reflected(list)
}

func aclToken(x *exchange) error {
	if accessor, is := strings.CutSuffix(x.name, "/clone"); is && x.r.Method == http.MethodPut {
		return x.cloneToken(accessor)
	}
	switch {
	case x.isCreate():
		return aclTokenCreate(x)
	case x.name == "":
		return missing("token AccessorID")
	case x.r.Method == http.MethodPut:
		return x.setToken(x.name)
	case x.r.Method == http.MethodDelete:
		if _, err := ops.ACLTokenDelete.Call(x.r.Context(), x.api.opts.Caller, &ops.ACLDeleteRequest{WriteOptions: x.writeOptions(), ID: x.name}); err != nil {
			return err
		}
		return x.bool(true)
	}
	return x.getToken(x.name)
}

func aclTokenCreate(x *exchange) error { return x.setToken("") }

// aclTokenSelf shows the request's own token: no right is needed for it.
func aclTokenSelf(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.ACLTokenSelf, &ops.ACLTokenSelfRequest{ReadOptions: opts})
	if err != nil {
		return err
	}
	return x.reflected(showToken(&rep.Token))
}

// expandedJSON is a token with all that its rights come from.
type expandedJSON struct {
	tokenJSON
	ExpandedPolicies          []policyJSON
	ExpandedRoles             []roleJSON
	NamespaceDefaultPolicyIDs []string
	NamespaceDefaultRoleIDs   []string
	AgentACLDefaultPolicy     string
	AgentACLDownPolicy        string
	ResolvedByAgent           string
}

func (x *exchange) getToken(accessor string) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	expanded := x.has("expanded")
	rep, err := ask(x, ops.ACLTokenGet, &ops.ACLTokenGetRequest{ReadOptions: opts, AccessorID: accessor, Expanded: expanded})
	if err != nil {
		return err
	}
	shown := showToken(&rep.Token)
	if !expanded || rep.Expanded == nil {
		return x.reflected(shown)
	}
	full := expandedJSON{
		tokenJSON:             shown,
		AgentACLDefaultPolicy: x.api.opts.DefaultPolicy, AgentACLDownPolicy: x.api.opts.ACLs.DownPolicy, ResolvedByAgent: x.api.opts.NodeName,
	}
	for _, p := range rep.Expanded.Policies {
		full.ExpandedPolicies = append(full.ExpandedPolicies, showPolicy(p))
	}
	for _, r := range rep.Expanded.Roles {
		full.ExpandedRoles = append(full.ExpandedRoles, showRole(r))
	}
	return x.reflected(full)
}

const textTokenDecode = "Token decoding failed: %w"

// setToken creates a token, or replaces the one with an accessor.
func (x *exchange) setToken(accessor string) error {
	var body tokenBody
	if err := x.decodeAs(textTokenDecode, &body); err != nil {
		return err
	}
	if accessor != "" {
		if err := sameInBody("Token Accessor ID", accessor, body.AccessorID); err != nil {
			return err
		}
		body.AccessorID = accessor
	}
	rep, err := ops.ACLTokenSet.Call(x.r.Context(), x.api.opts.Caller, &ops.ACLTokenSetRequest{
		WriteOptions: x.writeOptions(), Create: accessor == "", Given: body.token(),
	})
	if err != nil {
		return err
	}
	return x.reflected(showToken(&rep.Token))
}

func (x *exchange) cloneToken(accessor string) error {
	if accessor == "" {
		return missing("token AccessorID")
	}
	var body tokenBody // of which only the description counts
	if err := x.decodeAs(textTokenDecode, &body); err != nil {
		return err
	}
	rep, err := ops.ACLTokenClone.Call(x.r.Context(), x.api.opts.Caller, &ops.ACLTokenCloneRequest{
		WriteOptions: x.writeOptions(), AccessorID: accessor, Description: body.Description,
	})
	if err != nil {
		return err
	}
	return x.reflected(showToken(&rep.Token))
}
