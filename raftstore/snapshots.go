package raftstore

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"praetor/internal/durable"
)

// Names in the snapshot folder; DESIGN.md says what each holds.
const (
	metaFile      = "meta.json"
	stateFile     = "state.bin"
	tmpSuffix     = ".tmp"
	damagedSuffix = ".damaged"
)

// maxMetaBytes bounds a meta.json: thousands of servers.
const maxMetaBytes = 1 << 20

var crc64Table = crc64.MakeTable(crc64.ECMA)

// snapshotMeta is meta.json. Checksum is the CRC32-C of the file with this
// field's digits 0; versions before it wrote none.
type snapshotMeta struct {
	raft.SnapshotMeta
	CRC      []byte
	Checksum string `json:",omitempty"`
}

const noChecksum = "00000000"

func (m *snapshotMeta) encode() ([]byte, error) {
	m.Checksum = noChecksum
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	b = append(b, '\n')
	m.Checksum = fmt.Sprintf("%08x", crc32.Checksum(b, castagnoli))
	copy(b[checksumAt(b):], m.Checksum)
	return b, nil
}

// checksumAt is where the digits begin: the field is the last one.
func checksumAt(b []byte) int { return len(b) - len(noChecksum) - len("\"}\n") }

// decodeMeta reads the meta.json of the snapshot id.
func decodeMeta(b []byte, id string) (*snapshotMeta, error) {
	var m snapshotMeta
	in := json.NewDecoder(bytes.NewReader(b))
	in.DisallowUnknownFields()
	if err := in.Decode(&m); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", metaFile, err)
	}
	if m.Checksum != "" {
		plain := bytes.Clone(b)
		at := checksumAt(plain)
		if at < 0 || string(plain[at:]) != m.Checksum+"\"}\n" {
			return nil, fmt.Errorf("%s does not end with its checksum", metaFile)
		}
		copy(plain[at:], noChecksum)
		if sum := fmt.Sprintf("%08x", crc32.Checksum(plain, castagnoli)); sum != m.Checksum {
			return nil, fmt.Errorf("checksum of %s is %s, not %s", metaFile, sum, m.Checksum)
		}
	}
	return &m, m.check(id)
}

func (m *snapshotMeta) check(id string) error {
	at, ok := parseSnapshotID(id)
	switch {
	case !ok || m.ID != id || m.Index != at.index || m.Term != at.term:
		return fmt.Errorf("%s is another snapshot's (%s, term %d, index %d)", metaFile, m.ID, m.Term, m.Index)
	case m.Version < raft.SnapshotVersionMin || m.Version > raft.SnapshotVersionMax:
		return fmt.Errorf("%s has the unknown version %d", metaFile, m.Version)
	case len(m.Configuration.Servers) == 0:
		return fmt.Errorf("%s names no servers", metaFile)
	}
	return nil
}

// snapshotID is what the name of a snapshot's folder says.
type snapshotID struct {
	name              string
	term, index, made uint64
}

func parseSnapshotID(name string) (snapshotID, bool) {
	id := snapshotID{name: name}
	n, err := fmt.Sscanf(name, "%d-%d-%d", &id.term, &id.index, &id.made)
	return id, err == nil && n == 3 && fmt.Sprintf("%d-%d-%d", id.term, id.index, id.made) == name
}

func (id snapshotID) before(other snapshotID) bool {
	return slices.Compare([]uint64{id.term, id.index, id.made}, []uint64{other.term, other.index, other.made}) < 0
}

// snapshotStore keeps snapshots as raft's file store does, and looks at what it
// reads and gets.
type snapshotStore struct {
	dir    string
	disk   *disk
	logger hclog.Logger
	check  func(io.Reader) error // tries a state out, nil: nobody can
	// has reports whether this server has all that a snapshot holds; nil: it is not asked.
	has func(index, term uint64) bool
}

// errHasAll is this server's answer to whoever sends it a snapshot of what it has.
var errHasAll = errors.New("this server has all that the snapshot holds")

// openSnapshots makes the folder if need be and removes what a crash left half done.
func openSnapshots(dir string, d *disk, logger hclog.Logger, check func(io.Reader) error) (*snapshotStore, error) {
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return nil, err
	}
	old, err := filepath.Glob(filepath.Join(dir, "*"+tmpSuffix))
	if err != nil {
		return nil, err
	}
	for _, path := range old {
		if err := os.RemoveAll(path); err != nil {
			return nil, err
		}
	}
	return &snapshotStore{dir: dir, disk: d, logger: logger, check: check}, nil
}

