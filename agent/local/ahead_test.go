package local_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"praetor/agent/local"
	"praetor/catalog"
)

const sector = 512 // bytes that a disk writes whole or not at all

// leftovers are what a cut of power may leave of a file that was old when it was last
// synced: of what was written since, any sectors, and any part of its new length.
func leftovers(rng *rand.Rand, old, written []byte) (left [][]byte) {
	was := append(bytes.Clone(old), make([]byte, max(0, len(written)-len(old)))...)
	var changed []int
	for at := 0; at < len(written); at += sector {
		end := min(at+sector, len(written))
		if !bytes.Equal(was[at:end], written[at:end]) {
			changed = append(changed, at)
		}
	}
	lengths := []int{len(written)}
	if len(old) < len(written) {
		lengths = append(lengths, len(old))
	}
	for at := len(old) + 1; at < len(written) && at < len(old)+16*sector; at += 1 + rng.IntN(sector) {
		lengths = append(lengths, at)
	}
	const all = 6 // sectors of which each choice is tried
	for choice := range 1 << min(all, len(changed)) {
		data := bytes.Clone(was[:len(written)])
		for i, at := range changed {
			there := choice>>i&1 == 1
			if len(changed) > all {
				there = rng.IntN(4) > 0
			}
			if end := min(at+sector, len(written)); there {
				copy(data[at:end], written[at:end])
			}
		}
		for _, n := range lengths {
			left = append(left, data[:n])
		}
	}
	return left
}

// TestPowerCutLeavesAnySectorsOfTheLastWrite: whichever of them are on disk, with zeros
// behind them or not, all that was acknowledged comes back, none of it is said to be lost,
// and nothing at all is said where nothing of the last write is there.
func TestPowerCutLeavesAnySectorsOfTheLastWrite(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	dir := t.TempDir()
	acked, coming := map[string]int{}, map[string]int{} // ports
	var synced []byte                                   // the journal after the last sync
	tried, torn, whole := 0, 0, 0
	trimmed := func(data []byte) []byte { return bytes.TrimRight(data, "\x00") }
	check := func(label string, left []byte, holes int, got map[string]int) {
		for id := range coming {
			if got[id] != acked[id] && got[id] != coming[id] {
				t.Errorf("crash before %s: port %d of %s, want %d or %d", label, got[id], id, acked[id], coming[id])
			}
		}
		if holes > 0 && bytes.Equal(trimmed(left), trimmed(synced)) {
			t.Errorf("crash before %s: %d holes in what was synced", label, holes)
		}
	}
	o := options(dir, newServers())
	o.CompactAt = 100 << 10
	o.BeforeFileOp = func(label string) error {
		if t.Failed() {
			return nil
		}
		switch label {
		case "compact:syncdir":
			synced = readFile(t, journalPath(dir))
		case "journal:ahead", "journal:sync":
			written := readFile(t, journalPath(dir))
			for _, left := range leftovers(rng, synced, written) {
				got, holes, lost := local.Recovered(left)
				if lost {
					t.Errorf("crash before %s: the end of %d bytes is said to have been safe, of %d synced", label, len(left), len(synced))
				}
				check(label, left, holes, got)
				if tried++; holes > 0 {
					torn++
				} else if maps.Equal(got, coming) {
					whole++
				}
				if tried%500 != 0 {
					continue
				}
				o := options(folderWith(t, left), newServers())
				lines := logged(&o)
				s := open(t, o)
				ports := map[string]int{}
				for id, svc := range s.Services() {
					ports[id] = svc.Port
				}
				check(label, left, strings.Count(lines.String(), "[ERROR]"), ports)
				must(t, s.Close())
			}
			if label == "journal:sync" {
				synced = written
			}
		}
		return nil
	}
	s := open(t, o)
	must(t, s.AddCheck(bg, ttl("c"), ""))
	for i := range 120 {
		if rng.IntN(4) == 0 { // unsynced records before those that are synced
			must(t, s.UpdateTTL(bg, "c", catalog.Passing, fmt.Sprint(i)))
			must(t, s.SaveStatuses())
		}
		svc := service(fmt.Sprint("s", i%5))
		svc.Port = i + 1
		svc.Meta = map[string]string{"x": strings.Repeat("meta", rng.IntN(600))}
		coming[svc.ID] = svc.Port
		must(t, s.AddService(bg, svc, nil, false, ""))
		acked[svc.ID] = svc.Port
	}
	if torn < 1000 || whole < 100 || len(synced) < 128<<10 {
		t.Errorf("of %d crashes %d leave a torn write, %d a whole one; %d bytes at the end", tried, torn, whole, len(synced))
	}
}

