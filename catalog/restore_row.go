package catalog

import (
	"errors"
	"fmt"
)

// What may be wrong with a row that decodes.
var (
	errTwice   = errors.New("a row with this key came before")
	errNoKey   = errors.New("a row without a key")
	errIndex   = errors.New("an index past the header's")
	errType    = errors.New("unknown type; was it written by a newer server?")
	errTooLong = errors.New("bytes after the row")
)

// row decodes a row, checks that it fits to those before it, and stores it.
func (re *restorer) row(t recordType, body []byte) error {
	switch t {
	case recordNode:
		return restoreRow(body, re.node)
	case recordService:
		return restoreRow(body, re.service)
	case recordCheck:
		return restoreRow(body, re.check)
	case recordKV:
		return restoreRow(body, re.kv)
	case recordTombstone:
		return restoreRow(body, re.tombstone)
	case recordIndex:
		return restoreRow(body, re.indexRow)
	case recordAutopilot:
		return restoreRow(body, re.autopilot)
	case recordSession:
		return restoreRow(body, re.session)
	case recordQuery:
		return restoreRow(body, re.query)
	case recordCoord:
		return restoreRow(body, re.coordinate)
	case recordConfig:
		return restoreRow(body, re.configEntry)
	case recordVirtual:
		return restoreRow(body, re.virtualAddress)
	}
	return errType
}

func restoreRow[T any, M message[T]](body []byte, store func(M) error) error {
	row := M(new(T))
	rest, err := row.UnmarshalMsg(body)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return errTooLong
	}
	return store(row)
}

// holds tells whether a table has a row at key.
func (re *restorer) holds(table, index string, key []byte) bool {
	return first[any](re.w.txn, table, index, key) != nil
}

func (re *restorer) indexes(created, modified uint64) error {
	if created > modified || modified > re.last {
		return errIndex
	}
	return nil
}

func (re *restorer) node(n *Node) error {
	switch {
	case n.Node == "":
		return errNoKey
	case re.holds(tableNode, byID, nodeID(n)):
		return errTwice
	case n.ID != "" && re.holds(tableNode, byUUID, nodeUUID(n)):
		return fmt.Errorf("node ID %s: %w", n.ID, errTwice)
	}
	n.TaggedAddresses, n.Meta = nilEmptyMap(n.TaggedAddresses), nilEmptyMap(n.Meta)
	must(re.w.txn.Insert(tableNode, n))
	re.w.count(countNodes, 1)
	return re.indexes(n.CreateIndex, n.ModifyIndex)
}

func (re *restorer) service(s *Service) error {
	if s.ID == "" {
		return errNoKey
	}
	if err := s.prepare(); err != nil {
		return err
	}
	switch {
	case !re.holds(tableNode, byID, nodeKey(s.Node)):
		return fmt.Errorf("service %q of unknown node %q", s.ID, s.Node)
	case re.holds(tableService, byID, serviceID(s)):
		return errTwice
	}
	re.w.insertService(nil, s)
	re.adoptVirtual(s)
	clear(re.w.stale) // join does all
	clear(re.w.bumps) // snapshots hold them
	return re.indexes(s.CreateIndex, s.ModifyIndex)
}

func (re *restorer) check(c *Check) error {
	switch {
	case c.CheckID == "":
		return errNoKey
	case !re.holds(tableNode, byID, nodeKey(c.Node)):
		return fmt.Errorf("check %q of unknown node %q", c.CheckID, c.Node)
	case c.ServiceID != "" && !re.holds(tableService, byID, serviceKey(c.Node, c.ServiceID)):
		return fmt.Errorf("check %q of unknown service %q", c.CheckID, c.ServiceID)
	case re.holds(tableCheck, byID, checkID(c)):
		return errTwice
	}
	c.Definition.prepare()
	must(re.w.txn.Insert(tableCheck, c))
	re.w.count(countChecks, 1)
	return re.indexes(c.CreateIndex, c.ModifyIndex)
}

func (re *restorer) session(s *Session) error {
	switch {
	case s.ID == "":
		return errNoKey
	case s.Behavior != SessionRelease && s.Behavior != SessionDelete:
		return fmt.Errorf("session %q of unknown behavior %q", s.ID, s.Behavior)
	case !re.holds(tableNode, byID, nodeKey(s.Node)):
		return fmt.Errorf("session %q of unknown node %q", s.ID, s.Node)
	case re.holds(tableSession, byID, sessionID(s)):
		return errTwice
	}
	for _, id := range s.bound() {
		if !re.holds(tableCheck, byID, checkKey(s.Node, id)) {
			return fmt.Errorf("session %q bound to unknown check %q", s.ID, id)
		}
	}
	s.Checks = nilEmpty(s.Checks)
	must(re.w.txn.Insert(tableSession, s))
	return re.indexes(s.CreateIndex, s.ModifyIndex)
}

func (re *restorer) query(q *Query) error {
	switch {
	case q.ID == "":
		return errNoKey
	case re.holds(tableQuery, byID, queryID(q)):
		return errTwice
	}
	if err := re.w.checkQuery(q); err != nil {
		return fmt.Errorf("query %q: %w", q.ID, err)
	}
	must(re.w.txn.Insert(tableQuery, q))
	return re.indexes(q.CreateIndex, q.ModifyIndex)
}

func (re *restorer) kv(e *KVEntry) error {
	switch {
	case e.Key == "":
		return errNoKey
	case e.Key <= re.key && re.holds(tableKV, byID, kvID(e)):
		return errTwice
	case e.Session != "" && !re.holds(tableSession, byID, []byte(e.Session)):
		return fmt.Errorf("key %q of unknown session %q", e.Key, e.Session)
	}
	re.key = max(re.key, e.Key) // a look at each would copy what the transaction changed
	e.Value = nilEmpty(e.Value)
	must(re.w.txn.Insert(tableKV, e))
	re.w.count(countKeys, 1)
	return re.indexes(e.CreateIndex, e.ModifyIndex)
}

func (re *restorer) tombstone(t *tombstone) error {
	switch {
	case t.Key == "":
		return errNoKey
	case re.holds(tableTombstone, byID, tombstoneID(t)):
		return errTwice
	}
	must(re.w.txn.Insert(tableTombstone, t))
	return re.indexes(0, t.Index)
}

func (re *restorer) indexRow(r *indexRow) error {
	old := first[*indexRow](re.w.txn, tableIndex, byID, indexRowID(r))
	switch {
	case !r.inSnapshot():
		return fmt.Errorf("index row %q = %d does not belong here", r.Key, r.Value)
	case old != nil && old.Value != 0: // new databases hold some at 0
		return errTwice
	}
	must(re.w.txn.Insert(tableIndex, r))
	return re.indexes(0, r.Value)
}

func (re *restorer) autopilot(a *Autopilot) error {
	if re.holds(tableAutopilot, byID, autopilotID(a)) {
		return errTwice
	}
	must(re.w.txn.Insert(tableAutopilot, a))
	return re.indexes(a.CreateIndex, a.ModifyIndex)
}

func (re *restorer) coordinate(c *Coordinate) error {
	switch {
	case !re.holds(tableNode, byID, nodeKey(c.Node)):
		return fmt.Errorf("coordinate of unknown node %q", c.Node)
	case re.holds(tableCoord, byID, coordinateID(c)):
		return errTwice
	}
	must(re.w.txn.Insert(tableCoord, c))
	return c.Coord.Check()
}