// ids lists the snapshots by name, newest first, good or not.
func (s *snapshotStore) ids() ([]snapshotID, error) {
	list, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	var ids []snapshotID
	for _, e := range list {
		if id, ok := parseSnapshotID(e.Name()); ok {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b snapshotID) int {
		if a.before(b) {
			return 1
		}
		return -1
	})
	return ids, nil
}

func (s *snapshotStore) readMeta(id string) (*snapshotMeta, error) {
	f, err := os.Open(filepath.Join(s.dir, id, metaFile))
	if err != nil {
		return nil, withoutPath(metaFile, err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxMetaBytes))
	if err != nil {
		return nil, withoutPath(metaFile, err)
	}
	return decodeMeta(b, id)
}

func withoutPath(name string, err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// List returns the good snapshots that are kept, newest first.
func (s *snapshotStore) List() ([]*raft.SnapshotMeta, error) {
	ids, err := s.ids()
	if err != nil {
		return nil, err
	}
	var metas []*raft.SnapshotMeta
	for _, id := range ids {
		m, err := s.readMeta(id.name)
		if err != nil {
			s.logger.Error("snapshot is damaged", "path", filepath.Join(s.dir, id.name), "error", err)
			continue
		}
		if metas = append(metas, &m.SnapshotMeta); len(metas) == snapshotsKept {
			break
		}
	}
	return metas, nil
}

// Open reads a snapshot; it is checked before the first byte is given out.
func (s *snapshotStore) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	m, f, err := s.open(id)
	if err != nil {
		return nil, nil, damaged(filepath.Join(s.dir, id), "%w", err)
	}
	return &m.SnapshotMeta, &stateReader{bufio.NewReader(f), f}, nil
}

type stateReader struct {
	*bufio.Reader
	io.Closer
}

func (s *snapshotStore) open(id string) (*snapshotMeta, *os.File, error) {
	m, err := s.readMeta(id)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(filepath.Join(s.dir, id, stateFile))
	if err != nil {
		return nil, nil, withoutPath(stateFile, err)
	}
	if err := m.verify(f); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return m, f, nil
}

// verify reads the state through, and goes back to its begin.
func (m *snapshotMeta) verify(f *os.File) error {
	sum := crc64.New(crc64Table)
	n, err := io.Copy(sum, f)
	switch {
	case err != nil:
		return withoutPath(stateFile, err)
	case n != m.Size:
		return fmt.Errorf("%s has %d bytes, not %d", stateFile, n, m.Size)
	case !bytes.Equal(sum.Sum(nil), m.CRC):
		return fmt.Errorf("checksum of %s is %x, not %x", stateFile, sum.Sum(nil), m.CRC)
	}
	_, err = f.Seek(0, io.SeekStart)
	return err
}

// Create starts a snapshot; it counts once its sink is closed.
func (s *snapshotStore) Create(version raft.SnapshotVersion, index, term uint64, conf raft.Configuration, confIndex uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	if version != raft.SnapshotVersionMax {
		return nil, fmt.Errorf("unsupported snapshot version %d", version)
	}
	if err := s.disk.Step("snapshot:create"); err != nil {
		return nil, err
	}
	id, err := s.newID(term, index)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(s.dir, id)
	if err := os.Mkdir(path+tmpSuffix, folderMode); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(path+tmpSuffix, stateFile), os.O_CREATE|os.O_EXCL|os.O_RDWR, fileMode)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(path+tmpSuffix))
	}
	s.logger.Info("creating new snapshot", "path", path)
	sink := &snapshotSink{store: s, path: path, file: f, sum: crc64.New(crc64Table), meta: snapshotMeta{SnapshotMeta: raft.SnapshotMeta{
		Version: version, ID: id, Index: index, Term: term, Configuration: conf, ConfigurationIndex: confIndex,
	}}}
	sink.buf = bufio.NewWriterSize(io.MultiWriter(f, sink.sum), 64<<10)
	return sink, nil
}

// newID names a snapshot by where it was taken and when; no two are equal.
func (s *snapshotStore) newID(term, index uint64) (string, error) {
	for ms := time.Now().UnixMilli(); ; ms++ {
		id := fmt.Sprintf("%d-%d-%d", term, index, ms)
		done, err := exists(filepath.Join(s.dir, id))
		if err != nil {
			return "", err
		}
		begun, err := exists(filepath.Join(s.dir, id+tmpSuffix))
		if err != nil || !done && !begun {
			return id, err
		}
	}
}

