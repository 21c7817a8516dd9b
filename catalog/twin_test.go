package catalog_test

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"praetor/catalog"
)

// twin does what Store does with maps and slices, slowly and plainly. It keeps
// rows, not the indexes of queries: those are checked by their promises.
type twin struct {
	index    uint64
	nodes    map[string]*catalog.Node // by folded name
	services map[[2]string]*catalog.Service
	checks   map[[2]string]*catalog.Check
	kv       map[string]*catalog.KVEntry
	places   map[[2]string]*catalog.Coordinate // by folded name and segment
	sessions map[string]*catalog.Session
	freed    []catalog.FreedLock // all that were told
	twinMesh
}

func newTwin() *twin {
	return &twin{
		nodes: map[string]*catalog.Node{}, services: map[[2]string]*catalog.Service{},
		checks: map[[2]string]*catalog.Check{}, kv: map[string]*catalog.KVEntry{},
		places: map[[2]string]*catalog.Coordinate{}, sessions: map[string]*catalog.Session{},
		twinMesh: newTwinMesh(),
	}
}

// register says whether the registration took place.
func (tw *twin) register(r *catalog.Register) bool {
	name := strings.ToLower(r.Node)
	held, renamed := tw.nodes[name], ""
	node := &catalog.Node{ID: r.ID, Node: r.Node, Address: r.Address, Datacenter: r.Datacenter, Meta: r.NodeMeta}
	node.CreateIndex, node.ModifyIndex = tw.index, tw.index
	if held != nil {
		node.CreateIndex = held.CreateIndex
	}
	if held != nil && r.SkipNodeUpdate {
		node = held
	} else if r.ID != "" {
		guard := tw.checks[[2]string{name, catalog.SerfHealth}]
		if held != nil && held.ID != "" && held.ID != r.ID && guard != nil && guard.Status != catalog.Critical {
			return false
		}
		for other, n := range tw.nodes {
			if n.ID == r.ID && other != name {
				renamed, node.CreateIndex = other, n.CreateIndex
			}
		}
	}
	for _, c := range r.Checks {
		known := tw.services[[2]string{name, strings.ToLower(c.ServiceID)}] != nil || r.Service != nil && strings.EqualFold(r.Service.ID, c.ServiceID)
		if c.ServiceID != "" && !known {
			return false
		}
	}
	if renamed != "" {
		tw.removeNode(renamed)
	}
	if held == nil || renamed != "" || !sameBut(node, held, "CreateIndex", "ModifyIndex") {
		tw.nodes[name] = node
	}
	if r.Service != nil {
		tw.putService(name, r.Node, r.Service)
	}
	for _, c := range r.Checks {
		tw.putCheck(name, cmp.Or(c.Node, r.Node), c)
	}
	return true
}

func (tw *twin) putService(name, display string, s *catalog.Service) {
	key := [2]string{name, strings.ToLower(s.ID)}
	put, old := *s, tw.services[key]
	tw.tagVirtual(&put)
	put.Node, put.CreateIndex, put.ModifyIndex = display, tw.index, tw.index
	if old != nil {
		put.CreateIndex = old.CreateIndex
		if sameBut(&put, old, "Node", "CreateIndex", "ModifyIndex") {
			return
		}
	}
	tw.services[key] = &put
	tw.settleVirtual()
	for _, c := range tw.checks {
		if old != nil && !strings.EqualFold(old.Service, put.Service) && strings.ToLower(c.Node) == name && strings.EqualFold(c.ServiceID, s.ID) {
			c.ServiceName, c.ServiceTags, c.ModifyIndex = put.Service, put.Tags, tw.index
		}
	}
}

func (tw *twin) putCheck(name, display string, c *catalog.Check) {
	key := [2]string{name, c.CheckID}
	put, old := *c, tw.checks[key]
	put.Node, put.CreateIndex, put.ModifyIndex = display, tw.index, tw.index
	if s := tw.services[[2]string{name, strings.ToLower(c.ServiceID)}]; c.ServiceID != "" {
		put.ServiceName, put.ServiceTags = s.Service, s.Tags
	}
	if old != nil {
		put.CreateIndex = old.CreateIndex
		if sameBut(&put, old, "Node", "CreateIndex", "ModifyIndex") {
			return
		}
	}
	tw.checks[key] = &put
	if put.Status == catalog.Critical {
		tw.endBound(name, put.CheckID)
	}
}

