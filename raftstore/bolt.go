package raftstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"time"

	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"praetor/internal/fault"
)

// lockWait is how long a bbolt file's lock is tried: once.
const lockWait = time.Millisecond

var (
	logBucket    = []byte("log")    // raft.db: 8-byte big-endian index -> entry
	stableBucket = []byte("stable") // stable.db: raft's votes and terms
	walBucket    = []byte("wal")    // stable.db: which segments wal/ consists of
)

// openBolt opens or makes the bbolt file at path, holding its lock, with the
// buckets given. A file that holds other things is refused untouched.
func openBolt(path string, opts bbolt.Options, d *disk, buckets ...[]byte) (*bbolt.DB, error) {
	if there, err := exists(path); err != nil {
		return nil, err
	} else if !there {
		if err := makeBolt(path, d, buckets); err != nil {
			return nil, fmt.Errorf("make %s: %w", path, err)
		}
	}
	lame, err := checkBoltFile(path)
	if err != nil {
		return nil, err
	}
	db, err := lockBolt(path, opts)
	if err != nil {
		return nil, err
	}
	if lame {
		d.warn("one of the two meta pages of a file is damaged, by a torn write or otherwise: the other one counts, and the next write repairs it", "path", path)
	}
	if err := checkBuckets(db, buckets); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return db, nil
}

// makeBolt makes the file under another name first: bbolt cannot open one whose
// making was cut short. Link, unlike rename, never takes the file of a process
// that was faster.
func makeBolt(path string, d *disk, buckets [][]byte) error {
	tmp := path + ".tmp"
	if err := d.Step("bolt:create"); err != nil {
		return err
	}
	_ = os.Remove(tmp)
	db, err := lockBolt(tmp, bbolt.Options{})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, b := range buckets {
			if _, err := tx.CreateBucket(b); err != nil {
				return err
			}
		}
		return nil
	})
	if runtime.GOOS == "windows" { // which removes no open file
		err = errors.Join(err, db.Close())
	}
	if err == nil {
		err = d.Link("bolt", tmp, path)
	}
	return errors.Join(err, db.Close())
}

func lockBolt(path string, opts bbolt.Options) (*bbolt.DB, error) {
	opts.Timeout = lockWait
	var db *bbolt.DB
	err := readingBolt(path, func() (err error) {
		db, err = bbolt.Open(path, fileMode, &opts)
		return err
	})
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, &fault.Error{Kind: fault.Conflict, Err: err,
			Text: fmt.Sprintf("%s is in use by another process", path),
			Hint: "(stop that agent, or give this one another data_dir)"}
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return db, nil
}

// checkBuckets refuses a file that is not one of ours.
func checkBuckets(db *bbolt.DB, buckets [][]byte) error {
	return db.View(func(tx *bbolt.Tx) error {
		for _, b := range buckets {
			if tx.Bucket(b) == nil {
				return foreign(fmt.Sprintf("no bucket %q", b))
			}
		}
		return tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
			for _, b := range buckets {
				if bytes.Equal(b, name) {
					return nil
				}
			}
			return foreign(fmt.Sprintf("bucket %q", name))
		})
	})
}

func foreign(what string) error {
	return fault.New(fault.Invalid, "written by another program (%s): give this agent an empty data_dir", what)
}

// boltLog is a raft log in one bbolt file: slower than the WAL (two syncs a
// batch), but a single file that other tools can read.
type boltLog struct {
	db   *bbolt.DB
	disk *disk
}

func openBoltLog(path string, d *disk, noFreelistSync bool) (*boltLog, error) {
	db, err := openBolt(path, bbolt.Options{NoFreelistSync: noFreelistSync, FreelistType: bbolt.FreelistMapType}, d, logBucket)
	if err != nil {
		return nil, err
	}
	if err := walkBolt(db, path); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &boltLog{db, d}, nil
}

