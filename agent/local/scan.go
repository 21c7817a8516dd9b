package local

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// scanned is what a journal's bytes turned out to be.
type scanned struct {
	seed  uint32
	holes []hole
	end   int64 // of the records; only zeros follow
}

// hole is a stretch of a journal that holds no readable record.
type hole struct {
	from, to int64
	why      string
	// certain: what stood here was once safe. Otherwise it may also be a write that was
	// under way when power was cut, of which nobody was told that it is done.
	certain bool
	lost    []string // the records that seem to have stood here
}

// scanner walks a journal.
type scanner struct {
	data []byte
	base int64 // up to here the file was whole when it got its name
	scanned
	// budget is how many more bytes may be checked in search of records: what looks
	// like many long ones, one inside the other, must not hold up a start.
	budget int64
}

// budgetSlack is what a search may cost in any case, in bytes.
const budgetSlack = 64 << 20

// scan gives every record in data to each. A record that each refuses, and bytes
// that are no record, become holes; the walk goes on at the next record, which its
// checksum proves to be one. Zeros up to the end are none: they are written ahead.
func scan(data []byte, each func(k kind, body []byte, size int64) error) scanned {
	s := &scanner{data: data, budget: budgetSlack + 8*int64(len(data))}
	offset := headBytes
	if !s.head() {
		offset = 0
		if !s.guessSeed() {
			why := "it is not the head of a journal, and no record can be told without it"
			if len(data) == 0 {
				why = "the file is empty"
			}
			s.hole(0, len(data), why, true)
			return s.scanned
		}
	}
	tail := max(s.base, int64(len(bytes.TrimRight(data, "\x00"))))
	for offset < len(data) && int64(offset) < tail {
		k, body, _, ok := s.record(offset)
		if !ok {
			offset = s.skip(offset)
			continue
		}
		size := recBytes + len(body)
		if err := each(k, body, int64(size)); err != nil {
			s.hole(offset, offset+size, err.Error(), true)
		}
		offset += size
	}
	s.end = int64(offset)
	if s.base > int64(len(data)) {
		s.hole(len(data), len(data), fmt.Sprintf("the file ends here, but once had %d bytes", s.base), true)
	}
	return s.scanned
}

func (s *scanner) hole(from, to int, why string, certain bool) {
	h := hole{from: int64(from), to: int64(to), why: why, certain: certain}
	if to > from {
		h.lost = namesIn(s.data[from:to])
	}
	s.holes = append(s.holes, h)
}

// head reads the head of the file and reports whether it is one.
func (s *scanner) head() bool {
	if len(s.data) < headBytes {
		return false
	}
	salt := s.data[len(fileMagic):][:saltBytes]
	base := int64(binary.LittleEndian.Uint64(s.data[len(fileMagic)+saltBytes:]))
	if !bytes.Equal(s.data[:headBytes], fileHead(salt, base)) {
		return false
	}
	s.base, s.seed = base, saltSeed(salt)
	return true
}

// guessSeed finds the seed of a file whose head is damaged. CRC runs backwards as
// well: each record's sum tells the seed it was made with, and two neighbours that
// tell the same are no accident.
func (s *scanner) guessSeed() bool {
	for at := s.magicAt(0); at >= 0; at = s.magicAt(at + 1) {
		seed, size, ok := s.seedOf(at)
		if !ok {
			continue
		}
		if next, _, ok := s.seedOf(at + size); ok && next == seed {
			s.seed = seed
			return true
		}
	}
	return false
}

// seedOf tells the seed with which what stands at offset would be a record.
func (s *scanner) seedOf(offset int) (seed uint32, size int, ok bool) {
	rec := s.frame(offset)
	if rec == nil {
		return 0, 0, false
	}
	sum := unwind(binary.LittleEndian.Uint32(rec[8:]), rec[12:])
	sum = unwind(sum, rec[:8])
	return unwind(sum, binary.LittleEndian.AppendUint64(nil, uint64(offset))), len(rec), true
}

// crcFrom finds the entry of crcTable by its highest byte, each of which occurs once.
var crcFrom = func() (from [256]byte) {
	for i, entry := range crcTable {
		from[entry>>24] = byte(i)
	}
	return from
}()

// unwind is the reverse of crc32.Update: what it was given to come to sum with p.
func unwind(sum uint32, p []byte) uint32 {
	sum = ^sum
	for i := len(p) - 1; i >= 0; i-- {
		entry := crcFrom[sum>>24]
		sum = (sum^crcTable[entry])<<8 | uint32(entry^p[i])
	}
	return ^sum
}

// magicAt is where the next record might begin, from offset on; -1 for nowhere.
func (s *scanner) magicAt(offset int) int {
	if offset > len(s.data) {
		return -1
	}
	i := bytes.Index(s.data[offset:], []byte(recMagic))
	if i < 0 {
		return -1
	}
	return offset + i
}

// frame is what would be the record at offset, going by its length; nil if it
// cannot be one.
func (s *scanner) frame(offset int) []byte {
	rec := s.data[min(offset, len(s.data)):]
	if len(rec) < recBytes || string(rec[:len(recMagic)]) != recMagic {
		return nil
	}
	n := binary.LittleEndian.Uint32(rec[4:])
	if n > maxBody || int(n) > len(rec)-recBytes {
		return nil
	}
	s.budget -= int64(n)
	if s.budget < 0 {
		return nil
	}
	return rec[:recBytes+int(n)]
}

// record reads the record at offset, if one stands there whole.
func (s *scanner) record(offset int) (k kind, body []byte, durable int64, ok bool) {
	rec := s.frame(offset)
	if rec == nil || binary.LittleEndian.Uint32(rec[8:]) != checksum(s.seed, int64(offset), rec) {
		return 0, nil, 0, false
	}
	return kind(rec[12]), rec[recBytes:], int64(binary.LittleEndian.Uint64(rec[13:])), true
}

// skip notes a hole at offset and returns where the next record stands.
//
// Every record says how far the file was known to be on disk when it was written.
// If a later one says that offset was, the disk has lost something.
func (s *scanner) skip(offset int) int {
	next, safe := len(s.data), int64(offset) < s.base
	for at := s.magicAt(offset + 1); at >= 0; at = s.magicAt(at + 1) {
		if _, _, durable, ok := s.record(at); ok {
			next, safe = at, safe || durable > int64(offset)
			break
		}
	}
	why := "it is not a whole record"
	switch {
	case offset == 0:
		why, safe = "it is not the head of a journal", true
	case s.frame(offset) != nil:
		why = "the record's checksum is wrong"
	}
	s.hole(offset, next, why, safe)
	return next
}

// maxNames bounds what is told of one hole.
const maxNames = 16

// namesIn lists, as far as it can be read, what records in damaged bytes were about.
func namesIn(data []byte) []string {
	var names []string
	for len(names) < maxNames {
		i := bytes.Index(data, []byte(recMagic))
		if i < 0 {
			break
		}
		data = data[i+len(recMagic):]
		if len(data) < recBytes-len(recMagic) {
			break
		}
		if name := about(kind(data[8]), data[recBytes-len(recMagic):]); name != "" {
			names = append(names, name)
		}
	}
	return names
}