// TestZerosBehindTheRecordsAreItsEnd: they are no damage, whoever left them.
func TestZerosBehindTheRecordsAreItsEnd(t *testing.T) {
	for name, data := range map[string][]byte{"after a crash": written(t, false), "after an orderly stop": written(t, true)} {
		t.Run(name, func(t *testing.T) {
			dir := folderWith(t, withZeros(data))
			o := options(dir, newServers())
			lines := logged(&o)
			s := open(t, o)
			must(t, s.AddService(bg, service("new"), nil, false, ""))
			want := remembered(s)
			must(t, s.CloseAsCrash())
			if s = open(t, o); remembered(s) != want {
				t.Errorf("got %s, want %s", remembered(s), want)
			}
			must(t, s.Close())
			if lines.String() != "" || len(damagedFiles(t, dir)) > 0 {
				t.Errorf("kept %v, log:\n%s", damagedFiles(t, dir), lines)
			}
		})
	}
}

// TestSyncsOfRegistrationsDoNotLengthenTheFile: but for one in many.
func TestSyncsOfRegistrationsDoNotLengthenTheFile(t *testing.T) {
	dir := t.TempDir()
	syncs, longer, size := 0, 0, int64(0)
	o := options(dir, newServers())
	o.BeforeFileOp = func(label string) error {
		if label == "journal:sync" {
			info, err := os.Stat(journalPath(dir))
			must(t, err)
			if syncs++; info.Size() != size {
				size = info.Size()
				longer++
			}
		}
		return nil
	}
	s := open(t, o)
	for i := range 1000 {
		must(t, s.AddService(bg, service(fmt.Sprint("s", i)), []*catalog.Check{ttl(fmt.Sprint("c", i))}, false, ""))
	}
	records := s.JournalSize()
	if at := int(records/(64<<10)) + 1; syncs != 1000 || longer != at || size <= records || size > records+64<<10 {
		t.Errorf("%d of %d syncs found the file longer, want %d; %d bytes for %d of records", longer, syncs, at, size, records)
	}
}

// TestAnOrderlyStopLeavesNoZeros: earlier versions take them for damage. They stay after a
// crash, until the next orderly stop.
func TestAnOrderlyStopLeavesNoZeros(t *testing.T) {
	dir := t.TempDir()
	zeros := func() int {
		data := readFile(t, journalPath(dir))
		return len(data) - len(withoutZeros(data))
	}
	s := open(t, options(dir, newServers()))
	must(t, s.AddService(bg, service("a"), nil, false, ""))
	must(t, s.CloseAsCrash())
	if zeros() == 0 {
		t.Error("no zeros after a crash")
	}
	must(t, open(t, options(dir, newServers())).Close())
	if n := zeros(); n != 0 {
		t.Errorf("%d zeros after a stop", n)
	}
	// Power cut while it stopped: the last record is on disk, the new length is not.
	must(t, os.WriteFile(journalPath(dir), withZeros(readFile(t, journalPath(dir))), 0o600))
	must(t, open(t, options(dir, newServers())).Close())
	if n := zeros(); n != 0 {
		t.Errorf("%d zeros after another stop", n)
	}
	size := len(readFile(t, journalPath(dir)))
	must(t, open(t, options(dir, newServers())).Close())
	if now := len(readFile(t, journalPath(dir))); now != size {
		t.Errorf("a stop without a change: %d bytes, before %d", now, size)
	}
}

// TestZerosWithoutRoomFailNoRegistration: a disk that has room for records, but not for
// the zeros behind them, and says so when they are written, or only at the sync.
func TestZerosWithoutRoomFailNoRegistration(t *testing.T) {
	for _, when := range []string{"journal:ahead", "journal:sync"} {
		t.Run(when, func(t *testing.T) {
			dir := t.TempDir()
			full, ahead, tries, failed := true, false, 0, 0
			o := options(dir, newServers())
			o.CompactAt = 4 << 10
			o.BeforeFileOp = func(label string) error {
				switch label {
				case "journal:ahead":
					ahead = true
					tries++
				case "compact:create":
					ahead = false
				}
				if !full || !ahead || label != when {
					return nil
				}
				failed++
				if label == "journal:ahead" { // some found room
					f, err := os.OpenFile(journalPath(dir), os.O_APPEND|os.O_WRONLY, 0)
					must(t, err)
					_, err = f.Write(make([]byte, 5000))
					must(t, errors.Join(err, f.Close()))
				}
				return errNoSpace
			}
			s := open(t, o)
			for i := range 10 {
				must(t, s.AddService(bg, service(fmt.Sprint("s", i)), nil, false, ""))
				if data := readFile(t, journalPath(dir)); int64(len(data)) != s.JournalSize() {
					t.Fatalf("%d bytes for %d of records", len(data), s.JournalSize())
				}
			}
			if tries != 1 || failed != 1 {
				t.Errorf("tried %d times, failed %d times", tries, failed)
			}
			full = false
			for i := range 100 {
				must(t, s.AddService(bg, service(fmt.Sprint("s", i%10)), nil, false, ""))
			}
			if tries < 2 {
				t.Error("with room again no zeros were written after compactions")
			}
			want := remembered(s)
			must(t, s.CloseAsCrash())
			if got := remembered(open(t, options(dir, newServers()))); got != want {
				t.Errorf("after a crash: got %s, want %s", got, want)
			}
		})
	}
}
