package raftstore

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/hashicorp/raft-wal/types"
	"go.etcd.io/bbolt"
)

// Keys in stable.db beside raft's own.
var (
	ownerKey = []byte("praetor-owner")    // bucket stable: the ID of the server whose folder this is
	walKey   = []byte("segments")         // bucket wal: the list of segments
	edgesKey = []byte("edges")            // bucket wal: the last entries of full segments
	sumKey   = []byte("praetor-checksum") // bucket stable: transaction (8 bytes big-endian), CRC32-C of all else
)

// edge is the last entry of a full segment.
type edge struct {
	Index uint64
	Sum   uint32
}

// boltStable keeps raft's votes and terms, and the WAL's list of segments.
// Each write is on disk when it returns.
type boltStable struct {
	db   *bbolt.DB
	disk *disk
	note *note // of the newest transaction; nil until there is one
}

func openStable(path string, d *disk) (*boltStable, error) {
	db, err := openBolt(path, bbolt.Options{}, d, stableBucket, walBucket)
	if err != nil {
		return nil, err
	}
	if err := walkBolt(db, path); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &boltStable{db: db, disk: d}, nil
}

func (s *boltStable) put(bucket []byte, set func(*bbolt.Bucket) error) error {
	if err := s.disk.Step("stable:commit"); err != nil {
		return err
	}
	var txid int
	err := s.db.Update(func(tx *bbolt.Tx) error {
		txid = tx.ID()
		if err := set(tx.Bucket(bucket)); err != nil {
			return err
		}
		value := binary.BigEndian.AppendUint64(nil, uint64(txid))
		return tx.Bucket(stableBucket).Put(sumKey, binary.BigEndian.AppendUint32(value, stableSum(tx)))
	})
	if err == nil {
		s.note.stable(uint64(txid))
	}
	return err
}

// stableSum is the checksum of all keys and values but its own.
func stableSum(tx *bbolt.Tx) uint32 {
	sum := uint32(0)
	add := func(b []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		sum = crc32.Update(crc32.Update(sum, castagnoli, n[:]), castagnoli, b)
	}
	for _, name := range [][]byte{stableBucket, walBucket} {
		add(name)
		c := tx.Bucket(name).Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			if !bytes.Equal(k, sumKey) {
				add(k)
				add(v)
			}
		}
	}
	return sum
}

// verify compares the content with its checksum. summed reports whether there is one
// of what is there: a version that writes none leaves that of an older transaction. The
// number of a transaction beside it only falls behind that way. With other content
// a number that is ahead is damage, and with the content that was summed any number
// but the transaction's own is: renumbered then.
func (s *boltStable) verify() (txid uint64, summed, renumbered bool, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		txid = uint64(tx.ID())
		value := tx.Bucket(stableBucket).Get(sumKey)
		if len(value) != 12 {
			if tx.Bucket(stableBucket).Get(ownerKey) != nil {
				return damaged(s.db.Path(), "its checksum is not there")
			}
			return nil
		}
		of, fits := binary.BigEndian.Uint64(value), binary.BigEndian.Uint32(value[8:]) == stableSum(tx)
		switch {
		case !fits && of >= txid:
			return damaged(s.db.Path(), "its content does not have the checksum that was written with it")
		case fits:
			summed, renumbered = true, of != txid
		}
		return nil
	})
	return txid, summed, renumbered, err
}

func (s *boltStable) get(bucket, key []byte) (val []byte, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		if v := tx.Bucket(bucket).Get(key); v != nil {
			val = append([]byte{}, v...)
		}
		return nil
	})
	return val, err
}

// Set stores a value.
func (s *boltStable) Set(key, val []byte) error {
	return s.put(stableBucket, func(b *bbolt.Bucket) error { return b.Put(key, val) })
}

// Get returns a value, nil if there is none.
func (s *boltStable) Get(key []byte) ([]byte, error) { return s.get(stableBucket, key) }

// SetUint64 stores a number, 8 bytes big-endian. One that is there already
// costs nothing: raft stores its term again at each start.
func (s *boltStable) SetUint64(key []byte, val uint64) error {
	if old, err := s.GetUint64(key); err == nil && old == val {
		return nil
	}
	return s.Set(key, binary.BigEndian.AppendUint64(nil, val))
}

// GetUint64 returns a number, 0 if there is none.
func (s *boltStable) GetUint64(key []byte) (uint64, error) {
	val, err := s.Get(key)
	switch {
	case err != nil || val == nil:
		return 0, err
	case len(val) != 8:
		return 0, fmt.Errorf("stable value %q has %d bytes, not 8", key, len(val))
	}
	return binary.BigEndian.Uint64(val), nil
}

// segments returns what saveSegments saved last.
func (s *boltStable) segments() (state types.PersistentState, err error) {
	return state, s.getJSON(walKey, &state)
}

// edges returns the last entries of full segments, by segment ID, as far as they
// were known when the segments filled up.
func (s *boltStable) edges() (edges map[uint64]edge, err error) {
	return edges, s.getJSON(edgesKey, &edges)
}

func (s *boltStable) getJSON(key []byte, into any) error {
	raw, err := s.get(walBucket, key)
	if err != nil || raw == nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s of the WAL: %w", key, err)
	}
	return nil
}

// saveSegments replaces the list. end is the last entry of a segment that has
// just become full, if one has.
func (s *boltStable) saveSegments(state types.PersistentState, end edge) error {
	known, err := s.edges()
	if err != nil {
		return err
	}
	edges := map[uint64]edge{}
	for _, info := range state.Segments {
		if info.SealTime.IsZero() {
			continue
		}
		if e, ok := known[info.ID]; ok && e.Index == info.MaxIndex {
			edges[info.ID] = e
		} else if end.Index == info.MaxIndex {
			edges[info.ID] = end
		}
	}
	list, err := json.Marshal(state)
	if err != nil {
		return err
	}
	ends, err := json.Marshal(edges)
	if err != nil {
		return err
	}
	return s.put(walBucket, func(b *bbolt.Bucket) error {
		return errors.Join(b.Put(walKey, list), b.Put(edgesKey, ends))
	})
}

// Close gives up the file and its lock.
func (s *boltStable) Close() error { return s.db.Close() }