func (tw *twin) deregister(d *catalog.Deregister) {
	name := strings.ToLower(d.Node)
	switch {
	case d.ServiceID != "":
		tw.removeService(name, d.ServiceID)
	case d.CheckID != "":
		tw.removeCheck(name, d.CheckID)
	default:
		tw.removeNode(name)
	}
}

func (tw *twin) removeService(name, id string) {
	id = strings.ToLower(id)
	if tw.services[[2]string{name, id}] == nil {
		return
	}
	for _, c := range tw.checkList(func(c *catalog.Check) bool {
		return strings.ToLower(c.Node) == name && strings.ToLower(c.ServiceID) == id
	}) {
		tw.removeCheck(name, c.CheckID)
	}
	delete(tw.services, [2]string{name, id})
	tw.settleVirtual()
}

func (tw *twin) removeCheck(name, id string) {
	if key := [2]string{name, id}; tw.checks[key] != nil {
		delete(tw.checks, key)
		tw.endBound(name, id)
	}
}

func (tw *twin) removeNode(name string) {
	tw.endBound(name, "")
	delete(tw.nodes, name)
	maps.DeleteFunc(tw.services, func(key [2]string, _ *catalog.Service) bool { return key[0] == name })
	tw.settleVirtual()
	maps.DeleteFunc(tw.checks, func(key [2]string, _ *catalog.Check) bool { return key[0] == name })
	maps.DeleteFunc(tw.places, func(key [2]string, _ *catalog.Coordinate) bool { return key[0] == name })
}

func (tw *twin) putPlaces(b *catalog.CoordinateBatch) {
	for _, c := range b.Coordinates {
		name := strings.ToLower(c.Node)
		key := [2]string{name, c.Segment}
		old := tw.places[key]
		if tw.nodes[name] == nil || len(c.Coord.Vec) != catalog.Dimensions || old != nil && reflect.DeepEqual(old.Coord, c.Coord) {
			continue
		}
		tw.places[key] = c
	}
}

func (tw *twin) placeList(keep func(*catalog.Coordinate) bool) []*catalog.Coordinate {
	all := values(tw.places, func(a, b *catalog.Coordinate) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Node), strings.ToLower(b.Node)), cmp.Compare(a.Segment, b.Segment))
	})
	return slices.DeleteFunc(all, func(c *catalog.Coordinate) bool { return !keep(c) })
}

func (tw *twin) kvWrite(w *catalog.KVWrite) bool {
	old, found := tw.kv[w.Entry.Key]
	switch w.Verb {
	case catalog.KVCAS:
		if found && (w.Entry.ModifyIndex == 0 || old.ModifyIndex != w.Entry.ModifyIndex) || !found && w.Entry.ModifyIndex != 0 {
			return false
		}
		tw.set(w.Entry)
	case catalog.KVSet:
		tw.set(w.Entry)
	case catalog.KVDeleteCAS:
		if found && old.ModifyIndex != w.Entry.ModifyIndex {
			return false
		}
		delete(tw.kv, w.Entry.Key)
	case catalog.KVDelete:
		delete(tw.kv, w.Entry.Key)
	case catalog.KVLock:
		if tw.sessions[w.Entry.Session] == nil || found && old.Session != "" && old.Session != w.Entry.Session {
			return false
		}
		e := catalog.KVEntry{LockIndex: 1, Session: w.Entry.Session}
		if found && old.Session == "" {
			e.LockIndex = old.LockIndex + 1
		} else if found {
			e.LockIndex = old.LockIndex
		}
		tw.write(w.Entry, e)
	case catalog.KVUnlock:
		if !found || w.Entry.Session == "" || old.Session != w.Entry.Session {
			return false
		}
		tw.write(w.Entry, catalog.KVEntry{LockIndex: old.LockIndex})
	case catalog.KVDeleteTree:
		maps.DeleteFunc(tw.kv, func(key string, _ *catalog.KVEntry) bool { return strings.HasPrefix(key, w.Entry.Key) })
	}
	return true
}

