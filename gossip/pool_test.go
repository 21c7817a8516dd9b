package gossip_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/memberlist"

	"praetor/gossip"
	"praetor/internal/fault"
)

func TestEightMembersFindEachOtherAndACrash(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(8)
		one, _ := all[7].find("m1")
		if one.Addr.String() != ip(1) || one.Port != 8301 || one.Tags["id"] != "id-m1" {
			t.Errorf("m1 is known as %v:%d %v", one.Addr, one.Port, one.Tags)
		}
		got := [6]uint8{one.ProtocolMin, one.ProtocolMax, one.ProtocolCur, one.DelegateMin, one.DelegateMax, one.DelegateCur}
		if want := [6]uint8{1, 5, 2, 2, 5, 4}; got != want { // reference/http-agent.md §2.2
			t.Errorf("protocols %v, want %v", got, want)
		}
		w.crash("m8")
		for _, m := range all[:7] {
			m.waitStatus("m8", gossip.Failed, time.Minute)
			if got := m.saw("m8"); !slices.Equal(got, []gossip.EventType{gossip.Joined, gossip.HasFailed}) {
				t.Errorf("%s saw %v", m.Local().Name, got)
			}
		}
	})
}

func TestMembersAreSortedByName(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(5)
		var names []string
		for _, m := range all[2].Members() {
			names = append(names, m.Name)
		}
		if want := "m1 m2 m3 m4 m5"; strings.Join(names, " ") != want {
			t.Errorf("got %v, want %s", names, want)
		}
	})
}

func TestGracefulLeaveShowsAsLeft(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(3)
		start := time.Now()
		if err := all[2].Leave(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 3*time.Second || took > 6*time.Second {
			t.Errorf("leaving took %v, want about 3s", took)
		}
		for _, m := range all[:2] {
			if err := m.status("m3", gossip.Left); err != nil {
				t.Error(err)
			}
			if got := m.saw("m3"); !slices.Equal(got, []gossip.EventType{gossip.Joined, gossip.HasLeft}) {
				t.Errorf("%s saw %v", m.Local().Name, got)
			}
		}
		if err := all[2].Leave(); err != nil {
			t.Errorf("second leave: %v", err)
		}
		if got := all[2].Local().Status; got != gossip.Left {
			t.Errorf("own status %v, want left", got)
		}
		if err := all[2].SetTags(nil); err == nil {
			t.Error("tags could change after leaving")
		}
	})
}

// slowDial takes a second to connect.
type slowDial struct{ memberlist.NodeAwareTransport }

func (s slowDial) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	c, err := s.NodeAwareTransport.DialAddressTimeout(a, timeout)
	pass(time.Second)
	return c, err
}

func TestLeaveDuringAJoinIsHeardByThoseItReached(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		first := w.start(1)[0]
		opts := w.options("m2", 2)
		opts.Transport = slowDial{opts.Transport.(memberlist.NodeAwareTransport)}
		hasty := w.open(2, opts)
		joined := make(chan error)
		go func() { // received below
			_, err := hasty.Join([]string{ip(1)})
			joined <- err
		}()
		synctest.Wait()
		left := make(chan error)
		go func() { left <- hasty.Leave() }() // received below
		if err := <-joined; err != nil {
			t.Fatal(err)
		}
		if err := <-left; err != nil {
			t.Fatal(err)
		}
		if err := first.status("m2", gossip.Left); err != nil {
			t.Error(err)
		}
	})
}

func TestForceLeaveOfAFailedMember(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(4)
		w.crash("m3")
		w.crash("m4")
		all[0].waitStatus("m3", gossip.Failed, time.Minute)
		all[0].waitStatus("m4", gossip.Failed, time.Minute)
		if err := all[0].ForceLeave("m3", false); err != nil {
			t.Fatal(err)
		}
		if err := all[1].ForceLeave("m4", true); err != nil {
			t.Fatal(err)
		}
		for _, m := range all[:2] {
			m.waitStatus("m3", gossip.Left, 10*time.Minute)
			m.waitFor("m4 forgotten", 10*time.Minute, func() error {
				if one, known := m.find("m4"); known {
					return fmt.Errorf("still %v", one.Status)
				}
				return nil
			})
			want := []gossip.EventType{gossip.Joined, gossip.HasFailed, gossip.HasLeft, gossip.Reaped}
			if got := m.saw("m4"); !slices.Equal(got, want) {
				t.Errorf("saw %v, want %v", got, want)
			}
		}
	})
}

