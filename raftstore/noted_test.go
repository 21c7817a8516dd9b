package raftstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/raft"

	"praetor/raftstore"
)

// recordedLog is a log whose steps on the disk are noted while on is set.
func recordedLog(t *testing.T, backend string) (l *raftstore.TestLog, steps *[]string, on *bool) {
	steps, on = new([]string), new(bool)
	l = openLog(t, backend, t.TempDir(), func(label string) error {
		if *on {
			*steps = append(*steps, label)
		}
		return nil
	})
	return l, steps, on
}

// TestPutCostsOneSync: the note that follows it has none of its own.
func TestPutCostsOneSync(t *testing.T) {
	l, steps, on := recordedLog(t, "wal")
	must(t, l.StoreLogs(entries(1, 1, 3))) // the first makes the segment
	*on = true
	must(t, l.StoreLogs(entries(1, 4, 4)))
	syncs := slices.DeleteFunc(slices.Clone(*steps), func(s string) bool { return !strings.HasSuffix(s, "sync") })
	if !slices.Equal(syncs, []string{"wal:sync"}) || (*steps)[len(*steps)-1] != "synced:write" {
		t.Errorf("steps %q, want one sync, of the log, and then the note", *steps)
	}
}

// TestNoteIsLoweredBeforeTheLogLosesItsEnd: it must never say more than the log holds.
func TestNoteIsLoweredBeforeTheLogLosesItsEnd(t *testing.T) {
	for _, backend := range backends {
		l, steps, on := recordedLog(t, backend)
		must(t, l.StoreLogs(entries(1, 1, 20)))
		*on = true
		must(t, l.DeleteRange(15, 20))
		lowered := slices.Index(*steps, "synced:sync")
		other := slices.IndexFunc(*steps, func(s string) bool { return !strings.HasPrefix(s, "synced:") })
		if lowered < 0 || other >= 0 && other < lowered {
			t.Errorf("%s: steps %q, want the note on disk first", backend, *steps)
		}
	}
}

// TestNoteMayBeOlderThanTheLog: it has no sync of its own, so a cut of power may lose
// what was written to it last.
func TestNoteMayBeOlderThanTheLog(t *testing.T) {
	for _, backend := range backends {
		n := newNode(t, "s1", filepath.Join(t.TempDir(), "raft"), func(o *raftstore.Options) { o.Backend = backend }).start(t)
		must(t, n.Bootstrap(lonePeers(n)))
		leaderOf(t, []*node{n})
		n.apply(t, "first")
		note, err := os.ReadFile(filepath.Join(n.opts.Dir, "synced"))
		must(t, err)
		n.apply(t, "second")
		n.stop(t)
		again, log, err := reopen(t, n, func(dir string) { must(t, os.WriteFile(filepath.Join(dir, "synced"), note, 0o600)) })
		must(t, err)
		if strings.Contains(log, "[ERROR]") || strings.Contains(log, "[WARN]") {
			t.Errorf("%s: %s", backend, log)
		}
		wantEntries(t, again, "first", "second")
	}
}

// replacedLog is a log that another goroutine empties before an entry is looked for, and
// writes anew before or after its ends are asked for.
type replacedLog struct {
	raft.LogStore
	first, last []uint64 // at each question; the last answer stays
	found       []bool   // at each look
}

func next[T any](list *[]T) T {
	v := (*list)[0]
	if len(*list) > 1 {
		*list = (*list)[1:]
	}
	return v
}

func (l *replacedLog) Close() error                { return nil }
func (l *replacedLog) IsMonotonic() bool           { return true }
func (l *replacedLog) FirstIndex() (uint64, error) { return next(&l.first), nil }
func (l *replacedLog) LastIndex() (uint64, error)  { return next(&l.last), nil }
func (l *replacedLog) GetLog(index uint64, out *raft.Log) error {
	if !next(&l.found) {
		return raft.ErrLogNotFound
	}
	out.Index = index
	return nil
}

// TestALogThatIsReplacedIsNotDamaged: after a restore, or where a leader has other
// entries, the log is emptied and written while others read it.
func TestALogThatIsReplacedIsNotDamaged(t *testing.T) {
	for name, row := range map[string]struct {
		log     replacedLog
		want    error
		damaged bool
	}{
		"it is there":                  {replacedLog{found: []bool{true}}, nil, false},
		"emptied":                      {replacedLog{found: []bool{false}, first: []uint64{0}, last: []uint64{0}}, raft.ErrLogNotFound, false},
		"emptied, then begun behind":   {replacedLog{found: []bool{false}, first: []uint64{27}, last: []uint64{27}}, raft.ErrLogNotFound, false},
		"begun between the two ends":   {replacedLog{found: []bool{false}, first: []uint64{27}, last: []uint64{0, 27}}, raft.ErrLogNotFound, false},
		"emptied between the two ends": {replacedLog{found: []bool{false}, first: []uint64{0}, last: []uint64{27}}, raft.ErrLogNotFound, false},
		"its end was written anew":     {replacedLog{found: []bool{false, true}, first: []uint64{1}, last: []uint64{27}}, nil, false},
		"it is missing":                {replacedLog{found: []bool{false}, first: []uint64{1}, last: []uint64{27}}, raftstore.ErrDamaged, true},
	} {
		var damaged error
		var got raft.Log
		err := raftstore.NotedOver(&row.log, func(err error) { damaged = err }).GetLog(25, &got)
		if !errors.Is(err, row.want) || (err == nil) != (row.want == nil) || (damaged != nil) != row.damaged {
			t.Errorf("%s: %v, told %v", name, err, damaged)
		}
	}
}

// TestALogThatWasEmptiedAndCouldNotBeginAnewIsNotDamaged: a server that has taken a snapshot
// has an empty log. A leader that does not know begins with the first entry of all.
func TestALogThatWasEmptiedAndCouldNotBeginAnewIsNotDamaged(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend, func(t *testing.T) {
			var fails bool
			dir := t.TempDir()
			open := func() *raftstore.TestLog {
				l, err := raftstore.OpenTestLog(backend, dir, smallSegment, func(label string) error {
					if fails && (label == "wal:sync" || label == "log:commit") {
						return syscall.EIO
					}
					return nil
				})
				must(t, err)
				return l
			}
			l := open()
			must(t, l.StoreLogs(entries(1, 1, 9)))
			must(t, l.DeleteRange(1, 9))
			fails = true
			for range 2 { // the second finds what is left of the first
				if err := l.StoreLogs(entries(1, 1, 4)); err == nil {
					t.Fatal("entries were stored on a disk that failed")
				}
			}
			must(t, l.Close())
			fails = false
			l = open()
			last, err := l.LastIndex()
			if err != nil || last > 4 {
				t.Errorf("it ends at %d, %v", last, err)
			}
			must(t, l.StoreLogs(entries(1, last+1, 12)))
			must(t, l.Close())
		})
	}
}
