package raftstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"praetor/raftstore"
)

var backends = []string{"wal", "boltdb"}

// smallSegment makes a WAL change segments every few dozen entries.
const smallSegment = 4096

func openLog(t testing.TB, backend, dir string, fileOp func(string) error) *raftstore.TestLog {
	t.Helper()
	l, err := raftstore.OpenTestLog(backend, dir, smallSegment, fileOp)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func entry(index, term uint64) *raft.Log {
	return &raft.Log{
		Index: index, Term: term, Type: raft.LogCommand,
		Data:       []byte(fmt.Sprintf("entry %d of term %d %s", index, term, bytes.Repeat([]byte{'.'}, int(index%97)))),
		AppendedAt: time.Unix(int64(index), 5),
	}
}

func entries(term, from, to uint64) (logs []*raft.Log) {
	for i := from; i <= to; i++ {
		logs = append(logs, entry(i, term))
	}
	return logs
}

// model is what a log must hold: entries first to last, each with its term.
type model struct {
	first, last uint64
	terms       map[uint64]uint64
}

func newModel() *model { return &model{terms: map[uint64]uint64{}} }

func (m *model) store(term, from, to uint64) {
	if len(m.terms) == 0 {
		m.first = from
	}
	for i := from; i <= to; i++ {
		m.terms[i] = term
	}
	m.last = to
}

func (m *model) delete(min, max uint64) {
	for i := min; i <= max; i++ {
		delete(m.terms, i)
	}
	switch {
	case len(m.terms) == 0:
		m.first, m.last = 0, 0
	case min <= m.first:
		m.first = max + 1
	default:
		m.last = min - 1
	}
}

func (m *model) check(l *raftstore.TestLog) error {
	first, err := l.FirstIndex()
	if err != nil {
		return err
	}
	last, err := l.LastIndex()
	if err != nil {
		return err
	}
	if first != m.first || last != m.last {
		return fmt.Errorf("log is %d to %d, want %d to %d", first, last, m.first, m.last)
	}
	for i := uint64(1); i <= m.last+3; i++ {
		for _, get := range []func(uint64, *raft.Log) error{l.GetLog, l.Cold} {
			var got raft.Log
			err := get(i, &got)
			term, want := m.terms[i]
			switch {
			case !want && !errors.Is(err, raft.ErrLogNotFound):
				return fmt.Errorf("entry %d: %v, want not found", i, err)
			case !want:
				continue
			case err != nil:
				return fmt.Errorf("entry %d: %w", i, err)
			}
			e := entry(i, term)
			if got.Index != i || got.Term != term || got.Type != e.Type || !bytes.Equal(got.Data, e.Data) || !got.AppendedAt.Equal(e.AppendedAt) {
				return fmt.Errorf("entry %d: got %+v, want %+v", i, got, e)
			}
		}
	}
	return nil
}

func check(t testing.TB, m *model, l *raftstore.TestLog) {
	t.Helper()
	if err := m.check(l); err != nil {
		t.Fatal(err)
	}
}

func TestLogCutShortSurvivesRestarts(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend, func(t *testing.T) {
			dir, m := t.TempDir(), newModel()
			l := openLog(t, backend, dir, nil)
			must(t, l.StoreLogs(entries(1, 1, 10)))
			m.store(1, 1, 10)
			must(t, l.DeleteRange(6, 10))
			m.delete(6, 10)
			must(t, l.StoreLogs(entries(2, 6, 8)))
			m.store(2, 6, 8)
			for range 3 {
				check(t, m, l)
				must(t, l.Close())
				l = openLog(t, backend, dir, nil)
			}
			check(t, m, l)
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestLogAgreesWithModelThroughFaultsAndRestarts runs random writes against a
// map, lets every so many-th file operation fail, and ends processes without
// closing: what was acknowledged is always there, what failed never is (but may
// be after a crash).
func TestLogAgreesWithModelThroughFaultsAndRestarts(t *testing.T) {
	for _, backend := range backends {
		for seed := range uint64(12) {
			t.Run(fmt.Sprintf("%s/%d", backend, seed), func(t *testing.T) {
				runLogModel(t, backend, rand.New(rand.NewPCG(seed, 1)), 120)
			})
		}
	}
}

func runLogModel(t *testing.T, backend string, rnd *rand.Rand, steps int) {
	dir, m := t.TempDir(), newModel()
	failIn := -1 // operations until one fails
	broken := errors.New("the disk is broken")
	fileOp := func(label string) error {
		if failIn--; failIn == 0 {
			return fmt.Errorf("%s: %w", label, broken)
		}
		return nil
	}
	l := openLog(t, backend, dir, fileOp)
	term := uint64(1)
	var failed *model // what the log may hold after a restart, if the last store failed
	for step := range steps {
		if rnd.IntN(4) == 0 {
			failIn = 1 + rnd.IntN(8)
		}
		var err error
		what := ""
		switch op := rnd.IntN(10); {
		case op < 6 || m.last == 0:
			from := m.last + 1
			if m.last == 0 {
				from = 1 + uint64(rnd.IntN(50))
			}
			to := from + uint64(rnd.IntN(12))
			what = fmt.Sprintf("store %d to %d", from, to)
			if err = l.StoreLogs(entries(term, from, to)); err == nil {
				m.store(term, from, to)
				failed = nil
			} else {
				failed = newModel()
				*failed = *m
				failed.terms = maps.Clone(m.terms)
				failed.store(term, from, to)
			}
		case op < 8: // a snapshot's end: a prefix goes
			max := m.first + uint64(rnd.IntN(int(m.last-m.first)+1))
			what = fmt.Sprintf("delete to %d", max)
			err = l.DeleteRange(m.first, max)
			if errors.Is(err, broken) { // it may have happened or not: raft does it again
				failIn = -1
				err = l.DeleteRange(m.first, max)
			}
			m.delete(m.first, max)
			failed = nil
		case op < 9: // a new leader: a suffix goes
			min := m.first + uint64(rnd.IntN(int(m.last-m.first)+1))
			what = fmt.Sprintf("delete from %d", min)
			term++
			err = l.DeleteRange(min, m.last)
			if errors.Is(err, broken) {
				failIn = -1
				err = l.DeleteRange(min, m.last)
			}
			m.delete(min, m.last)
			failed = nil
		default: // kill -9: the next process finds the files as they are
			failIn = -1
			what = "restart"
			copied := t.TempDir()
			must(t, os.CopyFS(copied, os.DirFS(dir)))
			_ = l.Close()
			dir = copied
			l = openLog(t, backend, dir, fileOp)
			if failed != nil && failed.check(l) == nil {
				m = failed // what failed was on disk all the same: raft lives with that
			}
			failed = nil
		}
		if err != nil && !errors.Is(err, broken) {
			t.Fatalf("step %d, %s: %v", step, what, err)
		}
		if err := m.check(l); err != nil {
			t.Fatalf("step %d, after %s (%v): %v", step, what, err, err)
		}
	}
}

// TestWALForgetsOnlyATornWrite cuts the power while a batch is being written:
// any part of its bytes may be on disk.
func TestWALForgetsOnlyATornWrite(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	dir, m := t.TempDir(), newModel()
	var before, after string
	capture := false
	l := openLog(t, "wal", dir, func(label string) error {
		if !capture {
			return nil
		}
		switch label {
		case "wal:write":
			before = copyDir(t, dir)
		case "wal:sync":
			after = copyDir(t, dir)
		}
		return nil
	})
	for round := range 25 {
		from, to := m.last+1, m.last+1+uint64(rnd.IntN(10))
		before, after, capture = "", "", true
		must(t, l.StoreLogs(entries(1, from, to)))
		capture = false
		if before == "" || after == "" {
			t.Fatal("the append wrote and synced nothing")
		}
		torn := tear(t, rnd, before, after)
		got := openLog(t, "wal", torn, nil)
		if err := m.check(got); err != nil {
			full := &model{m.first, m.last, map[uint64]uint64{}}
			for k, v := range m.terms {
				full.terms[k] = v
			}
			full.store(1, from, to) // all of it may have reached the disk, too
			if full.check(got) != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		}
		last, err := got.LastIndex()
		must(t, err)
		must(t, got.StoreLogs(entries(2, last+1, last+3)))
		m.store(1, from, to)
		check(t, m, l)
	}
}

// TestWALBeginsAnewAfterATornFirstWrite tears a write that filled its segment:
// the end of it reached the disk, the beginning did not.
func TestWALBeginsAnewAfterATornFirstWrite(t *testing.T) {
	for _, already := range []uint64{0, 5, 100} { // 100 fill the first segment
		dir, m := t.TempDir(), newModel()
		torn, capture := "", false
		l := openLog(t, "wal", dir, func(label string) error {
			if capture && label == "wal:sync" {
				torn, capture = copyDir(t, dir), false
			}
			return nil
		})
		if already > 0 {
			must(t, l.StoreLogs(entries(1, 1, already)))
			m.store(1, 1, already)
		}
		capture = true
		must(t, l.StoreLogs(entries(1, already+1, already+100)))
		files, err := filepath.Glob(filepath.Join(torn, "wal", "*.wal"))
		must(t, err)
		last := files[len(files)-1]
		b, err := os.ReadFile(last)
		must(t, err)
		text := fmt.Sprintf("entry %d of", already+10)
		must(t, os.WriteFile(last, bytes.Replace(b, []byte(text), make([]byte, len(text)), 1), 0o600))

		got := openLog(t, "wal", torn, nil)
		check(t, m, got)
		must(t, got.StoreLogs(entries(2, already+1, already+200)))
		m.store(2, already+1, already+200)
		check(t, m, got)
		must(t, got.Close())
		check(t, m, openLog(t, "wal", torn, nil))
	}
}

func copyDir(t testing.TB, dir string) string {
	t.Helper()
	to := t.TempDir()
	must(t, os.CopyFS(to, os.DirFS(dir)))
	return to
}

// tear makes a folder in which each page of the last write is either there or not.
func tear(t testing.TB, rnd *rand.Rand, before, after string) string {
	t.Helper()
	torn := copyDir(t, after)
	files, err := filepath.Glob(filepath.Join(torn, "wal", "*.wal"))
	must(t, err)
	for _, f := range files {
		old, err := os.ReadFile(filepath.Join(before, "wal", filepath.Base(f)))
		if err != nil {
			continue
		}
		b, err := os.ReadFile(f)
		must(t, err)
		const page = 64 // the disk's is larger; small ones try more
		for at := 0; at < len(b); at += page {
			end := min(at+page, len(b))
			if rnd.IntN(2) == 0 {
				n := copy(b[at:end], old[min(at, len(old)):min(end, len(old))])
				clear(b[at+n : end])
			}
		}
		must(t, os.WriteFile(f, b, 0o600))
	}
	return torn
}

func TestCacheStaysWithinItsBounds(t *testing.T) {
	l := openLog(t, "boltdb", t.TempDir(), nil)
	big := make([]byte, 1<<20)
	var logs []*raft.Log
	for i := uint64(1); i <= 20; i++ {
		logs = append(logs, &raft.Log{Index: i, Term: 1, Data: big})
	}
	must(t, l.StoreLogs(logs))
	if n, b := l.Cached(); n != 8 || b != 8<<20 {
		t.Errorf("cache holds %d entries, %d bytes, want 8 of 1 MiB", n, b)
	}
	must(t, l.StoreLogs(entries(1, 21, 1000)))
	if n, _ := l.Cached(); n != 512 {
		t.Errorf("cache holds %d entries, want 512", n)
	}
	var got raft.Log
	must(t, l.GetLog(3, &got))
	if len(got.Data) != len(big) {
		t.Errorf("entry 3 has %d bytes", len(got.Data))
	}
}

func TestStableValuesLast(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, "boltdb", dir, nil)
	s := l.Stable()
	if n, err := s.GetUint64([]byte("term")); n != 0 || err != nil {
		t.Errorf("missing number: %d, %v", n, err)
	}
	if v, err := s.Get([]byte("vote")); v != nil || err != nil {
		t.Errorf("missing value: %q, %v", v, err)
	}
	must(t, s.SetUint64([]byte("term"), 1<<40))
	must(t, s.Set([]byte("vote"), []byte("s1")))
	must(t, l.Close())
	s = openLog(t, "boltdb", dir, nil).Stable()
	if n, err := s.GetUint64([]byte("term")); n != 1<<40 || err != nil {
		t.Errorf("number: %d, %v", n, err)
	}
	if v, err := s.Get([]byte("vote")); string(v) != "s1" || err != nil {
		t.Errorf("value: %q, %v", v, err)
	}
	if _, err := s.GetUint64([]byte("vote")); err == nil {
		t.Error("a value of 2 bytes passed for a number")
	}
}

func FuzzDecodeEntry(f *testing.F) {
	f.Add(raftstore.AppendEntry(nil, entry(1, 1)))
	f.Add(raftstore.AppendEntry(nil, &raft.Log{}))
	f.Add(raftstore.AppendEntry(nil, &raft.Log{Term: 1 << 60, Type: raft.LogConfiguration, Extensions: []byte("x"), Data: []byte("y")}))
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		var got raft.Log
		// As it is, the checksum stops nearly everything; so also with a good one.
		for _, in := range [][]byte{b, raftstore.WithChecksum(b)} {
			if err := raftstore.DecodeEntry(in, 9, &got); err != nil {
				if !errors.Is(err, raftstore.ErrBadEntry) {
					t.Fatalf("error of another kind: %v", err)
				}
				continue
			}
			again := raftstore.AppendEntry(nil, &got)
			var twice raft.Log
			if err := raftstore.DecodeEntry(again, 9, &twice); err != nil {
				t.Fatalf("what was decoded cannot be encoded: %v", err)
			}
			if twice.Term != got.Term || twice.Type != got.Type || !bytes.Equal(twice.Data, got.Data) || !twice.AppendedAt.Equal(got.AppendedAt) {
				t.Fatalf("got %+v, then %+v", got, twice)
			}
		}
	})
}

