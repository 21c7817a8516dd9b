package local_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/local"
	"praetor/catalog"
)

// logged has o log to what it returns.
func logged(o *local.Options) *logText {
	lines := new(logText)
	o.Logger = hclog.New(&hclog.LoggerOptions{Output: lines, Level: hclog.Info})
	return lines
}

// logText is a log that is read while it is written.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// Reset forgets what was written.
func (l *logText) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// damagedFiles lists what was kept beside the journal.
func damagedFiles(t testing.TB, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(journalPath(dir) + ".damaged-*")
	must(t, err)
	return found
}

// recordStarts lists where the records of a journal begin, and its end.
func recordStarts(data []byte) []int {
	starts, at := []int{}, local.HeadBytes
	for at < len(data) && data[at] != 0 {
		starts = append(starts, at)
		at += 21 + int(binary.LittleEndian.Uint32(data[at+4:]))
	}
	return append(starts, at)
}

// withoutZeros is a journal without the zeros behind its records, as versions wrote it
// that wrote none.
func withoutZeros(data []byte) []byte {
	starts := recordStarts(data)
	return data[:starts[len(starts)-1]]
}

// withZeros is a journal with zeros behind what it holds.
func withZeros(data []byte) []byte { return append(bytes.Clone(data), make([]byte, 8192)...) }

// written is a journal of services s0 to s9, each with a check, in the state that a
// crash (or with closed an orderly stop) leaves, without zeros behind it.
func written(t testing.TB, closed bool) []byte {
	t.Helper()
	dir := t.TempDir()
	s := open(t, options(dir, newServers()))
	for i := range 10 {
		must(t, s.AddService(bg, service(fmt.Sprint("s", i)), []*catalog.Check{ttl(fmt.Sprint("c", i))}, false, ""))
	}
	if closed {
		must(t, s.Close())
	}
	return withoutZeros(readFile(t, journalPath(dir)))
}

// TestDamagedJournalStartsWithWhatIsReadable: one damaged file must not take a node
// down. Whatever happened to the file, the agent starts, with the services that can be
// read, says what is missing, keeps the file, and is as good as new afterwards. That is
// so with zeros behind it and without.
func TestDamagedJournalStartsWithWhatIsReadable(t *testing.T) {
	t.Parallel()
	crashed, closed := written(t, false), written(t, true)
	starts := recordStarts(crashed)
	middle, last := starts[5], starts[9]
	flip := func(at int) func([]byte) []byte {
		return func(d []byte) []byte { d[at] ^= 0x10; return d }
	}
	zero := func(from, to int) func([]byte) []byte {
		return func(d []byte) []byte { clear(d[from:to]); return d }
	}
	cut := func(at int) func([]byte) []byte { return func(d []byte) []byte { return d[:at] } }
	for _, c := range []struct {
		name   string
		data   []byte
		damage func([]byte) []byte
		gone   []int // services
		line   string
	}{
		{"head flipped", crashed, flip(3), nil, "offset=0 bytes=28"},
		{"salt flipped", crashed, flip(10), nil, "offset=0 bytes=28"},
		{"head zeroed", crashed, zero(0, local.HeadBytes), nil, "offset=0 bytes=28"},
		{"head and first record zeroed", crashed, zero(0, starts[1]), []int{0}, "offset=0"},
		{"newer version", crashed, func(d []byte) []byte { d[7] = '2'; return d }, nil, "not the head"},
		{"first record flipped", crashed, flip(starts[0] + 60), []int{0}, `service \"s0\"`},
		{"middle record flipped", crashed, flip(middle + 60), []int{5}, `service \"s5\"`},
		{"middle magic flipped", crashed, flip(middle), []int{5}, fmt.Sprint("offset=", middle)},
		{"middle length flipped", crashed, flip(middle + 5), []int{5}, fmt.Sprint("offset=", middle)},
		{"middle zeroed over two", crashed, zero(middle+30, starts[6]+30), []int{5, 6}, "acknowledged are lost"},
		{"last record flipped", crashed, flip(last + 60), []int{9}, `service \"s9\"`},
		{"last record cut", crashed, cut(len(crashed) - 20), []int{9}, `service \"s9\"`},
		{"last record zeroed, all but one byte", crashed, zero(last, len(crashed)-1), []int{9}, fmt.Sprint("offset=", last)},
		{"flipped after an orderly stop", closed, flip(last + 60), []int{9}, "acknowledged are lost"},
		{"cut to a third", crashed, cut(starts[3] + 5), []int{3, 4, 5, 6, 7, 8, 9}, fmt.Sprint("offset=", starts[3])},
		{"garbage appended", crashed, func(d []byte) []byte { return append(d, "garbage \xf5jrn"...) }, nil, fmt.Sprint("offset=", len(crashed))},
		{"garbage behind zeros", closed, func(d []byte) []byte { return append(withZeros(d), "garbage"...) }, nil, fmt.Sprint("offset=", len(closed))},
		{"nothing but zeros", crashed, zero(0, len(crashed)), []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, "not the head"},
		{"emptied", crashed, cut(0), []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, "the file is empty"},
		{"of another kind", crashed, func([]byte) []byte { return []byte(`{"json":true}`) }, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, "not the head"},
		{"two journals in one", crashed, func(d []byte) []byte { return append(d, closed...) }, nil, fmt.Sprint("offset=", len(crashed))},
	} {
		check := func(t *testing.T, damaged []byte) {
			dir := folderWith(t, damaged)
			o := options(dir, newServers())
			lines := logged(&o)
			s := open(t, o)
			var want []string
			for i := range 10 {
				if !slices.Contains(c.gone, i) {
					want = append(want, fmt.Sprint("s", i))
				}
			}
			if got := sorted(s.Services()); !slices.Equal(got, want) {
				t.Fatalf("got %v, want %v\n%s", got, want, lines)
			}
			if text := lines.String(); !strings.Contains(text, "[ERROR]") || !strings.Contains(text, c.line) || !strings.Contains(text, journalPath(dir)) {
				t.Errorf("the log does not tell %q:\n%s", c.line, text)
			}
			kept := damagedFiles(t, dir)
			if len(kept) != 1 || !bytes.Equal(readFile(t, kept[0]), damaged) {
				t.Fatalf("kept beside: %v", kept)
			}
			must(t, s.AddService(bg, service("new"), nil, false, ""))
			asNew := remembered(s)
			must(t, s.CloseAsCrash())
			lines.Reset()
			if got := remembered(open(t, o)); got != asNew || strings.Contains(lines.String(), "ERROR") {
				t.Errorf("after another start: got %s, want %s\n%s", got, asNew, lines)
			}
		}
		damaged := c.damage(bytes.Clone(c.data))
		t.Run(c.name, func(t *testing.T) { check(t, damaged) })
		if len(damaged) > 0 {
			t.Run(c.name+", zeros behind", func(t *testing.T) { check(t, withZeros(damaged)) })
		}
	}
}

