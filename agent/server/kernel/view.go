package kernel

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/cache"
	"praetor/internal/filter"
	"praetor/internal/ops"
)

// MaxViewBytes bounds the answers kept, with all rows they hold: those that were
// replaced since have nobody else. It is 100,000 instances.
const MaxViewBytes = 128 << 20

// viewBytes is a view without its key and its answer.
const viewBytes = 128

// Views keeps the rows that answer a read while they stay as they are, so that a
// thousand who ask cost one evaluation, and front doors can know an answer again by
// its slice.
type Views struct {
	mu sync.Mutex

	byKey cache.Map[viewKey, *view]
}

// NewViews returns Views that keep nothing yet.
func NewViews() *Views { return &Views{byKey: cache.Map[viewKey, *view]{MaxBytes: MaxViewBytes}} }

// viewKey names rows, from NewViewKey or NewListKey, of a scope.
type viewKey struct {
	scope catalog.Scope
	rows  string
}

func (k *viewKey) bytes() int { return k.scope.Size() + len(k.rows) }

// Stamp tells one state of rows from every other. A channel that has closed tells
// nothing: rows of an older state may have the same.
type Stamp struct {
	Index   uint64
	Changed <-chan struct{}
}

// view is the answer to one read. Its mutex makes readers that come at the
// same moment share one evaluation.
type view struct {
	mu sync.Mutex

	stamp Stamp
	at    uint64          // the last command before the rows were listed
	of    <-chan struct{} // catalog.Tx.Replaced then; nil: nothing is kept yet
	index uint64
	rows  any // []Row
}

// NewViewKey names a read: service, passing, mesh, filter, tags, metadata. Every part is
// preceded by its length, so that no two reads share a name, whatever
// bytes a caller puts into a tag.
func NewViewKey(req *ops.HealthServiceRequest) string {
	key := appendPart(nil, strings.ToLower(req.Service))
	key = strconv.AppendBool(key, req.PassingOnly)
	key = strconv.AppendBool(key, req.Connect)
	key = appendPart(key, req.Filter)
	key = strconv.AppendInt(key, int64(len(req.Tags)), 10)
	for _, t := range req.Tags {
		key = appendPart(key, strings.ToLower(t))
	}
	if len(req.NodeMeta) > 0 {
		for _, k := range slices.Sorted(maps.Keys(req.NodeMeta)) {
			key = appendPart(appendPart(key, k), req.NodeMeta[k])
		}
	}
	return string(key)
}

// NewListKey names the rows of a kind that have a name in common, apart from all that
// NewViewKey names.
func NewListKey(kind string, parts ...string) string {
	key := []byte(kind)
	for _, p := range parts {
		key = appendPart(key, p)
	}
	return string(key)
}

func appendPart(key []byte, part string) []byte {
	key = strconv.AppendInt(append(key, ' '), int64(len(part)), 10)
	return append(append(key, ':'), part...)
}

// of returns the view of a read.
func (v *Views) of(key viewKey) *view {
	v.mu.Lock()
	defer v.mu.Unlock()
	found, ok := v.byKey.Get(key)
	if !ok {
		found = &view{}
		v.byKey.Put(key, found, viewBytes+key.bytes())
	}
	return found
}

// sampled is how many rows of an answer are measured: to measure one costs more than
// to find it.
const sampled = 4

// rowsBytes estimates what an answer holds from some of its rows, picked at random so
// that nobody can hide large ones.
func rowsBytes[Row any](rows []Row) int {
	n, bytes := min(len(rows), sampled), 0
	for i := range n {
		if n < len(rows) {
			i = rand.IntN(len(rows))
		}
		switch row := any(rows[i]).(type) {
		case interface{ Msgsize() int }:
			bytes += row.Msgsize()
		case string:
			bytes += int(unsafe.Sizeof(row)) + len(row)
		}
	}
	return bytes * len(rows) / max(n, 1)
}

