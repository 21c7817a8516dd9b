package raftstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"

	"praetor/internal/durable"
)

// The parts below Store, for tests.
var (
	AppendEntry = appendEntry
	DecodeEntry = decodeEntry
	ParsePeers  = parsePeers
	ErrBadEntry = errBadEntry
	Translate   = translate
	ReadError   = translateRead
	Wrong       = wrong
)

// TestLog is a log of either backend without a Store around it.
type TestLog struct {
	*cachedLog
	stable *boltStable
	log    *notedLog
	folder *folder
}

// OpenTestLog opens the log in dir.
func OpenTestLog(backend, dir string, segmentBytes int, fileOp func(string) error) (*TestLog, error) {
	opts := &Options{ID: "s1", Dir: dir, Backend: backend, SegmentBytes: segmentBytes, FileOp: fileOp, Logger: hclog.NewNullLogger(), NoFreelistSync: true}
	f := &folder{dir: dir, disk: &disk{Disk: durable.Disk{Before: fileOp}}}
	log, err := openLogOnly(f, opts)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &TestLog{newCachedLog(log, f.read), f.stable.(*boltStable), log, f}, nil
}

// openLogOnly opens what folder.open does, but no snapshots.
func openLogOnly(f *folder, opts *Options) (*notedLog, error) {
	stable, err := openStable(f.path(stableFile), f.disk)
	if err != nil {
		return nil, err
	}
	f.stable, f.closers = stable, append(f.closers, stable)
	was, err := f.identify(stable, opts)
	if err != nil {
		return nil, err
	}
	log, err := f.openLog(opts, stable, was, opts.Backend == "boltdb", math.MaxUint64-1)
	if err != nil {
		return nil, err
	}
	f.closers = append(f.closers, log)
	if err := inspectEnds(log.closableLog, log.path, was); err != nil {
		return nil, err
	}
	if log.note, err = f.newNote(log, stable, opts.ID, 0); err != nil {
		return nil, err
	}
	stable.note, f.closers = log.note, append(f.closers, log.note)
	return log, nil
}

// Cold reads an entry past the cache.
func (l *TestLog) Cold(index uint64, out *raft.Log) error { return l.log.GetLog(index, out) }

// Stable is the stable store.
func (l *TestLog) Stable() raft.StableStore { return l.stable }

// Cached tells how many entries and bytes the cache holds.
func (l *TestLog) Cached() (entries, bytes int) { return int(l.next - l.first), l.bytes }

// Close closes the files.
func (l *TestLog) Close() error { return l.folder.Close() }

// WriteFile is disk.WriteFile.
func WriteFile(fileOp func(string) error, path string, data []byte) error {
	return (&durable.Disk{Before: fileOp}).WriteFile("file", path, data, 0o600)
}

// ConfirmWith replaces how VerifyLeader asks raft. Before anybody calls it.
func (s *Store) ConfirmWith(confirm func(ask func() error) error) {
	ask := s.confirming
	s.confirming = func() error { return confirm(ask) }
}

// Turns collects changes of leadership nobody took.
func Turns(changes ...bool) []bool {
	var t turns
	for _, c := range changes {
		t = t.add(c)
	}
	return t
}

// WithChecksum puts the right checksum behind the body of an entry.
func WithChecksum(body []byte) []byte {
	return binary.LittleEndian.AppendUint32(append([]byte(nil), body...), crc32.Checksum(body, castagnoli))
}

// ReadFiles hands bytes to everything that reads what lies on the disk, and
// returns the note among them as it is written, nil if they are none.
func ReadFiles(b []byte, path string) (note []byte) {
	_, _ = decodeMeta(b, "1-2-3")
	parseBoltMeta(b)
	findBatch(b)
	_, _ = scanSegment(path, 1, 2)
	if n, ok := decodeNoted(b); ok {
		return n.encode()
	}
	return nil
}

