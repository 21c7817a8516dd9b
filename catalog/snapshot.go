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

// recordType is the first byte of a record. Numbers are for ever.
type recordType uint8

const (
	recordNode      recordType = 1
	recordService   recordType = 2
	recordCheck     recordType = 3
	recordKV        recordType = 4
	recordTombstone recordType = 5
	recordIndex     recordType = 6
	recordAutopilot recordType = 7
	recordSession   recordType = 8
	recordQuery     recordType = 9
	recordCoord     recordType = 10
	recordConfig    recordType = 11
	recordVirtual   recordType = 12
	recordEnd       recordType = 255
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// WriteSnapshot streams the store as tx sees it to w, a Write per record. Equal
// stores give equal bytes.
func (tx *Tx) WriteSnapshot(w io.Writer) error {
	sw := &snapshotWriter{w: w}
	sw.header(tx.LastIndex())
	writeTable[*Node](tx, sw, recordNode, tableNode)
	writeTable[*VirtualAddress](tx, sw, recordVirtual, tableVirtual)
	writeTable[*Service](tx, sw, recordService, tableService)
	writeTable[*Check](tx, sw, recordCheck, tableCheck)
	writeTable[*Session](tx, sw, recordSession, tableSession)
	writeTable[*Query](tx, sw, recordQuery, tableQuery)
	writeTable[*ConfigEntry](tx, sw, recordConfig, tableConfig)
	writeTable[*KVEntry](tx, sw, recordKV, tableKV)
	writeTable[*tombstone](tx, sw, recordTombstone, tableTombstone)
	for r := range rows[*indexRow](tx.txn, nil, tableIndex, byIDPrefix, nil) {
		if r.inSnapshot() {
			sw.row(recordIndex, r)
		}
	}
	writeTable[*Autopilot](tx, sw, recordAutopilot, tableAutopilot)
	writeTable[*Coordinate](tx, sw, recordCoord, tableCoord)
	sw.end()
	return sw.err
}

func writeTable[R msgp.Marshaler](tx *Tx, sw *snapshotWriter, t recordType, table string) {
	for r := range rows[R](tx.txn, nil, table, byIDPrefix, nil) {
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

// snapshotWriter frames records; the first error stays in err and ends it.
type snapshotWriter struct {
	w     io.Writer
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

// row writes one row as a record.
func (sw *snapshotWriter) row(t recordType, row msgp.Marshaler) {
	if sw.err != nil {
		return
	}
	if sw.raw, sw.err = row.MarshalMsg(sw.raw[:0]); sw.err != nil {
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