// reap removes good snapshots that newer good ones replaced.
func (s *snapshotStore) reap() error {
	ids, err := s.ids()
	if err != nil {
		return err
	}
	good := 0
	for _, id := range ids {
		if _, err := s.readMeta(id.name); err != nil {
			continue
		}
		if good++; good > snapshotsKept {
			s.logger.Info("reaping snapshot", "path", filepath.Join(s.dir, id.name))
			if err := os.RemoveAll(filepath.Join(s.dir, id.name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// snapshotSink writes one snapshot.
type snapshotSink struct {
	store *snapshotStore
	path  string // once it counts
	meta  snapshotMeta
	file  *os.File
	buf   *bufio.Writer
	sum   hash.Hash64
	ours  bool // this server's machine wrote it: no need to try it out
	done  bool // raft closes it again
}

// ID is the snapshot's name.
func (k *snapshotSink) ID() string { return k.meta.ID }

func (k *snapshotSink) Write(b []byte) (int, error) {
	if err := k.store.disk.Step("snapshot:write"); err != nil {
		return 0, err
	}
	return k.buf.Write(b)
}

// Close makes the snapshot count: sync, rename, sync the folder. A state that
// came from elsewhere is tried out before: it may be garbage, and takes the place
// of a good one.
func (k *snapshotSink) Close() error {
	if k.done {
		return nil
	}
	err := k.finish()
	k.done = true
	if err != nil {
		return errors.Join(err, k.file.Close(), os.RemoveAll(k.path+tmpSuffix))
	}
	if err := k.file.Close(); err != nil {
		return errors.Join(err, os.RemoveAll(k.path+tmpSuffix))
	}
	if err := durable.Move(k.path+tmpSuffix, k.path); err != nil {
		return errors.Join(err, os.RemoveAll(k.path+tmpSuffix))
	}
	return k.store.reap()
}

func (k *snapshotSink) finish() error {
	// raft would put the machine back to the snapshot and remove the whole log, also
	// what came after it and was acknowledged.
	if has := k.store.has; !k.ours && has != nil && has(k.meta.Index, k.meta.Term) {
		return errHasAll
	}
	if err := k.store.disk.Step("snapshot:commit"); err != nil {
		return err
	}
	if err := k.buf.Flush(); err != nil {
		return err
	}
	if err := k.tryOut(); err != nil {
		return fmt.Errorf("refuse snapshot %s, which is none of this version's: %w", k.meta.ID, err)
	}
	size, err := k.file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	k.meta.Size, k.meta.CRC = size, k.sum.Sum(nil)
	meta, err := k.meta.encode()
	if err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(k.path+tmpSuffix, metaFile), meta, fileMode); err != nil {
		return err
	}
	return k.file.Sync()
}

func (k *snapshotSink) tryOut() error {
	if k.ours || k.store.check == nil {
		return nil
	}
	if _, err := k.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return k.store.check(bufio.NewReader(k.file))
}

// Cancel leaves nothing behind.
func (k *snapshotSink) Cancel() error {
	if k.done {
		return nil
	}
	k.done = true
	return errors.Join(k.file.Close(), os.RemoveAll(k.path+tmpSuffix))
}

// inspect verifies all snapshots, and returns the newest good one's index, 0 if
// there is none, and what is wrong with the others.
func (s *snapshotStore) inspect() (newest snapshotID, bad map[snapshotID]error, err error) {
	ids, err := s.ids()
	if err != nil {
		return newest, nil, err
	}
	bad = map[snapshotID]error{}
	for _, id := range ids {
		_, f, err := s.open(id.name)
		if err != nil {
			bad[id] = err
			continue
		}
		if err := f.Close(); err != nil {
			return newest, nil, err
		}
		if newest.name == "" {
			newest = id
		}
	}
	return newest, bad, nil
}

// settle refuses a folder whose log does not lead on from a good snapshot, and
// puts damaged ones that nobody needs aside.
func (s *snapshotStore) settle(newest snapshotID, bad map[snapshotID]error, first, last uint64) error {
	for id, why := range bad {
		path := filepath.Join(s.dir, id.name)
		covered := id.before(newest) || last >= id.index && first <= newest.index+1 && first > 0
		if !covered {
			return damaged(path, "snapshot %s is damaged (%w), and the log does not hold all that it replaced", id.name, why)
		}
		s.logger.Error("snapshot "+id.name+" is damaged; an older or newer one and the log hold all that it holds: putting it aside",
			"path", path+damagedSuffix, "error", why, "used instead", newest.name)
		if err := s.putAside(path); err != nil {
			return err
		}
	}
	return nil
}

// putAside keeps the damaged snapshot that was found last.
func (s *snapshotStore) putAside(path string) error {
	old, err := filepath.Glob(filepath.Join(s.dir, "*"+damagedSuffix))
	if err != nil {
		return err
	}
	for _, p := range old {
		if err := os.RemoveAll(p); err != nil {
			return err
		}
	}
	return durable.Move(path, strings.TrimSuffix(path, damagedSuffix)+damagedSuffix)
}

var _ raft.SnapshotStore = (*snapshotStore)(nil)
