package server

import (
	"context"
	"slices"

	"praetor/catalog"
	"praetor/internal/configentry"
	"praetor/internal/fault"
	"praetor/internal/filter"
	"praetor/internal/ops"
)

// configRights are what it takes to see and to change the entries of a kind
// (reference/http-mesh-ui.md §1). Each returns the permission that is missing and
// the name that it is about, "" for none.
type configRights struct {
	read, write func(c caller, name string) (permission, on string)
}

func anyone(caller, string) (string, string) { return "", "" }

func serviceReader(c caller, name string) (string, string) {
	if c.ServiceRead(name) {
		return "", ""
	}
	return "service:read", name
}

func serviceWriter(c caller, name string) (string, string) {
	if c.ServiceWrite(name) {
		return "", ""
	}
	return "service:write", name
}

func intentionReader(c caller, name string) (string, string) {
	if c.IntentionRead(name) {
		return "", ""
	}
	return "intention:read", name
}

func intentionWriter(c caller, name string) (string, string) {
	if c.IntentionWrite(name) {
		return "", ""
	}
	return "intention:write", name
}

func meshReader(c caller, _ string) (string, string) {
	if c.MeshRead() {
		return "", ""
	}
	return "mesh:read", ""
}

func meshWriter(c caller, _ string) (string, string) {
	if c.MeshWrite() {
		return "", ""
	}
	return "mesh:write", ""
}

// providerReader is for tokens' issuers: who may write a service may name them.
func providerReader(c caller, _ string) (string, string) {
	if c.MeshRead() || c.ServiceWriteAny() {
		return "", ""
	}
	return "mesh:read", ""
}

var (
	ofServices = configRights{serviceReader, serviceWriter}
	ofGateways = configRights{serviceReader, meshWriter}
	ofMesh     = configRights{meshReader, meshWriter}
	ofAll      = configRights{anyone, meshWriter}
)

// rightsOf are the rights on entries of each kind; others are of the mesh.
var rightsOf = map[string]configRights{
	configentry.KindServiceDefaults: ofServices, configentry.KindServiceRouter: ofServices,
	configentry.KindServiceSplitter: ofServices, configentry.KindServiceResolver: ofServices,
	configentry.KindServiceIntentions: {intentionReader, intentionWriter},
	configentry.KindIngressGateway:    ofGateways, configentry.KindTerminatingGateway: ofGateways,
	configentry.KindAPIGateway: ofGateways, configentry.KindBoundAPIGateway: ofGateways,
	configentry.KindProxyDefaults: ofAll, configentry.KindMesh: ofAll,
	configentry.KindJWTProvider: {providerReader, meshWriter},
}

func rightsOn(kind string) configRights {
	if r, ok := rightsOf[kind]; ok {
		return r
	}
	return ofMesh
}

func (c caller) mayReadConfig(kind, name string) error {
	if missing, on := rightsOn(kind).read(c, name); missing != "" {
		return c.denied(missing, on)
	}
	return nil
}

func (c caller) mayWriteConfig(kind, name string) error {
	if missing, on := rightsOn(kind).write(c, name); missing != "" {
		return c.denied(missing, on)
	}
	return nil
}

func (s *Server) configApply(ctx context.Context, req *ops.ConfigApplyRequest) (*ops.ConfigApplyReply, error) {
	az, err := s.access(req.Token)
	if err != nil {
		return nil, err
	}
	write := req.Write
	switch write.Verb {
	case catalog.ConfigSet, catalog.ConfigCAS:
		row, err := prepareConfig(&write.Entry)
		if err != nil {
			return nil, err
		}
		row.ModifyIndex = write.Entry.ModifyIndex
		write.Entry = *row
	}
	if err := az.mayWriteConfig(write.Entry.Kind, write.Entry.Name); err != nil {
		return nil, err
	}
	result, index, err := s.apply(ctx, catalog.ConfigCommand, &write)
	if err != nil {
		return nil, err
	}
	done, _ := result.(bool)
	return &ops.ConfigApplyReply{Done: done, Index: index}, nil
}

// prepareConfig fills in defaults and says what is wrong with an entry taken by
// itself.
func prepareConfig(raw *catalog.ConfigEntry) (*catalog.ConfigEntry, error) {
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
				return nil, fault.New(fault.Rejected, "Filter for subset %q is not a valid expression: %w", name, err)
			}
		}
	}
	return catalog.NewConfigEntry(entry)
}

// bootstrapEntries writes the entries of the configuration that are not there.
// One that does not fit those that are there is told and left out.
func (s *Server) bootstrapEntries(ctx context.Context) error {
	for _, entry := range *s.entries.Load() {
		kind, name := configentry.KindOf(entry), entry.EntryName()
		if _, old := s.store.Read().ConfigEntry(nil, kind, name); old != nil {
			continue
		}
		row, err := catalog.NewConfigEntry(entry)
		if err == nil {
			_, _, err = s.apply(ctx, catalog.ConfigCommand, &catalog.ConfigWrite{Verb: catalog.ConfigCAS, Entry: *row})
		}
		if kind := fault.KindOf(err); kind == fault.Rejected || kind == fault.Invalid {
			s.logger.Error("write config entry of the configuration", "kind", configentry.KindOf(entry), "name", name, "error", err)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// followReloads writes the entries that a reload brought, until ctx ends.
func (s *Server) followReloads(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.reloaded:
		}
		if err := s.bootstrapEntries(ctx); err != nil && ctx.Err() == nil {
			s.logger.Error("write config entries of the configuration", "error", err)
		}
	}
}

func (s *Server) configGet(ctx context.Context, req *ops.ConfigGetRequest) (*ops.ConfigGetReply, error) {
	az, err := s.access(req.Token)
	if err != nil {
		return nil, err
	}
	if _, err := configentry.New(req.Kind); err != nil {
		return nil, err
	}
	if err := az.mayReadConfig(req.Kind, req.Name); err != nil {
		return nil, err
	}
	rep := &ops.ConfigGetReply{}
	return rep, s.read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, entry := tx.ConfigEntry(ws, req.Kind, req.Name)
		rep.Entry, rep.Absent = entry, entry == nil
		return index, nil
	})
}

func (s *Server) configList(ctx context.Context, req *ops.ConfigListRequest) (*ops.ConfigListReply, error) {
	az, err := s.access(req.Token)
	if err != nil {
		return nil, err
	}
	wanted, err := configFilter(req.Kind, req.Filter)
	if err != nil {
		return nil, err
	}
	rep := &ops.ConfigListReply{}
	return rep, s.read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, all := tx.ConfigEntries(ws, req.Kind)
		seen := all
		if !az.unlimited() {
			seen = slices.DeleteFunc(slices.Clone(all), func(e *catalog.ConfigEntry) bool { return az.mayReadConfig(e.Kind, e.Name) != nil })
		}
		rep.Filtered = len(seen) < len(all)
		rep.Entries, err = wanted.Keep(ctx, seen)
		return index, err
	})
}

// configFilter reads an expression about entries of a kind, which there must be;
// "" stands for all kinds, whose entries have nothing in common to be named.
func configFilter(kind, expression string) (*filter.Config, error) {
	if kind == "" {
		return nil, nil
	}
	entry, err := configentry.New(kind)
	if err != nil {
		return nil, err
	}
	return filter.NewConfig(entry, expression)
}
