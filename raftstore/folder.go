package raftstore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft"
	"github.com/hashicorp/raft-wal/metadb"

	"praetor/internal/durable"
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
	noteFile      = "synced"
	seenName      = "seen"
	probeFile     = "probe.tmp"
)

// snapshotsKept is how many snapshots stay: the newest, and one to fall back on.
const snapshotsKept = 2

// folder is what a Store keeps: on disk, locked, or in memory (dir "").
type folder struct {
	dir       string
	disk      *disk
	logs      *unsyncedLog
	stable    raft.StableStore
	snapshots raft.SnapshotStore
	watched   *notedLog    // nil in memory
	scrubbed  *scrubbedLog // nil if it is not to be verified
	cached    *cachedLog   // nil in memory, or without a cache
	read      *read        // of a WAL, for cached; nil for none
	closers   []io.Closer  // closed last to first
}

// openFolder opens everything below opts.Dir. stable.db comes first: its lock
// keeps other processes out of the rest.
func openFolder(opts *Options) (*folder, error) {
	if opts.Dir == "" {
		mem := raft.NewInmemStore()
		return &folder{logs: newUnsyncedLog(mem), stable: mem, snapshots: raft.NewInmemSnapshotStore()}, nil
	}
	f := &folder{dir: opts.Dir, disk: &disk{Disk: durable.Disk{Before: opts.FileOp}, logger: opts.Logger}}
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
	was, err := f.identify(stable, opts)
	if err != nil {
		return err
	}
	snapshots, err := openSnapshots(f.path(snapshotDir), f.disk, opts.Logger.Named("snapshot"), opts.tryOut())
	if err != nil {
		return err
	}
	f.snapshots = snapshots
	if err := f.openChecked(opts, stable, snapshots, was, inBolt); err != nil {
		return err
	}
	return f.disk.SyncFolder("folder", f.dir) // the new files' names
}

// openChecked opens the log, and compares it with the snapshots and with what
// was noted of it.
func (f *folder) openChecked(opts *Options, stable *boltStable, snapshots *snapshotStore, was past, inBolt bool) error {
	newest, bad, err := snapshots.inspect()
	if err != nil {
		return err
	}
	log, err := f.openLog(opts, stable, was, inBolt, newest.index)
	if err != nil {
		return err
	}
	f.closers = append(f.closers, log)
	if err := inspectEnds(log.closableLog, log.path, was); err != nil {
		return err
	}
	if err := f.settle(snapshots, newest, bad, log, was); err != nil {
		return err
	}
	if err := closeGap(log, snapshots); err != nil {
		return err
	}
	if log.note, err = f.newNote(log, stable, opts.ID, newest.index); err != nil {
		return err
	}
	stable.note, f.closers = log.note, append(f.closers, log.note)
	f.watched = log
	var logs raft.LogStore = log
	if opts.VerifyInterval > 0 {
		f.scrubbed = newScrubbedLog(log, opts)
		logs = f.scrubbed
	}
	if opts.NoLogCache {
		f.read = nil
	} else {
		f.cached = newCachedLog(logs, f.read)
		logs = f.cached
	}
	f.logs = newUnsyncedLog(logs)
	return nil
}

// settle compares log and snapshots: what the log does not hold any more must be
// in a good snapshot.
func (f *folder) settle(snapshots *snapshotStore, newest snapshotID, bad map[snapshotID]error, log *notedLog, was past) error {
	first, err := log.FirstIndex()
	if err != nil {
		return err
	}
	last, err := log.LastIndex()
	if err != nil {
		return err
	}
	if err := snapshots.settle(newest, bad, first, last); err != nil {
		return err
	}
	if need := max(first, was.first, 1) - 1; newest.index < need {
		return damaged(snapshots.dir, "the log begins at index %d, and no snapshot holds what was before it", need+1)
	}
	return nil
}

// make makes the folder if it is not there. Others may not read it: it holds all
// keys and values. Earlier versions let them.
func (f *folder) make() error {
	there, err := exists(f.dir)
	if err != nil {
		return err
	}
	if there {
		return f.keepPrivate()
	}
	if err := os.MkdirAll(f.dir, folderMode); err != nil {
		return err
	}
	return f.disk.SyncFolder("folder", filepath.Dir(f.dir))
}

// keepPrivate takes the rights of others away.
func (f *folder) keepPrivate() error {
	return filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil || info.Mode().Perm()&0o077 == 0 || !info.IsDir() && !info.Mode().IsRegular() {
			return err
		}
		return os.Chmod(path, info.Mode().Perm()&^0o077)
	})
}

// look looks at a folder before anything in it is touched: is it ours, and does
// raft.db hold entries?
func (f *folder) look() (inBolt bool, err error) {
	if there, err := exists(filepath.Join(f.path(walDir), metadb.FileName)); err != nil {
		return false, err
	} else if there {
		return false, fmt.Errorf("open %s: %w", f.path(walDir), foreign(metadb.FileName))
	}
	if inBolt, err = boltLogHolds(f.path(boltFile)); err != nil {
		return false, err
	}
	if there, err := exists(f.path(stableFile)); err != nil || there {
		return inBolt, err
	}
	return inBolt, f.checkNew()
}

// checkNew looks at a folder without stable.db: it is made first, so nothing of
// a log may be there.
func (f *folder) checkNew() error {
	for _, pattern := range []string{filepath.Join(walDir, "*.wal"), boltFile, filepath.Join(snapshotDir, "*-*-*"), noteFile} {
		found, err := filepath.Glob(f.path(pattern))
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return damaged(f.path(stableFile), "it is missing, and %s is there: the server would forget its term and its vote", found[0])
		}
	}
	return nil
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, name) }

type closableLog interface {
	raft.LogStore
	io.Closer
}

// openLog opens the log of the backend asked for. Entries in the other one are
// a fault, not something to forget: a server that lost acknowledged entries
// but kept its votes can break the cluster's promise.
func (f *folder) openLog(opts *Options, stable *boltStable, was past, inBolt bool, snapshot uint64) (*notedLog, error) {
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
		log, err := openBoltLog(f.path(boltFile), f.disk, opts.NoFreelistSync)
		if err != nil {
			return nil, err
		}
		if err := inspectEntries(log, f.path(boltFile), snapshot); err != nil {
			return nil, errors.Join(err, log.Close())
		}
		return &notedLog{closableLog: log, path: f.path(boltFile)}, nil
	}
	edges, err := stable.edges()
	if err != nil {
		return nil, err
	}
	logger := opts.Logger.Named("wal")
	f.read = &read{after: snapshot}
	look := walInspection{dir: f.path(walDir), state: inWAL, edges: edges, synced: was.synced(), noted: was.known, logger: logger, read: f.read}
	if err := look.run(); err != nil {
		return nil, err
	}
	log, err := openWAL(f.path(walDir), stable, f.disk, opts.SegmentBytes, newWALFigures(opts.Metrics), logger)
	if err != nil {
		return nil, err
	}
	return &notedLog{closableLog: log, path: f.path(walDir)}, nil
}

func otherBackend(path, asked, there string) error {
	return &fault.Error{Kind: fault.Invalid,
		Text: fmt.Sprintf("raft_logstore.backend is %q, but %s holds this server's log", asked, path),
		Hint: fmt.Sprintf("(set it to %q, or remove the raft folder and let the server join anew)", there)}
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
