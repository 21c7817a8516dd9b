package raftstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"io"
	"os"
	"sync"

	"github.com/hashicorp/raft"
)

// The note's file holds one record twice, each in a block of its own, written in
// turn: a torn write leaves the other (DESIGN.md, synced).
const (
	noteBlock  = 4096
	noteLen    = 64
	noteBlocks = 2
	noteMagic  = "PRSYNCED"
)

// noted is what was known to be on disk when the note was written.
type noted struct {
	seq         uint64
	first, last uint64 // the log holds first to last; last is first-1 if it is empty
	term        uint64 // of last
	owner       uint64 // ownerSum of the server's ID
	sum         uint32 // entrySum of last
	txid        uint64 // stable.db's newest transaction
}

// synced is the last entry that is known to be on disk, 0 if the log had none.
func (n *noted) synced() uint64 {
	if n.last < n.first {
		return 0
	}
	return n.last
}

func (n *noted) encode() []byte {
	b := make([]byte, 0, noteLen)
	b = append(b, noteMagic...)
	for _, v := range []uint64{n.seq, n.first, n.last, n.term, n.owner} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	b = binary.LittleEndian.AppendUint32(b, n.sum)
	b = binary.LittleEndian.AppendUint64(b, n.txid)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeNoted reads a block; the bytes behind the record must be 0.
func decodeNoted(b []byte) (n noted, ok bool) {
	if len(b) != noteBlock || string(b[:len(noteMagic)]) != noteMagic || !allZero(b[noteLen:]) ||
		crc32.Checksum(b[:noteLen-4], castagnoli) != binary.LittleEndian.Uint32(b[noteLen-4:]) {
		return n, false
	}
	u64 := func(at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
	return noted{
		seq: u64(8), first: u64(16), last: u64(24), term: u64(32), owner: u64(40),
		sum: binary.LittleEndian.Uint32(b[48:]), txid: u64(52),
	}, true
}

func allZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// ownerSum stands for a server's ID in the note.
func ownerSum(id string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, id)
	return h.Sum64()
}

// entrySum tells entries apart: with index and term equal, different sums mean
// that the entry is not the one that was written.
func entrySum(l *raft.Log) uint32 {
	var head [26]byte
	binary.LittleEndian.PutUint64(head[:], l.Index)
	binary.LittleEndian.PutUint64(head[8:], l.Term)
	if !l.AppendedAt.IsZero() {
		binary.LittleEndian.PutUint64(head[16:], uint64(l.AppendedAt.UnixNano()))
	}
	head[24] = byte(l.Type)
	sum := crc32.Checksum(head[:], castagnoli)
	sum = crc32.Update(sum, castagnoli, l.Extensions)
	return crc32.Update(sum, castagnoli, l.Data)
}

// note is the file beside the log that says what was synced. It is written after
// each sync of the log and of stable.db, with no sync of its own: after a cut of
// power it may be older than they are, never newer. A nil note keeps nothing.
type note struct {
	path string
	disk *disk

	mu   sync.Mutex
	file *os.File
	now  noted
}

// noteState says in what state readNote found the file.
type noteState struct {
	present bool   // the file is there
	usable  bool   // a record of this server's can be believed
	trouble string // what is wrong with it, "" if nothing
}

// readNote reads the newest good record. It changes nothing.
func readNote(path, id string) (noted, noteState, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return noted{}, noteState{}, nil
	}
	if err != nil {
		return noted{}, noteState{}, err
	}
	var best noted
	state, bad := noteState{present: true}, 0
	for i := range noteBlocks {
		at := i * noteBlock
		n, ok := decodeNoted(b[min(at, len(b)):min(at+noteBlock, len(b))])
		switch {
		case !ok:
			bad++
		case !state.usable || n.seq > best.seq:
			best, state.usable = n, true
		}
	}
	switch {
	case state.usable && best.owner != ownerSum(id):
		return noted{}, noteState{present: true, trouble: "it is another server's"}, nil
	case bad == noteBlocks:
		state.trouble = "none of its records is whole"
	case bad > 0 || len(b) != noteBlocks*noteBlock:
		state.trouble = "a part of it is damaged"
	}
	return best, state, nil
}

// createNote makes the file, or rewrites it, with both records equal.
func createNote(path string, d *disk, n noted) (*note, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	w := &note{path: path, disk: d, file: file, now: n}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := file.Truncate(0); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if err := w.writeAllLocked(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return w, nil
}

// appended notes that the log was synced up to l.
func (w *note) appended(first uint64, l *raft.Log) {
	w.change(func(n *noted) {
		if n.last < n.first {
			n.first = first
		}
		n.last, n.term, n.sum = l.Index, l.Term, entrySum(l)
	})
}

// began notes that the log has lost its entries before first, but not all.
func (w *note) began(first uint64) { w.change(func(n *noted) { n.first = max(n.first, first) }) }

// stable notes a transaction of stable.db.
func (w *note) stable(txid uint64) { w.change(func(n *noted) { n.txid = txid }) }

// change writes the record that is the older one. An error leaves the note
// older than the log, which it may be; the disk's next write will tell.
func (w *note) change(f func(*noted)) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	f(&w.now)
	w.now.seq++
	if w.disk.Step("synced:write") == nil {
		_, _ = w.file.WriteAt(w.now.encode(), int64(w.now.seq%noteBlocks)*noteBlock)
	}
}

// lower is on disk when it returns: the log is about to lose its end.
func (w *note) lower(f func(*noted)) error {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	f(&w.now)
	w.now.seq++
	return w.writeAllLocked()
}

// writeAllLocked writes both records and syncs them.
func (w *note) writeAllLocked() error {
	if err := w.disk.Step("synced:write"); err != nil {
		return err
	}
	all := make([]byte, noteBlocks*noteBlock)
	for i := range noteBlocks {
		copy(all[i*noteBlock:], w.now.encode())
	}
	if _, err := w.file.WriteAt(all, 0); err != nil {
		return fmt.Errorf("write %s: %w", w.path, err)
	}
	if err := w.disk.Step("synced:sync"); err != nil {
		return err
	}
	return w.file.Sync()
}

// Close makes the note exact. One that cannot be written is merely older.
func (w *note) Close() error {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.writeAllLocked()
	return w.file.Close()
}
