package gossip_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"praetor/gossip"
	"praetor/internal/memnet"
)

// startWith opens n members whose options were changed, all joined to m1.
func (w *world) startWith(n int, address func(i int) string, change func(i int, o *gossip.Options)) []*member {
	w.t.Helper()
	var all []*member
	for i := 1; i <= n; i++ {
		transport, err := w.net.Host(address(i)).Gossip(8301)
		if err != nil {
			w.t.Fatal(err)
		}
		o := w.optionsAt(fmt.Sprintf("m%d", i), transport)
		o.AdvertiseAddr = address(i)
		change(i, &o)
		m := w.open(i, o)
		m.ip = address(i)
		if _, err := m.Join([]string{net.JoinHostPort(address(1), "8301")}); err != nil {
			w.t.Fatalf("join: %v", err)
		}
		all = append(all, m)
	}
	for _, m := range all {
		m.waitFor(fmt.Sprintf("%d alive", n), 3*time.Minute, func() error { return m.alive(n) })
	}
	return all
}

func asTheyAre(int, *gossip.Options) {}

// neverFailed checks that nobody of all has seen a member fail.
func neverFailed(t *testing.T, all []*member, name string) {
	t.Helper()
	for i, m := range all {
		if slices.Contains(m.saw(name), gossip.HasFailed) {
			t.Errorf("m%d saw %s fail: %v", i+1, name, m.saw(name))
		}
	}
}

// A process that was killed is refused, and so found dead soon after the first probe,
// which comes when chance has it: two of three are quick, so of eight one is. Memberlist
// alone takes 5 s at least, on the WAN 35 s.
func TestKilledProcessFailsWithinSeconds(t *testing.T) {
	v6 := func(i int) string { return fmt.Sprintf("fd00::%d", i) }
	for _, row := range []struct {
		name  string
		at    func(int) string
		limit time.Duration
		opts  func(int, *gossip.Options)
	}{
		{"LAN", ip, 4500 * time.Millisecond, asTheyAre},
		{"encrypted", ip, 4500 * time.Millisecond, func(_ int, o *gossip.Options) { o.EncryptKey = bytes.Repeat([]byte{7}, 16) }},
		{"encrypted by some", ip, 4500 * time.Millisecond, func(i int, o *gossip.Options) {
			o.EncryptKey = bytes.Repeat([]byte{7}, 16)
			o.EncryptVerifyIncoming, o.EncryptVerifyOutgoing = false, i%2 == 0
		}},
		{"IPv6", v6, 4500 * time.Millisecond, asTheyAre},
		{"WAN", ip, 25 * time.Second, func(_ int, o *gossip.Options) { o.WAN = true }},
	} {
		t.Run(row.name, func(t *testing.T) {
			virtual(t, func(t *testing.T, w *world) {
				all := w.startWith(16, row.at, row.opts)
				quickest := time.Hour
				for i := 3; i <= 10; i++ {
					name := fmt.Sprintf("m%d", i)
					w.crash(name)
					took := all[0].waitStatus(name, gossip.Failed, time.Minute)
					quickest = min(quickest, took)
					all[15].waitStatus(name, gossip.Failed, time.Minute)
				}
				if quickest > row.limit {
					t.Errorf("took %s at least", quickest)
				}
			})
		})
	}
}

// With a hint nobody waits for a probe. A server that was seen to end is dead a second
// later; a client agent has its time to be started again.
func TestDoubtFindsAKilledProcessDead(t *testing.T) {
	server := func(i int) map[string]string {
		return gossip.ServerTags{ID: fmt.Sprint("id-m", i), Datacenter: "dc1", RPCPort: 8300}.Map()
	}
	client := func(i int) map[string]string {
		return gossip.ClientTags{ID: fmt.Sprint("id-m", i), Datacenter: "dc1"}.Map()
	}
	for _, row := range []struct {
		name        string
		tags        func(int) map[string]string
		wan         bool
		least, most time.Duration // WAN: what the others say comes after their probe timeout
	}{
		{"server", server, false, time.Second, 1500 * time.Millisecond},
		{"server, WAN", server, true, time.Second, 4 * time.Second},
		{"client", client, false, 2500 * time.Millisecond, 3 * time.Second},
	} {
		for _, n := range []int{2, 3, 8} {
			t.Run(fmt.Sprint(row.name, " of ", n), func(t *testing.T) {
				virtual(t, func(t *testing.T, w *world) {
					all := w.startWith(n, ip, func(i int, o *gossip.Options) { o.WAN, o.Tags = row.wan, row.tags(i) })
					w.crash("m2")
					all[0].Doubt("id-m2")
					if took := all[0].waitStatus("m2", gossip.Failed, time.Minute); took < row.least || took > row.most {
						t.Errorf("took %s", took)
					}
				})
			})
		}
	}
}

