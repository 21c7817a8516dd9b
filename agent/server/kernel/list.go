package kernel

import (
	"context"
	"slices"
	"unsafe"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/filter"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// List is a read that answers with a list of rows. What the caller may not see
// goes first; only then is anything asked about the rows, so that no filter tells
// of what is hidden.
type List[Row any] struct {
	// Rows are all that the read is about.
	Rows func(*catalog.Tx, catalog.WatchSet) (index uint64, rows []Row)
	// Keep has Rows kept for all who ask for the same; nil has them listed each time.
	Keep *Keep
	// Absent: a list without rows means that there is nothing of that name, so that
	// a blocking read waits for it (rpc.ReadMeta.Absent).
	Absent bool
	Needs  acl.Need                    // beside the rights on the rows; the zero value is none
	Wanted func(*catalog.Tx, Row) bool // nil: all
	// Quiet answers do not say that rows were hidden. Consul says so of hidden rows
	// that were wanted, which tells of them; here it is said of none.
	Quiet  bool
	Pick   Pick[Row]        // the request's filter
	Near   *ops.Near        // the order; nil for that of Rows
	NodeOf func(Row) string // with Near
	Into   *[]Row           // in the reply
	Then   func()           // after each evaluation; may be nil
}

// Keep says when rows that were listed are still right.
type Keep struct {
	Key   string                                     // of the rows, from NewListKey
	Stamp func(*catalog.Tx, catalog.WatchSet) Stamp  // of their state; watches what Rows does
	Index func(tx *catalog.Tx, listed uint64) uint64 // of the answer now, of what it was when they were listed; nil if that holds
}

// Pick is what the filter of a request picks; the zero value picks everything.
type Pick[Row any] struct {
	keep func(context.Context, []Row) ([]Row, error)
	err  error
}

// PickBy reads a filter about rows.
func PickBy[R, Row any, P filter.Row[R, Row]](expression string) Pick[Row] {
	f, err := filter.New[R](expression)
	if err != nil || f == nil {
		return Pick[Row]{err: err}
	}
	return Pick[Row]{keep: func(ctx context.Context, rows []Row) ([]Row, error) { return filter.Keep[R, Row, P](ctx, f, rows) }}
}

// Keeping is a Pick of anything else that keeps rows, and the error of making it.
func Keeping[Row any](keep func(context.Context, []Row) ([]Row, error), err error) Pick[Row] {
	return Pick[Row]{keep, err}
}

// HandleList registers a list: its rule is that of its rows.
func HandleList[Req, Rep, Row any](m *Mux, k *Kernel, op rpc.Op[Req, Rep], v Visibility[Row], list func(*Req, *Rep) List[Row]) {
	Handle(m, op, v.Rule(), func(ctx context.Context, az *acl.Authorizer, req *Req) (*Rep, error) {
		rep := new(Rep)
		opts, meta := rpc.ReadOptionsOf(any(req).(rpc.Message)), rpc.ReadMetaOf(any(rep).(rpc.Message))
		return rep, ReadList(ctx, k, az, opts, meta, v, list(req, rep))
	})
}

// ReadList answers a list.
func ReadList[Row any](ctx context.Context, k *Kernel, az *acl.Authorizer, opts *rpc.ReadOptions, meta *rpc.ReadMeta, v Visibility[Row], l List[Row]) error {
	if l.Needs != (acl.Need{}) {
		if err := az.Check(l.Needs); err != nil {
			return err
		}
	}
	if l.Pick.err != nil {
		return l.Pick.err
	}
	return k.Read(ctx, opts, meta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, all := l.list(k.Views, tx, ws)
		meta.Absent = l.Absent && len(all) == 0
		rows, filtered := v.Show(az, all)
		meta.Filtered = filtered && !l.Quiet
		if l.Wanted != nil {
			rows = slices.DeleteFunc(slices.Clone(rows), func(row Row) bool { return !l.Wanted(tx, row) })
		}
		if l.Pick.keep != nil {
			var err error
			if rows, err = l.Pick.keep(ctx, rows); err != nil {
				return index, err
			}
		}
		if l.Near != nil {
			rows = SortNear(k, tx, l.Near, rows, l.NodeOf)
		}
		meta.Shared = l.Keep != nil && len(rows) == len(all) && unsafe.SliceData(rows) == unsafe.SliceData(all)
		*l.Into = rows
		if l.Then != nil {
			l.Then()
		}
		return index, nil
	})
}

// list lists the rows, or finds them kept.
func (l *List[Row]) list(v *Views, tx *catalog.Tx, ws catalog.WatchSet) (index uint64, rows []Row) {
	if l.Keep == nil {
		return l.Rows(tx, ws)
	}
	stamp := l.Keep.Stamp(tx, ws)
	select {
	case <-stamp.Changed: // since tx began
		return l.Rows(tx, nil)
	default:
	}
	index, rows, _ = kept(v, tx, l.Keep.Key, stamp, func() (uint64, []Row, error) {
		index, rows := l.Rows(tx, nil)
		return index, rows, nil
	})
	switch {
	case len(rows) == 0: // the index is that of what is absent
		return l.Rows(tx, nil)
	case l.Keep.Index != nil:
		index = l.Keep.Index(tx, index)
	}
	return index, rows
}
