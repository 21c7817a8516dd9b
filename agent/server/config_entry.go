package server

import (
	"context"
	"strings"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/configentry"
	"praetor/internal/fault"
	"praetor/internal/filter"
	"praetor/internal/mesh"
	"praetor/internal/ops"
)

func (s *Server) registerConfig(m *kernel.Mux) {
	kernel.Handle(m, ops.ConfigApply, kernel.Decides("the right to write entries of the kind"), s.configApply)
	kernel.Handle(m, ops.ConfigGet, kernel.Decides("the right to read entries of the kind"), s.configGet)
	kernel.HandleList(m, s.kernel, ops.ConfigList, configEntries, func(r *ops.ConfigListRequest, rep *ops.ConfigListReply) kernel.List[*catalog.ConfigEntry] {
		wanted, err := configFilter(r.Kind, r.Filter)
		return kernel.List[*catalog.ConfigEntry]{
			Pick: kernel.Keeping(wanted.Keep, err), Into: &rep.Entries,
			Rows: func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, []*catalog.ConfigEntry) {
				return tx.ConfigEntries(ws, r.Kind)
			},
		}
	})
	kernel.Handle(m, ops.ConfigExported, kernel.NeedsAlways(acl.Mesh.Read()), s.configExported)
	kernel.Handle(m, ops.VirtualAddress, kernel.Needs(func(r *ops.VirtualAddressRequest) acl.Need {
		return acl.Service.Read(r.Service)
	}), s.virtualAddress)
}

// configRights are what it takes to see and to change the entries of a kind
// (reference/http-mesh-ui.md §1).
type configRights struct {
	read, write func(c *acl.Authorizer, name string) error
}

func anyone(*acl.Authorizer, string) error { return nil }

var errController = fault.New(fault.Denied, "Permission denied: only writeable by controller")

func controllerOnly(*acl.Authorizer, string) error { return errController }

// toEach asks for a right on the entry's name, toAll for one on all entries.
func toEach(need func(name string) acl.Need) func(*acl.Authorizer, string) error {
	return func(c *acl.Authorizer, name string) error { return c.Check(need(name)) }
}

func toAll(need acl.Need) func(*acl.Authorizer, string) error {
	return func(c *acl.Authorizer, _ string) error { return c.Check(need) }
}

// providerReader is for tokens' issuers: who may write a service may name them.
func providerReader(c *acl.Authorizer, _ string) error {
	if c.Allows(acl.Service.WriteAny()) {
		return nil
	}
	return c.Check(acl.Mesh.Read())
}

var (
	serviceReader, serviceWriter = toEach(acl.Service.Read), toEach(acl.Service.Write)
	meshReader, meshWriter       = toAll(acl.Mesh.Read()), toAll(acl.Mesh.Write())

	ofServices = configRights{serviceReader, serviceWriter}
	ofGateways = configRights{serviceReader, meshWriter}
	ofMesh     = configRights{meshReader, meshWriter}
	ofAll      = configRights{anyone, meshWriter}
)

// rightsOf are the rights on entries of each kind; others are of the mesh.
var rightsOf = map[string]configRights{
	configentry.KindServiceDefaults: ofServices, configentry.KindServiceRouter: ofServices,
	configentry.KindServiceSplitter: ofServices, configentry.KindServiceResolver: ofServices,
	configentry.KindServiceIntentions: {toEach(acl.Intention.Read), toEach(acl.Intention.Write)},
	configentry.KindIngressGateway:    ofGateways, configentry.KindTerminatingGateway: ofGateways,
	configentry.KindAPIGateway: ofGateways, configentry.KindBoundAPIGateway: {serviceReader, controllerOnly},
	configentry.KindProxyDefaults: ofAll, configentry.KindMesh: ofAll,
	configentry.KindJWTProvider: {providerReader, meshWriter},
	configentry.KindRateLimit:   {toAll(acl.Operator.Read()), toAll(acl.Operator.Write())},
}

func rightsOn(kind string) configRights {
	if r, ok := rightsOf[kind]; ok {
		return r
	}
	return ofMesh
}

var configEntries = kernel.VisibleIf("the right to read entries of the kind", func(c *acl.Authorizer, e *catalog.ConfigEntry) bool {
	return mayReadConfig(c, e.Kind, e.Name) == nil
})

