package raftstore

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"

	"praetor/internal/durable"
)

// The parts of raft-wal that walLog replaces or wraps: list of segments,
// segments, their files, entries.

// walMeta keeps raft-wal's list of segments in stable.db.
type walMeta struct {
	stable *boltStable
	files  *walFiler
	dir    string
	end    *edge // the log's newest entry, or the one a suffix is cut off behind
}

// Load returns the list. A last segment that filled up just before a crash
// gets a successor here, because raft-wal would refuse to append to it.
func (m *walMeta) Load(string) (types.PersistentState, error) {
	state, err := m.stable.segments()
	if err != nil || len(state.Segments) == 0 {
		return state, err
	}
	tail := &state.Segments[len(state.Segments)-1]
	if !tail.SealTime.IsZero() {
		return state, nil
	}
	full, last, err := m.files.fullTail(*tail)
	switch {
	case err != nil:
		return state, err
	case !full:
		return state, nil
	case last == 0: // its first write was torn: begin it again
		return state, m.files.vfs.Delete(m.dir, segment.FileName(*tail))
	}
	tail.SealTime, tail.MaxIndex = tail.CreateTime, last
	next := types.SegmentInfo{
		ID: state.NextSegmentID, BaseIndex: last + 1, MinIndex: last + 1,
		Codec: tail.Codec, SizeLimit: tail.SizeLimit, CreateTime: tail.CreateTime,
	}
	state.NextSegmentID++
	state.Segments = append(state.Segments, next)
	return state, m.stable.saveSegments(state, edge{})
}

// CommitState replaces the list; it is on disk when it returns.
func (m *walMeta) CommitState(state types.PersistentState) error {
	for i := range state.Segments {
		state.Segments[i].Codec = walCodecID
	}
	err := m.stable.saveSegments(state, *m.end)
	if err != nil {
		m.files.done.end(err)
	}
	return err
}

// GetStable and SetStable are for users of raft-wal's stable store: not us.
func (m *walMeta) GetStable(key []byte) ([]byte, error) { return m.stable.Get(key) }
func (m *walMeta) SetStable(key, val []byte) error      { return m.stable.Set(key, val) }

// Close leaves stable.db open: it is not ours.
func (m *walMeta) Close() error { return nil }

// walFiler makes and opens segments.
type walFiler struct {
	*segment.Filer
	vfs  walFS
	done *rotation
	tail types.SegmentWriter // read through by fullTail, wanted by RecoverTail
}

// Open opens a full segment. One that was cut short has no index in its list
// entry: its entries are found by reading through it, as for the last one.
func (f *walFiler) Open(info types.SegmentInfo) (types.SegmentReader, error) {
	if info.IndexStart == 0 {
		return f.Filer.RecoverTail(info)
	}
	return f.Filer.Open(info)
}

// Create makes the next segment, which is where a rotation ends.
func (f *walFiler) Create(info types.SegmentInfo) (types.SegmentWriter, error) {
	info.Codec = walCodecID
	w, err := f.Filer.Create(info)
	f.done.end(err)
	if err != nil {
		return nil, err
	}
	return &walSegment{w, f.done}, nil
}

// RecoverTail opens the last segment for more.
func (f *walFiler) RecoverTail(info types.SegmentInfo) (types.SegmentWriter, error) {
	w, err := f.tail, error(nil)
	if f.tail = nil; w == nil {
		w, err = f.Filer.RecoverTail(info)
	}
	if err != nil {
		return nil, err
	}
	return &walSegment{w, f.done}, nil
}

// fullTail reports whether the last segment takes no more, and its last index.
func (f *walFiler) fullTail(info types.SegmentInfo) (full bool, last uint64, err error) {
	w, err := f.Filer.RecoverTail(info)
	if errors.Is(err, os.ErrNotExist) {
		return false, 0, nil // raft-wal makes it
	}
	if err != nil {
		return false, 0, err
	}
	if full, _, err = w.Sealed(); err == nil && !full {
		f.tail = w
		return false, 0, nil
	}
	last = w.LastIndex()
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	return full, last, err
}

// walSegment is the segment being written.
type walSegment struct {
	types.SegmentWriter
	done *rotation
}

// Sealed is asked after each append; yes means that a rotation begins.
func (s *walSegment) Sealed() (bool, uint64, error) {
	full, start, err := s.SegmentWriter.Sealed()
	if full && err == nil {
		s.done.begin()
	}
	return full, start, err
}

