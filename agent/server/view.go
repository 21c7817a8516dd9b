package server

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"praetor/catalog"
	"praetor/internal/ops"
)

// maxViews bounds the answers kept. When it is reached all are dropped; those
// in use are made again by their next reader.
const maxViews = 4096

// views keeps the answers to health questions about services while they hold,
// so that a thousand watchers of a service cost one evaluation, and front doors
// can know an answer again by its slice.
type views struct {
	mu    sync.Mutex
	byKey map[string]*view
}

// view is the answer to one question. Its mutex makes readers that come at the
// same moment share one evaluation.
type view struct {
	mu        sync.Mutex
	valid     bool
	index     uint64
	replaced  <-chan struct{} // of the state it was made of
	instances []*catalog.InstanceHealth
}

// newViewKey names a question: service, tags, metadata, passing.
func newViewKey(req *ops.HealthServiceRequest) string {
	var b strings.Builder
	b.WriteString(strings.ToLower(req.Service))
	if req.PassingOnly {
		b.WriteString("\x00p")
	}
	for _, t := range req.Tags {
		b.WriteString("\x00t")
		b.WriteString(strings.ToLower(t))
	}
	for _, k := range slices.Sorted(maps.Keys(req.NodeMeta)) {
		b.WriteString("\x00m")
		b.WriteString(k)
		b.WriteByte(0)
		b.WriteString(req.NodeMeta[k])
	}
	return b.String()
}

func (v *views) of(key string) *view {
	v.mu.Lock()
	defer v.mu.Unlock()
	found := v.byKey[key]
	if found == nil {
		if v.byKey == nil || len(v.byKey) >= maxViews {
			v.byKey = make(map[string]*view)
		}
		found = &view{}
		v.byKey[key] = found
	}
	return found
}

// get answers req at tx, from what is kept if the service did not change.
func (v *views) get(tx *catalog.Tx, ws catalog.WatchSet, key string, req *ops.HealthServiceRequest) (uint64, []*catalog.InstanceHealth) {
	index := tx.ServiceIndex(ws, req.Service)
	kept := v.of(key)
	kept.mu.Lock()
	defer kept.mu.Unlock()
	if kept.valid && kept.index == index && kept.replaced == tx.Replaced() {
		return index, kept.instances
	}
	_, all := tx.ServiceHealth(nil, req.Service)
	if len(req.Tags) > 0 || len(req.NodeMeta) > 0 || req.PassingOnly {
		all = slices.DeleteFunc(all, func(i *catalog.InstanceHealth) bool { return !suits(i, req) })
	}
	// A reader of an older moment must not replace the answer of a newer one.
	if !kept.valid || index >= kept.index || kept.replaced != tx.Replaced() {
		kept.valid, kept.index, kept.replaced, kept.instances = true, index, tx.Replaced(), all
	}
	return index, all
}
