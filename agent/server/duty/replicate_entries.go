package duty

import (
	"bytes"
	"context"
	"strings"

	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

// replicateEntries copies the config entries of the primary datacenter, until ctx ends.
func (s *Set) replicateEntries(ctx context.Context) {
	if !s.Secondary() {
		return
	}
	s.CopyPrimary(ctx, s.replicateEntriesOnce, func(_ uint64, err error) {
		if err != nil {
			s.Logger.Warn("copy config entries of the primary datacenter (will try again)", "primary", s.Primary, "error", err)
		}
	})
}

// errHidden: what the token may not see looks as if it were gone.
var errHidden = fault.New(fault.Denied, "the replication token may not read all config entries: nothing is copied. "+
	`It needs 'operator = "read"', 'service_prefix "" { policy = "read" intentions = "read" }'`)

// replicateEntriesOnce waits until the primary has something else than at an index, and
// makes this datacenter like it.
func (s *Set) replicateEntriesOnce(ctx context.Context, at uint64) (uint64, error) {
	o := s.FromPrimary()
	o.MinIndex = at
	rep, err := ops.ConfigList.Call(ctx, s.Router, &ops.ConfigListRequest{ReadOptions: o})
	switch {
	case err != nil:
		return 0, err
	case rep.Filtered:
		return 0, errHidden
	}
	_, ours := s.Store.Read().ConfigEntries(nil, "")
	return rep.Index, s.applyAll(ctx, entryChanges(ours, rep.Entries))
}

// entryChanges are the writes that make our entries theirs.
func entryChanges(ours, theirs []*catalog.ConfigEntry) (writes []*catalog.ConfigWrite) {
	key := func(e *catalog.ConfigEntry) [2]string { return [2]string{e.Kind, strings.ToLower(e.Name)} }
	have := map[[2]string]*catalog.ConfigEntry{}
	for _, e := range ours {
		have[key(e)] = e
	}
	for _, e := range theirs {
		old := have[key(e)]
		delete(have, key(e))
		if old == nil || old.Name != e.Name || !bytes.Equal(old.Body, e.Body) {
			writes = append(writes, &catalog.ConfigWrite{Verb: catalog.ConfigSet, Entry: catalog.ConfigEntry{Kind: e.Kind, Name: e.Name, Body: e.Body}})
		}
	}
	for _, e := range ours {
		if have[key(e)] != nil {
			writes = append(writes, &catalog.ConfigWrite{Verb: catalog.ConfigDelete, Entry: catalog.ConfigEntry{Kind: e.Kind, Name: e.Name}})
		}
	}
	return writes
}

// applyAll makes changes of which some may be possible only after others, as a router
// needs its service's protocol: what is refused is tried again after the rest, for as
// long as that helps.
func (s *Set) applyAll(ctx context.Context, writes []*catalog.ConfigWrite) error {
	for len(writes) > 0 {
		var refused []*catalog.ConfigWrite
		var why error
		for _, w := range writes {
			switch _, _, err := s.Apply(ctx, catalog.ConfigCommand, w); {
			case fault.KindOf(err) == fault.Rejected || fault.KindOf(err) == fault.Invalid:
				refused, why = append(refused, w), err
			case err != nil:
				return err
			}
		}
		if len(refused) == len(writes) {
			return why
		}
		writes = refused
	}
	return nil
}
