package gossip_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/gossip"
)

// thinned gives a test the lines that come through, and the log of what was held back.
func thinned(t *testing.T, test func(write func(line string), flush func(), passed, told *bytes.Buffer)) {
	synctest.Test(t, func(t *testing.T) {
		var passed, told bytes.Buffer
		w, flush := gossip.Thin(&passed, hclog.New(&hclog.LoggerOptions{Output: &told, DisableTime: true}))
		test(func(line string) {
			if n, err := w.Write([]byte(line + "\n")); n != len(line)+1 || err != nil {
				t.Errorf("%q: %d, %v", line, n, err)
			}
		}, flush, &passed, &told)
	})
}

// TestComplaintsThatAnybodyCanProvokeDoNotFillTheLog: five of a kind in ten seconds come
// through, and then a line says how many did not.
func TestComplaintsThatAnybodyCanProvokeDoNotFillTheLog(t *testing.T) {
	thinned(t, func(write func(string), flush func(), passed, told *bytes.Buffer) {
		packet := func(i int) string {
			return fmt.Sprintf("2026/11/29 09:00:00 [ERR] memberlist: msg type (%d) not supported from=10.0.0.%d:8301", i, i)
		}
		for i := range 12 {
			write(packet(i))
			write(fmt.Sprintf("2026/11/29 09:00:00 [INFO] serf: EventMemberJoin: m%d", i))
		}
		write("2026/11/29 09:00:00 [WARN] memberlist: Was able to connect to m1 over TCP")
		if errs, infos := strings.Count(passed.String(), "[ERR]"), strings.Count(passed.String(), "[INFO]"); errs != 5 || infos != 12 || !strings.Contains(passed.String(), "[WARN]") {
			t.Errorf("%d complaints and %d others came through:\n%s", errs, infos, passed)
		}
		flush()
		if told.Len() > 0 {
			t.Errorf("before the period is over it says %s", told)
		}
		time.Sleep(10 * time.Second)
		flush()
		if got := told.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `kind="memberlist msg type  not" count=7 seconds=10`) {
			t.Errorf("it says %s", got)
		}
		passed.Reset()
		told.Reset()
		write(packet(99)) // another period
		flush()
		if passed.Len() == 0 || told.Len() > 0 {
			t.Errorf("in the next period %q came through, and it says %q", passed, told)
		}
	})
}

// TestKindsOfComplaintsAreBounded: whoever varies what he provokes gets one kind for the rest.
func TestKindsOfComplaintsAreBounded(t *testing.T) {
	thinned(t, func(write func(string), flush func(), passed, told *bytes.Buffer) {
		letter := func(i int) string { return string(rune('a'+i/26%26)) + string(rune('a'+i%26)) }
		for i := range 600 {
			write("2026/11/29 09:00:00 [WARN] memberlist: kind " + letter(i))
		}
		if n := strings.Count(passed.String(), "\n"); n != 64+5 {
			t.Errorf("%d lines came through, want one of 64 kinds and five of the others", n)
		}
		time.Sleep(10 * time.Second)
		flush()
		if got := told.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, fmt.Sprintf("kind=others count=%d", 600-64-5)) {
			t.Errorf("it says %s", got)
		}
	})
}

// TestRefutationsAreShown without the bytes of both members' tags.
func TestRefutationsAreShown(t *testing.T) {
	thinned(t, func(write func(string), _ func(), passed, _ *bytes.Buffer) {
		write("[WARN] memberlist: Refuting an alive message for 'm1' (1.2.3.4:1) meta:([255 138] VS [255 139]), vsn:([1] VS [2])")
		write("[DEBUG] memberlist: another line with meta:([1])")
		if want := "[WARN] memberlist: Refuting an alive message for 'm1' (1.2.3.4:1)\n[DEBUG] memberlist: another line with meta:([1])\n"; passed.String() != want {
			t.Errorf("%q, want %q", passed, want)
		}
	})
}

// TestWhoAnswersIsTheLivingAgentOfAName, or another, or one that goes.
func TestWhoAnswersIsTheLivingAgentOfAName(t *testing.T) {
	for _, c := range []struct {
		who      gossip.Identity
		name, id string
		want     bool
	}{
		{gossip.Identity{Name: "a", ID: "1"}, "a", "1", true}, {gossip.Identity{Name: "A", ID: "ab"}, "a", "AB", true}, {gossip.Identity{Name: "a"}, "a", "1", true},
		{gossip.Identity{Name: "a", ID: "1"}, "a", "", true}, {gossip.Identity{Name: "a", ID: "1"}, "a", "2", false}, {gossip.Identity{Name: "b", ID: "1"}, "a", "1", false},
		{gossip.Identity{Name: "a", ID: "1", Leaving: true}, "a", "1", false}, {gossip.Identity{}, "a", "", false},
	} {
		if got := c.who.Is(c.name, c.id); got != c.want {
			t.Errorf("%+v is %s with ID %q: %t", c.who, c.name, c.id, got)
		}
	}
}

// TestLinesThatSerfCanReadStayInASnapshot, and no others: serf gives up at the first
// that it cannot read.
func TestLinesThatSerfCanReadStayInASnapshot(t *testing.T) {
	for line, want := range map[string]bool{
		"alive: m1 10.0.0.1:8301": true, "alive: a name 10.0.0.1:8301": true, "alive: m1 [::1]:8301": true, "alive: 10.0.0.1:8301": false, "alive: m1 10.0.0.1": false, "alive: m1 10.0.0.1:99999": false, "alive:": false,
		"not-alive: m1": true, "not-alive: ": false, "clock: 7": true, "clock: -7": false, "clock: ": false, "event-clock: 18446744073709551615": true, "event-clock: 18446744073709551616": false, "query-clock: x": false,
		"coordinate: {}": true, "leave": true, "leaves": false, "# a comment": true, "": false, "alive: m\x00 10.0.0.1:8301": false, "not-alive: \xff": false, "alien: m1": false,
	} {
		if got := gossip.IsSnapshotLine(line); got != want {
			t.Errorf("%q: %t", line, got)
		}
	}
}

// TestAllFaultsOfAPoolsOptionsAreToldAtOnce.
func TestAllFaultsOfAPoolsOptionsAreToldAtOnce(t *testing.T) {
	for want, opts := range map[string]gossip.Options{
		"gossip: member name is empty\ngossip: bind address \"here\" is not an IP address\ngossip: bind port -1 is not between 0 and 65535\ngossip: advertise address \"there\" is not an IP address\ngossip: advertise port 65536 is not between 0 and 65535": {BindAddr: "here", BindPort: -1, AdvertiseAddr: "there", AdvertisePort: 65536},
		`gossip: member name "a\nb" contains control characters`:                 {Name: "a\nb", BindAddr: "127.0.0.1"},
		"gossip: advertise address cannot be 0.0.0.0: others could not reach it": {Name: "a", BindAddr: "127.0.0.1", AdvertiseAddr: "0.0.0.0"},
		"gossip: advertise address cannot be ::: others could not reach it":      {Name: "a", BindAddr: "127.0.0.1", AdvertiseAddr: "::"},
		"gossip: bind port 65536 is not between 0 and 65535":                     {Name: "a", BindAddr: "127.0.0.1", BindPort: 65536},
	} {
		p, err := gossip.Open(opts)
		if p != nil {
			_ = p.Close()
		}
		if err == nil || err.Error() != want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}
