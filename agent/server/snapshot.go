package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/archive"
	"praetor/internal/consulstate"
	"praetor/internal/disk"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

// registerSnapshots asks for what manages tokens: a snapshot holds everything, the
// tokens too (reference/http-operator-acl.md §2).
func (s *Server) registerSnapshots(m *kernel.Mux) {
	manages := kernel.NeedsAlways(acl.ACL.Write())
	kernel.HandleTransfer(m, ops.SnapshotSave, manages, s.snapshotSave)
	kernel.HandleTransfer(m, ops.SnapshotRestore, manages, s.snapshotRestore)
}

// snapshotVersion is what meta.json says: raft's (reference/internals.md §15).
const snapshotVersion = 1

// snapshotSave archives the state as it is now. It reads the store twice, to tell
// the size first, so that nothing has to be put on a disk.
func (s *Server) snapshotSave(ctx context.Context, _ *acl.Authorizer, req *ops.SnapshotSaveRequest, _ io.Reader) (*ops.SnapshotSaveReply, io.ReadCloser, error) {
	if err := s.kernel.AdmitRead(ctx, &req.ReadOptions); err != nil {
		return nil, nil, err
	}
	tx := s.kernel.Store.Read()
	rep := &ops.SnapshotSaveReply{Format: req.Format}
	write := tx.WriteSnapshot
	var omitted []string
	switch req.Format {
	case "", ops.SnapshotPraetor:
	case ops.SnapshotConsul:
		write = func(w io.Writer) (err error) {
			omitted, err = consulstate.Export(tx, w)
			return err
		}
	default:
		return nil, nil, fault.New(fault.Invalid, "unknown snapshot format %q: praetor or consul is wanted", req.Format)
	}
	var size counter
	if err := writeState(write, &size); err != nil {
		return nil, nil, err
	}
	rep.Omitted = omitted // the reply's own: the archive is written while it is sent
	meta, err := s.snapshotMeta(tx.LastIndex(), int64(size))
	if err != nil {
		return nil, nil, err
	}
	s.kernel.FillMeta(&rep.ReadMeta, &req.ReadOptions, meta.Index)
	return rep, stream(ctx, func(w io.Writer) error { return writeArchive(w, meta, write) }), nil
}

// streamed is what a goroutine writes, for its reader.
type streamed struct {
	*io.PipeReader
	written chan struct{} // closed when the goroutine has ended
}

// stream reads what write writes. It ends with ctx.
func stream(ctx context.Context, write func(io.Writer) error) *streamed {
	out, in := io.Pipe()
	s := &streamed{out, make(chan struct{})}
	ended := context.AfterFunc(ctx, func() { in.CloseWithError(context.Cause(ctx)) })
	go func() { // waited for by Close
		defer close(s.written)
		defer ended()
		in.CloseWithError(write(in))
	}()
	return s
}

