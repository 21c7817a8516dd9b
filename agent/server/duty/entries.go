package duty

import (
	"context"

	"praetor/catalog"
	"praetor/internal/configentry"
	"praetor/internal/fault"
)

// bootstrapEntries writes the entries of the configuration that are not there.
// One that does not fit those that are there is told and left out. A secondary
// datacenter has those of the primary alone.
func (s *Set) bootstrapEntries(ctx context.Context) error {
	if s.Secondary() {
		return nil
	}
	for _, entry := range *s.entries.Load() {
		kind, name := configentry.KindOf(entry), entry.EntryName()
		if _, old := s.Store.Read().ConfigEntry(nil, kind, name); old != nil {
			continue
		}
		row, err := catalog.NewConfigEntry(entry)
		if err == nil {
			_, _, err = s.Apply(ctx, catalog.ConfigCommand, &catalog.ConfigWrite{Verb: catalog.ConfigCAS, Entry: *row})
		}
		if kind := fault.KindOf(err); kind == fault.Rejected || kind == fault.Invalid {
			s.Logger.Error("write config entry of the configuration", "kind", configentry.KindOf(entry), "name", name, "error", err)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// followReloads writes the entries that a reload brought, until ctx ends.
func (s *Set) followReloads(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.reloaded:
		}
		if err := s.bootstrapEntries(ctx); err != nil && ctx.Err() == nil {
			s.Logger.Error("write config entries of the configuration", "error", err)
		}
	}
}