// A process that is killed loses its connections before the socket that it listens on.
func TestDoubtOutlastsAProcessThatIsDying(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(4)
		w.crash("m2")
		l, err := w.net.Host(ip(2)).Listen(8301)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(200*time.Millisecond, func() { l.Close() })
		all[0].Doubt("id-m2")
		if took := all[0].waitStatus("m2", gossip.Failed, time.Minute); took > 3*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

// restartAfter crashes a member and has it back later.
func (w *world) restartAfter(name string, i int, away time.Duration) *member {
	w.crash(name)
	pass(away)
	m := w.open(i, w.options(name, i))
	if _, err := m.Join([]string{ip(1)}); err != nil {
		w.t.Fatal(err)
	}
	return m
}

func TestQuickRestartFailsNobody(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(6)
		for _, away := range []time.Duration{100, 500, 900, 2000} {
			time.AfterFunc(10*time.Millisecond, func() {
				for _, m := range append(all[:2:2], all[3:]...) {
					m.Doubt("id-m3")
				}
			})
			all[2] = w.restartAfter("m3", 3, away*time.Millisecond)
			pass(20 * time.Second)
		}
		neverFailed(t, all, "m3")
		for _, m := range all {
			if err := m.alive(6); err != nil {
				t.Error(err)
			}
		}
	})
}

// A process that is stopped, or starved, answers nothing, but its kernel accepts
// connections: there is no proof, and memberlist's clocks decide.
func TestStoppedProcessIsLeftToMemberlist(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(6)
		w.crash("m3")
		l, err := w.net.Host(ip(3)).Listen(8301) // nobody accepts, and packets are lost
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		begin := time.Now()
		for time.Since(begin) < 4*time.Second { // the least that memberlist gives a suspect
			for _, m := range append(all[:2:2], all[3:]...) {
				m.Doubt("id-m3")
				if err := m.status("m3", gossip.Alive); err != nil {
					t.Fatalf("after %s: %v", time.Since(begin), err)
				}
			}
			pass(100 * time.Millisecond)
		}
		all[0].waitStatus("m3", gossip.Failed, time.Minute)
	})
}

// Where packets are lost and connections get through nobody fails.
func TestOpenPortBehindALinkThatLosesPacketsIsAlive(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(4)
		for i := 1; i <= 4; i++ {
			w.net.Set(ip(i), ip(3), memnet.Way{Loss: 1})
			w.net.Set(ip(3), ip(i), memnet.Way{Loss: 1})
		}
		for range 120 {
			all[0].Doubt("id-m3")
			all[1].Doubt("id-m3")
			pass(500 * time.Millisecond)
		}
		for _, i := range []int{0, 1, 3} {
			neverFailed(t, all[i:i+1], "m3")
		}
	})
}

// firewall refuses, in place of the hosts behind it, what goes to some addresses, as
// iptables' REJECT does.
type firewall struct {
	memberlist.NodeAwareTransport
	rejects func(address string) bool
}

func (f firewall) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	if f.rejects(a.Addr) {
		return time.Now(), nil
	}
	return f.NodeAwareTransport.WriteToAddress(b, a)
}

func (f firewall) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	if f.rejects(a.Addr) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	return f.NodeAwareTransport.DialAddressTimeout(a, timeout)
}

// A firewall that refuses in place of a living member is no proof: others reach it, or
// nobody says that he does not.
func TestFirewallThatRefusesFailsNobody(t *testing.T) {
	to3 := func(address string) bool { return address == ip(3)+":8301" }
	for name, row := range map[string]struct {
		rejects map[int]func(string) bool
		during  time.Duration
	}{
		"of one member": {map[int]func(string) bool{1: to3}, time.Minute},
		// The one behind the same firewall says that it does not reach m3, the others do.
		"of two": {map[int]func(string) bool{1: to3, 2: to3}, time.Minute},
		// Nobody is asked, and nobody says anything. Later memberlist makes up its mind.
		"to all": {map[int]func(string) bool{1: func(string) bool { return true }}, 3500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T, w *world) {
				up := false
				all := w.startWith(6, ip, func(i int, o *gossip.Options) {
					if rejects := row.rejects[i]; rejects != nil {
						inner := o.Transport.(memberlist.NodeAwareTransport)
						o.Transport = firewall{inner, func(address string) bool { return up && rejects(address) }}
					}
				})
				up = true
				for begin := time.Now(); time.Since(begin) < row.during; pass(250 * time.Millisecond) {
					for i := range row.rejects {
						all[i-1].Doubt("id-m3")
					}
				}
				neverFailed(t, all, "m3")
			})
		})
	}
}

// Who vanishes with his machine refuses nothing.
func TestVanishedMachineIsLeftToMemberlist(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(6)
		for i := 1; i <= 6; i++ {
			if i != 3 {
				w.net.Cut(ip(i), ip(3))
			}
		}
		begin := time.Now()
		for time.Since(begin) < 4*time.Second {
			all[0].Doubt("id-m3")
			pass(100 * time.Millisecond)
		}
		neverFailed(t, all[:2], "m3")
		all[0].waitStatus("m3", gossip.Failed, time.Minute)
	})
}

func TestDoubtOfNobodyAndOfOneselfIsNothing(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(2)
		for _, id := range []string{"", "id-m1", "id-m9"} {
			all[0].Doubt(id)
		}
		pass(5 * time.Second)
		for _, m := range all {
			if err := m.alive(2); err != nil {
				t.Error(err)
			}
		}
	})
}

// A pool that is closed waits for what is under way, and begins nothing.
func TestCloseEndsDoubts(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(3)
		w.crash("m2")
		all[0].Doubt("id-m2")
		pass(300 * time.Millisecond)
		begin := time.Now()
		w.crash("m1")
		if took := time.Since(begin); took > time.Second {
			t.Errorf("closing took %s", took)
		}
		all[0].Doubt("id-m2")
	})
}
