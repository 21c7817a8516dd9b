package raftstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"io"
	"os"
	"runtime/debug"

	"go.etcd.io/bbolt"
)

// A bbolt file begins with two meta pages, written in turn; its other pages have
// no checksums, and bbolt trusts them: a file cut short ends the process with a
// fault of the memory map.
const (
	boltMagic     = 0xED0CDAED
	boltHeaderLen = 16 // a page's header
	boltMetaLen   = 64
	boltMetaSpan  = boltHeaderLen + boltMetaLen
	minBoltPage   = 1 << 9
	maxBoltPage   = 1 << 20
)

// boltMeta is what a meta page says.
type boltMeta struct {
	pageSize    int64
	pages, txid uint64
}

// parseBoltMeta reads the meta page that begins with b.
func parseBoltMeta(b []byte) (m boltMeta, ok bool) {
	if len(b) < boltMetaSpan {
		return m, false
	}
	b = b[boltHeaderLen:boltMetaSpan]
	h := fnv.New64a()
	_, _ = h.Write(b[:56])
	if binary.NativeEndian.Uint32(b) != boltMagic || h.Sum64() != binary.NativeEndian.Uint64(b[56:]) {
		return m, false
	}
	m = boltMeta{int64(binary.NativeEndian.Uint32(b[8:])), binary.NativeEndian.Uint64(b[40:]), binary.NativeEndian.Uint64(b[48:])}
	return m, m.pageSize >= minBoltPage && m.pageSize <= maxBoltPage
}

// checkBoltFile looks at a bbolt file before bbolt does. lame reports whether
// one of its two meta pages is damaged, and the older one may count now.
func checkBoltFile(path string) (lame bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	if info.Size() == 0 {
		return false, damaged(path, "it is empty")
	}
	head := make([]byte, maxBoltPage+boltMetaSpan)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	newest, good := boltMetas(head[:n])
	switch {
	case good == 0:
		return false, damaged(path, "invalid database: neither of its meta pages is whole")
	case info.Size() < int64(newest.pages)*newest.pageSize:
		return false, damaged(path, "it has %d bytes and should have at least %d", info.Size(), int64(newest.pages)*newest.pageSize)
	}
	return good == 1, nil
}

// boltMetas finds the meta pages that are whole. Where the second one begins
// depends on the page size, which only a whole one tells.
func boltMetas(head []byte) (newest boltMeta, good int) {
	first, ok := parseBoltMeta(head)
	if ok {
		newest, good = first, 1
	}
	for size := minBoltPage; size <= maxBoltPage && size < len(head); size *= 2 {
		m, ok := parseBoltMeta(head[size:])
		if !ok || m.pageSize != int64(size) {
			continue
		}
		if good == 0 || m.txid > newest.txid {
			newest = m
		}
		return newest, good + 1
	}
	return newest, good
}

// readingBolt runs f, which reads pages nobody has checked: bbolt panics on what
// cannot be, and the memory map faults behind the file's end.
func readingBolt(path string, f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = damaged(path, "%s", firstLine(fmt.Sprint(p)))
		}
	}()
	return f()
}

func firstLine(s string) string {
	for i, r := range s {
		if r == '\n' {
			return s[:i]
		}
	}
	return s
}

// walkBolt reads all that a file holds, and then lets bbolt compare its pages
// with its list of free ones; that is done elsewhere, where nobody could recover.
func walkBolt(db *bbolt.DB, path string) error {
	return readingBolt(path, func() error {
		return db.View(func(tx *bbolt.Tx) error {
			sum := uint32(0)
			err := tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
				return b.ForEach(func(k, v []byte) error {
					sum = crc32.Update(crc32.Update(sum, castagnoli, k), castagnoli, v)
					return nil
				})
			})
			if err != nil {
				return err
			}
			for problem := range tx.Check() { // to its end: it uses the transaction
				if err == nil {
					err = damaged(path, "%s", firstLine(problem.Error()))
				}
			}
			return err
		})
	})
}