// walFS puts labels on the segments' file operations.
type walFS struct {
	*fs.FS
	disk *disk
}

// Create makes a segment's file.
func (v walFS) Create(dir, name string, size uint64) (types.WritableFile, error) {
	if err := v.disk.Step("wal:create"); err != nil {
		return nil, err
	}
	// A file of that name is left of a crash or a failure before it was used.
	if err := os.Remove(filepath.Join(dir, name)); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	f, err := v.FS.Create(dir, name, size)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(filepath.Join(dir, name), fileMode); err != nil {
		_ = f.Close()
		return nil, err
	}
	made := f.(*fs.File) // whose own Sync syncs the folder too, which is our part
	return newWALFile(&made.File, v.disk, dir)
}

// OpenWriter opens a segment's file for more.
func (v walFS) OpenWriter(dir, name string) (types.WritableFile, error) {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR, fileMode)
	if err != nil {
		return nil, err
	}
	// Whoever made the file may have ended before its name was on disk.
	if err := v.disk.SyncFolder("wal", dir); err != nil {
		_ = f.Close()
		return nil, err
	}
	return newWALFile(f, v.disk, "")
}

// Delete removes a segment's file.
func (v walFS) Delete(dir, name string) error {
	if err := v.disk.Step("wal:remove"); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		return err
	}
	return durable.SyncFolder(dir)
}

// zeroAhead is how many bytes of a segment are written with zeros at a time, ahead of
// the entries. Blocks that are only set aside are marked as written when something is,
// which is one more write, or a commit of the file system's journal, in every sync.
const zeroAhead = 256 << 10

var zeros [zeroAhead]byte

type walFile struct {
	*os.File
	disk   *disk
	newIn  string // the folder that has to be synced for the file's name to last
	size   int64  // what is set aside
	zeroed int64  // where the zeros end that were written; 0: it is not known
}

// newWALFile is a segment's file for writing. It closes f if it fails.
func newWALFile(f *os.File, d *disk, newIn string) (*walFile, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &walFile{File: f, disk: d, newIn: newIn, size: info.Size()}, nil
}

func (f *walFile) WriteAt(b []byte, at int64) (int, error) {
	if err := f.disk.Step("wal:write"); err != nil {
		return 0, err
	}
	if end := at + int64(len(b)); end > f.zeroed {
		f.zeroed = min(end+zeroAhead, f.size)
		if n := f.zeroed - end; n > 0 {
			// A disk that does not take them says so about what follows.
			_, _ = f.File.WriteAt(zeros[:n], end)
		}
	}
	return f.File.WriteAt(b, at)
}

func (f *walFile) Sync() error {
	if err := f.disk.Step("wal:sync"); err != nil {
		return err
	}
	if f.newIn == "" {
		return durable.SyncData(f.File)
	}
	if err := f.File.Sync(); err != nil {
		return err
	}
	if err := durable.SyncFolder(f.newIn); err != nil {
		return err
	}
	f.newIn = ""
	return nil
}

// walCodec writes entries as raft.db has them (entry.go), for their checksum
// and because raft-wal's own decoder trusts what it reads.
type walCodec struct {
	buf []byte // Encode's, which only the writer calls
}

// maxCodecBuffer is what Encode keeps between entries.
const maxCodecBuffer = 1 << 20

// walCodecID is the first that raft-wal leaves to others. It marks segments with
// its own codec's all the same; walFiler and walMeta put that right.
const walCodecID = wal.FirstExternalCodecID

// ID names the codec in segments and in their list.
func (c *walCodec) ID() uint64 { return walCodecID }

// Encode writes an entry.
func (c *walCodec) Encode(l *raft.Log, w io.Writer) error {
	b := appendEntry(c.buf[:0], l)
	if c.buf = b; cap(b) > maxCodecBuffer {
		c.buf = nil
	}
	_, err := w.Write(b)
	return err
}

// Decode reads an entry, all but its index.
func (c *walCodec) Decode(b []byte, l *raft.Log) error { return decodeEntry(b, 0, l) }

var (
	_ wal.Codec          = (*walCodec)(nil)
	_ types.MetaStore    = (*walMeta)(nil)
	_ types.SegmentFiler = (*walFiler)(nil)
	_ types.VFS          = walFS{}
)
