package raftstore

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"

	"github.com/hashicorp/raft"
	"github.com/hashicorp/raft-wal/segment"
)

// A segment's format, which is raft-wal's (its README): a header, then frames
// of 8 bytes and a payload padded to 8. A commit frame ends a batch; its CRC is
// of all frames since the last one, the first batch's of the header too.
const (
	walHeaderLen = 32
	walMagic     = 0x58eb6b0d
	walFrameLen  = 8
)

// segmentScan is what a segment's file holds.
type segmentScan struct {
	size    int64
	base    uint64 // from the header, with id: both 0 if it is not one
	id      uint64
	last    uint64 // index of the last entry in a whole batch, first-1 if none
	end     int64  // where that batch ends, 0 if there is none
	later   int64  // where a whole batch lies behind a place that is not, 0 if none
	residue int64  // end of what is not zero behind end, 0 if nothing is
	sum     uint32 // entrySum of the entry asked for

	each func(*raft.Log) // gets the entries of whole batches; nil: nobody does
}

// scanSegment reads a file that should begin with the entry first, and
// remembers the sum of the entry want.
func scanSegment(path string, first, want uint64) (*segmentScan, error) {
	return scanEntries(path, first, want, nil)
}

// scanEntries is scanSegment, which also gives all entries of whole batches to each.
func scanEntries(path string, first, want uint64, each func(*raft.Log)) (*segmentScan, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	s := &segmentScan{size: info.Size(), last: first - 1, each: each}
	if err := s.batches(f, first, want); err != nil {
		return nil, err
	}
	return s, s.rest(f)
}

// batches reads whole batches until there is none.
func (s *segmentScan) batches(f io.Reader, next, want uint64) error {
	in := bufio.NewReaderSize(f, 1<<20)
	head := make([]byte, walHeaderLen)
	if _, err := io.ReadFull(in, head); err != nil {
		return ignoreEnd(err)
	}
	if binary.LittleEndian.Uint32(head) == walMagic {
		s.base, s.id = binary.LittleEndian.Uint64(head[8:]), binary.LittleEndian.Uint64(head[16:])
	}
	crc, at := crc32.Checksum(head, castagnoli), int64(walHeaderLen)
	var frame []byte
	var sum uint32
	var batch []*raft.Log // for each
	for {
		var err error
		if frame, err = readFrame(in, frame, s.size-at); err != nil || frame == nil {
			return ignoreEnd(err)
		}
		at += int64(len(frame))
		switch frame[0] {
		case segment.FrameCommit:
			if binary.LittleEndian.Uint32(frame[4:]) != crc {
				return nil
			}
			s.last, s.end, s.sum, crc = next-1, at, sum, 0
			for _, l := range batch {
				s.each(l)
			}
			batch = batch[:0]
			continue
		case segment.FrameEntry:
			var l raft.Log
			if decodeEntry(framePayload(frame), next, &l) != nil {
				return nil
			}
			if next == want {
				sum = entrySum(&l)
			}
			if s.each != nil {
				batch = append(batch, &l)
			}
			next++
		}
		crc = crc32.Update(crc, castagnoli, frame)
	}
}

func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// readFrame reads a frame, padding included, into buf; nil if there is none.
func readFrame(in io.Reader, buf []byte, left int64) ([]byte, error) {
	if cap(buf) < walFrameLen {
		buf = make([]byte, walFrameLen, 4096)
	}
	buf = buf[:walFrameLen]
	if _, err := io.ReadFull(in, buf); err != nil {
		return nil, err
	}
	size := frameSize(buf)
	if size == 0 || size > left {
		return nil, nil
	}
	if int64(cap(buf)) < size {
		buf = append(make([]byte, 0, size), buf...)
	}
	buf = buf[:size]
	_, err := io.ReadFull(in, buf[walFrameLen:])
	return buf, err
}

// frameSize is the length of the frame that begins with b, 0 if none does.
func frameSize(b []byte) int64 {
	if b[1]|b[2]|b[3] != 0 {
		return 0
	}
	switch b[0] {
	case segment.FrameCommit:
		return walFrameLen
	case segment.FrameEntry, segment.FrameIndex:
		n := int64(binary.LittleEndian.Uint32(b[4:]))
		if n > segment.MaxEntrySize {
			return 0
		}
		return walFrameLen + (n+7)&^7
	}
	return 0
}

// framePayload is an entry frame's payload, without padding.
func framePayload(frame []byte) []byte {
	return frame[walFrameLen : walFrameLen+int64(binary.LittleEndian.Uint32(frame[4:]))]
}

// rest looks at what lies behind the whole batches. Zeros were never written. A
// batch that was not acknowledged may be torn in any way; but another whole one
// behind it proves that it was acknowledged, since the writer waits for that.
func (s *segmentScan) rest(f *os.File) error {
	from := max(s.end, walHeaderLen)
	const block = 1 << 20
	buf := make([]byte, block)
	for at := nextData(f, from); at < s.size; at = nextData(f, at+block) {
		n, err := f.ReadAt(buf, at)
		if ignoreEnd(err) != nil {
			return err
		}
		if i := lastNonZero(buf[:n]); i >= 0 {
			s.residue = at + int64(i) + 1
		}
	}
	if s.residue == 0 {
		return nil
	}
	tail := make([]byte, (s.residue-from+7)&^7)
	if _, err := f.ReadAt(tail, from); ignoreEnd(err) != nil {
		return err
	}
	if at := findBatch(tail); at >= 0 {
		s.later = from + int64(at)
	}
	return nil
}

func lastNonZero(b []byte) int {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != 0 {
			return i
		}
	}
	return -1
}

// findBatch finds a whole batch in b, -1 if there is none. The first batch that
// begins in b is not looked at: it is the one that is not whole.
func findBatch(b []byte) int {
	for at := walFrameLen; at+walFrameLen <= len(b); at += walFrameLen {
		if b[at] == segment.FrameEntry && wholeBatch(b[at:]) {
			return at
		}
	}
	return -1
}

// wholeBatch reports whether b begins with entries and the commit frame that
// belongs to them.
func wholeBatch(b []byte) bool {
	for at := int64(0); at+walFrameLen <= int64(len(b)); {
		size := frameSize(b[at:])
		if size == 0 || at+size > int64(len(b)) {
			return false
		}
		if b[at] == segment.FrameCommit {
			return crc32.Checksum(b[:at], castagnoli) == binary.LittleEndian.Uint32(b[at+4:])
		}
		at += size
	}
	return false
}
