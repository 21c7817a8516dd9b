package local

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"praetor/internal/fault"
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
)

var crcTable = crc32.MakeTable(crc32.Castagnoli)

// journal is an append-only file of records. One goroutine uses it at a time:
// the one that leads (see queue).
type journal struct {
	path string
	disk *disk
	file *os.File
	salt [saltBytes]byte

	size    int64 // where the next record goes
	durable int64 // up to here a sync has returned
	clean   bool  // the last record is of kindClosed
	buf     []byte

	// damaged, when set, is why the file's end cannot be relied on: it is
	// written anew before anything else is.
	damaged error
	// compactAt is the size from which compaction is worth a thought.
	compactAt int64
}

// errNotRead keeps everyone from writing to a journal that was not read.
var errNotRead = errors.New("journal was not read")

// appendRecord appends a record, for a file position of offset, to buf.
func appendRecord(buf []byte, salt [saltBytes]byte, offset, durable int64, r record) []byte {
	start := len(buf)
	buf = append(buf, recMagic...)
	buf = binary.LittleEndian.AppendUint32(buf, uint32(len(r.body)))
	buf = binary.LittleEndian.AppendUint32(buf, 0) // the sum, below
	buf = append(buf, byte(r.kind))
	buf = binary.LittleEndian.AppendUint64(buf, uint64(durable))
	buf = append(buf, r.body...)
	binary.LittleEndian.PutUint32(buf[start+8:], checksum(salt, offset, buf[start:]))
	return buf
}

// checksum covers everything but itself, and where it stands: the same bytes
// elsewhere, or in another journal, are not a record.
func checksum(salt [saltBytes]byte, offset int64, rec []byte) uint32 {
	var where [saltBytes + 8]byte
	copy(where[:], salt[:])
	binary.LittleEndian.PutUint64(where[saltBytes:], uint64(offset))
	sum := crc32.Update(0, crcTable, where[:])
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
		j.buf = appendRecord(j.buf, j.salt, j.size+int64(len(j.buf)), j.durable, r)
	}
	err := j.disk.writeAt(j.file, j.buf, j.size)
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
	j.size += int64(len(j.buf))
	j.clean = false
	if sync {
		j.durable = j.size
	}
	if cap(j.buf) > batchBytes {
		j.buf = nil
	}
	return nil
}

// rewrite replaces the file by one with just the records that each yields. An
// error leaves the old file in force, unless damaged says otherwise.
func (j *journal) rewrite(each func(yield func(record) error) error) error {
	var salt [saltBytes]byte
	rand.Read(salt[:])
	size := int64(headBytes)
	tmp := j.path + ".tmp"
	head := func() []byte { return fileHead(salt, size) }
	err := j.disk.writeTemp(tmp, head, func(w io.Writer) error {
		var buf []byte
		return each(func(r record) error {
			buf = appendRecord(buf[:0], salt, size, 0, r)
			size += int64(len(buf))
			_, err := w.Write(buf)
			return err
		})
	})
	if err != nil {
		_ = os.Remove(tmp)
		return fmt.Errorf("write %s: %w", tmp, err)
	}
	return j.replace(tmp, salt, size)
}

// replace puts tmp in the journal's place. Some systems rename neither from nor
// onto an open file, so it is closed meanwhile.
func (j *journal) replace(tmp string, salt [saltBytes]byte, size int64) error {
	if j.file != nil {
		j.file.Close()
		j.file = nil
	}
	renamed := j.disk.rename(tmp, j.path)
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
	j.salt, j.size, j.durable, j.clean, j.damaged = salt, size, size, false, nil
	if err := j.disk.syncDir(filepath.Dir(j.path)); err != nil {
		// After a crash the old file might be back: nothing may be added to
		// this one.
		j.damaged = err
		return err
	}
	return nil
}

// fileHead begins a file of which the first base bytes were synced before it
// got its name.
func fileHead(salt [saltBytes]byte, base int64) []byte {
	head := append([]byte(fileMagic), salt[:]...)
	head = binary.LittleEndian.AppendUint64(head, uint64(base))
	return binary.LittleEndian.AppendUint32(head, crc32.Checksum(head, crcTable))
}

// close marks the end as intended, so that damage to the records before it will
// be seen, and closes the file.
func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	var err error
	if !j.clean && j.damaged == nil {
		err = j.append([]record{{kind: kindClosed}}, true)
	}
	return errors.Join(err, j.file.Close())
}