func mayReadConfig(c *acl.Authorizer, kind, name string) error { return rightsOn(kind).read(c, name) }

// mayWriteConfig asks for the right on the entry, and for service:read on each service
// that it sends requests on to (reference/security.md §4.1).
func mayWriteConfig(c *acl.Authorizer, e *catalog.ConfigEntry) error {
	if err := rightsOn(e.Kind).write(c, e.Name); err != nil {
		return err
	}
	if len(e.Body) == 0 { // a deletion
		return nil
	}
	entry, err := e.Parsed()
	if err != nil {
		return err
	}
	for _, service := range mesh.Destinations(entry) {
		if err := c.Check(acl.Service.Read(service)); err != nil {
			return err
		}
	}
	return nil
}

// configApply changes an entry. The primary datacenter keeps entries for all.
func (s *Server) configApply(ctx context.Context, az *acl.Authorizer, req *ops.ConfigApplyRequest) (*ops.ConfigApplyReply, error) {
	if s.kernel.Secondary() {
		return ops.ConfigApply.CallIn(ctx, s.Router(), req, s.kernel.Primary)
	}
	write := req.Write
	switch write.Verb {
	case catalog.ConfigSet, catalog.ConfigCAS:
		row, err := s.prepareConfig(&write.Entry)
		if err != nil {
			return nil, err
		}
		row.ModifyIndex = write.Entry.ModifyIndex
		write.Entry = *row
	}
	if err := mayWriteConfig(az, &write.Entry); err != nil {
		return nil, err
	}
	if write.Entry.Name == "" { // a deletion: no entry is without a name
		return &ops.ConfigApplyReply{Done: true}, nil
	}
	result, index, err := s.kernel.Apply(ctx, catalog.ConfigCommand, &write)
	if err != nil {
		return nil, err
	}
	s.bindAfter(ctx, write.Entry.Kind)
	done, _ := result.(bool)
	return &ops.ConfigApplyReply{Done: done, Index: index}, nil
}

// prepareConfig fills in defaults and says what is wrong with an entry taken by
// itself. What was found out about the entry that is there stays.
func (s *Server) prepareConfig(raw *catalog.ConfigEntry) (*catalog.ConfigEntry, error) {
	entry, err := configentry.Load(raw.Kind, raw.Body)
	if err != nil {
		return nil, err
	}
	if err := configentry.Prepare(entry); err != nil {
		return nil, err
	}
	if r, ok := entry.(*configentry.ServiceResolver); ok {
		for name, subset := range r.Subsets {
			if err := filter.Validate(subset.Filter); err != nil {
				return nil, fault.New(fault.Rejected, "Filter for subset %q is not a valid expression: %s", name, strings.TrimPrefix(err.Error(), filter.Prefix))
			}
		}
	}
	var old configentry.Entry
	if _, row := s.kernel.Store.Read().ConfigEntry(nil, raw.Kind, entry.EntryName()); row != nil {
		if old, err = row.Parsed(); err != nil {
			return nil, err
		}
	}
	configentry.KeepStatus(entry, old)
	return catalog.NewConfigEntry(entry)
}

func (s *Server) configGet(ctx context.Context, az *acl.Authorizer, req *ops.ConfigGetRequest) (*ops.ConfigGetReply, error) {
	if _, err := configentry.New(req.Kind); err != nil {
		return nil, err
	}
	if err := mayReadConfig(az, req.Kind, req.Name); err != nil {
		return nil, err
	}
	rep := &ops.ConfigGetReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, entry := tx.ConfigEntry(ws, req.Kind, req.Name)
		rep.Entry, rep.Absent = entry, entry == nil
		return index, nil
	})
}

// configFilter reads an expression about entries of a kind, which there must be unless
// it is "", all of them. Services' defaults alone can be chosen from.
func configFilter(kind, expression string) (*filter.Config, error) {
	entry, err := configentry.New(kind)
	switch {
	case kind != "" && err != nil:
		return nil, err
	case expression == "":
		return nil, nil
	case kind != configentry.KindServiceDefaults:
		return nil, fault.New(fault.Rejected, "filtering not supported for config entry kind=%s", kind)
	}
	return filter.NewConfig(entry, expression)
}