func (tw *twin) set(e catalog.KVEntry) {
	lock := catalog.KVEntry{}
	if old := tw.kv[e.Key]; old != nil {
		lock.Session = old.Session
	}
	tw.write(e, lock)
}

// write stores key, value and flags of one entry with the lock of another.
func (tw *twin) write(e, lock catalog.KVEntry) {
	e.Session, e.LockIndex = lock.Session, lock.LockIndex
	e.CreateIndex, e.ModifyIndex = tw.index, tw.index
	if old := tw.kv[e.Key]; old != nil {
		e.CreateIndex = old.CreateIndex
		if sameBut(&e, old, "CreateIndex", "ModifyIndex") {
			return
		}
	}
	tw.kv[e.Key] = &e
}

// session says whether the command took place.
func (tw *twin) session(c *catalog.SessionWrite) bool {
	s := c.Session
	if c.Verb == catalog.SessionDestroy {
		tw.endSession(s.ID)
		return true
	}
	name := strings.ToLower(s.Node)
	node := tw.nodes[name]
	if node == nil || tw.sessions[s.ID] != nil || s.Behavior == "odd" {
		return false
	}
	for _, id := range boundTo(&s) {
		check := tw.checks[[2]string{name, id}]
		if check == nil || check.Status == catalog.Critical && check.Type != "session" {
			return false
		}
	}
	s.Node, s.CreateIndex, s.ModifyIndex = node.Node, tw.index, tw.index
	if s.Behavior == "" {
		s.Behavior = catalog.SessionRelease
	}
	tw.sessions[s.ID] = &s
	tw.show(name, &s, catalog.Passing, "Session '"+s.ID+"' in force")
	return true
}

func boundTo(s *catalog.Session) []string {
	ids := append(slices.Clone(s.NodeChecks), s.Checks...)
	for _, c := range s.ServiceChecks {
		ids = append(ids, c.ID)
	}
	return ids
}

// endBound ends the sessions of a node bound to a check, or all of it.
func (tw *twin) endBound(name, check string) {
	for _, id := range slices.Sorted(maps.Keys(tw.sessions)) {
		s := tw.sessions[id]
		if s != nil && strings.ToLower(s.Node) == name && (check == "" || slices.Contains(boundTo(s), check)) {
			tw.endSession(id)
		}
	}
}

func (tw *twin) endSession(id string) {
	s := tw.sessions[id]
	if s == nil {
		return
	}
	delete(tw.sessions, id)
	for _, e := range tw.list("") {
		if e.Session != id {
			continue
		}
		if s.LockDelay > 0 {
			tw.freed = append(tw.freed, catalog.FreedLock{Key: e.Key, Delay: min(s.LockDelay, time.Minute), Index: tw.index})
		}
		if s.Behavior == catalog.SessionDelete {
			delete(tw.kv, e.Key)
			continue
		}
		tw.write(*e, catalog.KVEntry{LockIndex: e.LockIndex})
	}
	tw.show(strings.ToLower(s.Node), s, catalog.Critical, "Session '"+s.ID+"' is invalid")
}

func (tw *twin) show(name string, s *catalog.Session, status, output string) {
	for _, c := range tw.checkList(func(c *catalog.Check) bool { return strings.ToLower(c.Node) == name }) {
		if s.Name == "" || c.Type != "session" || c.Definition.SessionName != s.Name {
			continue
		}
		shown := *c
		shown.Status, shown.Output = status, output
		tw.checks[[2]string{name, c.CheckID}] = &shown
		if status == catalog.Critical {
			tw.endBound(name, c.CheckID)
		}
	}
}

func (tw *twin) sessionList(keep func(*catalog.Session) bool) []*catalog.Session {
	all := values(tw.sessions, func(a, b *catalog.Session) int { return cmp.Compare(a.ID, b.ID) })
	return slices.DeleteFunc(all, func(s *catalog.Session) bool { return !keep(s) })
}

// The answers, in the order that Tx promises.

func (tw *twin) nodeList() []*catalog.Node {
	return values(tw.nodes, func(a, b *catalog.Node) int { return cmp.Compare(strings.ToLower(a.Node), strings.ToLower(b.Node)) })
}

