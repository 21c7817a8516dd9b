package local_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/local"
	"praetor/catalog"
)

// remembered is what a restart must bring back, as one text.
func remembered(s *local.State) string {
	var b strings.Builder
	for _, id := range sorted(s.Services()) {
		svc := s.Services()[id]
		fmt.Fprintf(&b, "%s=%s:%d%v ", id, svc.Service, svc.Port, svc.Tags)
	}
	for _, id := range sorted(s.Checks()) {
		c := s.Checks()[id]
		fmt.Fprintf(&b, "%s(%s %s) ", id, c.Name, c.ServiceID)
	}
	return b.String()
}

func journalPath(dir string) string { return filepath.Join(dir, local.JournalName) }

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return data
}

// folderWith is a new folder with a journal of these bytes.
func folderWith(t testing.TB, data []byte) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(journalPath(dir), data, 0o600))
	return dir
}

func TestRestartBringsBackWhatWasAcknowledged(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	o := options(dir, newServers())
	o.CompactAt = 4 << 10 // often
	s := open(t, o)
	for step := range 2000 {
		id := fmt.Sprint("s", rng.IntN(12))
		switch rng.IntN(7) {
		case 0, 1:
			svc := service(id)
			svc.Port = step
			var given []*catalog.Check
			for range rng.IntN(3) {
				given = append(given, ttl(fmt.Sprint("c", rng.IntN(20))))
			}
			must(t, s.AddService(bg, svc, given, rng.IntN(2) == 0, "tok"))
		case 2:
			must(t, s.AddSidecar(bg, id, service(id+"-sidecar-proxy"), nil, false, ""))
		case 3:
			_ = s.RemoveService(bg, id)
		case 4:
			_ = s.AddCheck(bg, ttlOf(fmt.Sprint("c", rng.IntN(20)), id), "")
		case 5:
			must(t, s.AddCheck(bg, ttl(fmt.Sprint("c", rng.IntN(20))), ""))
		case 6:
			_ = s.RemoveCheck(bg, fmt.Sprint("c", rng.IntN(20)))
		}
		if step%50 != 0 {
			continue
		}
		want := remembered(s)
		if step%100 == 0 {
			must(t, s.Close())
		}
		again := open(t, options(folderWith(t, readFile(t, journalPath(dir))), newServers()))
		if got := remembered(again); got != want {
			t.Fatalf("step %d:\n got %s\nwant %s", step, got, want)
		}
		if got, want := again.LiveBytes(), again.JournalSize(); got < 0 || got > want {
			t.Fatalf("step %d: %d live bytes in a journal of %d", step, got, want)
		}
		if step%100 == 0 {
			s = open(t, o)
		}
	}
}

func TestRestoredChecksStartCriticalUnlessTTLStillHolds(t *testing.T) {
	dir := t.TempDir()
	s := open(t, options(dir, newServers()))
	short := ttl("short")
	short.Definition.TTL = time.Nanosecond
	tcp := &catalog.Check{CheckID: "tcp", Status: catalog.Passing, Definition: catalog.CheckDefinition{
		TCP: "127.0.0.1:1", Interval: time.Hour}}
	maintenance := &catalog.Check{CheckID: catalog.NodeMaintenance, Type: "maintenance", Notes: "why", Status: catalog.Critical}
	for _, c := range []*catalog.Check{ttl("long"), short, ttl("silent"), tcp, maintenance} {
		must(t, s.AddCheck(bg, c, ""))
	}
	must(t, s.UpdateTTL(bg, "long", catalog.Passing, "well"))
	must(t, s.UpdateTTL(bg, "short", catalog.Passing, "well"))
	must(t, s.Close())
	s = open(t, options(dir, newServers()))
	for id, want := range map[string]string{
		"long": "passing well", "short": "critical ", "silent": "critical ", "tcp": "critical ", catalog.NodeMaintenance: "critical ",
	} {
		c := s.Check(id)
		if got := c.Status + " " + c.Output; got != want {
			t.Errorf("%s: got %q, want %q", id, got, want)
		}
	}
	if c := s.Check(catalog.NodeMaintenance); c.Notes != "why" || c.Type != "maintenance" {
		t.Errorf("maintenance came back as %+v", c)
	}
}

func TestRecordsInsideRecordsAreNotRecords(t *testing.T) {
	dir := t.TempDir()
	s := open(t, options(dir, newServers()))
	must(t, s.AddService(bg, service("a"), nil, false, ""))
	inner := withoutZeros(readFile(t, journalPath(dir)))
	svc := service("b")
	svc.Meta = map[string]string{"x": string(inner)}
	must(t, s.AddService(bg, svc, nil, false, ""))
	data := withoutZeros(readFile(t, journalPath(dir)))
	s = open(t, options(folderWith(t, data[:len(data)-1]), newServers()))
	if len(s.Services()) != 1 || s.Service("a") == nil {
		t.Fatalf("got %v", s.Services())
	}
}

var errDisk = errors.New("disk on fire")