// TestEachFlippedBitAndEachCutIsSurvivedAndTold goes through the file, byte by byte.
func TestEachFlippedBitAndEachCutIsSurvivedAndTold(t *testing.T) {
	t.Parallel()
	data := written(t, true)
	all, _ := local.ReadJournal(data)
	starts := recordStarts(data)
	for at := 0; at < len(data); at += 3 {
		flipped := bytes.Clone(data)
		flipped[at] ^= 0x10
		for _, damaged := range [][]byte{flipped, withZeros(flipped)} {
			records, holes := local.ReadJournal(damaged)
			if len(holes) != 1 || records < all-1 || holes[0][0] > int64(at) || holes[0][1] <= int64(at) {
				t.Fatalf("byte %d flipped: %d of %d records, holes %v", at, records, all, holes)
			}
		}
		for _, cut := range [][]byte{data[:at], withZeros(data[:at])} {
			records, holes := local.ReadJournal(cut)
			if whole := slices.Index(starts, at); whole >= 0 {
				if records != whole || len(holes) != 0 {
					t.Fatalf("cut at %d, between records: %d records, holes %v", at, records, holes)
				}
			} else if bytes.HasPrefix(cut, data) {
				if records != all || len(holes) != 0 {
					t.Fatalf("what was cut at %d are zeros as behind it: %d of %d records, holes %v", at, records, all, holes)
				}
			} else if len(holes) != 1 || holes[0][1] != int64(len(cut)) {
				t.Fatalf("cut at %d: holes %v", at, holes)
			}
		}
	}
}

// TestJournalShorterThanItWasMadeIsDamaged: what a compaction wrote was synced before
// the file got its name.
func TestJournalShorterThanItWasMadeIsDamaged(t *testing.T) {
	dir := t.TempDir()
	o := options(dir, newServers())
	o.CompactAt = 1
	s := open(t, o)
	for _, id := range []string{"a", "b", "c"} {
		must(t, s.AddService(bg, service(id), nil, false, ""))
	}
	must(t, s.RemoveService(bg, "c"))
	must(t, s.RemoveService(bg, "a"))
	head := readFile(t, journalPath(dir))[:local.HeadBytes]
	for _, data := range [][]byte{head, withZeros(head)} {
		if _, holes := local.ReadJournal(data); len(holes) == 0 {
			t.Errorf("nothing but its head in %d bytes", len(data))
		}
	}
}

