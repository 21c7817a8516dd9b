package server

import (
	"context"
	"slices"
	"time"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

func (s *Server) registerHistory(m *kernel.Mux) {
	kernel.Handle(m, ops.KVHistory, kernel.Needs(func(r *ops.KVHistoryRequest) acl.Need { return acl.Key.Read(r.Key) }), s.kvHistory)
	kernel.Handle(m, ops.KVAt, kernel.Needs(func(r *ops.KVAtRequest) acl.Need { return acl.Key.Read(r.Key) }), s.kvAt)
	kernel.HandleList(m, s.kernel, ops.CatalogHistory, kernel.Changes, s.catalogHistory)
}

// What one reply shows at most.
const (
	maxChanges     = 10_000
	maxChangeBytes = 16 << 20 // of values
)

var (
	errNoKeyHistory = fault.New(fault.Rejected, "no history of keys is kept: set \"history { kv = true }\" in the configuration of the servers")
	errNoHistory    = fault.New(fault.Rejected, "no history of the catalog is kept: \"history { catalog = false }\" is set in the configuration of the servers")
)

// since is from when on changes may be shown: the store forgets those that are too old
// only when something changes.
func since(o catalog.HistoryOptions) int64 {
	if o.MaxAge == 0 {
		return 0
	}
	return time.Now().Add(-o.MaxAge).UnixNano()
}

func (s *Server) kvHistory(ctx context.Context, az *acl.Authorizer, req *ops.KVHistoryRequest) (*ops.KVHistoryReply, error) {
	history := s.kernel.Store.History()
	if !history.Keys {
		return nil, errNoKeyHistory
	}
	rep := &ops.KVHistoryReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (index uint64, err error) {
		index, rep.Changes = tx.KeyHistory(ws, req.Key, since(history))
		rep.Changes = rep.Changes[:fitting(rep.Changes, req.Limit)]
		for _, c := range rep.Changes {
			c.Accessor, c.Agent = kernel.Author(az, c.Accessor, c.Agent)
		}
		return index, nil
	})
}

// fitting is how many changes a reply has.
func fitting(list []*catalog.KeyChange, limit int) int {
	n, bytes := 0, 0
	for n < len(list) && n < most(limit) && bytes < maxChangeBytes {
		bytes += entryBytes
		for _, e := range []*catalog.KVEntry{list[n].Old, list[n].New} {
			if e != nil {
				bytes += len(e.Value)
			}
		}
		n++
	}
	return n
}

func most(limit int) int {
	if limit <= 0 {
		return maxChanges
	}
	return min(limit, maxChanges)
}

func (s *Server) kvAt(ctx context.Context, _ *acl.Authorizer, req *ops.KVAtRequest) (*ops.KVAtReply, error) {
	history := s.kernel.Store.History()
	if !history.Keys {
		return nil, errNoKeyHistory
	}
	rep := &ops.KVAtReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, entry, known, from := tx.KeyAt(ws, req.Key, catalog.Moment{Index: req.Index, Time: req.Time}, since(history))
		switch {
		case known:
			rep.Entry = entry
			return index, nil
		case from == catalog.Moment{}:
			return index, fault.New(fault.Invalid, "the history of keys does not reach back so far: it has no changes yet")
		}
		return index, fault.New(fault.Invalid, "the history of keys does not reach back so far: it goes back to index %d, %s", from.Index, time.Unix(0, from.Time).UTC().Format(time.RFC3339))
	})
}

// kinds are what may be asked for.
var kinds = []string{"", catalog.KindNode, catalog.KindService, catalog.KindCheck, catalog.KindLeader, catalog.KindSnapshot}

func (s *Server) catalogHistory(req *ops.CatalogHistoryRequest, rep *ops.CatalogHistoryReply) kernel.List[*catalog.CatalogChange] {
	history := s.kernel.Store.History()
	var refused error
	switch {
	case !history.Catalog:
		refused = errNoHistory
	case !slices.Contains(kinds, req.Kind):
		refused = fault.New(fault.Invalid, "there are no changes of kind %q: node, service, check, leader or snapshot is wanted", req.Kind)
	}
	return kernel.List[*catalog.CatalogChange]{
		Into: &rep.Changes, Pick: kernel.Keeping[*catalog.CatalogChange](nil, refused),
		Rows: func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, []*catalog.CatalogChange) {
			q := catalog.HistoryQuery{Service: req.Service, Node: req.Node, Kind: req.Kind, Since: max(req.Since, since(history))}
			if ws != nil { // who waits is told of what he has not seen; when his time is up, of all
				q.After = req.MinIndex
			}
			return tx.CatalogHistory(ws, q)
		},
		Then: func() { rep.Changes = rep.Changes[:min(len(rep.Changes), most(req.Limit))] },
	}
}