// TestFailedFileOperationLosesNothingAcknowledged fails each file operation of
// a run in turn and restarts from what is on disk then.
func TestFailedFileOperationLosesNothingAcknowledged(t *testing.T) {
	for nth := 1; ; nth++ {
		dir := t.TempDir()
		count, failed := 0, ""
		o := options(dir, newServers())
		o.CompactAt = 300
		o.BeforeFileOp = func(label string) error {
			if count++; count == nth {
				failed = label
				return errDisk
			}
			return nil
		}
		acked, refused := map[string]bool{}, map[string]bool{}
		s, err := local.Open(o)
		if err == nil {
			for i := range 12 {
				id := fmt.Sprint("s", i%4)
				if i%3 == 2 {
					err = s.RemoveService(bg, id)
				} else {
					err = s.AddService(bg, service(id), nil, false, "")
				}
				switch {
				case err == nil:
					acked[id], refused[id] = i%3 != 2, false
				case errors.Is(err, errDisk):
					refused[id] = true
					if (s.Service(id) != nil) != acked[id] {
						t.Fatalf("%s failed, yet %s changed", failed, id)
					}
				}
			}
			_ = s.Close()
		} else if !errors.Is(err, errDisk) {
			t.Fatal(err)
		}
		if failed == "" {
			break
		}
		s = open(t, options(dir, newServers()))
		for id, there := range acked {
			if refused[id] {
				continue // either is right
			}
			if (s.Service(id) != nil) != there {
				t.Fatalf("%s failed (operation %d): %s there %v, want %v", failed, nth, id, !there, there)
			}
		}
		if nth > 200 {
			t.Fatal("no end of file operations")
		}
	}
}

// TestPowerCutAtAnyFileOperation copies the folder before each file operation:
// what a crash there would leave.
func TestPowerCutAtAnyFileOperation(t *testing.T) {
	dir := t.TempDir()
	acked, next := -1, 0 // the port that was acknowledged, the one on its way
	labels := map[string]int{}
	o := options(dir, newServers())
	o.CompactAt = 300
	o.BeforeFileOp = func(label string) error {
		if acked < 0 {
			return nil // still opening
		}
		labels[label]++
		copied := t.TempDir()
		must(t, os.CopyFS(copied, os.DirFS(dir)))
		again, err := local.Open(options(copied, newServers()))
		if err != nil {
			t.Fatalf("crash before %s: %v", label, err)
		}
		defer again.Close()
		if svc := again.Service("a"); svc == nil || svc.Port != acked && svc.Port != next {
			t.Fatalf("crash before %s: got %+v, want port %d or %d", label, svc, acked, next)
		}
		return nil
	}
	s := open(t, o)
	for next = 1; next < 20; next++ {
		svc := service("a")
		svc.Port = next
		must(t, s.AddService(bg, svc, nil, false, ""))
		acked = next
	}
	for _, label := range []string{"journal:write", "journal:ahead", "journal:sync", "compact:create", "compact:write", "compact:sync",
		"compact:rename", "journal:open", "compact:syncdir"} {
		if labels[label] == 0 {
			t.Errorf("no crash tried before %s", label)
		}
	}
}

func TestCompactionWritesSyncsRenamesSyncs(t *testing.T) {
	var labels []string
	o := options(t.TempDir(), newServers())
	o.CompactAt = 300
	o.BeforeFileOp = func(label string) error { labels = append(labels, label); return nil }
	s := open(t, o)
	want := "compact:create compact:write compact:sync compact:rename journal:open compact:syncdir"
	if got, want := strings.Join(labels, " "), "journal:read "+want; got != want {
		t.Errorf("a new journal: got %s, want %s", got, want)
	}
	labels = nil
	must(t, s.AddService(bg, service("a"), nil, false, ""))
	if got, want := strings.Join(labels, " "), "journal:write journal:ahead journal:sync"; got != want {
		t.Errorf("its first record: got %s, want %s", got, want)
	}
	for !strings.Contains(strings.Join(labels, " "), "compact") {
		labels = nil
		must(t, s.AddService(bg, service("a"), nil, false, ""))
	}
	if got, want := strings.Join(labels, " "), "journal:write journal:sync "+want; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestJournalStaysWithinTwiceWhatItHolds(t *testing.T) {
	o := options(t.TempDir(), newServers())
	o.CompactAt = 1 << 10
	s := open(t, o)
	for i := range 500 {
		svc := service(fmt.Sprint("s", i%5))
		svc.Port = i + 1
		must(t, s.AddService(bg, svc, []*catalog.Check{ttl(fmt.Sprint("c", i%5))}, false, ""))
		must(t, s.UpdateTTL(bg, fmt.Sprint("c", i%5), catalog.Passing, fmt.Sprint(i)))
		must(t, s.SaveStatuses())
	}
	if size, live := s.JournalSize(), s.LiveBytes(); size > 2*live+2*o.CompactAt {
		t.Errorf("%d bytes for %d", size, live)
	}
}

func TestManyWritersShareASync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var syncs atomic.Int64
		o := options(t.TempDir(), newServers())
		o.BeforeFileOp = func(label string) error {
			if label == "journal:sync" {
				syncs.Add(1)
				time.Sleep(time.Millisecond) // virtual: everybody else arrives meanwhile
			}
			return nil
		}
		s := open(t, o)
		const writers, each = 16, 10
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					if err := s.AddService(bg, service(fmt.Sprintf("s%d-%d", w, i)), nil, false, ""); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		// At worst one alone, then fifteen, then the first again, and so on.
		if n := syncs.Load(); n > 2*each+1 {
			t.Errorf("%d syncs for %d registrations", n, writers*each)
		}
		data := readFile(t, journalPath(o.Dir))
		if got := len(open(t, options(folderWith(t, data), newServers())).Services()); got != writers*each {
			t.Errorf("%d services after a crash, want %d", got, writers*each)
		}
	})
}

func TestChangesAfterCloseAreRefused(t *testing.T) {
	s := open(t, options(t.TempDir(), newServers()))
	must(t, s.Close())
	must(t, s.Close())
	if err := s.AddService(bg, service("a"), nil, false, ""); err == nil || s.Service("a") != nil {
		t.Errorf("got %v, %v", err, s.Service("a"))
	}
}
