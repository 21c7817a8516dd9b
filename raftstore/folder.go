package raftstore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	"github.com/hashicorp/raft-wal/metadb"

	"praetor/internal/fault"
)

// Names in the raft folder; DESIGN.md says what each holds.
const (
	stableFile    = "stable.db"
	boltFile      = "raft.db"
	walDir        = "wal"
	snapshotDir   = "snapshots"
	peersInfoFile = "peers.info"
	peersJSONFile = "peers.json"
)

// snapshotsKept is how many snapshots stay: the newest, and one to fall back on.
const snapshotsKept = 2

// folder is what a Store keeps: on disk, locked, or in memory (dir "").
type folder struct {
	dir       string
	disk      *disk
	logs      raft.LogStore
	stable    raft.StableStore
	snapshots raft.SnapshotStore
	closers   []io.Closer // closed last to first
}

// openFolder opens everything below opts.Dir. stable.db comes first: its lock
// keeps other processes out of the rest.
func openFolder(opts *Options) (*folder, error) {
	if opts.Dir == "" {
		mem := raft.NewInmemStore()
		return &folder{logs: mem, stable: mem, snapshots: raft.NewInmemSnapshotStore()}, nil
	}
	f := &folder{dir: opts.Dir, disk: &disk{before: opts.FileOp}}
	if err := f.open(opts); err != nil {
		return nil, errors.Join(fmt.Errorf("open raft folder: %w", err), f.Close())
	}
	return f, nil
}

func (f *folder) open(opts *Options) error {
	if err := f.make(); err != nil {
		return err
	}
	inBolt, err := f.look()
	if err != nil {
		return err
	}
	stable, err := openStable(f.path(stableFile), f.disk)
	if err != nil {
		return err
	}
	f.stable, f.closers = stable, append(f.closers, stable)
	log, err := f.openLog(opts, stable, inBolt)
	if err != nil {
		return err
	}
	f.logs, f.closers = log, append(f.closers, log)
	if !opts.NoLogCache {
		f.logs = newCachedLog(log)
	}
	if err := f.openSnapshots(opts.Logger); err != nil {
		return err
	}
	if err := closeGap(f.logs, f.snapshots); err != nil {
		return err
	}
	return f.disk.syncDir("folder", f.dir) // the new files' names
}

// make makes the folder if it is not there.
func (f *folder) make() error {
	there, err := exists(f.dir)
	if err != nil || there {
		return err
	}
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return err
	}
	return f.disk.syncDir("folder", filepath.Dir(f.dir))
}

// look looks at a folder before anything in it is touched: is it ours, and does
// raft.db hold entries?
func (f *folder) look() (inBolt bool, err error) {
	if there, err := exists(filepath.Join(f.path(walDir), metadb.FileName)); err != nil {
		return false, err
	} else if there {
		return false, fmt.Errorf("open %s: %w", f.path(walDir), foreign(metadb.FileName))
	}
	return boltLogHolds(f.path(boltFile))
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, name) }

type closableLog interface {
	raft.LogStore
	io.Closer
}

// openLog opens the log of the backend asked for. Entries in the other one are
// a fault, not something to forget: a server that lost acknowledged entries
// but kept its votes can break the cluster's promise.
func (f *folder) openLog(opts *Options, stable *boltStable, inBolt bool) (closableLog, error) {
	inWAL, err := stable.segments()
	if err != nil {
		return nil, err
	}
	bolt := opts.Backend == "boltdb" || (opts.Backend != "wal" && inBolt)
	switch {
	case !bolt && inBolt:
		return nil, otherBackend(f.path(boltFile), "wal", "boltdb")
	case bolt && len(inWAL.Segments) > 0:
		return nil, otherBackend(f.path(walDir), "boltdb", "wal")
	case bolt:
		return openBoltLog(f.path(boltFile), f.disk, opts.NoFreelistSync)
	}
	return openWAL(f.path(walDir), stable, f.disk, opts.SegmentBytes, newWALFigures(opts.Metrics), opts.Logger.Named("wal"))
}

func otherBackend(path, asked, there string) error {
	return &fault.Error{Kind: fault.Invalid,
		Text: fmt.Sprintf("raft_logstore.backend is %q, but %s holds this server's log", asked, path),
		Hint: fmt.Sprintf("(set it to %q, or remove the raft folder and let the server join anew)", there)}
}

// openSnapshots opens the snapshot store, without what a crash left half done.
func (f *folder) openSnapshots(logger hclog.Logger) error {
	old, err := filepath.Glob(filepath.Join(f.path(snapshotDir), "*.tmp"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	store, err := raft.NewFileSnapshotStoreWithLogger(f.dir, snapshotsKept, logger.Named("snapshot"))
	if err != nil {
		return fmt.Errorf("open %s: %w", f.path(snapshotDir), err)
	}
	f.snapshots = &labelledSnapshots{store, f.disk}
	return nil
}

// Close closes the files and gives up the lock.
func (f *folder) Close() error {
	var errs []error
	for len(f.closers) > 0 {
		last := len(f.closers) - 1
		errs = append(errs, f.closers[last].Close())
		f.closers = f.closers[:last]
	}
	return errors.Join(errs...)
}

// labelledSnapshots puts labels on the file operations of raft's store.
type labelledSnapshots struct {
	*raft.FileSnapshotStore
	disk *disk
}

// Create starts a snapshot; it counts once its sink is closed.
func (s *labelledSnapshots) Create(version raft.SnapshotVersion, index, term uint64, conf raft.Configuration, confIndex uint64, trans raft.Transport) (raft.SnapshotSink, error) {
	if err := s.disk.step("snapshot:create"); err != nil {
		return nil, err
	}
	sink, err := s.FileSnapshotStore.Create(version, index, term, conf, confIndex, trans)
	if err != nil {
		return nil, err
	}
	return &labelledSink{sink, s.disk, false}, nil
}

type labelledSink struct {
	raft.SnapshotSink
	disk   *disk
	closed bool // raft closes it again
}

func (s *labelledSink) Write(b []byte) (int, error) {
	if err := s.disk.step("snapshot:write"); err != nil {
		return 0, err
	}
	return s.SnapshotSink.Write(b)
}

// Close makes the snapshot count: sync, rename, sync the folder.
func (s *labelledSink) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	if err := s.disk.step("snapshot:commit"); err != nil {
		return errors.Join(err, s.SnapshotSink.Cancel())
	}
	return s.SnapshotSink.Close()
}

var _ raft.SnapshotStore = (*labelledSnapshots)(nil)
