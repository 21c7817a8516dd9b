package catalog

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/tinylib/msgp/msgp"

	"praetor/internal/memdb"
)

// Restore replaces the whole store with what r holds, all or nothing: r must
// be one whole snapshot to its end. Then the old state's Replaced channel closes.
func (s *Store) Restore(r io.Reader) error {
	fresh := newState()
	re := newRestorer(bufio.NewReaderSize(r, restoreBuffer), fresh)
	re.w.history = s.history.Load()
	defer func() { re.w.txn.Abort() }() // does nothing after the commit
	if err := re.run(); err != nil {
		return fmt.Errorf("restore catalog snapshot: %w", err)
	}
	re.join()
	re.leaveReplaced()
	re.w.flushCounts()
	re.w.txn.Commit()
	if h := re.w.history; h != nil {
		h.settled = false // the snapshot may have none
	}
	s.replace(fresh)
	return nil
}

// restoreBuffer spares reads of single records.
const restoreBuffer = 64 << 10

func (s *Store) replace(fresh *state) {
	old := s.state.Swap(fresh)
	close(old.replaced)
}

// restorer reads a snapshot into a database that nobody else sees yet.
type restorer struct {
	frames
	db *memdb.DB
	w  *writer // keeps derived rows in step

	replaced []*Service // and those in whose place they stand, see replace
}

func newRestorer(in *bufio.Reader, fresh *state) *restorer {
	return &restorer{frames: frames{in: in}, db: fresh.db, w: newWriter(fresh.db, nil)}
}

// frames reads the records of a snapshot.
type frames struct {
	in   *bufio.Reader
	last uint64       // the header's index: no row's is past it
	read uint64       // records so far
	body bytes.Buffer // scratch
}

// rowsPerTxn is how many rows commitSome lets pass.
const rowsPerTxn = 4096

func (re *restorer) run() error {
	if err := re.header(); err != nil {
		return err
	}
	re.begin()
	for {
		t, body, err := re.record()
		if err != nil {
			return fmt.Errorf("record %d: %w", re.read, noEOF(err))
		}
		if t == recordEnd {
			return re.end(body)
		}
		if err := re.row(t, body); err != nil {
			return fmt.Errorf("record %d of type %d: %w", re.read, t, err)
		}
		re.read++
		re.commitSome(re.read)
	}
}

// commitSome commits every so many rows: a transaction remembers all that it
// changed. Nobody else sees the database yet.
func (re *restorer) commitSome(row uint64) {
	if row%rowsPerTxn == 0 {
		re.w.txn.Commit()
		re.w.txn = re.db.Txn(true)
	}
}

// join joins all instances, now that their nodes and checks are there.
func (re *restorer) join() {
	re.w.txn.Commit()
	re.w.index = re.last
	all, row := re.db.Txn(false), uint64(0)
	re.w.txn = re.db.Txn(true)
	for s := range rows[*Service](all, nil, tableService, byID, re.w.in.all()) {
		re.w.tagVirtual(s) // if it has no address yet; nobody else sees the row
		re.w.join(s)
		re.w.settleMesh(s, re.last)
		row++
		re.commitSome(row)
	}
}

// begin notes the snapshot's index.
func (re *restorer) begin() {
	if re.last != 0 {
		re.w.txn.Insert(tableIndex, &indexRow{Key: indexLast, Value: re.last})
	}
}

func (f *frames) header() error {
	var b [headerLen]byte
	if _, err := io.ReadFull(f.in, b[:]); err != nil {
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
	f.last = binary.BigEndian.Uint64(rest[2:])
	return nil
}

// record reads one record. Its memory grows with what is really there, not
// with what a damaged length promises.
func (f *frames) record() (recordType, []byte, error) {
	var frame [frameLen]byte
	if _, err := io.ReadFull(f.in, frame[:]); err != nil {
		return 0, nil, err
	}
	length := binary.BigEndian.Uint32(frame[:4])
	f.body.Reset()
	if _, err := io.CopyN(&f.body, f.in, int64(length)); err != nil {
		return 0, nil, err
	}
	record := f.body.Bytes()
	if binary.BigEndian.Uint32(frame[4:]) != frameSum(frame[:4], record) {
		return 0, nil, errors.New("wrong checksum")
	}
	if len(record) == 0 {
		return 0, nil, errors.New("no type")
	}
	return recordType(record[0]), record[1:], nil
}

// end checks the trailer and that nothing follows it.
func (f *frames) end(body []byte) error {
	count, rest, err := msgp.ReadUint64Bytes(body)
	switch {
	case err != nil:
		return fmt.Errorf("trailer: %w", err)
	case len(rest) > 0 || count != f.read:
		return fmt.Errorf("trailer: %d records counted, %d read", count, f.read)
	}
	if _, err := f.in.ReadByte(); err != io.EOF {
		return errors.New("bytes after the trailer")
	}
	return nil
}

// noEOF keeps a cut snapshot from looking like a whole one.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
