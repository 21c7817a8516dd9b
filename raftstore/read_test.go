package raftstore

import (
	"bytes"
	"testing"

	"github.com/hashicorp/raft"
	"github.com/hashicorp/raft-wal/types"
)

func held(r *read) (indexes []uint64) {
	for _, l := range r.logs {
		indexes = append(indexes, l.Index)
	}
	return indexes
}

// TestReadHoldsTheNewestEntriesOfTheLog, and only what the log holds: a segment's file may
// have entries before its first, which a snapshot took, and behind its last, which a new
// leader took back.
func TestReadHoldsTheNewestEntriesOfTheLog(t *testing.T) {
	r := &read{after: 3}
	give := func(segment types.SegmentInfo, from, to uint64, size int) {
		each := r.of(segment)
		for i := from; i <= to; i++ {
			each(&raft.Log{Index: i, Data: bytes.Repeat([]byte{byte(i)}, size)})
		}
	}
	want := func(when string, first, last uint64) {
		t.Helper()
		got := held(r)
		if len(got) != int(last-first+1) || got[0] != first || got[len(got)-1] != last {
			t.Fatalf("%s: holds %v, want %d to %d", when, got, first, last)
		}
		for i := uint64(0); i < last+3; i++ {
			l := r.get(i)
			if held := i >= first && i <= last; held != (l != nil) || l != nil && l.Index != i {
				t.Errorf("%s: entry %d: %v", when, i, l)
			}
		}
	}
	give(types.SegmentInfo{MinIndex: 2, MaxIndex: 6}, 1, 9, 1)
	want("a full segment", 4, 6)
	give(types.SegmentInfo{MinIndex: 7}, 7, 9, 1)
	want("and the last", 4, 9)
	r.drop(5)
	want("two are applied", 6, 9)
	give(types.SegmentInfo{MinIndex: 12}, 12, 13, 1)
	want("a gap", 12, 13)
	give(types.SegmentInfo{MinIndex: 14}, 14, 50, readBytes/8)
	want("more than there is room for", 43, 50)
	r.drop(60)
	if len(held(r)) != 0 || r.bytes != 0 || r.get(43) != nil {
		t.Errorf("all are applied, and it holds %v, %d bytes", held(r), r.bytes)
	}
	var none *read
	if none.drop(1); none.get(1) != nil {
		t.Error("nothing held an entry")
	}
}
