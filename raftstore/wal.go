package raftstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
)

// walLog is the default raft log: raft-wal, with its list of segments in
// stable.db. It mends what raft-wal 0.4 leaves open (DESIGN.md, WAL): a log
// whose write failed opens itself anew, the writer waits for a full segment's
// successor, and segments without an index can be read after a restart.
type walLog struct {
	dir    string
	stable *boltStable
	disk   *disk
	logger hclog.Logger
	bytes  int // segment size

	// last is the newest entry that was acknowledged. There may be more behind
	// it that a failed write left, which nobody is to see.
	last atomic.Uint64

	write sync.Mutex // one writer at a time

	broken bool // a write failed: mend before the next one

	mu sync.RWMutex // never held while writing

	log  *wal.WAL
	done *rotation // of log
}

func openWAL(dir string, stable *boltStable, d *disk, segmentBytes int, logger hclog.Logger) (*walLog, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	l := &walLog{dir: dir, stable: stable, disk: d, bytes: segmentBytes, logger: logger}
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("open raft log %s: %w", dir, err)
	}
	last, err := l.log.LastIndex()
	if err != nil {
		return nil, errors.Join(err, l.log.Close())
	}
	l.last.Store(last)
	return l, nil
}

// open opens raft-wal on what is on disk.
func (l *walLog) open() error {
	done := &rotation{}
	vfs := walFS{fs.New(), l.disk}
	files := &walFiler{segment.NewFiler(l.dir, vfs), vfs, done, nil}
	meta := &walMeta{stable: l.stable, files: files, dir: l.dir}
	log, err := wal.Open(l.dir, wal.WithSegmentFiler(files), wal.WithMetaStore(meta),
		wal.WithLogger(l.logger), wal.WithSegmentSize(l.bytes))
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.log, l.done = log, done
	l.mu.Unlock()
	return nil
}

func (l *walLog) current() *wal.WAL {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.log
}

// FirstIndex returns the oldest entry's index, 0 if there is none.
func (l *walLog) FirstIndex() (uint64, error) {
	if l.last.Load() == 0 {
		return 0, nil
	}
	return l.current().FirstIndex()
}

// LastIndex returns the newest entry's index, 0 if there is none.
func (l *walLog) LastIndex() (uint64, error) { return l.last.Load(), nil }

// GetLog reads one entry; raft.ErrLogNotFound if it is not there.
func (l *walLog) GetLog(index uint64, out *raft.Log) error {
	if index > l.last.Load() {
		return raft.ErrLogNotFound
	}
	for {
		log := l.current()
		first, err := log.FirstIndex()
		if err == nil && index < first {
			return raft.ErrLogNotFound // raft-wal finds it as long as its segment is there
		}
		err = log.GetLog(index, out)
		switch {
		case errors.Is(err, wal.ErrNotFound):
			return raft.ErrLogNotFound
		case errors.Is(err, wal.ErrClosed) && log != l.current():
			continue // it was mended meanwhile
		}
		return err
	}
}

// StoreLog stores one entry.
func (l *walLog) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

// StoreLogs appends entries: when it returns nil they are on disk.
func (l *walLog) StoreLogs(logs []*raft.Log) error {
	if len(logs) == 0 {
		return nil
	}
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.mendLocked(); err != nil {
		return err
	}
	if err := l.log.StoreLogs(logs); err != nil {
		l.broken = true
		return fmt.Errorf("append to raft log: %w", err)
	}
	l.last.Store(logs[len(logs)-1].Index)
	// The entries are safe, whatever became of the next segment.
	l.broken = l.done.wait() != nil
	return nil
}

// DeleteRange deletes a prefix or a suffix of the log, both ends included.
func (l *walLog) DeleteRange(min, max uint64) error {
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.mendLocked(); err != nil {
		return err
	}
	if err := l.log.DeleteRange(min, max); err != nil {
		l.broken = true
		return fmt.Errorf("truncate raft log: %w", err)
	}
	last, err := l.log.LastIndex()
	if err != nil {
		return err
	}
	l.last.Store(last)
	return nil
}