// TestWhatIsNoFileIsPutAside: a folder, or something that cannot be read, in the
// journal's place.
func TestWhatIsNoFileIsPutAside(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"folder":       func(path string) error { return os.Mkdir(path, 0o700) },
		"full folder":  func(path string) error { return os.MkdirAll(filepath.Join(path, "x"), 0o700) },
		"link to none": func(path string) error { return os.Symlink(os.DevNull, path) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			must(t, make(journalPath(dir)))
			o := options(dir, newServers())
			lines := logged(&o)
			s := open(t, o)
			must(t, s.AddService(bg, service("a"), nil, false, ""))
			if len(damagedFiles(t, dir)) != 1 || !strings.Contains(lines.String(), "[ERROR]") {
				t.Errorf("kept %v, log:\n%s", damagedFiles(t, dir), lines)
			}
			must(t, s.Close())
			if open(t, options(dir, newServers())).Service("a") == nil {
				t.Error("what was registered afterwards is lost")
			}
		})
	}
}

func TestJournalThatCannotBeReadDoesNotKeepTheAgentDown(t *testing.T) {
	dir := folderWith(t, written(t, true))
	o := options(dir, newServers())
	o.BeforeFileOp = func(label string) error {
		if label == "journal:read" {
			return errDisk
		}
		return nil
	}
	lines := logged(&o)
	s := open(t, o)
	must(t, s.AddService(bg, service("a"), nil, false, ""))
	if len(damagedFiles(t, dir)) != 1 || !strings.Contains(lines.String(), errDisk.Error()) {
		t.Errorf("kept %v, log:\n%s", damagedFiles(t, dir), lines)
	}
}

func TestDamagedFilesAreBoundedInNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		for range 9 {
			time.Sleep(time.Minute)
			must(t, os.WriteFile(journalPath(dir), nil, 0o600))
			must(t, open(t, options(dir, newServers())).Close())
		}
		if kept := damagedFiles(t, dir); len(kept) != 5 {
			t.Errorf("kept %v", kept)
		}
	})
}

// TestManyLookalikesDoNotHoldUpAStart: bytes full of what begins like long records.
func TestManyLookalikesDoNotHoldUpAStart(t *testing.T) {
	data := written(t, true)
	lookalike := binary.LittleEndian.AppendUint32([]byte("\xf5jrn"), 1<<19)
	data = append(data, bytes.Repeat(lookalike, 1<<18)...)
	started := time.Now()
	if _, holes := local.ReadJournal(data); len(holes) != 1 {
		t.Errorf("holes %v", holes)
	}
	// Without a bound it would check 128 GiB.
	if took := time.Since(started); took > time.Minute {
		t.Errorf("took %v", took)
	}
}

// fullDisk is a disk that refuses what takes space.
type fullDisk struct {
	full  atomic.Bool
	fault error
}

func (d *fullDisk) before(label string) error {
	if d.full.Load() && (label == "journal:write" || label == "journal:ahead" || label == "compact:create" || label == "compact:write") {
		return d.fault
	}
	return nil
}

var errNoSpace = errors.New("no space left on device")