// TestSegmentsHaveZerosAheadOfTheirEntries: otherwise each sync also writes which blocks are in use.
// Where files that are set aside have no holes to ask for there is nothing to see.
func TestSegmentsHaveZerosAheadOfTheirEntries(t *testing.T) {
	const size = 8000 // of an entry
	dir, index := t.TempDir(), uint64(0)
	for _, opened := range []string{"made", "opened again"} {
		l, err := raftstore.OpenTestLog("wal", dir, 8*raftstore.ZeroAhead, nil)
		must(t, err)
		store := func(entries int) {
			t.Helper()
			for range entries {
				index++
				must(t, l.StoreLogs([]*raft.Log{{Index: index, Term: 1, Data: bytes.Repeat([]byte{'x'}, size)}}))
			}
			files, err := filepath.Glob(filepath.Join(dir, "wal", "*.wal"))
			must(t, err)
			f, err := os.Open(files[0])
			must(t, err)
			defer func() { _ = f.Close() }()
			ahead := int64(index)*size + raftstore.ZeroAhead/2
			if at := raftstore.NextData(f, ahead); at != ahead {
				t.Errorf("a segment that was %s, after %d entries: nothing is written at %d, next at %d", opened, index, ahead, at)
			}
		}
		store(1)
		store(raftstore.ZeroAhead/size + 2) // past the first zeros
		must(t, l.Close())
	}
}
