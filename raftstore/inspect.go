package raftstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
)

// walInspection reads a WAL before raft-wal does, which takes any damage for a
// torn write and forgets what lies behind it.
type walInspection struct {
	dir    string
	state  types.PersistentState
	edges  map[uint64]edge // by segment ID: the last entry of those that are full
	synced uint64          // the log was synced up to here
	noted  bool            // synced is known; if not, less can be proved
	logger hclog.Logger
	read   *read // what is found to be good
}

// run finds damage, or makes the end of a torn write zeros again.
func (w *walInspection) run() error {
	for i, info := range w.state.Segments {
		if i > 0 && w.state.Segments[i-1].MaxIndex+1 != info.BaseIndex {
			return damaged(filepath.Join(filepath.Dir(w.dir), stableFile), "its list of segments goes from index %d to %d",
				w.state.Segments[i-1].MaxIndex, info.BaseIndex)
		}
		var err error
		if info.SealTime.IsZero() {
			err = w.tail(info)
		} else {
			err = w.full(info)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// full checks a segment that takes no more: all of it was synced.
func (w *walInspection) full(info types.SegmentInfo) error {
	path := filepath.Join(w.dir, segment.FileName(info))
	s, err := scanEntries(path, info.BaseIndex, info.MaxIndex, w.read.of(info))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return damagedAt(path, 0, info.MinIndex, "the file is missing")
	case err != nil:
		return err
	case s.end > 0 && (s.base != info.BaseIndex || s.id != info.ID):
		return damagedAt(path, 0, info.BaseIndex, "it is another segment's file")
	case s.last < info.MaxIndex:
		return damagedAt(path, s.end, s.last+1, w.why(s, info))
	case s.size < int64(info.SizeLimit):
		return damagedAt(path, s.size, info.MaxIndex, cutShort(s, info))
	}
	if want, ok := w.edges[info.ID]; ok && want.Index == info.MaxIndex && want.Sum != s.sum {
		return damagedAt(path, s.end, info.MaxIndex, "the last entry is not the one that this server wrote: it is another server's file")
	}
	return nil
}

// tail checks the segment that was written last. Only what was not acknowledged
// may be torn.
func (w *walInspection) tail(info types.SegmentInfo) error {
	path := filepath.Join(w.dir, segment.FileName(info))
	s, err := scanEntries(path, info.BaseIndex, 0, w.read.of(info))
	switch {
	case errors.Is(err, os.ErrNotExist) && w.synced >= info.BaseIndex:
		return damagedAt(path, 0, info.BaseIndex, fmt.Sprintf("the file is missing; the log was synced up to index %d", w.synced))
	case errors.Is(err, os.ErrNotExist):
		if !w.noted {
			w.logger.Warn("a segment of the raft log is missing, which may be the end of an interrupted start: beginning it anew", "path", path, "index", info.BaseIndex)
		}
		return nil
	case err != nil:
		return err
	case s.end > 0 && (s.base != info.BaseIndex || s.id != info.ID):
		return damagedAt(path, 0, info.BaseIndex, "it is another segment's file")
	case s.last < w.synced || s.later > 0:
		return damagedAt(path, max(s.end, min(s.size, walHeaderLen)), s.last+1, w.why(s, info))
	case s.end > 0 && s.size < int64(info.SizeLimit):
		return damagedAt(path, s.size, s.last+1, cutShort(s, info))
	case s.residue == 0:
		return nil
	}
	return w.clear(path, s)
}

func (w *walInspection) why(s *segmentScan, info types.SegmentInfo) string {
	switch {
	case s.later > 0:
		return fmt.Sprintf("entries cannot be read, and whole ones follow at offset %d", s.later)
	case s.size < int64(info.SizeLimit):
		return cutShort(s, info)
	case info.SealTime.IsZero():
		return fmt.Sprintf("entries cannot be read; the log was synced up to index %d", w.synced)
	}
	return fmt.Sprintf("entries cannot be read up to index %d", info.MaxIndex)
}

func cutShort(s *segmentScan, info types.SegmentInfo) string {
	return fmt.Sprintf("the file has %d bytes and should have at least %d", s.size, info.SizeLimit)
}

// clear removes what is left of a write that was never acknowledged.
func (w *walInspection) clear(path string, s *segmentScan) error {
	w.logger.Warn("the last write to the raft log was torn before it was acknowledged: cut it off", "path", path, "offset", s.end, "index", s.last+1)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	zeros := make([]byte, 1<<20)
	for at := s.end; at < s.residue && err == nil; at += int64(len(zeros)) {
		_, err = f.WriteAt(zeros[:min(int64(len(zeros)), s.residue-at)], at)
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// inspectEntries reads a bbolt log's entries. A gap may only be where a snapshot
// covers what is missing.
func inspectEntries(log *boltLog, path string, snapshot uint64) error {
	next := uint64(0)
	return log.each(func(index uint64, value []byte) error {
		var l raft.Log
		if err := decodeEntry(value, index, &l); err != nil {
			return damaged(path, "index %d: %w", index, err)
		}
		if next != 0 && index != next && index > snapshot+1 {
			return damaged(path, "index %d: entries are missing up to index %d", next, index-1)
		}
		next = index + 1
		return nil
	})
}

// inspectEnds compares the ends of a log with what was noted: the log holds at
// least that, and the entry that was noted.
func inspectEnds(log raft.LogStore, path string, n past) error {
	if !n.known || n.synced() == 0 {
		return nil
	}
	first, err := log.FirstIndex()
	if err != nil {
		return err
	}
	last, err := log.LastIndex()
	if err != nil {
		return err
	}
	switch {
	case last < n.last:
		return damaged(path, "it ends at index %d; the log was synced up to index %d", last, n.last)
	case first > n.last: // a snapshot took its place meanwhile
		return nil
	}
	var l raft.Log
	if err := log.GetLog(n.last, &l); err != nil {
		return damaged(path, "index %d: %w", n.last, err)
	}
	if l.Term != n.term || entrySum(&l) != n.sum {
		return damaged(path, "index %d: the entry is not the one that this server wrote: the file, or the note %s beside it, is another server's", n.last, noteFile)
	}
	return nil
}
