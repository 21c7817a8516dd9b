package catalog

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/hashicorp/go-memdb"
	"github.com/tinylib/msgp/msgp"
)

// Restore replaces the whole store with what r holds, all or nothing: r must
// be one whole snapshot to its end. Then the old state's Replaced channel closes.
func (s *Store) Restore(r io.Reader) error {
	fresh := newState()
	re := &restorer{in: bufio.NewReaderSize(r, 64<<10), db: fresh.db, txn: fresh.db.Txn(true)}
	defer func() { re.txn.Abort() }()
	if err := re.run(); err != nil {
		return fmt.Errorf("restore catalog snapshot: %w", err)
	}
	re.txn.Commit()
	old := s.state.Swap(fresh)
	close(old.replaced)
	return nil
}

// restorer reads a snapshot into a database that nobody else sees yet.
type restorer struct {
	in    *bufio.Reader
	db    *memdb.MemDB
	txn   *memdb.Txn
	last  uint64 // the header's index: no row's is past it
	count uint64
	body  bytes.Buffer // scratch
}

// rowsPerTxn bounds what a transaction remembers of the nodes it changed.
const rowsPerTxn = 4096

func (re *restorer) run() error {
	if err := re.header(); err != nil {
		return err
	}
	for {
		t, body, err := re.record()
		if err != nil {
			return fmt.Errorf("record %d: %w", re.count, noEOF(err))
		}
		if t == recordEnd {
			return re.end(body)
		}
		if err := re.row(t, body); err != nil {
			return fmt.Errorf("record %d of type %d: %w", re.count, t, err)
		}
		if re.count++; re.count%rowsPerTxn == 0 {
			re.txn.Commit()
			re.txn = re.db.Txn(true)
		}
	}
}

func (re *restorer) header() error {
	var b [headerLen]byte
	if _, err := io.ReadFull(re.in, b[:]); err != nil {
		return fmt.Errorf("header: %w", noEOF(err))
	}
	rest, ok := bytes.CutPrefix(b[:], []byte(snapshotMagic))
	if !ok {
		return errors.New("header: this is not a catalog snapshot")
	}
	if sum := binary.BigEndian.Uint32(b[headerLen-4:]); sum != crc32.Checksum(b[:headerLen-4], castagnoli) {
		return errors.New("header: wrong checksum")
	}
	if v := binary.BigEndian.Uint16(rest); v != snapshotVersion {
		return fmt.Errorf("header: format version %d, this server knows %d", v, snapshotVersion)
	}
	re.last = binary.BigEndian.Uint64(rest[2:])
	if re.last != 0 {
		must(re.txn.Insert(tableIndex, &indexRow{Key: indexLast, Value: re.last}))
	}
	return nil
}

// record reads one record. Its memory grows with what is really there, not
// with what a damaged length promises.
func (re *restorer) record() (recordType, []byte, error) {
	var frame [frameLen]byte
	if _, err := io.ReadFull(re.in, frame[:]); err != nil {
		return 0, nil, err
	}
	length := binary.BigEndian.Uint32(frame[:4])
	re.body.Reset()
	if _, err := io.CopyN(&re.body, re.in, int64(length)); err != nil {
		return 0, nil, err
	}
	record := re.body.Bytes()
	if binary.BigEndian.Uint32(frame[4:]) != frameSum(frame[:4], record) {
		return 0, nil, errors.New("wrong checksum")
	}
	if len(record) == 0 {
		return 0, nil, errors.New("no type")
	}
	return recordType(record[0]), record[1:], nil
}

// end checks the trailer and that nothing follows it.
func (re *restorer) end(body []byte) error {
	count, rest, err := msgp.ReadUint64Bytes(body)
	switch {
	case err != nil:
		return fmt.Errorf("trailer: %w", err)
	case len(rest) > 0 || count != re.count:
		return fmt.Errorf("trailer: %d records counted, %d read", count, re.count)
	}
	if _, err := re.in.ReadByte(); err != io.EOF {
		return errors.New("bytes after the trailer")
	}
	return nil
}

// row decodes a row, checks that it fits to those before it, and stores it.
func (re *restorer) row(t recordType, body []byte) error {
	switch t {
	case recordNode:
		return restoreRow(re, tableNode, body, re.node)
	case recordService:
		return restoreRow(re, tableService, body, re.service)
	case recordCheck:
		return restoreRow(re, tableCheck, body, re.check)
	case recordKV:
		return restoreRow(re, tableKV, body, re.kv)
	case recordTombstone:
		return restoreRow(re, tableTombstone, body, re.tombstone)
	case recordIndex:
		return restoreRow(re, tableIndex, body, re.indexRow)
	case recordAutopilot:
		return restoreRow(re, tableAutopilot, body, re.autopilot)
	}
	return errors.New("unknown type; was it written by a newer server?")
}

