package raftstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/hashicorp/raft"
)

// entryVersion is the first byte of an encoded entry (DESIGN.md, raft.db).
const entryVersion = 1

var errBadEntry = errors.New("log entry is damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendEntry encodes l, all but its index, which is the key it is stored at.
func appendEntry(b []byte, l *raft.Log) []byte {
	start := len(b)
	b = append(b, entryVersion, byte(l.Type))
	b = binary.AppendUvarint(b, l.Term)
	appended := int64(0)
	if !l.AppendedAt.IsZero() {
		appended = l.AppendedAt.UnixNano()
	}
	b = binary.AppendVarint(b, appended)
	b = binary.AppendUvarint(b, uint64(len(l.Extensions)))
	b = append(b, l.Extensions...)
	b = append(b, l.Data...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

// decodeEntry is appendEntry's reverse. The result shares nothing with b.
func decodeEntry(b []byte, index uint64, l *raft.Log) error {
	if len(b) < 2+1+1+1+4 {
		return fmt.Errorf("%w: %d bytes", errBadEntry, len(b))
	}
	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return fmt.Errorf("%w: checksum", errBadEntry)
	}
	if body[0] != entryVersion {
		return fmt.Errorf("%w: version %d", errBadEntry, body[0])
	}
	typ, rest := raft.LogType(body[1]), body[2:]
	term, n := binary.Uvarint(rest)
	if n <= 0 {
		return fmt.Errorf("%w: term", errBadEntry)
	}
	rest = rest[n:]
	appended, n := binary.Varint(rest)
	if n <= 0 {
		return fmt.Errorf("%w: time", errBadEntry)
	}
	rest = rest[n:]
	extLen, n := binary.Uvarint(rest)
	if n <= 0 || extLen > uint64(len(rest)-n) {
		return fmt.Errorf("%w: extensions", errBadEntry)
	}
	rest = rest[n:]
	*l = raft.Log{Index: index, Term: term, Type: typ}
	if extLen > 0 {
		l.Extensions = append([]byte(nil), rest[:extLen]...)
	}
	if data := rest[extLen:]; len(data) > 0 {
		l.Data = append([]byte(nil), data...)
	}
	if appended != 0 {
		l.AppendedAt = time.Unix(0, appended)
	}
	return nil
}
