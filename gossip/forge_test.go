package gossip_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"praetor/gossip"
)

// What memberlist and serf call their messages.
const (
	msgSuspect, msgAlive, msgDead, msgPushPull, msgUser = 3, 4, 5, 6, 8

	serfLeave, serfJoin, serfPushPull = 0, 1, 2
)

type (
	leaveMsg struct {
		LTime uint64
		Node  string
		Prune bool
	}
	joinMsg struct {
		LTime uint64
		Node  string
	}
	deadMsg struct {
		Incarnation uint32
		Node, From  string
	}
	stateHeader struct {
		Nodes, UserStateLen int
		Join                bool
	}
	serfState struct {
		LTime        uint64
		StatusLTimes map[string]uint64
		LeftMembers  []string
		EventLTime   uint64
		QueryLTime   uint64
	}
)

// forger sends what no member would say, from a host of its own.
type forger struct {
	t    *testing.T
	net  memberlist.NodeAwareTransport
	ring *memberlist.Keyring // nil without encryption
}

func (w *world) forger(key []byte) *forger {
	w.t.Helper()
	transport, err := w.net.Host("10.0.0.66").Gossip(8301)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = transport.Shutdown() })
	f := &forger{t: w.t, net: transport.(memberlist.NodeAwareTransport)}
	if key != nil {
		if f.ring, err = memberlist.NewKeyring(nil, key); err != nil {
			w.t.Fatal(err)
		}
	}
	return f
}

func (f *forger) encode(kind byte, value any) []byte {
	f.t.Helper()
	raw, err := gossip.EncodeValue(kind, value)
	if err != nil {
		f.t.Fatal(err)
	}
	return raw
}

// send sends a packet to members.
func (f *forger) send(packet []byte, to ...*member) {
	f.t.Helper()
	if f.ring != nil {
		sealed, err := gossip.SealPacket(f.ring, packet, nil)
		if err != nil {
			f.t.Fatal(err)
		}
		packet = sealed
	}
	for _, m := range to {
		if _, err := f.net.WriteTo(packet, m.ip+":8301"); err != nil {
			f.t.Fatal(err)
		}
	}
}

// say sends a message of serf's.
func (f *forger) say(kind byte, value any, to ...*member) {
	f.t.Helper()
	f.send(append([]byte{msgUser}, f.encode(kind, value)...), to...)
}

// push sends serf's state over a stream.
func (f *forger) push(state serfState, to *member) {
	f.t.Helper()
	user := f.encode(serfPushPull, state)
	message := append(f.encode(msgPushPull, stateHeader{UserStateLen: len(user)}), user...)
	if f.ring != nil {
		sealed, err := gossip.SealStream(f.ring, message)
		if err != nil {
			f.t.Fatal(err)
		}
		message = sealed
	}
	c, err := f.net.DialTimeout(to.ip+":8301", time.Second)
	if err != nil {
		f.t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(message); err != nil {
		f.t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Second))
	_, _ = c.Read(make([]byte, 1)) // it has been read once there is an answer
}

// wantNothingLost checks that m has all others alive, and never had another idea.
func (m *member) wantNothingLost(all []*member) {
	m.t.Helper()
	for _, other := range all {
		name := other.Local().Name
		if err := m.status(name, gossip.Alive); err != nil {
			m.t.Errorf("%s: %v", m.Local().Name, err)
		}
		if got := m.saw(name); !slices.Equal(got, []gossip.EventType{gossip.Joined}) {
			m.t.Errorf("%s saw of %s: %v", m.Local().Name, name, got)
		}
	}
}

// rounds runs a test without encryption, and with a forger who has the key.
func rounds(t *testing.T, test func(t *testing.T, w *world, all []*member, f *forger)) {
	for name, key := range map[string][]byte{"plain": nil, "encrypted": bytes.Repeat([]byte{7}, 32)} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T, w *world) {
				var all []*member
				for i := 1; i <= 4; i++ {
					opts := w.options(fmt.Sprintf("m%d", i), i)
					opts.EncryptKey = key
					all = append(all, w.open(i, opts))
				}
				for _, m := range all[1:] {
					if _, err := m.Join([]string{ip(1)}); err != nil {
						t.Fatal(err)
					}
				}
				for _, m := range all {
					m.waitFor("4 alive", time.Minute, func() error { return m.alive(4) })
				}
				test(t, w, all, w.forger(key))
			})
		})
	}
}