func TestForceLeaveOfALivingMemberIsRefused(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(3)
		for _, prune := range []bool{false, true} {
			err := all[0].ForceLeave("m3", prune)
			want := "agent: force-leave is for failed members, and 'm3' is alive: it has just answered at 10.0.0.3:8301. " +
				"Run 'leave' on its machine to take it out of the cluster, or stop it there first"
			if fault.KindOf(err) != fault.Rejected || err.Error() != want {
				t.Errorf("prune %v: got %v", prune, err)
			}
			if err := all[0].ForceLeave("m1", prune); err != nil {
				t.Errorf("itself, prune %v: got %v", prune, err)
			}
		}
		pass(time.Minute)
		all[0].wantNothingLost(all)
	})
}

// A member that has crashed may be sent away before its failure is noticed. To be
// forgotten is believed of it only where the operator asked for it: others keep
// it as left.
func TestForceLeaveOfASilentMemberWorksBeforeItsFailureIsSeen(t *testing.T) {
	for _, prune := range []bool{false, true} {
		virtual(t, func(t *testing.T, w *world) {
			all := w.start(3)
			w.crash("m3")
			if err := all[0].ForceLeave("m3", prune); err != nil {
				t.Fatal(err)
			}
			if !prune {
				all[0].waitStatus("m3", gossip.Left, time.Minute)
				all[1].waitStatus("m3", gossip.Left, time.Minute)
				return
			}
			for i, m := range all[:2] {
				m.waitFor("m3 forgotten", time.Minute, func() error {
					one, known := m.find("m3")
					// Another member forgets it only if it had seen it dead when it was told.
					if !known || i > 0 && one.Status == gossip.Left {
						return nil
					}
					return fmt.Errorf("still %v", one.Status)
				})
			}
		})
	}
}

func TestForceLeaveOfNobodyHasConsulsText(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		err := w.start(1)[0].ForceLeave("x", false)
		if fault.KindOf(err) != fault.Rejected || err.Error() != "agent: No node found with name 'x'" {
			t.Errorf("got %v error %v", fault.KindOf(err), err)
		}
	})
}

func TestFailedJoinListsEachAddress(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		n, err := w.start(1)[0].Join([]string{"10.0.0.9:8301"})
		want := "1 error occurred:\n\t* Failed to join 10.0.0.9:8301: dial tcp 10.0.0.9:8301: connect: connection refused\n\n"
		if n != 0 || err == nil || err.Error() != want || fault.KindOf(err) != fault.Rejected {
			t.Errorf("got %d, %q; want 0, %q", n, err, want)
		}
		if n, err := w.members["m1"].Join([]string{"10.0.0.9", ip(1)}); n != 1 || err != nil {
			t.Errorf("one of two: got %d, %v; want 1 and no error", n, err)
		}
	})
}

func TestRestartedMemberRejoinsFromItsSnapshot(t *testing.T) {
	for _, row := range []struct {
		name        string
		leave       bool
		rejoin      bool
		wantsRejoin bool
	}{
		{name: "after a crash", wantsRejoin: true},
		{name: "not after leaving", leave: true},
		{name: "after leaving with rejoin_after_leave", leave: true, rejoin: true, wantsRejoin: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "serf", "local.snapshot")
			virtual(t, func(t *testing.T, w *world) {
				all := w.start(2)
				open := func() *member {
					opts := w.options("m3", 3)
					opts.SnapshotPath, opts.RejoinAfterLeave = path, row.rejoin
					return w.open(3, opts)
				}
				m3 := open()
				if _, err := m3.Join([]string{ip(1)}); err != nil {
					t.Fatal(err)
				}
				m3.waitFor("3 alive", time.Minute, func() error { return m3.alive(3) })
				pass(2 * time.Second) // serf writes the file twice a second
				gone := gossip.Failed
				if row.leave {
					m3.Leave()
					gone = gossip.Left
				}
				w.crash("m3")
				all[0].waitStatus("m3", gone, time.Minute)

				// Serf's own reconnecting finds failed members after 30 s; be faster than that.
				m3 = open()
				pass(5 * time.Second)
				want := 1
				if row.wantsRejoin {
					want = 3
				}
				if err := m3.alive(want); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestSnapshotNamesMembersWhileAllIsQuiet wants the file complete without a
// proper end: what a process that is killed left is all that a restart has.
func TestSnapshotNamesMembersWhileAllIsQuiet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "serf", "local.snapshot")
	virtual(t, func(t *testing.T, w *world) {
		w.start(2)
		opts := w.options("m3", 3)
		opts.SnapshotPath = path
		m3 := w.open(3, opts)
		if _, err := m3.Join([]string{ip(1)}); err != nil {
			t.Fatal(err)
		}
		m3.waitFor("3 alive", time.Minute, func() error { return m3.alive(3) })
		pass(2 * time.Second)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := 1; i <= 3; i++ {
			if want := fmt.Sprintf("alive: m%d %s:8301\n", i, ip(i)); !strings.Contains(string(text), want) {
				t.Errorf("the snapshot lacks %q:\n%s", want, text)
			}
		}
		if own := m3.saw("m3"); !slices.Equal(own, []gossip.EventType{gossip.Joined}) {
			t.Errorf("the handler was told of m3 itself %v, want once that it joined", own)
		}
	})
}

func TestTagsReachTheOthers(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(3)
		tags := map[string]string{"dc": "dc1", "color": "red"}
		if err := all[0].SetTags(tags); err != nil {
			t.Fatal(err)
		}
		tags["color"] = "blue" // the pool took a copy
		for _, m := range all {
			m.waitFor("red m1", 10*time.Minute, func() error {
				if one, _ := m.find("m1"); one.Tags["color"] != "red" {
					return fmt.Errorf("tags %v", one.Tags)
				}
				return nil
			})
			if got := m.saw("m1"); !slices.Equal(got, []gossip.EventType{gossip.Joined, gossip.Updated}) {
				t.Errorf("%s saw %v", m.Local().Name, got)
			}
		}
		if err := all[0].SetTags(map[string]string{"dc": strings.Repeat("x", 512)}); err == nil {
			t.Error("tags over 512 bytes were accepted")
		}
	})
}

