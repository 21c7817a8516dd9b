package httpapi

import (
	"io"
	"strings"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/acl"
	"praetor/internal/definition"
	"praetor/internal/fault"
	"praetor/internal/filter"
)

func agentChecks(x *exchange) error {
	az, err := x.access()
	if err != nil {
		return err
	}
	all := x.api.opts.Local.Checks()
	visible := make(map[string]*catalog.Check, len(all))
	for id, c := range all {
		if mayReadCheck(az, c) {
			visible[id] = c
		}
	}
	if len(visible) < len(all) {
		x.writeFiltered()
	}
	if visible, err = x.filterChecks(visible); err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte { return wire.AppendMap(b, visible, wire.AppendAgentCheck) })
}

// filterChecks does as Consul does, which here looks at what a filter names only
// once there is a check, and says less about it.
func (x *exchange) filterChecks(all map[string]*catalog.Check) (map[string]*catalog.Check, error) {
	expression := x.query.Get("filter")
	if err := filter.Validate(expression); err != nil || len(all) == 0 {
		return all, err
	}
	picked, err := filter.New[filter.Check](expression)
	if err != nil {
		return nil, rejected("%s", strings.TrimPrefix(err.Error(), filter.Prefix))
	}
	return filter.KeepMap(x.r.Context(), picked, all)
}

func mayReadCheck(az *acl.Authorizer, c *catalog.Check) bool {
	if c.ServiceName != "" {
		return az.Allows(acl.Service.Read(c.ServiceName))
	}
	return az.Allows(acl.Node.Read(c.Node))
}

// agentCheckRegister registers a check (reference/http-agent.md §4.2).
func agentCheckRegister(x *exchange) error {
	az, err := x.access()
	if err != nil {
		return err
	}
	var body definition.Check
	if err := x.decodeWith(textDecode, func(r io.Reader) error { return definition.DecodeAlone(r, &body) }); err != nil {
		return err
	}
	chk, err := body.RowAlone()
	if err != nil {
		return invalid("%w", err)
	}
	switch {
	case chk.Name == "":
		return invalid("Missing check name")
	case chk.Status == "":
		chk.Status = catalog.Critical
	case !definition.ValidStatus(chk.Status):
		return invalid("Bad check status")
	}
	if err := definition.ValidateCheck(chk); err != nil {
		return invalid("Invalid check: %w", err)
	}
	if err := x.ownerOf(chk); err != nil {
		return err
	}
	if old := x.api.opts.Local.Check(chk.CheckID); old != nil {
		if err := x.mayWriteCheck(az, old); err != nil {
			return err
		}
	}
	if err := x.mayWriteCheck(az, chk); err != nil {
		return err
	}
	return x.api.opts.Local.AddCheck(x.r.Context(), chk, x.token)
}

// ownerOf gives a check the name and tags of the service it belongs to.
func (x *exchange) ownerOf(chk *catalog.Check) error {
	chk.Node, chk.Type = x.api.opts.NodeName, definition.CheckType(chk)
	if chk.ServiceID == "" {
		return nil
	}
	svc := x.api.opts.Local.Service(chk.ServiceID)
	if svc == nil {
		return fault.New(fault.NotFound, "ServiceID %q does not exist", chk.ServiceID)
	}
	chk.ServiceName, chk.ServiceTags = svc.Service, svc.Tags
	return nil
}

func (x *exchange) mayWriteCheck(az *acl.Authorizer, c *catalog.Check) error {
	if c.ServiceName != "" {
		return az.Check(acl.Service.Write(c.ServiceName))
	}
	return az.Check(acl.Node.Write(x.api.opts.NodeName))
}

// mayTouchCheck asks for the check that the path names. An unknown one is left
// for Local to refuse.
func (x *exchange) mayTouchCheck() error {
	az, err := x.access()
	if err != nil {
		return err
	}
	c := x.api.opts.Local.Check(x.name)
	if c == nil {
		return nil
	}
	return x.mayWriteCheck(az, c)
}

func agentCheckDeregister(x *exchange) error {
	if err := x.mayTouchCheck(); err != nil {
		return err
	}
	return x.api.opts.Local.RemoveCheck(x.r.Context(), x.name)
}

func agentCheckPass(x *exchange) error { return x.updateTTL(catalog.Passing, x.query.Get("note")) }
func agentCheckWarn(x *exchange) error { return x.updateTTL(catalog.Warning, x.query.Get("note")) }
func agentCheckFail(x *exchange) error { return x.updateTTL(catalog.Critical, x.query.Get("note")) }

func agentCheckUpdate(x *exchange) error {
	var body struct{ Status, Output string }
	if err := x.decode(&body); err != nil {
		return err
	}
	var err error
	if x.scope, err = x.tenancy(); err != nil {
		return err
	}
	if !definition.ValidStatus(body.Status) {
		return invalid("Invalid check status: '%s'", body.Status)
	}
	return x.updateTTL(body.Status, body.Output)
}

func (x *exchange) updateTTL(status, output string) error {
	if err := x.mayTouchCheck(); err != nil {
		return err
	}
	return x.api.opts.Local.UpdateTTL(x.r.Context(), x.name, status, output)
}
