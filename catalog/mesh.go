package catalog

import "praetor/internal/mesh"

// meshName is the service that an instance serves inside the mesh: the one that
// a proxy stands for, its own if it speaks mesh TLS itself, "" if it does neither.
func meshName(s *Service) string {
	switch {
	case s.Kind == mesh.KindProxy && s.Proxy != nil:
		return s.Proxy.DestinationServiceName
	case s.Connect != nil && s.Connect.Native:
		return s.Service
	}
	return ""
}

// instanceByMesh leaves out the many instances that are not in the mesh.
func instanceByMesh(r *instanceRow) []byte {
	name := meshName(r.Instance.Service)
	if name == "" {
		return nil
	}
	return home.serviceNameKey(name)
}

// MeshInstances lists the instances that serve a service inside the mesh: its
// proxies, and those of its own that speak mesh TLS themselves.
func (tx *Tx) MeshInstances(ws WatchSet, name string) (uint64, []*Instance) {
	instances := make([]*Instance, 0)
	for r := range rows[*instanceRow](tx.txn, nil, tableInstance, byMesh, tx.in.serviceNameKey(name)) {
		instances = append(instances, &r.Instance)
	}
	return tx.watchMesh(ws, name, false), instances
}

// MeshHealth lists them with their checks, as ServiceHealth does.
func (tx *Tx) MeshHealth(ws WatchSet, name string) (uint64, []*InstanceHealth) {
	instances := make([]*InstanceHealth, 0)
	for r := range rows[*instanceRow](tx.txn, nil, tableInstance, byMesh, tx.in.serviceNameKey(name)) {
		instances = append(instances, &r.Health)
	}
	return tx.watchMesh(ws, name, true), instances
}

// MeshIndex returns the index MeshHealth would, and watches the same.
func (tx *Tx) MeshIndex(ws WatchSet, name string) uint64 { return tx.watchMesh(ws, name, true) }

// MeshInstancesIndex is MeshIndex for MeshInstances.
func (tx *Tx) MeshInstancesIndex(ws WatchSet, name string) uint64 {
	return tx.watchMesh(ws, name, false)
}

// watchMesh is watchService for what serves a service inside the mesh. One row
// tells of instances and checks: few ask for the former alone. If nothing serves it the
// index is the service's own, whose changes wake nobody here, if it has instances.
func (tx *Tx) watchMesh(ws WatchSet, name string, health bool) uint64 {
	key := prefixMesh + fold(name)
	if tx.index(key) != 0 {
		return tx.watchIndex(ws, key)
	}
	missing := tx.watchMissing(ws, name, health)
	if own := tx.index(prefixHealth + fold(name)); own != 0 {
		return max(own, tx.index(indexServiceExtinct)) // the latter moved when the last that served it went
	}
	return missing
}

// hasMesh reports whether anything serves a service inside the mesh.
func (w *writer) hasMesh(name string) bool {
	return firstUnder[*instanceRow](w.txn, tableInstance, byMesh, w.in.serviceNameKey(name)) != nil
}

// enterMesh wakes the watchers of a service that s is the first to serve. It
// comes before s is stored.
func (w *writer) enterMesh(s *Service) {
	if name := meshName(s); name != "" && !w.hasMesh(name) {
		w.bump(birthKey(fold(name)))
	}
}

// bumpMesh moves the index of the service that s serves inside the mesh.
func (w *writer) bumpMesh(s *Service) {
	if name := meshName(s); name != "" {
		w.bump(prefixMesh + fold(name))
	}
}

// leaveMesh settles the index of the service that s, already removed or changed,
// served inside the mesh.
func (w *writer) leaveMesh(s *Service) {
	name := meshName(s)
	switch {
	case name == "":
	case w.hasMesh(name):
		w.bumpMesh(s)
	default:
		w.drop(prefixMesh + fold(name))
		w.bump(indexServiceExtinct)
		w.settleVirtual(name)
	}
}

// settleMesh gives a service that s serves an index if a snapshot had none:
// those of older versions do not know mesh rows.
func (w *writer) settleMesh(s *Service, index uint64) {
	name := meshName(s)
	if name == "" {
		return
	}
	key := prefixMesh + fold(name)
	if first[*indexRow](w.txn, tableIndex, byID, []byte(w.in.name(key))) == nil {
		w.txn.Insert(tableIndex, &indexRow{Key: key, Value: index})
	}
}