func TestUserEventsReachAllInOrder(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(5)
		var want []string
		for i := range 10 {
			if err := all[i%5].Fire("deploy", fmt.Append(nil, i)); err != nil {
				t.Fatal(err)
			}
			want = append(want, fmt.Sprintf("deploy=%d", i))
			for _, m := range all { // gossip may miss one, then it takes a push-pull
				m.waitFor("event", 10*time.Minute, func() error {
					if got := m.users(); !slices.Equal(got, want) {
						return fmt.Errorf("saw %v, want %v", got, want)
					}
					return nil
				})
			}
		}
		pass(2 * time.Minute)
		for _, m := range all {
			if got := m.users(); !slices.Equal(got, want) {
				t.Errorf("%s saw %v, want each once: %v", m.Local().Name, got, want)
			}
		}
		if got := all[0].Stats()["event_time"]; got != "11" {
			t.Errorf("event time %s, want 11", got)
		}
	})
}

func TestUserEventOver512BytesIsRejected(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		err := w.start(1)[0].Fire("x", make([]byte, 512))
		if want := "user event exceeds configured limit of 512 bytes before encoding"; err == nil || err.Error() != want || fault.KindOf(err) != fault.Rejected {
			t.Errorf("got %v, want %q", err, want)
		}
	})
}

func TestEventsWaitForRun(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		p, err := gossip.Open(w.options("m1", 1))
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		p.Fire("early", nil)
		pass(time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		var got []gossip.EventType
		err = p.Run(ctx, func(e gossip.Event) {
			got = append(got, e.Type)
			if e.Type == gossip.User {
				if err := p.Run(ctx, nil); err == nil {
					t.Error("a second Run was let in")
				}
				cancel()
			}
		})
		if err != nil || !slices.Equal(got, []gossip.EventType{gossip.Joined, gossip.User}) {
			t.Errorf("got %v, %v; want joined, user", got, err)
		}
		p.Close()
		if err := p.Run(t.Context(), func(gossip.Event) {}); err == nil {
			t.Error("Run on a closed pool gave no error")
		}
		if err := p.Leave(); err == nil {
			t.Error("Leave on a closed pool gave no error")
		}
	})
}

func TestPartitionHealsByItself(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(6)
		cut := func(change func(a, b string)) {
			for _, a := range all[:3] {
				for _, b := range all[3:] {
					change(a.ip, b.ip)
				}
			}
		}
		cut(w.net.Cut)
		for _, m := range all {
			m.waitFor("3 alive", time.Minute, func() error { return m.alive(3) })
		}
		cut(w.net.Heal)
		for _, m := range all {
			m.waitFor("6 alive", 5*time.Minute, func() error { return m.alive(6) })
		}
	})
}