var lamportTimes = []uint64{100, 1 << 31, 1 << 40, 1 << 63, math.MaxUint64 - 1, math.MaxUint64}

func TestForgedLeaveAndPruneDoNotTouchALivingMember(t *testing.T) {
	rounds(t, func(t *testing.T, w *world, all []*member, f *forger) {
		for _, prune := range []bool{true, false} {
			for i, ltime := range lamportTimes {
				f.say(serfLeave, leaveMsg{LTime: ltime, Node: "m3", Prune: prune}, all[i%2])
				pass(time.Second)
				f.say(serfLeave, leaveMsg{LTime: ltime, Node: "m3", Prune: prune}, all...)
				pass(10 * time.Second)
			}
		}
		pass(2 * time.Minute)
		for _, m := range all {
			m.wantNothingLost(all)
		}
		// And it may still leave in earnest, and is seen to.
		if err := all[2].Leave(); err != nil {
			t.Fatal(err)
		}
		all[0].waitStatus("m3", gossip.Left, time.Minute)
	})
}

func TestForgedStateDoesNotTouchALivingMember(t *testing.T) {
	rounds(t, func(t *testing.T, w *world, all []*member, f *forger) {
		for _, ltime := range lamportTimes {
			state := serfState{LTime: ltime, EventLTime: ltime, QueryLTime: ltime, StatusLTimes: map[string]uint64{"m3": ltime, "m4": ltime}, LeftMembers: []string{"m3", "nobody"}}
			f.push(state, all[0])
			f.say(serfJoin, joinMsg{LTime: ltime, Node: "m4"}, all...)
			pass(10 * time.Second)
		}
		pass(2 * time.Minute)
		for _, m := range all {
			m.wantNothingLost(all)
		}
		if err := all[3].Leave(); err != nil {
			t.Fatal(err)
		}
		all[0].waitStatus("m4", gossip.Left, time.Minute)
		if err := all[0].Fire("deploy", nil); err != nil {
			t.Fatal(err)
		}
		all[1].waitFor("events still arrive", time.Minute, func() error {
			if got := all[1].users(); !slices.Contains(got, "deploy=") {
				return fmt.Errorf("got %v", got)
			}
			return nil
		})
	})
}

// Word about who is not there yet must not meet it when it comes.
func TestForgedLeaveOfAStrangerDoesNotMeetItWhenItJoins(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(2)
		f := w.forger(nil)
		f.say(serfLeave, leaveMsg{LTime: 1000, Node: "m3", Prune: true}, all...)
		f.push(serfState{LTime: 1000, StatusLTimes: map[string]uint64{"m3": 1000}, LeftMembers: []string{"m3"}}, all[1])
		pass(time.Second)
		m3 := w.open(3, w.options("m3", 3))
		if _, err := m3.Join([]string{ip(1)}); err != nil {
			t.Fatal(err)
		}
		all = append(all, m3)
		pass(time.Minute)
		for _, m := range all {
			m.wantNothingLost(all)
		}
	})
}

// Memberlist's own word of a death is one that the member can refute, but not
// one of the last incarnation: then it comes back once it is forgotten.
func TestForgedDeathIsNotForGood(t *testing.T) {
	rounds(t, func(t *testing.T, w *world, all []*member, f *forger) {
		for _, incarnation := range []uint32{100, math.MaxUint32} {
			f.send(f.encode(msgDead, deadMsg{Incarnation: incarnation, Node: "m3", From: "m3"}), all[0])
			pass(10 * time.Second)
			for _, m := range all {
				m.waitStatus("m3", gossip.Alive, 5*time.Minute)
			}
		}
	})
}

// Serf erases a member that was sent away some seconds later, without a second
// look.
func TestMemberThatReturnsWhileItIsForgottenIsKept(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(3)
		w.crash("m3")
		if err := all[0].ForceLeave("m3", true); err != nil {
			t.Fatal(err)
		}
		all[0].waitStatus("m3", gossip.Left, time.Minute)
		m3 := w.open(3, w.options("m3", 3))
		if _, err := m3.Join([]string{ip(1)}); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		for _, m := range all[:2] {
			if err := m.status("m3", gossip.Alive); err != nil {
				t.Errorf("%s: %v", m.Local().Name, err)
			}
		}
	})
}