// kept returns the rows that list makes at tx, or those that it made for another
// reader when they had the same stamp, with their index at that time.
func kept[Row any](v *Views, tx *catalog.Tx, name string, stamp Stamp, list func() (uint64, []Row, error)) (uint64, []Row, error) {
	key := viewKey{tx.Scope(), name}
	view := v.of(key)
	view.mu.Lock()
	defer view.mu.Unlock()
	if view.of != nil && view.stamp == stamp {
		return view.index, view.rows.([]Row), nil
	}
	index, rows, err := list()
	if err != nil {
		return index, nil, err
	}
	if at := tx.LastIndex(); view.of == nil || view.olderThan(tx, at) {
		view.stamp, view.at, view.of, view.index, view.rows = stamp, at, tx.Replaced(), index, rows
		bytes := viewBytes + key.bytes() + rowsBytes(rows)
		v.mu.Lock()
		defer v.mu.Unlock()
		v.byKey.Resize(key, bytes)
	}
	return index, rows, nil
}

// olderThan reports whether a reader at tx has newer rows: one who began before they
// were listed, or before the state was restored, has not.
func (v *view) olderThan(tx *catalog.Tx, at uint64) bool {
	if v.of == tx.Replaced() {
		return at >= v.at
	}
	select {
	case <-tx.Replaced():
		return false
	default:
		return true
	}
}

// Show answers req, whose name is key, at tx as the caller sees it. picked is the
// filter that req wants. Instances are hidden before anything is asked about them.
func (v *Views) Show(ctx context.Context, az *acl.Authorizer, tx *catalog.Tx, ws catalog.WatchSet, key string, req *ops.HealthServiceRequest, picked *filter.Filter[filter.InstanceHealth]) (index uint64, seen []*catalog.InstanceHealth, filtered bool, err error) {
	if az.Unrestricted() {
		index, seen, err = v.get(ctx, tx, ws, key, req, picked)
		return index, seen, false, err
	}
	all := &ops.HealthServiceRequest{Service: req.Service, Connect: req.Connect}
	if index, seen, err = v.get(ctx, tx, ws, NewViewKey(all), all, nil); err != nil {
		return index, nil, false, err
	}
	if seen, filtered = Health.Show(az, seen); !filtered {
		index, seen, err = v.get(ctx, tx, ws, key, req, picked)
		return index, seen, false, err
	}
	seen = slices.DeleteFunc(seen, func(i *catalog.InstanceHealth) bool { return !suits(i, req) })
	seen, err = filter.Keep(ctx, picked, seen)
	return index, seen, true, err
}

// get answers req, from what is kept if the service did not change.
func (v *Views) get(ctx context.Context, tx *catalog.Tx, ws catalog.WatchSet, key string, req *ops.HealthServiceRequest, picked *filter.Filter[filter.InstanceHealth]) (uint64, []*catalog.InstanceHealth, error) {
	indexOf, list := tx.ServiceIndex, tx.ServiceHealth
	if req.Connect {
		indexOf, list = tx.MeshIndex, tx.MeshHealth
	}
	stamp := Stamp{Index: indexOf(ws, req.Service), Changed: tx.Replaced()}
	return kept(v, tx, key, stamp, func() (uint64, []*catalog.InstanceHealth, error) {
		_, all := list(nil, req.Service)
		if len(req.Tags) > 0 || len(req.NodeMeta) > 0 || req.PassingOnly {
			all = slices.DeleteFunc(all, func(i *catalog.InstanceHealth) bool { return !suits(i, req) })
		}
		all, err := filter.Keep(ctx, picked, all)
		return stamp.Index, all, err
	})
}

// suits reports whether an instance is what a request asked for.
func suits(i *catalog.InstanceHealth, req *ops.HealthServiceRequest) bool {
	if req.PassingOnly && slices.ContainsFunc(i.Checks, func(c *catalog.Check) bool { return c.Status != catalog.Passing }) {
		return false
	}
	return HasTags(i.Service, req.Tags) && HasMeta(i.Node.Meta, req.NodeMeta)
}

// Size returns how many answers are kept, and what they hold.
func (v *Views) Size() (views, bytes int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.byKey.Len(), v.byKey.Bytes()
}
