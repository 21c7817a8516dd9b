package httpapi

import (
	"net/http"
	"strings"
	"time"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/acl"
	"praetor/internal/acl/builtin"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

// textACLDisabled is reference/http-operator-acl.md §3.
const textACLDisabled = "ACL support disabled"

// withACLs is an endpoint that exists where access rules are in force. Programs that
// could use them (Vault, Terraform) tell by it whether they are.
func withACLs(serve func(*exchange) error) func(*exchange) error {
	return func(x *exchange) error {
		if !x.api.opts.ACLs.Enabled {
			x.refuse(http.StatusUnauthorized, textACLDisabled)
			return nil
		}
		return serve(x)
	}
}

func aclBootstrap(x *exchange) error {
	var body struct{ BootstrapSecret string }
	if x.r.ContentLength != 0 {
		if err := x.decodeAs("Bootstrap decoding failed: %w", &body); err != nil {
			return err
		}
	}
	rep, err := ops.ACLBootstrap.Call(x.r.Context(), x.api.opts.Caller, &ops.ACLBootstrapRequest{WriteOptions: x.writeOptions(), Secret: body.BootstrapSecret})
	if fault.KindOf(err) == fault.Denied {
		return fault.New(fault.Denied, "Permission denied: %w", err)
	}
	if err != nil {
		return err
	}
	shown := showToken(&rep.Token)
	return x.reflected(struct {
		ID string
		tokenJSON
	}{shown.SecretID, shown})
}

func aclReplication(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	opts.Token, opts.MinIndex = "", 0 // none is needed
	rep, err := ask(x, ops.ACLReplicationStatus, &ops.ACLReplicationStatusRequest{ReadOptions: opts})
	if err != nil {
		return err
	}
	return x.reflected(replicationJSON{
		rep.Enabled, rep.Running, rep.SourceDatacenter, rep.ReplicationType, rep.ReplicatedIndex, rep.ReplicatedRoleIndex,
		rep.ReplicatedTokenIndex, rep.LastSuccess.UTC(), rep.LastError.UTC(), rep.LastErrorMessage,
	})
}

type replicationJSON struct {
	Enabled              bool
	Running              bool
	SourceDatacenter     string
	ReplicationType      string
	ReplicatedIndex      uint64
	ReplicatedRoleIndex  uint64
	ReplicatedTokenIndex uint64
	LastSuccess          time.Time
	LastError            time.Time
	LastErrorMessage     string
}

// aclLink is a policy or a role by what it is known by.
type aclLink struct {
	ID   string
	Name string
}

func showLinks(links []ops.ACLLink) (list []aclLink) {
	for _, l := range links {
		list = append(list, aclLink(l))
	}
	return list
}

func links(list []aclLink) (all []ops.ACLLink) {
	for _, l := range list {
		all = append(all, ops.ACLLink(l))
	}
	return all
}

type serviceIdentity struct {
	ServiceName string
	Datacenters []string `json:",omitempty"`
}

type nodeIdentity struct {
	NodeName   string
	Datacenter string
}

type templatedPolicy struct {
	TemplateID        string                  `json:",omitempty"`
	TemplateName      string                  `json:",omitempty"`
	TemplateVariables *wire.TemplateVariables `json:",omitempty"`
	Datacenters       []string                `json:",omitempty"`
}

// identities are the members that tokens and roles share.
type identities struct {
	ServiceIdentities []serviceIdentity `json:",omitempty"`
	NodeIdentities    []nodeIdentity    `json:",omitempty"`
	TemplatedPolicies []templatedPolicy `json:",omitempty"`
}

func showIdentities(services []catalog.ACLServiceIdentity, nodes []catalog.ACLNodeIdentity, templates []catalog.ACLTemplatedPolicy) (i identities) {
	for _, s := range services {
		i.ServiceIdentities = append(i.ServiceIdentities, serviceIdentity(s))
	}
	for _, n := range nodes {
		i.NodeIdentities = append(i.NodeIdentities, nodeIdentity(n))
	}
	for _, t := range templates {
		shown := templatedPolicy{TemplateID: t.TemplateID, TemplateName: t.TemplateName, Datacenters: t.Datacenters}
		if t.Name != "" {
			shown.TemplateVariables = &wire.TemplateVariables{Name: t.Name}
		}
		i.TemplatedPolicies = append(i.TemplatedPolicies, shown)
	}
	return i
}

func (i *identities) services() (list []catalog.ACLServiceIdentity) {
	for _, s := range i.ServiceIdentities {
		list = append(list, catalog.ACLServiceIdentity(s))
	}
	return list
}

func (i *identities) nodes() (list []catalog.ACLNodeIdentity) {
	for _, n := range i.NodeIdentities {
		list = append(list, catalog.ACLNodeIdentity(n))
	}
	return list
}

func (i *identities) templates() (list []catalog.ACLTemplatedPolicy) {
	for _, t := range i.TemplatedPolicies {
		row := catalog.ACLTemplatedPolicy{TemplateID: t.TemplateID, TemplateName: t.TemplateName, Datacenters: t.Datacenters}
		if t.TemplateVariables != nil {
			row.Name = t.TemplateVariables.Name
		}
		list = append(list, row)
	}
	return list
}

// templateJSON is a template as it is shown.
type templateJSON struct {
	TemplateName string
	Schema       string
	Template     string
	Description  string
}

func showTemplate(t *builtin.Template) templateJSON {
	return templateJSON{t.Name, t.Schema, t.Text, t.Description}
}

func aclTemplates(x *exchange) error {
	if err := x.mayReadACLs(); err != nil {
		return err
	}
	all := map[string]templateJSON{}
	for _, t := range builtin.Templates() {
		all[t.Name] = showTemplate(&t)
	}
	return x.reflected(all)
}

func aclTemplate(x *exchange) error {
	if err := x.mayReadACLs(); err != nil {
		return err
	}
	if x.name == "" {
		return invalid("Missing templated policy Name")
	}
	t, found := builtin.TemplateNamed(x.name)
	if !found {
		return invalid("Invalid templated policy Name: %s", x.name)
	}
	return x.reflected(showTemplate(t))
}

func aclTemplatePreview(x *exchange) error {
	if err := x.mayReadACLs(); err != nil {
		return err
	}
	if x.name == "" {
		return invalid("Missing templated policy Name")
	}
	t, found := builtin.TemplateNamed(x.name)
	if !found {
		return invalid("templated policy %q does not exist", x.name)
	}
	var body wire.TemplateVariables
	if err := x.decodeAs("Failed to decode request body: %w", &body); err != nil {
		return err
	}
	p, err := t.Render(body.Name)
	if err != nil {
		return invalid("validation error for templated policy: %q: %w", x.name, err)
	}
	return x.reflected(showPolicy(&catalog.ACLPolicy{ID: p.ID, Name: p.Name, Description: p.Description, Rules: p.Rules}))
}

// mayReadACLs asks the agent's own resolver: templates are known to every agent.
func (x *exchange) mayReadACLs() error {
	az, err := x.access()
	if err != nil {
		return err
	}
	return az.Check(aclRead)
}

const maxQuestions = 64

func aclAuthorize(x *exchange) error {
	var body []wire.ACLQuestion
	if err := x.decodeAs("Failed to decode request body: %w", &body); err != nil {
		return err
	}
	if len(body) > maxQuestions {
		return invalid("Refusing to process more than %d authorizations at once", maxQuestions)
	}
	type verdict struct {
		Resource string
		Access   string
		Segment  string `json:",omitempty"`
		Allow    bool
	}
	verdicts := make([]verdict, len(body))
	if len(body) == 0 {
		return x.reflected(verdicts)
	}
	allows, err := x.authorize(body)
	if err != nil {
		return err
	}
	for i, q := range body {
		verdicts[i] = verdict{q.Resource, q.Access, q.Segment, allows[i]}
	}
	return x.reflected(verdicts)
}

// authorize decides as this agent does, which knows its recovery token too, or asks
// another datacenter.
func (x *exchange) authorize(questions []wire.ACLQuestion) ([]bool, error) {
	if dc := x.datacenter(); dc != "" && dc != x.api.opts.Datacenter {
		return x.authorizeFar(questions)
	}
	az, err := x.access()
	if err != nil {
		return nil, err
	}
	allows := make([]bool, len(questions))
	for i, q := range questions {
		need, err := acl.ParseNeed(q.Resource, q.Access, q.Segment)
		if err != nil {
			return nil, err
		}
		allows[i] = az.Allows(need)
	}
	return allows, nil
}

func (x *exchange) authorizeFar(questions []wire.ACLQuestion) ([]bool, error) {
	opts, err := x.readOptions()
	if err != nil {
		return nil, err
	}
	req := &ops.ACLAuthorizeRequest{ReadOptions: opts}
	for _, q := range questions {
		req.Questions = append(req.Questions, ops.ACLQuestion(q))
	}
	rep, err := ask(x, ops.ACLAuthorize, req)
	if err != nil {
		return nil, err
	}
	return rep.Allow, nil
}

// isCreate reports whether an endpoint whose path may end in an ID is to create:
// a PUT without one.
func (x *exchange) isCreate() bool { return x.r.Method == http.MethodPut && x.name == "" }

// missing refuses a path that names nothing.
func missing(what string) error { return invalid("Missing %s", what) }

// sameInBody refuses a body that names another object than the URL.
func sameInBody(what, url, body string) error {
	if body != "" && !strings.EqualFold(url, body) {
		return invalid("%s in URL and payload do not match", what)
	}
	return nil
}
