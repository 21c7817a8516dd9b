package kernel

import (
	"context"
	"slices"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/filter"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// List is a question whose answer is a list of rows. What the caller may not see
// goes first; only then is anything asked about the rows, so that no question tells
// of what is hidden.
type List[Row any] struct {
	// Rows are all that the question is about. Where Wanted is set the slice must
	// be the caller's own.
	Rows func(*catalog.Tx, catalog.WatchSet) (index uint64, rows []Row)
	// Absent: a list without rows means that there is nothing of that name, so that
	// a blocking read waits for it (rpc.ReadMeta.Absent).
	Absent bool
	Needs  acl.Need                    // beside the rights on the rows; the zero value is none
	Wanted func(*catalog.Tx, Row) bool // nil: all
	Pick   Pick[Row]                   // the request's filter
	Near   *ops.Near                   // the order; nil for that of Rows
	NodeOf func(Row) string            // with Near
	Into   *[]Row                      // in the reply
	Then   func()                      // after each evaluation; may be nil
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
		index, rows := l.Rows(tx, ws)
		meta.Absent = l.Absent && len(rows) == 0
		rows, meta.Filtered = v.Show(az, rows)
		if l.Wanted != nil {
			rows = slices.DeleteFunc(rows, func(row Row) bool { return !l.Wanted(tx, row) })
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
		*l.Into = rows
		if l.Then != nil {
			l.Then()
		}
		return index, nil
	})
}