func TestFailedMembersAreForgottenAfterTheirTime(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		m1 := w.start(2)[0]
		opts := w.options("m3", 3)
		opts.Tags = gossip.ClientTags{ID: "id-m3", Datacenter: "dc1", ReconnectTimeout: time.Hour}.Map()
		if _, err := w.open(3, opts).Join([]string{ip(1)}); err != nil {
			t.Fatal(err)
		}
		m1.waitFor("3 alive", time.Minute, func() error { return m1.alive(3) })
		w.crash("m2")
		w.crash("m3")
		m1.waitStatus("m3", gossip.Failed, time.Minute)
		for _, row := range []struct {
			name          string
			after, before time.Duration
		}{{"m3", 59 * time.Minute, 62 * time.Minute}, {"m2", 70 * time.Hour, 73 * time.Hour}} {
			took := m1.waitFor(row.name+" forgotten", row.before, func() error {
				if _, known := m1.find(row.name); known {
					pass(10 * time.Second) // coarser steps for hours
					return fmt.Errorf("still known")
				}
				return nil
			})
			if took < row.after {
				t.Errorf("%s was forgotten after %v, want at least %v", row.name, took, row.after)
			}
			if kinds := m1.saw(row.name); kinds[len(kinds)-1] != gossip.Reaped {
				t.Errorf("%s: events %v do not end in reaped", row.name, kinds)
			}
		}
	})
}

func TestAliveHolderKeepsItsName(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(2)
		var log lockedBuffer
		opts := w.options("m2", 3)
		opts.Admit = nil
		opts.Logger = hclog.New(&hclog.LoggerOptions{Name: "agent.serf.lan", Output: &log, Level: hclog.Info})
		w.members["m2-first"] = w.members["m2"]
		w.open(3, opts).Join([]string{ip(1)})
		pass(time.Minute)
		if one, _ := all[0].find("m2"); one.Addr.String() != ip(2) || one.Status != gossip.Alive {
			t.Errorf("m2 is now %v at %v, want alive at %s", one.Status, one.Addr, ip(2))
		}
		if err := all[1].status("m2", gossip.Alive); err != nil {
			t.Error(err)
		}
		want := "[ERROR] agent.serf.lan: serf: Node name conflicts with another node at 10.0.0.2:8301. Names must be unique!"
		if !strings.Contains(log.String(), want) {
			t.Errorf("log lacks %q:\n%s", want, log.String())
		}
	})
}

func TestWANPoolUsesItsTiming(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		var all []*member
		for i, name := range []string{"s1.dc1", "s1.dc2", "s1.dc3"} {
			opts := w.options(name, i+1)
			_, dc, _ := strings.Cut(name, ".")
			opts.WAN = true
			opts.Tags = gossip.ServerTags{ID: "id-" + dc, Datacenter: dc, RPCPort: 8300}.Map()
			opts.Admit = gossip.AdmitWAN()
			all = append(all, w.open(i+1, opts))
		}
		for _, m := range all[1:] {
			if _, err := m.Join([]string{ip(1)}); err != nil {
				t.Fatal(err)
			}
		}
		all[0].waitFor("3 alive", time.Minute, func() error { return all[0].alive(3) })
		opts := w.options("c1", 9)
		opts.Admit = nil
		if _, err := w.open(9, opts).Join([]string{ip(1)}); err != nil {
			t.Fatalf("the joining side admits all: %v", err)
		}
		pass(time.Minute)
		if _, known := all[0].find("c1"); known {
			t.Error("a client was admitted to the WAN")
		}
		w.crash("s1.dc3")
		if took := all[0].waitStatus("s1.dc3", gossip.Failed, 3*time.Minute); took < 5*time.Second {
			t.Errorf("crash found after %v: that is LAN timing", took)
		}
	})
}

func TestStatsHaveTheKeysOfInfo(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		stats := w.start(2)[0].Stats()
		want := strings.Fields("coordinate_resets encrypted event_queue event_time failed health_score intent_queue left member_time members query_queue query_time")
		var got []string
		for key := range stats {
			got = append(got, key)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("keys %v, want %v", got, want)
		}
		if stats["members"] != "2" || stats["encrypted"] != "false" {
			t.Errorf("stats %v", stats)
		}
	})
}

func TestCoordinatesCanBeOff(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(2)
		if c := all[0].Coordinate(); c == nil || len(c.Vec) != 8 {
			t.Errorf("coordinate %v, want 8 dimensions", c)
		}
		all[0].waitFor("coordinate of m2", time.Minute, func() error {
			if all[0].CachedCoordinate("m2") == nil {
				return fmt.Errorf("none")
			}
			return nil
		})
		opts := w.options("m3", 3)
		opts.DisableCoordinates = true
		m3 := w.open(3, opts)
		if m3.Coordinate() != nil || m3.CachedCoordinate("m3") != nil {
			t.Error("got a coordinate with coordinates off")
		}
	})
}