func (tw *twin) serviceList(keep func(*catalog.Service) bool) []*catalog.Service {
	all := values(tw.services, func(a, b *catalog.Service) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Node), strings.ToLower(b.Node)), cmp.Compare(strings.ToLower(a.ID), strings.ToLower(b.ID)))
	})
	return slices.DeleteFunc(all, func(s *catalog.Service) bool { return !keep(s) })
}

func (tw *twin) checkList(keep func(*catalog.Check) bool) []*catalog.Check {
	all := values(tw.checks, func(a, b *catalog.Check) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Node), strings.ToLower(b.Node)), cmp.Compare(a.CheckID, b.CheckID))
	})
	return slices.DeleteFunc(all, func(c *catalog.Check) bool { return !keep(c) })
}

func (tw *twin) serviceMap() map[string][]string {
	tags := map[string][]string{}
	for _, s := range tw.services {
		tags[s.Service] = append(tags[s.Service], s.Tags...)
	}
	for name, list := range tags {
		slices.Sort(list)
		tags[name] = append([]string{}, slices.Compact(list)...)
	}
	return tags
}

func (tw *twin) health(name string) []*catalog.InstanceHealth {
	return tw.healthOf(tw.serviceList(ofService(name)))
}

// meshHealth lists what serves a service inside the mesh, by name, node and ID.
func (tw *twin) meshHealth(name string) []*catalog.InstanceHealth {
	list := tw.serviceList(func(s *catalog.Service) bool { return servedBy(s) == strings.ToLower(name) })
	slices.SortStableFunc(list, func(a, b *catalog.Service) int {
		return cmp.Compare(strings.ToLower(a.Service), strings.ToLower(b.Service))
	})
	return tw.healthOf(list)
}

func (tw *twin) healthOf(services []*catalog.Service) []*catalog.InstanceHealth {
	all := []*catalog.InstanceHealth{}
	for _, s := range services {
		node := strings.ToLower(s.Node)
		checks := append(
			tw.checkList(func(c *catalog.Check) bool { return strings.ToLower(c.Node) == node && c.ServiceID == "" }),
			tw.checkList(func(c *catalog.Check) bool {
				return strings.ToLower(c.Node) == node && strings.EqualFold(c.ServiceID, s.ID)
			})...)
		all = append(all, &catalog.InstanceHealth{Node: tw.nodes[node], Service: s, Checks: checks})
	}
	return all
}

func ofService(name string) func(*catalog.Service) bool {
	return func(s *catalog.Service) bool { return strings.EqualFold(s.Service, name) }
}

func (tw *twin) list(prefix string) []*catalog.KVEntry {
	all := values(tw.kv, func(a, b *catalog.KVEntry) int { return cmp.Compare(a.Key, b.Key) })
	return slices.DeleteFunc(all, func(e *catalog.KVEntry) bool { return !strings.HasPrefix(e.Key, prefix) })
}

func (tw *twin) keys(prefix, separator string) []string {
	keys := []string{}
	for _, e := range tw.list(prefix) {
		key := e.Key
		if head, _, found := strings.Cut(key[len(prefix):], separator); found && separator != "" {
			key = prefix + head + separator
		}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (tw *twin) counts() catalog.Counts {
	names := map[string]bool{}
	c := catalog.Counts{Nodes: len(tw.nodes), Instances: len(tw.services), Checks: len(tw.checks), Keys: len(tw.kv), Kinds: map[string]int{}}
	for _, s := range tw.services {
		names[strings.ToLower(s.Service)] = true
		if s.Kind != "" {
			c.Kinds[s.Kind]++
		}
		if s.Connect != nil && s.Connect.Native {
			c.Native++
		}
	}
	c.Services = len(names)
	return c
}

func values[K comparable, V any](m map[K]V, compare func(a, b V) int) []V {
	return append([]V{}, slices.SortedFunc(maps.Values(m), compare)...)
}

// sameBut compares two structs except for the named fields.
func sameBut[T any](a, b *T, except ...string) bool {
	x, y := *a, *b
	for _, field := range except {
		reflect.ValueOf(&x).Elem().FieldByName(field).SetZero()
		reflect.ValueOf(&y).Elem().FieldByName(field).SetZero()
	}
	return reflect.DeepEqual(x, y)
}
