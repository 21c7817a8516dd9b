package kernel

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"

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

// Views keeps the answers to health questions about services while they hold,
// so that a thousand watchers of a service cost one evaluation, and front doors
// can know an answer again by its slice.
type Views struct {
	mu sync.Mutex

	byKey cache.Map[string, *view]
}

// NewViews returns Views that keep nothing yet.
func NewViews() *Views { return &Views{byKey: cache.Map[string, *view]{MaxBytes: MaxViewBytes}} }

// view is the answer to one question. Its mutex makes readers that come at the
// same moment share one evaluation.
type view struct {
	mu sync.Mutex

	valid     bool
	index     uint64
	replaced  <-chan struct{} // of the state it was made of
	instances []*catalog.InstanceHealth
}

// NewViewKey names a question: service, passing, mesh, filter, tags, metadata. Every part is
// preceded by its length, so that no two questions share a name, whatever
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

func appendPart(key []byte, part string) []byte {
	key = strconv.AppendInt(append(key, ' '), int64(len(part)), 10)
	return append(append(key, ':'), part...)
}

// of returns the view of a question.
func (v *Views) of(key string) *view {
	v.mu.Lock()
	defer v.mu.Unlock()
	found, ok := v.byKey.Get(key)
	if !ok {
		found = &view{}
		v.byKey.Put(key, found, viewBytes+len(key))
	}
	return found
}

// holds accounts for the answer of a view.
func (v *Views) holds(key string, answer []*catalog.InstanceHealth) {
	bytes := viewBytes + len(key) + answerBytes(answer)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.byKey.Resize(key, bytes)
}

// sampled is how many instances of an answer are measured: to measure one costs
// more than to find it.
const sampled = 4

// answerBytes estimates what an answer holds from some of its instances, picked at
// random so that nobody can hide large ones.
func answerBytes(answer []*catalog.InstanceHealth) int {
	n, bytes := min(len(answer), sampled), 0
	for i := range n {
		if n < len(answer) {
			i = rand.IntN(len(answer))
		}
		bytes += answer[i].Msgsize()
	}
	return bytes * len(answer) / max(n, 1)
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
	index := indexOf(ws, req.Service)
	kept := v.of(key)
	kept.mu.Lock()
	defer kept.mu.Unlock()
	if kept.valid && kept.index == index && kept.replaced == tx.Replaced() {
		return index, kept.instances, nil
	}
	_, all := list(nil, req.Service)
	if len(req.Tags) > 0 || len(req.NodeMeta) > 0 || req.PassingOnly {
		all = slices.DeleteFunc(all, func(i *catalog.InstanceHealth) bool { return !suits(i, req) })
	}
	all, err := filter.Keep(ctx, picked, all)
	if err != nil {
		return index, nil, err
	}
	if !kept.valid || kept.olderThan(tx, index) {
		kept.valid, kept.index, kept.replaced, kept.instances = true, index, tx.Replaced(), all
		v.holds(key, all)
	}
	return index, all, nil
}

// olderThan reports whether a reader at tx has a newer answer: one who began
// before the last change, or before the state was restored, has not.
func (v *view) olderThan(tx *catalog.Tx, index uint64) bool {
	if v.replaced == tx.Replaced() {
		return index >= v.index
	}
	select {
	case <-tx.Replaced():
		return false
	default:
		return true
	}
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
