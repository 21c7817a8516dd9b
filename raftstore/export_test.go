package raftstore

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// The parts below Store, for tests.
var (
	AppendEntry = appendEntry
	DecodeEntry = decodeEntry
	ParsePeers  = parsePeers
	ErrBadEntry = errBadEntry
)

// TestLog is a log of either backend without a Store around it.
type TestLog struct {
	*cachedLog
	stable *boltStable
	log    closableLog
}

// OpenTestLog opens the log in dir.
func OpenTestLog(backend, dir string, segmentBytes int, fileOp func(string) error) (*TestLog, error) {
	d := &disk{before: fileOp}
	stable, err := openStable(filepath.Join(dir, stableFile), d)
	if err != nil {
		return nil, err
	}
	var log closableLog
	if backend == "boltdb" {
		log, err = openBoltLog(filepath.Join(dir, boltFile), d, true)
	} else {
		log, err = openWAL(filepath.Join(dir, walDir), stable, d, segmentBytes, newWALFigures(nil), hclog.NewNullLogger())
	}
	if err != nil {
		return nil, errors.Join(err, stable.Close())
	}
	return &TestLog{newCachedLog(log), stable, log}, nil
}

// Cold reads an entry past the cache.
func (l *TestLog) Cold(index uint64, out *raft.Log) error { return l.log.GetLog(index, out) }

// Stable is the stable store.
func (l *TestLog) Stable() raft.StableStore { return l.stable }

// Cached tells how many entries and bytes the cache holds.
func (l *TestLog) Cached() (entries, bytes int) { return int(l.next - l.first), l.bytes }

// Close closes the files.
func (l *TestLog) Close() error { return errors.Join(l.log.Close(), l.stable.Close()) }

// WriteWhole is disk.writeWhole.
func WriteWhole(fileOp func(string) error, path string, data []byte) error {
	return (&disk{before: fileOp}).writeWhole("file", path, data, 0o600)
}

// ConfirmWith replaces how VerifyLeader asks raft. Before anybody calls it.
func (s *Store) ConfirmWith(confirm func(ask func() error) error) {
	ask := s.verify.confirm
	s.verify.confirm = func() error { return confirm(ask) }
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