// mendLocked reopens a log whose last write failed, and cuts off what that
// write may have left: nobody was told that it is there.
func (l *walLog) mendLocked() error {
	if !l.broken {
		return nil
	}
	old := l.log
	if err := l.open(); err != nil { // old goes on answering reads
		return fmt.Errorf("mend raft log %s: %w", l.dir, err)
	}
	_ = old.Close()
	last, err := l.log.LastIndex()
	if err != nil {
		return err
	}
	if good := l.last.Load(); last > good {
		if err := l.log.DeleteRange(good+1, last); err != nil {
			return fmt.Errorf("mend raft log %s: %w", l.dir, err)
		}
		last = good
	}
	l.last.Store(last)
	l.broken = false
	l.logger.Info("raft log works again after a failed write", "last", last)
	return nil
}

// IsMonotonic tells raft that entries must follow each other without a gap.
func (l *walLog) IsMonotonic() bool { return true }

// Close closes the files.
func (l *walLog) Close() error {
	l.write.Lock()
	defer l.write.Unlock()
	return l.current().Close()
}

// rotation lets the writer wait until raft-wal, in its own goroutine, has put
// a new segment behind a full one. Nothing may touch the log in between.
type rotation struct {
	mu sync.Mutex

	running chan struct{} // nil: none
	err     error
}

func (r *rotation) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running == nil {
		r.running, r.err = make(chan struct{}), nil
	}
}

func (r *rotation) end(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running != nil {
		close(r.running)
		r.running, r.err = nil, err
	}
}

