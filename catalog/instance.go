package catalog

const tableInstance = "instance"

var instanceTable = derived(tableInstance, instanceID, many(byMesh, instanceByMesh))

// instanceRow is an instance joined with its node and checks, as queries give
// it out. Derived from the three tables and kept as they change: many ask for
// a service, few change it. An instance whose join has not changed keeps its
// row, so an answer shares all but the changed rows with the one before.
type instanceRow struct {
	Instance Instance
	Health   InstanceHealth
}

func instanceID(r *instanceRow) []byte {
	s := r.Instance.Service
	return home.partsKey(fold(s.Service), fold(s.Node), fold(s.ID))
}

// instanceRef names an instance: its node and its ID, folded.
type instanceRef struct{ node, id string }

func refOf(s *Service) instanceRef { return instanceRef{fold(s.Node), fold(s.ID)} }

// ServiceInstances lists the instances of a service by node name, then ID.
func (tx *Tx) ServiceInstances(ws WatchSet, name string) (uint64, []*Instance) {
	instances := make([]*Instance, 0)
	for r := range rows[*instanceRow](tx.txn, nil, tableInstance, byID, tx.in.serviceNameKey(name)) {
		instances = append(instances, &r.Instance)
	}
	return tx.watchService(ws, name, false), instances
}

// ServiceHealth lists them with their checks. While an instance, its node and
// checks stay as they are, it is the same pointer in every answer.
func (tx *Tx) ServiceHealth(ws WatchSet, name string) (uint64, []*InstanceHealth) {
	instances := make([]*InstanceHealth, 0)
	for r := range rows[*instanceRow](tx.txn, nil, tableInstance, byID, tx.in.serviceNameKey(name)) {
		instances = append(instances, &r.Health)
	}
	return tx.watchService(ws, name, true), instances
}

// ServiceIndex returns the index ServiceHealth would, and watches the same.
func (tx *Tx) ServiceIndex(ws WatchSet, name string) uint64 { return tx.watchService(ws, name, true) }

// InstancesIndex is ServiceIndex for ServiceInstances.
func (tx *Tx) InstancesIndex(ws WatchSet, name string) uint64 {
	return tx.watchService(ws, name, false)
}

// HasInstances reports whether a service has any, or any in the mesh.
func (tx *Tx) HasInstances(name string, mesh bool) bool {
	if mesh {
		return tx.index(prefixMesh+fold(name)) != 0
	}
	return tx.index(prefixHealth+fold(name)) != 0
}

// watchService returns a service's index and watches its health, or only its
// instances and their nodes.
func (tx *Tx) watchService(ws WatchSet, name string, health bool) uint64 {
	folded := fold(name)
	index := tx.index(prefixHealth + folded)
	switch {
	case index == 0:
		return tx.watchMissing(ws, name, health)
	case health:
		tx.watchIndex(ws, prefixHealth+folded)
	default:
		tx.watchIndex(ws, prefixInstances+folded)
	}
	return index
}

// watchMissing returns the index of a service that has no instances, or none in
// the mesh. Its watchers wake when it gets one or any other loses its last.
func (tx *Tx) watchMissing(ws WatchSet, name string, health bool) uint64 {
	tx.watchIndex(ws, birthKey(fold(name)))
	if extinct := tx.watchIndex(ws, indexServiceExtinct); extinct != 0 {
		return extinct
	}
	index := max(tx.index(indexNodes), tx.index(indexServices))
	if health {
		index = max(index, tx.index(indexChecks))
	}
	return index
}

// hasInstances reports whether a service has any, without counting.
func (w *writer) hasInstances(name string) bool {
	return firstUnder[*instanceRow](w.txn, tableInstance, byID, w.in.serviceNameKey(name)) != nil
}

// moveInstance makes room for the join of s, where old, which may be nil, was
// until now; flushInstances fills it.
func (w *writer) moveInstance(old, s *Service) {
	if old == nil || fold(old.Service) != fold(s.Service) || fold(meshName(old)) != fold(meshName(s)) {
		if old != nil {
			w.removeInstance(old)
		}
		w.txn.Insert(tableInstance, &instanceRow{Instance: Instance{Service: s}})
	}
	w.stale[refOf(s)] = struct{}{}
}

func (w *writer) removeInstance(s *Service) {
	remove(w.txn, tableInstance, &instanceRow{Instance: Instance{Service: s}})
	delete(w.stale, refOf(s))
}

// flushInstances joins the instances that the batch touched, each once.
func (w *writer) flushInstances() {
	for ref := range w.stale {
		if s := first[*Service](w.txn, tableService, byID, w.in.serviceKey(ref.node, ref.id)); s != nil {
			w.join(s)
		}
	}
	clear(w.stale)
}

// join stores an instance with its node and checks, node-level ones first.
func (w *writer) join(s *Service) {
	node := first[*Node](w.txn, tableNode, byID, w.in.nodeKey(s.Node))
	checks := make([]*Check, 0)
	for _, service := range [...]string{"", s.ID} {
		for c := range rows[*Check](w.txn, nil, tableCheck, byInstance, w.in.instanceKey(s.Node, service)) {
			checks = append(checks, c)
		}
	}
	w.txn.Insert(tableInstance, &instanceRow{
		Instance: Instance{Node: node, Service: s},
		Health:   InstanceHealth{Node: node, Service: s, Checks: checks},
	})
}
