package catalog

import (
	"encoding/binary"
	"hash/crc32"
	"hash/fnv"
	"io"

	"github.com/tinylib/msgp/msgp"
)

// The snapshot format, byte by byte in DESIGN.md: a header, records, and a
// last record that counts them.
const (
	snapshotMagic   = "PRAETOR\x00"
	snapshotVersion = 1
	headerLen       = len(snapshotMagic) + 2 + 8 + 4 // version, last index, checksum
	frameLen        = 4 + 4                          // length and checksum before each record
)

// recordType is the first byte of a record: the number of the table whose row it
// holds. Numbers are for ever.
type recordType uint8

// recordEnd is the type of the last record.
const recordEnd recordType = 255

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// WriteSnapshot streams the store as tx sees it to w, a Write per record. Equal
// stores give equal bytes.
func (tx *Tx) WriteSnapshot(w io.Writer) error {
	return tx.writeSnapshot(w, func(sw *snapshotWriter) { sw.rows(tx) })
}

// WriteWithHistory is WriteSnapshot with what the store remembers of what changed. Servers
// of equal state may remember differently.
func (tx *Tx) WriteWithHistory(w io.Writer) error {
	return tx.writeSnapshot(w, func(sw *snapshotWriter) {
		sw.rows(tx)
		sw.writeHistory(tx)
	})
}

func (tx *Tx) writeSnapshot(w io.Writer, rows func(*snapshotWriter)) error {
	sw := &snapshotWriter{w: w}
	sw.header(tx.LastIndex())
	rows(sw)
	sw.end()
	return sw.err
}

// Rows passes the rows of a snapshot to each, as MessagePack that is good until it
// returns, in the order of a snapshot. table is the name of DESIGN.md §1. It ends with
// each's first error.
func (tx *Tx) Rows(each func(table string, row []byte) error) error {
	sw := &snapshotWriter{each: each}
	sw.rows(tx)
	return sw.err
}

func writeTable[R msgp.Marshaler](tx *Tx, sw *snapshotWriter, t recordType, table string) {
	for r := range rows[R](tx.txn, nil, table, byID, nil) {
		if r, ok := any(r).(*indexRow); ok && !r.inSnapshot() {
			continue
		}
		if sw.row(t, r); sw.err != nil {
			return
		}
	}
}

// Hash returns a number that is equal for equal stores, whatever batches and
// restores they went through. It walks the whole store.
func (tx *Tx) Hash() (uint64, error) {
	h := fnv.New64a()
	err := tx.WriteSnapshot(h)
	return h.Sum64(), err
}

// snapshotWriter frames records, or passes rows on as they are; the first error stays
// in err and ends it.
type snapshotWriter struct {
	w     io.Writer
	each  func(table string, row []byte) error // in place of w
	table string                               // whose rows come
	err   error
	count uint64 // records written
	raw   []byte // scratch: a row as encoded
	frame []byte // scratch: frame and record
}

func (sw *snapshotWriter) header(lastIndex uint64) {
	b := append(sw.frame[:0], snapshotMagic...)
	b = binary.BigEndian.AppendUint16(b, snapshotVersion)
	b = binary.BigEndian.AppendUint64(b, lastIndex)
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	sw.write(b)
}

func (sw *snapshotWriter) rows(tx *Tx) {
	for _, t := range tables {
		if t.record != 0 {
			sw.table = t.name
			t.write(tx, sw)
		}
	}
}

// row writes one row as a record.
func (sw *snapshotWriter) row(t recordType, row msgp.Marshaler) {
	if sw.err != nil {
		return
	}
	if sw.raw, sw.err = row.MarshalMsg(sw.raw[:0]); sw.err != nil {
		return
	}
	if sw.each != nil {
		sw.err = sw.each(sw.table, sw.raw)
		return
	}
	b := sw.begin(t)
	if b, _, sw.err = appendCanonical(b, sw.raw); sw.err != nil {
		return
	}
	sw.finish(b)
	sw.count++
}

// end writes the trailer.
func (sw *snapshotWriter) end() {
	sw.finish(msgp.AppendUint64(sw.begin(recordEnd), sw.count))
}

func (sw *snapshotWriter) begin(t recordType) []byte {
	b := append(sw.frame[:0], make([]byte, frameLen)...)
	return append(b, byte(t))
}

// finish fills in the frame before a record and writes both.
func (sw *snapshotWriter) finish(b []byte) {
	binary.BigEndian.PutUint32(b[0:], uint32(len(b)-frameLen))
	binary.BigEndian.PutUint32(b[4:], frameSum(b[:4], b[frameLen:]))
	sw.write(b)
}

func (sw *snapshotWriter) write(b []byte) {
	sw.frame = b
	if sw.err == nil {
		_, sw.err = sw.w.Write(b)
	}
}

// frameSum covers the length too, so that a damaged one is found.
func frameSum(length, record []byte) uint32 {
	return crc32.Update(crc32.Checksum(length, castagnoli), castagnoli, record)
}