// load reads the file at j.path, gives its records to each, cuts off a torn
// end, and makes j ready to append. It returns fs.ErrNotExist if there is none.
func (j *journal) load(each func(k kind, body []byte, size int64) error) error {
	data, err := os.ReadFile(j.path)
	if err != nil {
		return err
	}
	salt, end, err := scan(data, func(k kind, body []byte, size int64) error {
		j.clean = k == kindClosed
		return each(k, body, size)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", j.path, err)
	}
	if j.file, err = j.disk.open(j.path); err != nil {
		return fmt.Errorf("open %s: %w", j.path, err)
	}
	if end < int64(len(data)) {
		j.clean = false
		if err := j.disk.truncate(j.file, end); err != nil {
			return fmt.Errorf("cut torn end of %s: %w", j.path, err)
		}
	}
	if err := j.disk.sync(j.file); err != nil {
		return fmt.Errorf("sync %s: %w", j.path, err)
	}
	j.salt, j.size, j.durable, j.damaged = salt, end, end, nil
	return nil
}

const corruptHint = "the file is damaged; restore it from a backup, or move it away to start without the services and checks registered over HTTP"

func corrupt(offset int, format string, args ...any) error {
	return &fault.Error{
		Kind: fault.Internal, Hint: corruptHint,
		Text: fmt.Sprintf("at byte %d: %s;", offset, fmt.Sprintf(format, args...)),
	}
}

// scan walks the records in data. end is where the last whole one ends; what
// follows was never synced, or scan tells of the damage instead.
func scan(data []byte, each func(k kind, body []byte, size int64) error) (salt [saltBytes]byte, end int64, err error) {
	if len(data) < headBytes {
		return salt, 0, corrupt(0, "it ends within its head")
	}
	copy(salt[:], data[len(fileMagic):])
	base := int64(binary.LittleEndian.Uint64(data[len(fileMagic)+saltBytes:]))
	if !bytes.Equal(data[:headBytes], fileHead(salt, base)) {
		return salt, 0, corrupt(0, "this is not the head of a journal")
	}
	if base > int64(len(data)) {
		return salt, 0, corrupt(len(data), "it ends where records had been safe")
	}
	offset := headBytes
	for offset < len(data) {
		k, body, _, ok := recordAt(data, salt, offset)
		if !ok && int64(offset) < base {
			return salt, 0, corrupt(offset, "this is not a record, but was one when the file was made")
		}
		if !ok {
			return salt, int64(offset), tornAt(data, salt, offset)
		}
		size := recBytes + len(body)
		if err := each(k, body, int64(size)); err != nil {
			return salt, 0, corrupt(offset, "%s", err)
		}
		offset += size
	}
	return salt, int64(offset), nil
}

// recordAt reads the record at offset, if one stands there whole.
func recordAt(data []byte, salt [saltBytes]byte, offset int) (k kind, body []byte, durable int64, ok bool) {
	rec := data[offset:]
	if len(rec) < recBytes || string(rec[:len(recMagic)]) != recMagic {
		return 0, nil, 0, false
	}
	n := binary.LittleEndian.Uint32(rec[4:])
	if n > maxBody || int(n) > len(rec)-recBytes {
		return 0, nil, 0, false
	}
	rec = rec[:recBytes+int(n)]
	if binary.LittleEndian.Uint32(rec[8:]) != checksum(salt, int64(offset), rec) {
		return 0, nil, 0, false
	}
	return kind(rec[12]), rec[recBytes:], int64(binary.LittleEndian.Uint64(rec[13:])), true
}

// tornAt judges bytes at offset that are no record. Every record tells how far
// the file was known to be on disk when it was written: if a later one says
// that offset was, the disk lost something; otherwise power was cut during a
// write, and nobody was ever told that these bytes are safe.
func tornAt(data []byte, salt [saltBytes]byte, offset int) error {
	for next := offset + 1; ; next++ {
		i := bytes.Index(data[next:], []byte(recMagic))
		if i < 0 {
			return nil
		}
		next += i
		if _, _, durable, ok := recordAt(data, salt, next); ok && durable > int64(offset) {
			return corrupt(offset, "this is not a record, but one follows at byte %d that was written after it was safe", next)
		}
	}
}
