package server

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"time"

	"praetor/catalog"
	"praetor/internal/configentry"
	"praetor/internal/life"
	"praetor/internal/mesh"
)

// bindPause is the time until a leader tries again to note what it could not.
const bindPause = time.Second

// bindingKinds are the kinds of entries that a change of binds or unbinds routes at once,
// before it is answered; what others change about it is noted soon after.
var bindingKinds = []string{
	configentry.KindAPIGateway, configentry.KindHTTPRoute, configentry.KindTCPRoute,
	configentry.KindInlineCertificate, configentry.KindFileSystemCertificate,
}

// followGateways keeps what is written about API gateways and routes in line with the
// entries that it follows from, until the leader's term ends. The primary datacenter does
// it for all.
func (s *Server) followGateways(ctx context.Context) {
	if s.kernel.Secondary() {
		return
	}
	for ctx.Err() == nil {
		ws := catalog.WatchSet{}
		if err := s.bindGateways(ctx, ws); err != nil {
			s.opts.Logger.Warn("bind routes to gateways", "error", err, "again_in", bindPause)
			life.Pause(ctx, bindPause)
			continue
		}
		if ws.WatchCtx(ctx) != nil {
			return
		}
	}
}

// bindGateways writes what is so about gateways and routes where it is not written yet.
// What depends on it is added to ws. Nobody's change is lost: an entry that changed
// meanwhile is looked at again.
func (s *Server) bindGateways(ctx context.Context, ws catalog.WatchSet) error {
	s.binding.Lock()
	defer s.binding.Unlock()
	for {
		tx := s.kernel.Store.Read()
		ws.Add(tx.Replaced())
		writes, err := bindings(tx, ws)
		if err != nil {
			return err
		}
		overtaken := false
		for i := range writes {
			result, _, err := s.kernel.Apply(ctx, catalog.ConfigCommand, &writes[i])
			if err != nil {
				return err
			}
			done, _ := result.(bool)
			overtaken = overtaken || !done
		}
		if !overtaken {
			return nil
		}
	}
}

// bindings are the writes that bring what is written about gateways and routes in line
// with the entries.
func bindings(tx *catalog.Tx, ws catalog.WatchSet) (writes []catalog.ConfigWrite, err error) {
	parsed := func(row *catalog.ConfigEntry) configentry.Entry {
		if row == nil {
			return nil
		}
		e, bad := row.Parsed()
		if bad != nil {
			err = bad
			return nil
		}
		return e
	}
	get := func(kind, name string) configentry.Entry {
		_, row := tx.ConfigEntry(ws, kind, name)
		return parsed(row)
	}
	list := func(kind string) iter.Seq[configentry.Entry] {
		return func(yield func(configentry.Entry) bool) {
			_, rows := tx.ConfigEntries(ws, kind)
			for _, row := range rows {
				if e := parsed(row); e != nil && !yield(e) {
					return
				}
			}
		}
	}
	for _, e := range mesh.Bind(get, list, time.Now().UTC()) {
		row, bad := catalog.NewConfigEntry(e)
		if bad != nil {
			return nil, bad
		}
		if _, old := tx.ConfigEntry(nil, row.Kind, row.Name); old != nil {
			if bytes.Equal(old.Body, row.Body) {
				continue
			}
			row.ModifyIndex = old.ModifyIndex
		}
		writes = append(writes, catalog.ConfigWrite{Verb: catalog.ConfigCAS, Entry: *row})
	}
	_, bound := tx.ConfigEntries(ws, configentry.KindBoundAPIGateway)
	for _, row := range bound {
		if get(configentry.KindAPIGateway, row.Name) == nil {
			writes = append(writes, catalog.ConfigWrite{Verb: catalog.ConfigDeleteCAS, Entry: catalog.ConfigEntry{Kind: row.Kind, Name: row.Name, ModifyIndex: row.ModifyIndex}})
		}
	}
	return writes, err
}

// bindAfter binds routes at once when an entry of a kind has changed. If that fails
// followGateways goes on with it.
func (s *Server) bindAfter(ctx context.Context, kind string) {
	if slices.Contains(bindingKinds, kind) {
		_ = s.bindGateways(ctx, catalog.WatchSet{})
	}
}