// Close gives up what was not read, and waits until nothing is written any more.
func (s *streamed) Close() error {
	err := s.PipeReader.Close()
	<-s.written
	return err
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// stateBuffer spares the writes of single records.
const stateBuffer = 64 << 10

func writeState(write func(io.Writer) error, w io.Writer) error {
	buf := bufio.NewWriterSize(w, stateBuffer)
	if err := write(buf); err != nil {
		return err
	}
	return buf.Flush()
}

func writeArchive(w io.Writer, meta *archive.Meta, write func(io.Writer) error) error {
	buf := bufio.NewWriterSize(w, stateBuffer)
	if err := archive.Write(buf, meta, func(w io.Writer) error { return writeState(write, w) }); err != nil {
		return err
	}
	return buf.Flush()
}

func (s *Server) snapshotMeta(index uint64, size int64) (*archive.Meta, error) {
	peers, err := s.kernel.Raft.Peers()
	if err != nil {
		return nil, err
	}
	index = max(index, 1)
	term := s.kernel.Raft.LastTerm()
	meta := &archive.Meta{
		Version: snapshotVersion, ID: fmt.Sprintf("%d-%d-%d", term, index, time.Now().UnixMilli()),
		Index: index, Term: term, Size: size,
	}
	for _, p := range peers {
		server := archive.Server{ID: p.ID, Address: p.Address}
		if !p.Voter {
			server.Suffrage = 1
		}
		meta.Configuration.Servers = append(meta.Configuration.Servers, server)
	}
	return meta, nil
}

// snapshotRestore takes an archive of Praetor's or of Consul's. All of it is read
// and tried out in a place of its own before anything changes.
func (s *Server) snapshotRestore(ctx context.Context, az *acl.Authorizer, req *ops.SnapshotRestoreRequest, body io.Reader) (*ops.Empty, io.ReadCloser, error) {
	if err := s.kernel.MustLead(); err != nil {
		return nil, nil, err
	}
	if !s.restoring.TryLock() {
		return nil, nil, fault.New(fault.Rejected, "another snapshot is being restored")
	}
	defer s.restoring.Unlock()
	file, err := s.openSpool()
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	state, err := s.checkArchive(file, body)
	if err != nil {
		return nil, nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	s.opts.Logger.Warn("restoring a snapshot: it replaces the whole state", "index", state.index, "bytes", state.size)
	if err := s.kernel.Raft.Restore(state.index, state.size, bufio.NewReaderSize(file, stateBuffer)); err != nil {
		s.duties.TakeUpAgain(ctx)
		return nil, nil, fmt.Errorf("restore snapshot: %w", err)
	}
	s.duties.TakeUpAgain(ctx)
	s.opts.Logger.Info("snapshot restored", "index", state.index)
	if err := s.kernel.Tell(s.kernel.By(ctx, az), catalog.EventRestored); err != nil {
		s.opts.Logger.Warn("note the restore in the history", "error", err)
	}
	return &ops.Empty{}, nil, nil
}

// checkedState is what a spool holds once it is known to be good.
type checkedState struct {
	index uint64
	size  int64
}

// maxSnapshotIndex leaves the log room to go on for ever.
const maxSnapshotIndex = 1 << 62

// checkArchive reads an archive into an empty file, rewound then, that holds a
// state that a catalog takes. The state is read as it is written: what is none is
// given up at its first bytes, not when the disk is full of it.
func (s *Server) checkArchive(file *spool, body io.Reader) (checkedState, error) {
	fresh := catalog.New()
	reading, state := io.Pipe()
	var found *consulstate.Imported
	var unreadable error
	read := make(chan struct{})
	go func() { // waited for below
		defer close(read)
		found, unreadable = consulstate.Import(fresh, reading)
		if unreadable == nil {
			_, unreadable = io.Copy(io.Discard, reading) // for the checksums of the archive
		}
		reading.CloseWithError(unreadable)
	}()
	meta, err := archive.Read(body, io.MultiWriter(file, state))
	state.CloseWithError(err) // nil: it is whole
	<-read
	if err == nil && unreadable != nil {
		err = fmt.Errorf("failed to read snapshot file: %w", unreadable)
	}
	if err != nil {
		return checkedState{}, fault.New(fault.Rejected, "%w", err)
	}
	return s.convert(file, meta, fresh, found)
}

// convert makes a state of Consul's one of ours.
func (s *Server) convert(file *spool, meta *archive.Meta, fresh *catalog.Store, found *consulstate.Imported) (checkedState, error) {
	state := checkedState{max(meta.Index, found.LastIndex), meta.Size}
	if state.index > maxSnapshotIndex {
		return checkedState{}, fault.New(fault.Rejected, "failed to read snapshot file: index %d is out of range", state.index)
	}
	if found.Foreign {
		s.opts.Logger.Info("the snapshot is one of Consul's: converting it", "index", meta.Index)
		for name, count := range found.Skipped {
			s.opts.Logger.Warn("the snapshot has records that this version does not keep", "type", name, "count", count)
		}
		var err error
		if state.size, err = file.replace(func(w io.Writer) error { return writeState(fresh.Read().WriteSnapshot, w) }); err != nil {
			return checkedState{}, err
		}
	}
	return state, file.rewind()
}

// spool is a temporary file that nobody else sees. It leaves room on its disk.
type spool struct {
	*os.File
	dir      string
	free     func(dir string) (uint64, error)
	unlooked int // bytes that may be written before the room is looked at again
}

const (
	// leastFree is what a spool leaves of a disk: the log is on it, and goes on.
	leastFree = 256 << 20
	// freeEvery is how many bytes are written between two looks.
	freeEvery = 16 << 20
)

// Write implements io.Writer.
func (f *spool) Write(b []byte) (int, error) {
	if f.unlooked -= len(b); f.unlooked < 0 {
		if err := f.checkRoom(); err != nil {
			return 0, err
		}
		f.unlooked = freeEvery
	}
	return f.File.Write(b)
}

func (f *spool) checkRoom() error {
	free, err := f.free(f.dir)
	if err == nil && free < leastFree+freeEvery {
		return fmt.Errorf("the disk of %s is too full for the snapshot: %d MB are free, %d MB must stay so", f.dir, free>>20, (leastFree+freeEvery)>>20)
	}
	return nil // where the system does not tell, writing will
}

// openSpool makes a file beside the log: there is room for a state.
func (s *Server) openSpool() (*spool, error) {
	file, err := os.CreateTemp(s.opts.Raft.Dir, "restore-*.tmp")
	if err != nil {
		return nil, fmt.Errorf("make room for the snapshot: %w", err)
	}
	_ = os.Remove(file.Name()) // now where the system lets us, or a crash would leave it; else in Close
	return &spool{File: file, dir: filepath.Dir(file.Name()), free: disk.Free}, nil
}

func (f *spool) rewind() error {
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// replace rewrites the file.
func (f *spool) replace(write func(io.Writer) error) (size int64, err error) {
	if err := f.Truncate(0); err != nil {
		return 0, err
	}
	if err := f.rewind(); err != nil {
		return 0, err
	}
	if err := write(f); err != nil {
		return 0, err
	}
	return f.Seek(0, io.SeekCurrent)
}

// Close gives the file up.
func (f *spool) Close() error {
	err := f.File.Close()
	if rerr := os.Remove(f.Name()); !errors.Is(rerr, os.ErrNotExist) {
		return errors.Join(err, rerr)
	}
	return err
}