// boltLogHolds reports whether the file at path exists and holds an entry. It
// changes nothing.
func boltLogHolds(path string) (bool, error) {
	if there, err := exists(path); err != nil || !there {
		return false, err
	}
	if _, err := checkBoltFile(path); err != nil {
		return false, err
	}
	db, err := lockBolt(path, bbolt.Options{ReadOnly: true})
	if err != nil {
		return false, err
	}
	l := &boltLog{db, &disk{}}
	var last uint64
	err = readingBolt(path, func() (err error) {
		if err = checkBuckets(db, [][]byte{logBucket}); err == nil {
			last, err = l.LastIndex()
		}
		return err
	})
	if err = errors.Join(err, l.Close()); err != nil {
		return false, fmt.Errorf("open %s: %w", path, err)
	}
	return last > 0, nil
}

// FirstIndex returns the oldest entry's index, 0 if there is none.
func (l *boltLog) FirstIndex() (uint64, error) { return l.edge((*bbolt.Cursor).First) }

// LastIndex returns the newest entry's index, 0 if there is none.
func (l *boltLog) LastIndex() (uint64, error) { return l.edge((*bbolt.Cursor).Last) }

func (l *boltLog) edge(end func(*bbolt.Cursor) (k, v []byte)) (index uint64, err error) {
	err = l.db.View(func(tx *bbolt.Tx) error {
		k, _ := end(tx.Bucket(logBucket).Cursor())
		switch {
		case k == nil:
			return nil
		case len(k) != 8:
			return fmt.Errorf("%w: key of %d bytes", errBadEntry, len(k))
		}
		index = binary.BigEndian.Uint64(k)
		return nil
	})
	return index, err
}

// GetLog reads one entry; raft.ErrLogNotFound if it is not there.
func (l *boltLog) GetLog(index uint64, out *raft.Log) error {
	var key [8]byte
	binary.BigEndian.PutUint64(key[:], index)
	return readingBolt(l.db.Path(), func() error { return l.get(key[:], index, out) })
}

func (l *boltLog) get(key []byte, index uint64, out *raft.Log) error {
	return l.db.View(func(tx *bbolt.Tx) error {
		val := tx.Bucket(logBucket).Get(key)
		if val == nil {
			return raft.ErrLogNotFound
		}
		if err := decodeEntry(val, index, out); err != nil {
			return fmt.Errorf("read log entry %d: %w", index, err)
		}
		return nil
	})
}

// each calls f with all entries in order, until it fails.
func (l *boltLog) each(f func(index uint64, value []byte) error) error {
	return l.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(logBucket).ForEach(func(k, v []byte) error {
			if len(k) != 8 {
				return damaged(l.db.Path(), "a key has %d bytes, not 8", len(k))
			}
			return f(binary.BigEndian.Uint64(k), v)
		})
	})
}

// StoreLog stores one entry.
func (l *boltLog) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

// StoreLogs stores entries in one transaction: all of them or none.
func (l *boltLog) StoreLogs(logs []*raft.Log) error {
	if err := l.disk.Step("log:commit"); err != nil {
		return err
	}
	return l.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(logBucket)
		for _, log := range logs {
			// bbolt keeps key and value until the commit: no buffer to reuse.
			key := binary.BigEndian.AppendUint64(make([]byte, 0, 8), log.Index)
			val := appendEntry(make([]byte, 0, 32+len(log.Extensions)+len(log.Data)), log)
			if err := b.Put(key, val); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteRange deletes entries from min to max, both included.
func (l *boltLog) DeleteRange(min, max uint64) error {
	if err := l.disk.Step("log:commit"); err != nil {
		return err
	}
	return l.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(logBucket)
		c := b.Cursor()
		var key [8]byte
		for next := min; next <= max; next++ {
			binary.BigEndian.PutUint64(key[:], next)
			// Delete moves the cursor, so each step seeks again; seeking also
			// jumps over gaps.
			k, _ := c.Seek(key[:])
			if len(k) != 8 {
				return nil
			}
			if next = binary.BigEndian.Uint64(k); next > max {
				return nil
			}
			if err := c.Delete(); err != nil {
				return err
			}
			if next == math.MaxUint64 {
				return nil
			}
		}
		return nil
	})
}

// Close gives up the file and its lock.
func (l *boltLog) Close() error { return l.db.Close() }

var (
	_ raft.StableStore = (*boltStable)(nil)
	_ raft.LogStore    = (*boltLog)(nil)
)
