package raftstore

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/segment"
)

// walLog is the default raft log: raft-wal, with its list of segments in
// stable.db. It mends what raft-wal 0.4 leaves open (DESIGN.md, WAL): a log
// whose write failed reopens itself, the writer waits for a full segment's
// successor, and segments without an index can be read after a restart.
type walLog struct {
	dir    string
	stable *boltStable
	disk   *disk
	logger hclog.Logger
	bytes  int // segment size

	figures *walFigures

	// last is the newest entry that was acknowledged. There may be more behind
	// it that a failed write left, which nobody is to see.
	last atomic.Uint64

	end edge // of the log, for the list of segments; under write

	write chanLock // one writer at a time

	broken bool // a write failed: mend before the next one

	mu sync.RWMutex // never held while writing

	log  *wal.WAL
	done *rotation // of log
}

func openWAL(dir string, stable *boltStable, d *disk, segmentBytes int, figures *walFigures, logger hclog.Logger) (*walLog, error) {
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return nil, err
	}
	l := &walLog{dir: dir, stable: stable, disk: d, bytes: segmentBytes, figures: figures, logger: logger, write: make(chanLock, 1)}
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
	meta := &walMeta{stable: l.stable, files: files, dir: l.dir, end: &l.end}
	log, err := wal.Open(l.dir, wal.WithSegmentFiler(files), wal.WithMetaStore(meta),
		wal.WithCodec(&walCodec{}), wal.WithLogger(l.logger), wal.WithSegmentSize(l.bytes), wal.WithMetricsCollector(l.figures))
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
		case err == nil:
			out.Index = index
			return nil
		case errors.Is(err, wal.ErrNotFound):
			return raft.ErrLogNotFound
		case errors.Is(err, wal.ErrClosed) && log != l.current():
			continue // it was mended meanwhile
		}
		return fmt.Errorf("read log entry %d: %w", index, err)
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
	newest := logs[len(logs)-1]
	l.end = edge{newest.Index, entrySum(newest)}
	if err := l.log.StoreLogs(logs); err != nil {
		l.broken = true
		if errors.Is(err, syscall.ENOSPC) {
			return fmt.Errorf("append to raft log: %w: make room there: until then this server stores nothing and does not lead (praetor help disk)", err)
		}
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
	var end raft.Log
	if l.log.GetLog(min-1, &end) == nil { // what becomes the newest if a suffix goes
		end.Index = min - 1
		l.end = edge{min - 1, entrySum(&end)}
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

// mend is what the next write begins with.
func (l *walLog) mend() error {
	l.write.Lock()
	defer l.write.Unlock()
	return l.mendLocked()
}

// mendLocked reopens a log whose last write failed, and cuts off what that
// write may have left: nobody was told that it is there.
func (l *walLog) mendLocked() error {
	if !l.broken {
		return nil
	}
	old := l.log
	if err := l.open(); err != nil { // old goes on answering reads
		return fmt.Errorf("repair raft log %s: %w", l.dir, err)
	}
	_ = old.Close()
	last, err := l.log.LastIndex()
	if err != nil {
		return err
	}
	if good := l.last.Load(); last > good {
		if err := l.log.DeleteRange(good+1, last); err != nil {
			return fmt.Errorf("repair raft log %s: %w", l.dir, err)
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

// chanLock is a mutex for simulations with slow disks: time goes on there while goroutines
// wait for a channel, not for a sync.Mutex. Make it with room for one.
type chanLock chan struct{}

func (c chanLock) Lock()   { c <- struct{}{} }
func (c chanLock) Unlock() { <-c }

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

var _ raft.MonotonicLogStore = (*walLog)(nil)
