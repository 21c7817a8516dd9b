package raftstore

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
	"go.etcd.io/bbolt"

	"praetor/internal/fault"
)

// Contents is what the raft folder of a server that does not run is made of.
type Contents struct {
	ID       string // of the server whose folder it is
	Backend  string // "wal" or "boltdb"
	Entries  uint64 // behind the newest snapshot: those that a start applies
	Last     uint64 // index of the newest entry or snapshot
	Snapshot uint64 // index of the newest snapshot, 0 for none
}

// Read gives what a start would restore and apply to a machine: the newest good
// snapshot, then the commands behind it. It changes nothing, and ends with the first
// error of either. fault.Conflict if an agent runs on the folder.
func Read(dir string, restore func(io.Reader) error, apply func(Entry) error) (Contents, error) {
	c := Contents{Backend: "wal"}
	path := filepath.Join(dir, stableFile)
	if there, err := exists(path); err != nil || !there {
		return c, errors.Join(err, fault.New(fault.Invalid, "%s is not there: no server has its log here", path))
	}
	if _, err := checkBoltFile(path); err != nil {
		return c, err
	}
	db, err := lockBolt(path, bbolt.Options{ReadOnly: true})
	if err != nil {
		return c, err
	}
	err = readingBolt(path, func() error {
		return errors.Join(checkBuckets(db, [][]byte{stableBucket, walBucket}), c.read(dir, &boltStable{db: db, disk: &disk{}}, restore, apply))
	})
	if err == nil {
		err = c.inspectEnd(dir)
	}
	return c, errors.Join(err, db.Close())
}

// inspectEnd compares where the log ends with what was noted, as a start does.
func (c *Contents) inspectEnd(dir string) error {
	was, state, err := readNote(filepath.Join(dir, noteFile), c.ID)
	if err != nil || !state.usable || was.last <= c.Last {
		return err
	}
	path := filepath.Join(dir, walDir)
	if c.Backend == "boltdb" {
		path = filepath.Join(dir, boltFile)
	}
	return damaged(path, "it ends at index %d; the log was synced up to index %d", c.Last, was.last)
}

func (c *Contents) read(dir string, stable *boltStable, restore func(io.Reader) error, apply func(Entry) error) error {
	owner, err := stable.Get(ownerKey)
	if err != nil {
		return err
	}
	c.ID = string(owner)
	if err := c.readSnapshot(filepath.Join(dir, snapshotDir), restore); err != nil {
		return err
	}
	c.Last = c.Snapshot
	each := func(l *raft.Log) error {
		c.Last = max(c.Last, l.Index)
		if l.Index <= c.Snapshot {
			return nil
		}
		c.Entries++
		if l.Type != raft.LogCommand {
			return nil
		}
		return apply(Entry{Index: l.Index, Data: l.Data})
	}
	inBolt, err := boltLogHolds(filepath.Join(dir, boltFile))
	if err != nil {
		return err
	}
	if inBolt {
		c.Backend = "boltdb"
		return readBoltLog(filepath.Join(dir, boltFile), each)
	}
	state, err := stable.segments()
	if err != nil {
		return err
	}
	return readSegments(filepath.Join(dir, walDir), state.Segments, each)
}

func (c *Contents) readSnapshot(dir string, restore func(io.Reader) error) error {
	if there, err := exists(dir); err != nil || !there {
		return err
	}
	s := &snapshotStore{dir: dir, logger: hclog.NewNullLogger()}
	list, err := s.List()
	if err != nil || len(list) == 0 {
		return err
	}
	_, state, err := s.Open(list[0].ID)
	if err != nil {
		return err
	}
	c.Snapshot = list[0].Index
	return errors.Join(restore(state), state.Close())
}

func readBoltLog(path string, each func(*raft.Log) error) error {
	db, err := lockBolt(path, bbolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	log := &boltLog{db, &disk{}}
	err = readingBolt(path, func() error {
		return log.each(func(index uint64, value []byte) error {
			l := raft.Log{Index: index}
			if err := decodeEntry(value, index, &l); err != nil {
				return damaged(path, "index %d: %w", index, err)
			}
			return each(&l)
		})
	})
	return errors.Join(err, log.Close())
}

func readSegments(dir string, list []types.SegmentInfo, each func(*raft.Log) error) error {
	for _, info := range list {
		path := filepath.Join(dir, segment.FileName(info))
		var failed error
		s, err := scanEntries(path, info.BaseIndex, info.MaxIndex, func(l *raft.Log) {
			cut := !info.SealTime.IsZero() && l.Index > info.MaxIndex // by a new leader
			if failed == nil && l.Index >= info.MinIndex && !cut {
				failed = each(l)
			}
		})
		switch {
		case err != nil || failed != nil:
			return errors.Join(err, failed)
		case s.later > 0 || !info.SealTime.IsZero() && s.last < info.MaxIndex:
			return damaged(path, "what stands behind index %d cannot be read", s.last)
		}
	}
	return nil
}

// Form is what an entry of the log is written as; it counts up.
func Form() string { return fmt.Sprintf("entries of version %d", entryVersion) }
