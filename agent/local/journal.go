package local

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
)

// The layout of the file is in DESIGN.md.
const (
	journalName = "local.journal"

	fileMagic  = "PRLJ0001"
	saltBytes  = 8
	headBytes  = len(fileMagic) + saltBytes + 8 + 4
	recMagic   = "\xf5jrn"
	recBytes   = len(recMagic) + 4 + 4 + 1 + 8 // what stands before a body
	maxBody    = 16 << 20                      // bytes; the HTTP API takes far less
	batchBytes = 4 << 20                       // written at once, unless one record is larger

	// aheadBytes: zeros behind the records make the file's length a multiple of it, so
	// that most syncs write records alone and not a new length of the file as well.
	aheadBytes = 64 << 10
	// noAhead, as where zeros end, has none written.
	noAhead = math.MaxInt64
)

var crcTable = crc32.MakeTable(crc32.Castagnoli)

// journal is an append-only file of records. One goroutine uses it at a time:
// the one that leads (see queue).
type journal struct {
	path string
	disk *disk
	file *os.File
	seed uint32 // what the file's salt adds to each checksum

	size    int64 // where the next record goes
	durable int64 // up to here a sync has returned
	zeroed  int64 // here the zeros behind the records end; noAhead: none are written
	fresh   bool  // the last zeros may not be on disk yet
	clean   bool  // the last record is of kindClosed
	buf     []byte

	// damaged, when set, is why the file's end cannot be relied on: it is
	// rewritten before anything else is.
	damaged error
	// suspect, when set, is a file that holds bytes nobody could read: a copy is
	// kept before it is rewritten.
	suspect bool
	kept    string // where the copy is
	// compactAt is the size from which compaction is worth a thought.
	compactAt int64
}

// errNotRead keeps everyone from writing to a journal that was not read.
var errNotRead = errors.New("journal was not read")

// appendRecord appends a record, for a file position of offset, to buf.
func appendRecord(buf []byte, seed uint32, offset, durable int64, r record) []byte {
	start := len(buf)
	buf = append(buf, recMagic...)
	buf = binary.LittleEndian.AppendUint32(buf, uint32(len(r.body)))
	buf = binary.LittleEndian.AppendUint32(buf, 0) // the sum, below
	buf = append(buf, byte(r.kind))
	buf = binary.LittleEndian.AppendUint64(buf, uint64(durable))
	buf = append(buf, r.body...)
	binary.LittleEndian.PutUint32(buf[start+8:], checksum(seed, offset, buf[start:]))
	return buf
}

// saltSeed is what a salt adds to every checksum.
func saltSeed(salt []byte) uint32 { return crc32.Update(0, crcTable, salt) }

// checksum covers everything but itself, and where it stands: the same bytes
// elsewhere, or in another journal, are not a record.
func checksum(seed uint32, offset int64, rec []byte) uint32 {
	where := binary.LittleEndian.AppendUint64(nil, uint64(offset))
	sum := crc32.Update(seed, crcTable, where)
	sum = crc32.Update(sum, crcTable, rec[:8])
	return crc32.Update(sum, crcTable, rec[12:])
}

// append writes records; with sync they are durable when it returns nil. After
// an error none of them counts, and the journal must be rewritten.
func (j *journal) append(recs []record, sync bool) error {
	if j.damaged != nil {
		return j.damaged
	}
	j.buf = j.buf[:0]
	for _, r := range recs {
		j.buf = appendRecord(j.buf, j.seed, j.size+int64(len(j.buf)), j.durable, r)
	}
	end := j.size + int64(len(j.buf))
	err := j.disk.writeAt(j.file, j.buf, j.size)
	if err == nil && end > j.zeroed {
		j.writeAhead(end)
	}
	if err == nil && sync {
		err = j.disk.sync(j.file)
	}
	if err != nil {
		// The attempt to cut it off is for the next start; this process
		// writes a new file whatever comes of it.
		_ = j.disk.truncate(j.file, j.size)
		j.damaged = fmt.Errorf("write %s: %w", j.path, err)
		return j.damaged
	}
	j.size, j.clean = end, false
	if sync {
		j.durable, j.fresh = end, false
	}
	if cap(j.buf) > batchBytes {
		j.buf = nil
	}
	return nil
}

// writeAhead writes zeros from end, where the records end. Where they find no room
// the records do without, until the file is rewritten.
func (j *journal) writeAhead(end int64) {
	to := (end/aheadBytes + 1) * aheadBytes
	if err := j.disk.writeZeros(j.file, end, to); err != nil {
		_ = j.disk.truncate(j.file, end) // some may be there, in the room of what follows
		j.zeroed = noAhead
		return
	}
	j.zeroed, j.fresh = to, true
}

