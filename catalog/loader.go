package catalog

import (
	"bufio"
	"io"
)

// Loader fills a store with rows that come from somewhere else than a snapshot,
// by the rules of Restore: a row that does not fit to those before it is an
// error. Nobody sees the rows before Finish. One goroutine may use it.
type Loader struct {
	re      *restorer
	fresh   *state
	highest uint64 // of the indexes of rows
}

// NewLoader returns a Loader without rows. Call Close when done with it.
func NewLoader() *Loader {
	fresh := newState()
	re := newRestorer(bufio.NewReader(eof{}), fresh)
	re.last = ^uint64(0) // what the rows' indexes may be at most is known in the end
	return &Loader{re: re, fresh: fresh}
}

// eof is an empty file: a Loader reads none.
type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// Close gives up what was not finished. After Finish it does nothing.
func (l *Loader) Close() { l.re.w.txn.Abort() }

// HasNode reports whether a node of that name was added.
func (l *Loader) HasNode(name string) bool {
	return l.re.holds(tableNode, byID, l.re.w.in.nodeKey(name))
}

// AddNode adds a node.
func (l *Loader) AddNode(n *Node) error { return add(l, n, n.ModifyIndex, l.re.node) }

// AddService adds an instance of a node that was added.
func (l *Loader) AddService(s *Service) error { return add(l, s, s.ModifyIndex, l.re.service) }

// AddCheck adds a check of a node, and an instance, that were added.
func (l *Loader) AddCheck(c *Check) error { return add(l, c, c.ModifyIndex, l.re.check) }

// AddSession adds a session of a node, and checks, that were added.
func (l *Loader) AddSession(s *Session) error { return add(l, s, s.ModifyIndex, l.re.session) }

// AddQuery adds a prepared query.
func (l *Loader) AddQuery(q *Query) error { return add(l, q, q.ModifyIndex, l.re.query) }

// AddKey adds a key. The session that holds it comes before it.
func (l *Loader) AddKey(e *KVEntry) error { return add(l, e, e.ModifyIndex, l.re.kv) }

// AddDeletion adds the deletion of a key at an index.
func (l *Loader) AddDeletion(key string, index uint64) error {
	return add(l, &tombstone{key, index}, index, l.re.tombstone)
}

// SetAutopilot sets the configuration of autopilot, once.
func (l *Loader) SetAutopilot(a *Autopilot) error { return add(l, a, a.ModifyIndex, l.re.autopilot) }

// AddConfigEntry adds a config entry.
func (l *Loader) AddConfigEntry(e *ConfigEntry) error {
	return add(l, e, e.ModifyIndex, l.re.configEntry)
}

// AddVirtualAddress adds a virtual address, unless that or one of its service is known
// already: an instance that was added shows its own.
func (l *Loader) AddVirtualAddress(v *VirtualAddress) error {
	if l.re.holds(tableVirtual, byID, virtualID(v)) || v.Service != "" && l.re.w.virtual(v.Service) != nil {
		return nil
	}
	return add(l, v, v.ModifyIndex, l.re.virtualAddress)
}

// AddCARoot adds a root of the mesh.
func (l *Loader) AddCARoot(r *CARoot) error { return add(l, r, r.ModifyIndex, l.re.caRoot) }

// SetCAConfig sets how the authority of the mesh signs, once.
func (l *Loader) SetCAConfig(c *CAConfig) error { return add(l, c, c.ModifyIndex, l.re.caConfig) }

// SetCAState sets what the provider of the authority keeps, once.
func (l *Loader) SetCAState(s *CAState) error { return add(l, s, s.ModifyIndex, l.re.caState) }

// AddCoordinate adds a coordinate of a node that was added.
func (l *Loader) AddCoordinate(c *Coordinate) error { return add(l, c, 0, l.re.coordinate) }

// AddACLPolicy adds a policy, AddACLRole a role, AddACLToken a token. What they are
// linked to need not be there. Their hashes are made here.
func (l *Loader) AddACLPolicy(p *ACLPolicy) error {
	p.Hash = p.aclHash()
	return add(l, p, p.ModifyIndex, l.re.aclPolicy)
}

func (l *Loader) AddACLRole(r *ACLRole) error {
	r.Hash = r.aclHash()
	return add(l, r, r.ModifyIndex, l.re.aclRole)
}

func (l *Loader) AddACLToken(t *ACLToken) error {
	t.Hash = t.aclHash()
	return add(l, t, t.ModifyIndex, l.re.aclToken)
}

// AddACLAuthMethod adds an auth method, AddACLBindingRule a rule of one.
func (l *Loader) AddACLAuthMethod(m *ACLAuthMethod) error {
	return add(l, m, m.ModifyIndex, l.re.aclAuthMethod)
}

func (l *Loader) AddACLBindingRule(r *ACLBindingRule) error {
	return add(l, r, r.ModifyIndex, l.re.aclBindingRule)
}

func add[R any](l *Loader, row R, index uint64, store func(R) error) error {
	l.highest = max(l.highest, index)
	err := store(row)
	l.re.read++
	l.re.commitSome(l.re.read)
	return err
}

// Finish makes the rows the content of s, whose last index is at least last and
// at least any row's. tables has the indexes of tables by the names of
// DESIGN.md §3; a table that is not in it gets the last index, so that nobody who
// waits for it can miss anything. It returns the last index.
func (l *Loader) Finish(s *Store, last uint64, tables map[string]uint64) uint64 {
	re := l.re
	for _, value := range tables {
		l.highest = max(l.highest, value)
	}
	re.last = max(last, l.highest, 1)
	re.begin()
	re.w.index = re.last
	for _, name := range tableIndexes {
		if value := tables[name]; value != 0 {
			re.w.txn.Insert(tableIndex, &indexRow{Key: name, Value: value})
		} else {
			re.w.bump(name)
		}
	}
	if value := tables[indexACLBootstrap]; value != 0 { // no table: nothing else moves it
		re.w.txn.Insert(tableIndex, &indexRow{Key: indexACLBootstrap, Value: value})
	}
	for n := range rows[*Node](re.w.txn, nil, tableNode, byID, l.re.w.in.all()) {
		re.w.bump(prefixNode + fold(n.Node))
	}
	for svc := range rows[*Service](re.w.txn, nil, tableService, byID, l.re.w.in.all()) {
		re.w.bumpService(svc.Service, true)
	}
	re.w.flushIndexes()
	clear(re.w.bumps)
	re.join()
	re.w.flushCounts()
	re.w.txn.Commit()
	s.replace(l.fresh)
	return re.last
}