func restoreRow[T any, M message[T]](re *restorer, table string, body []byte, check func(M) error) error {
	row := M(new(T))
	rest, err := row.UnmarshalMsg(body)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("%d bytes too many", len(rest))
	}
	if err := check(row); err != nil {
		return err
	}
	must(re.txn.Insert(table, row))
	return nil
}

var (
	errTwice  = errors.New("a row with this key came before")
	errNoName = errors.New("a row without a key")
	errIndex  = errors.New("an index past the header's")
)

func (re *restorer) indexes(created, modified uint64) error {
	if created > modified || modified > re.last {
		return errIndex
	}
	return nil
}

func (re *restorer) node(n *Node) error {
	switch {
	case n.Node == "":
		return errNoName
	case first[*Node](re.txn, tableNode, byID, nodeID(n)) != nil:
		return errTwice
	case n.ID != "" && first[*Node](re.txn, tableNode, byUUID, nodeUUID(n)) != nil:
		return fmt.Errorf("node ID %s: %w", n.ID, errTwice)
	}
	n.TaggedAddresses, n.Meta = nilEmptyMap(n.TaggedAddresses), nilEmptyMap(n.Meta)
	return re.indexes(n.CreateIndex, n.ModifyIndex)
}

func (re *restorer) service(s *Service) error {
	if s.ID == "" {
		return errNoName
	}
	if err := s.prepare(); err != nil {
		return err
	}
	switch {
	case first[*Node](re.txn, tableNode, byID, nodeKey(s.Node)) == nil:
		return fmt.Errorf("service %q of unknown node %q", s.ID, s.Node)
	case first[*Service](re.txn, tableService, byID, serviceID(s)) != nil:
		return errTwice
	}
	addTags(re.txn, s, 1)
	return re.indexes(s.CreateIndex, s.ModifyIndex)
}

func (re *restorer) check(c *Check) error {
	switch {
	case c.CheckID == "":
		return errNoName
	case first[*Node](re.txn, tableNode, byID, nodeKey(c.Node)) == nil:
		return fmt.Errorf("check %q of unknown node %q", c.CheckID, c.Node)
	case c.ServiceID != "" && first[*Service](re.txn, tableService, byID, serviceKey(c.Node, c.ServiceID)) == nil:
		return fmt.Errorf("check %q of unknown service %q", c.CheckID, c.ServiceID)
	case first[*Check](re.txn, tableCheck, byID, checkID(c)) != nil:
		return errTwice
	}
	c.ServiceTags = nilEmpty(c.ServiceTags)
	c.Definition.Header, c.Definition.ScriptArgs = nilEmptyMap(c.Definition.Header), nilEmpty(c.Definition.ScriptArgs)
	return re.indexes(c.CreateIndex, c.ModifyIndex)
}

func (re *restorer) kv(e *KVEntry) error {
	switch {
	case e.Key == "":
		return errNoName
	case first[*KVEntry](re.txn, tableKV, byID, kvID(e)) != nil:
		return errTwice
	}
	if len(e.Value) == 0 {
		e.Value = nil
	}
	return re.indexes(e.CreateIndex, e.ModifyIndex)
}

func (re *restorer) tombstone(t *tombstone) error {
	switch {
	case t.Key == "":
		return errNoName
	case first[*tombstone](re.txn, tableTombstone, byID, tombstoneID(t)) != nil:
		return errTwice
	}
	return re.indexes(0, t.Index)
}

func (re *restorer) indexRow(r *indexRow) error {
	switch {
	case r.Key == "" || r.Value == 0 || !r.inSnapshot():
		return fmt.Errorf("index row %q = %d", r.Key, r.Value)
	case first[*indexRow](re.txn, tableIndex, byID, indexRowID(r)) != nil:
		return errTwice
	}
	return re.indexes(0, r.Value)
}

func (re *restorer) autopilot(a *Autopilot) error {
	if first[*Autopilot](re.txn, tableAutopilot, byID, autopilotID(a)) != nil {
		return errTwice
	}
	return re.indexes(a.CreateIndex, a.ModifyIndex)
}

// noEOF keeps a cut snapshot from looking like a whole one.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