// rewrite replaces the file by one with just the records that each yields. An
// error leaves the old file in force, unless damaged says otherwise.
func (j *journal) rewrite(each func(yield func(record) error) error) error {
	if err := j.keepSuspect(); err != nil {
		return err
	}
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	seed := saltSeed(salt)
	size := int64(headBytes)
	tmp := j.path + ".tmp"
	head := func() []byte { return fileHead(salt, size) }
	err := j.disk.writeTemp(tmp, head, func(w io.Writer) error {
		var buf []byte
		return each(func(r record) error {
			buf = appendRecord(buf[:0], seed, size, 0, r)
			size += int64(len(buf))
			_, err := w.Write(buf)
			return err
		})
	})
	if err != nil {
		_ = os.Remove(tmp)
		return fmt.Errorf("write %s: %w", tmp, err)
	}
	return j.replace(tmp, seed, size)
}

// replace puts tmp in the journal's place. Some systems rename neither from nor
// onto an open file, so it is closed meanwhile.
func (j *journal) replace(tmp string, seed uint32, size int64) error {
	if j.file != nil {
		j.file.Close()
		j.file = nil
	}
	renamed := j.disk.Rename("compact", tmp, j.path)
	if renamed != nil {
		_ = os.Remove(tmp)
	}
	file, err := j.disk.open(j.path)
	if err != nil {
		j.damaged = fmt.Errorf("open %s: %w", j.path, err)
		return errors.Join(renamed, j.damaged)
	}
	j.file = file
	if renamed != nil {
		return fmt.Errorf("rename %s: %w", tmp, renamed)
	}
	j.seed, j.size, j.durable, j.clean, j.damaged = seed, size, size, false, nil
	j.zeroed, j.fresh = size, false
	if err := j.disk.SyncFolder("compact", filepath.Dir(j.path)); err != nil {
		// After a crash the old file might be back: nothing may be added to
		// this one.
		j.damaged = err
		return err
	}
	return nil
}

// fileHead begins a file of which the first base bytes were synced before it
// got its name.
func fileHead(salt []byte, base int64) []byte {
	head := append([]byte(fileMagic), salt...)
	head = binary.LittleEndian.AppendUint64(head, uint64(base))
	return binary.LittleEndian.AppendUint32(head, crc32.Checksum(head, crcTable))
}

// close marks the end as intended, so that damage to the records before it will
// be seen, and closes the file. Zeros behind it go, since versions that wrote none
// take them for damage; should they stay, they do no harm to others.
func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	var err error
	if !j.clean && j.damaged == nil {
		_ = j.disk.truncate(j.file, j.size)
		j.zeroed = noAhead
		err = j.append([]record{{kind: kindClosed}}, true)
	}
	return errors.Join(err, j.file.Close())
}

// load reads the file at j.path, gives its records to each, and makes j ready to
// append, unless something is wrong with the file: then it must be rewritten
// first, and holes lists what could not be read. The error is fs.ErrNotExist if
// there is no file.
func (j *journal) load(each func(k kind, body []byte, size int64) error) (holes []hole, err error) {
	data, err := j.disk.read(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		j.suspect, j.damaged = true, err
		return []hole{{why: err.Error(), certain: true}}, nil
	}
	found := scan(data, func(k kind, body []byte, size int64) error {
		j.clean = k == kindClosed
		return each(k, body, size)
	})
	if len(found.holes) > 0 {
		j.suspect, j.damaged = true, fmt.Errorf("%s is damaged", j.path)
		return found.holes, nil
	}
	j.seed, j.size, j.durable, j.zeroed = found.seed, found.end, found.end, int64(len(data))
	j.clean = j.clean && j.size == j.zeroed // else its zeros are yet to be cut off
	j.damaged = j.reopen()
	return nil, nil
}

// reopen opens a file that was read without fault, to append to it.
func (j *journal) reopen() (err error) {
	if j.file, err = j.disk.open(j.path); err != nil {
		return fmt.Errorf("open %s: %w", j.path, err)
	}
	// What was read may never have been synced, and now is relied on.
	if err := j.disk.sync(j.file); err != nil {
		return fmt.Errorf("sync %s: %w", j.path, err)
	}
	return nil
}

// JournalForm is how a journal of this version begins.
const JournalForm = fileMagic

// Head is how the journal in a data folder begins, which tells its form; fs.ErrNotExist
// if there is none.
func Head(folder string) (string, error) {
	f, err := os.Open(filepath.Join(folder, journalName))
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, len(fileMagic))
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	return string(head[:n]), nil
}