// TestTakingOutOfServiceNeedsNoDisk: on a disk that is full, or fails, what shuts down
// properly must leave the catalog, and a node can be drained.
func TestTakingOutOfServiceNeedsNoDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, disk := t.TempDir(), &fullDisk{fault: errNoSpace}
		o := options(dir, newServers())
		o.BeforeFileOp = disk.before
		lines := logged(&o)
		s := open(t, o)
		for _, id := range []string{"a", "b", "c"} {
			must(t, s.AddService(bg, service(id), []*catalog.Check{ttl("check-" + id)}, false, ""))
		}
		ctx, cancel := context.WithCancel(bg)
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }() // waited for below
		defer func() {
			cancel()
			must(t, <-done)
		}()
		disk.full.Store(true)
		if err := s.AddService(bg, service("new"), nil, false, ""); !errors.Is(err, errNoSpace) || s.Service("new") != nil {
			t.Errorf("registering: %v, %v", err, s.Service("new"))
		}
		again := service("c")
		again.Port = 4711
		if err := s.AddService(bg, again, nil, true, ""); !errors.Is(err, errNoSpace) || s.Service("c").Port != 80 || s.Check("check-c") == nil {
			t.Errorf("registering anew: %v, %+v, %v", err, s.Service("c"), s.Check("check-c"))
		}
		must(t, s.RemoveService(bg, "a"))
		must(t, s.RemoveCheck(bg, "check-b"))
		must(t, s.AddCheck(bg, &catalog.Check{CheckID: catalog.NodeMaintenance, Name: "m", Type: "maintenance", Status: catalog.Critical}, ""))
		must(t, s.AddCheck(bg, &catalog.Check{CheckID: catalog.ServiceMaintenancePrefix + "b", Name: "m", ServiceID: "b", Type: "maintenance", Status: catalog.Critical}, ""))
		must(t, s.UpdateTTL(bg, "check-c", catalog.Warning, "x"))
		must(t, s.Reload(local.Definitions{Services: []local.ServiceDefinition{{Service: service("file")}}}))
		want := remembered(s)
		if strings.Contains(want, "a=a") || s.Check("check-b") != nil || s.Check(catalog.NodeMaintenance) == nil || s.Service("file") == nil {
			t.Errorf("now registered: %s", want)
		}
		for _, text := range []string{`service "a" comes back`, `check "check-b" comes back`, `maintenance (check "_node_maintenance") ends`} {
			if !strings.Contains(lines.String(), text) {
				t.Errorf("the log does not say %q:\n%s", text, lines)
			}
		}
		if n := strings.Count(lines.String(), "[ERROR]"); n != 4 {
			t.Errorf("%d errors in the log, want 4:\n%s", n, lines)
		}
		time.Sleep(10 * time.Minute)
		if n := strings.Count(lines.String(), "cannot be written: trying"); n != 1 {
			t.Errorf("%d lines about what is tried again", n)
		}
		crash := open(t, options(folderWith(t, readFile(t, journalPath(dir))), newServers()))
		if crash.Service("a") == nil || crash.Check("check-c").Status != catalog.Critical {
			t.Error("the disk was not full")
		}
		disk.full.Store(false)
		time.Sleep(time.Minute)
		later := open(t, options(folderWith(t, readFile(t, journalPath(dir))), newServers()))
		must(t, later.LoadDefinitions(local.Definitions{Services: []local.ServiceDefinition{{Service: service("file")}}}))
		if got := remembered(later); got != want {
			t.Errorf("after a restart with space again:\n got %s\nwant %s", got, want)
		}
		if got := later.Check("check-c"); got.Status != catalog.Warning || got.Output != "x" {
			t.Errorf("what the check was told is lost: %+v", got)
		}
	})
}

// TestTakingOutOfServiceOutlivesAnyFileFault fails each kind of file operation from
// some moment on.
func TestTakingOutOfServiceOutlivesAnyFileFault(t *testing.T) {
	for _, label := range []string{"journal:write", "journal:ahead", "journal:sync", "journal:truncate", "journal:open",
		"compact:create", "compact:write", "compact:sync", "compact:rename", "compact:syncdir"} {
		t.Run(label, func(t *testing.T) {
			failing := false
			o := options(t.TempDir(), newServers())
			o.CompactAt = 1
			o.BeforeFileOp = func(l string) error {
				if failing && (l == label || l == "journal:write") {
					return errDisk
				}
				return nil
			}
			s := open(t, o)
			must(t, s.AddService(bg, service("a"), nil, false, ""))
			must(t, s.AddService(bg, service("b"), nil, false, ""))
			failing = true
			must(t, s.RemoveService(bg, "a"))
			must(t, s.RemoveService(bg, "b"))
			if err := s.AddService(bg, service("c"), nil, false, ""); err == nil || len(s.Services()) != 0 {
				t.Errorf("got %v, %v", err, s.Services())
			}
			failing = false
			must(t, s.AddService(bg, service("d"), nil, false, ""))
			must(t, s.CloseAsCrash())
			again := options(o.Dir, newServers())
			if got := fmt.Sprint(sorted(open(t, again).Services())); got != "[d]" {
				t.Errorf("after a crash: %s", got)
			}
		})
	}
}

// TestStatusesThatCouldNotBeSavedAreSavedLater: they were forgotten until they changed
// again, so that after a crash a passing check was critical.
func TestStatusesThatCouldNotBeSavedAreSavedLater(t *testing.T) {
	disk := &fullDisk{fault: errNoSpace}
	o := options(t.TempDir(), newServers())
	o.BeforeFileOp = disk.before
	s := open(t, o)
	must(t, s.AddCheck(bg, ttl("c"), ""))
	must(t, s.AddCheck(bg, ttl("gone"), ""))
	must(t, s.UpdateTTL(bg, "c", catalog.Passing, "well"))
	must(t, s.UpdateTTL(bg, "gone", catalog.Passing, "well"))
	disk.full.Store(true)
	if err := s.SaveStatuses(); !errors.Is(err, errNoSpace) {
		t.Fatalf("got %v", err)
	}
	must(t, s.RemoveCheck(bg, "gone"))
	disk.full.Store(false)
	must(t, s.SaveStatuses())
	must(t, s.CloseAsCrash())
	if got := open(t, options(o.Dir, newServers())).Check("c"); got.Status != catalog.Passing || got.Output != "well" {
		t.Errorf("after a crash: %+v", got)
	}
}