// wait returns the outcome of the last rotation once it is over.
func (r *rotation) wait() error {
	r.mu.Lock()
	running := r.running
	r.mu.Unlock()
	if running != nil {
		<-running
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// walMeta keeps raft-wal's list of segments in stable.db.
type walMeta struct {
	stable *boltStable
	files  *walFiler
	dir    string
}

// Load returns the list. A last segment that filled up just before a crash
// gets a successor here, because raft-wal would refuse to append to it.
func (m *walMeta) Load(string) (types.PersistentState, error) {
	state, err := m.stable.segments()
	if err != nil || len(state.Segments) == 0 {
		return state, err
	}
	tail := &state.Segments[len(state.Segments)-1]
	if !tail.SealTime.IsZero() {
		return state, nil
	}
	full, last, err := m.files.fullTail(*tail)
	switch {
	case err != nil:
		return state, err
	case !full:
		return state, nil
	case last == 0: // its first write was torn: begin it again
		return state, m.files.vfs.Delete(m.dir, segment.FileName(*tail))
	}
	tail.SealTime, tail.MaxIndex = tail.CreateTime, last
	next := types.SegmentInfo{
		ID: state.NextSegmentID, BaseIndex: last + 1, MinIndex: last + 1,
		Codec: tail.Codec, SizeLimit: tail.SizeLimit, CreateTime: tail.CreateTime,
	}
	state.NextSegmentID++
	state.Segments = append(state.Segments, next)
	return state, m.stable.saveSegments(state)
}

// CommitState replaces the list; it is on disk when it returns.
func (m *walMeta) CommitState(state types.PersistentState) error {
	err := m.stable.saveSegments(state)
	if err != nil {
		m.files.done.end(err)
	}
	return err
}

// GetStable and SetStable are for users of raft-wal's stable store: not us.
func (m *walMeta) GetStable(key []byte) ([]byte, error) { return m.stable.Get(key) }
func (m *walMeta) SetStable(key, val []byte) error      { return m.stable.Set(key, val) }

// Close leaves stable.db open: it is not ours.
func (m *walMeta) Close() error { return nil }

// walFiler makes and opens segments.
type walFiler struct {
	*segment.Filer
	vfs  walFS
	done *rotation
	tail types.SegmentWriter // read through by fullTail, wanted by RecoverTail
}

// Open opens a full segment. One that was cut short has no index in its list
// entry: its entries are found by reading through it, as for the last one.
func (f *walFiler) Open(info types.SegmentInfo) (types.SegmentReader, error) {
	if info.IndexStart == 0 {
		return f.Filer.RecoverTail(info)
	}
	return f.Filer.Open(info)
}

// Create makes the next segment, which is where a rotation ends.
func (f *walFiler) Create(info types.SegmentInfo) (types.SegmentWriter, error) {
	w, err := f.Filer.Create(info)
	f.done.end(err)
	if err != nil {
		return nil, err
	}
	return &walSegment{w, f.done}, nil
}

// RecoverTail opens the last segment for more.
func (f *walFiler) RecoverTail(info types.SegmentInfo) (types.SegmentWriter, error) {
	w, err := f.tail, error(nil)
	if f.tail = nil; w == nil {
		w, err = f.Filer.RecoverTail(info)
	}
	if err != nil {
		return nil, err
	}
	return &walSegment{w, f.done}, nil
}

// fullTail tells whether the last segment takes no more, and its last index.
func (f *walFiler) fullTail(info types.SegmentInfo) (full bool, last uint64, err error) {
	w, err := f.Filer.RecoverTail(info)
	if errors.Is(err, os.ErrNotExist) {
		return false, 0, nil // raft-wal makes it
	}
	if err != nil {
		return false, 0, err
	}
	if full, _, err = w.Sealed(); err == nil && !full {
		f.tail = w
		return false, 0, nil
	}
	last = w.LastIndex()
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	return full, last, err
}

// walSegment is the segment being written.
type walSegment struct {
	types.SegmentWriter
	done *rotation
}

// Sealed is asked after each append; yes means that a rotation begins.
func (s *walSegment) Sealed() (bool, uint64, error) {
	full, start, err := s.SegmentWriter.Sealed()
	if full && err == nil {
		s.done.begin()
	}
	return full, start, err
}

// walFS puts labels on the segments' file operations.
type walFS struct {
	*fs.FS
	disk *disk
}

// Create makes a segment's file.
func (v walFS) Create(dir, name string, size uint64) (types.WritableFile, error) {
	if err := v.disk.step("wal:create"); err != nil {
		return nil, err
	}
	// A file of that name is left of a crash or a failure before it was used.
	if err := os.Remove(filepath.Join(dir, name)); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	f, err := v.FS.Create(dir, name, size)
	if err != nil {
		return nil, err
	}
	return &walFile{f, v.disk}, nil
}

// OpenWriter opens a segment's file for more.
func (v walFS) OpenWriter(dir, name string) (types.WritableFile, error) {
	f, err := v.FS.OpenWriter(dir, name)
	if err != nil {
		return nil, err
	}
	// Whoever made the file may have ended before its name was on disk.
	if err := v.disk.syncDir("wal", dir); err != nil {
		_ = f.Close()
		return nil, err
	}
	return &walFile{f, v.disk}, nil
}

// Delete removes a segment's file for good.
func (v walFS) Delete(dir, name string) error {
	if err := v.disk.step("wal:remove"); err != nil {
		return err
	}
	return v.FS.Delete(dir, name)
}

type walFile struct {
	types.WritableFile
	disk *disk
}

func (f *walFile) WriteAt(b []byte, at int64) (int, error) {
	if err := f.disk.step("wal:write"); err != nil {
		return 0, err
	}
	return f.WritableFile.WriteAt(b, at)
}

func (f *walFile) Sync() error {
	if err := f.disk.step("wal:sync"); err != nil {
		return err
	}
	return f.WritableFile.Sync()
}

var (
	_ raft.MonotonicLogStore = (*walLog)(nil)
	_ types.MetaStore        = (*walMeta)(nil)
	_ types.SegmentFiler     = (*walFiler)(nil)
	_ types.VFS              = walFS{}
)