// SetTerm leaves a folder as a crash right after raft wrote a term does.
func SetTerm(o Options, term uint64) error {
	if err := o.check(); err != nil {
		return err
	}
	f, err := openFolder(&o)
	if err != nil {
		return err
	}
	return errors.Join(f.stable.SetUint64(keyTerm, term), f.Close())
}

// ChangeStable changes a stable store behind the back of its checksum, which is noted
// for a transaction that is so much ahead of the true one.
func ChangeStable(path, key string, ahead int) error {
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(stableBucket)
		sum := bytes.Clone(b.Get(sumKey))
		binary.BigEndian.PutUint64(sum, uint64(int(tx.ID())+ahead))
		if key != "" {
			if err := b.Put([]byte(key), []byte("other")); err != nil {
				return err
			}
		}
		return b.Put(sumKey, sum)
	})
	return errors.Join(err, db.Close())
}

// Scrubbed is a log whose ranges are checked, over another one.
type Scrubbed struct{ *scrubbedLog }

// NewScrubbed returns one that writes checkpoints if it leads.
func NewScrubbed(store raft.LogStore, o Options, leads bool) Scrubbed {
	l := newScrubbedLog(store, &o)
	l.leads.Store(new(func() bool { return leads }))
	return Scrubbed{l}
}

// Want makes the next barrier a checkpoint.
func (s Scrubbed) Want() { s.wanted.Store(true) }

// Check checks what was found so far.
func (s Scrubbed) Check() {
	for len(s.ranges) > 0 {
		s.check(nil, <-s.ranges)
	}
}

// NotedOver reads entries of a log as a Store does, and tells damage.
func NotedOver(log interface {
	raft.LogStore
	io.Closer
}, report func(error)) raft.LogStore {
	return &notedLog{closableLog: log, path: "wal", report: report}
}

// InstallSnapshot sends a snapshot as the leader's raft does.
func (s *Store) InstallSnapshot(to Peer, req *raft.InstallSnapshotRequest, data []byte) (resp raft.InstallSnapshotResponse, err error) {
	err = s.trans.InstallSnapshot(raft.ServerID(to.ID), raft.ServerAddress(to.Address), req, &resp, bytes.NewReader(data))
	return resp, err
}

// ReadAtStart is how many entries of those that were read when the log was opened are
// still in memory.
func (s *Store) ReadAtStart() int {
	s.folder.cached.mu.Lock()
	defer s.folder.cached.mu.Unlock()
	return len(s.folder.cached.read.logs)
}

// NextData is where a file holds something, from an offset on.
var NextData = nextData

// ZeroAhead is how far a segment has zeros ahead of its entries.
const ZeroAhead = zeroAhead

// MaxBehind is by how many entries who is sent them through a pipeline may be behind.
const MaxBehind = maxBehind

// Witnessed is what raft gets in place of a pipeline. The server's log ends with last.
func Witnessed(p raft.AppendPipeline, last uint64) raft.AppendPipeline {
	return newWitnessed(p, "s2", NewWitness(), newUnsyncedLog(raft.NewInmemStore()), func() uint64 { return last })
}

// UnsyncedLog is what raft has for its log.
type UnsyncedLog struct{ *unsyncedLog }

// Unsynced is one above a log, of a server that leads others or not.
func Unsynced(below raft.LogStore, leads func() bool) *UnsyncedLog {
	l := newUnsyncedLog(below)
	l.leads, l.refused = leads, func() {}
	return &UnsyncedLog{l}
}

// Settle is settle.
func (l *UnsyncedLog) Settle() error { return l.settle() }

// Synced is synced.
func (l *UnsyncedLog) Synced(index uint64) uint64 { return l.synced(index) }

// Plainly is plainly.
func (l *UnsyncedLog) Plainly(do func() error) error { return l.plainly(do) }

// Close is close.
func (l *UnsyncedLog) Close() { l.close() }
