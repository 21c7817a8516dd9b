package gossip_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"praetor/gossip"
)

// A machine that is replaced at once has its name at its new address within
// seconds, long before the old one would be taken for dead.
func TestNameMovesToANewAddressWithinSeconds(t *testing.T) {
	for _, row := range []struct {
		name, id string
		wan      bool
		key      []byte
	}{
		{"empty disk", "id-new", false, nil},
		{"folder kept", "id-m3", false, nil},
		{"empty disk, encrypted", "id-new", false, bytes.Repeat([]byte{7}, 16)},
		{"WAN", "id-m3", true, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			virtual(t, func(t *testing.T, w *world) {
				place := func(name, id string, i int) gossip.Options {
					o := w.options(name, i)
					o.EncryptKey, o.WAN, o.AdvertiseAddr = row.key, row.wan, ip(i)
					o.Tags = gossip.ServerTags{ID: id, Datacenter: "dc1", RPCPort: 8300}.Map()
					o.Admit = gossip.AdmitLAN(name, "dc1", id, ip(i))
					if row.wan {
						o.Admit = gossip.AdmitWAN()
					}
					return o
				}
				var all []*member
				for i := 1; i <= 3; i++ {
					name := fmt.Sprintf("m%d", i)
					all = append(all, w.open(i, place(name, "id-"+name, i)))
					if _, err := all[i-1].Join([]string{ip(1)}); err != nil {
						t.Fatal(err)
					}
				}
				all[0].waitFor("3 alive", time.Minute, func() error { return all[0].alive(3) })
				w.crash("m3")
				moved := w.open(9, place("m3", row.id, 9))
				begin := time.Now()
				if _, err := moved.Join([]string{ip(1)}); err != nil {
					t.Fatalf("after %s: %v", time.Since(begin), err)
				}
				for _, m := range append(all[:2:2], moved) {
					m.waitFor("m3 at its new address", time.Minute, func() error {
						one, _ := m.find("m3")
						if one.Addr.String() != ip(9) || one.Status != gossip.Alive || one.Tags["id"] != row.id {
							return fmt.Errorf("m3 is %v at %v with %v", one.Status, one.Addr, one.Tags)
						}
						return m.alive(3)
					})
				}
				limit := 5 * time.Second
				if row.wan {
					limit = 15 * time.Second // its packets wait longer for their turn
				}
				if took := time.Since(begin); took > limit {
					t.Errorf("took %s", took)
				}
				pass(2 * time.Minute)
				for _, m := range append(all[:2:2], moved) {
					if err := m.alive(3); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

func TestIdentifyTellsWhoIsAtAnAddress(t *testing.T) {
	for name, key := range map[string][]byte{"plain": nil, "encrypted": bytes.Repeat([]byte{7}, 32)} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T, w *world) {
				var all []*member
				for i := 1; i <= 3; i++ {
					opts := w.options(fmt.Sprintf("m%d", i), i)
					opts.EncryptKey = key
					all = append(all, w.open(i, opts))
				}
				for _, m := range all[1:] {
					if _, err := m.Join([]string{ip(1)}); err != nil {
						t.Fatal(err)
					}
				}
				all[0].waitFor("3 alive", time.Minute, func() error { return all[0].alive(3) })
				m2, _ := all[0].find("m2")
				m3, _ := all[0].find("m3")
				who, err := all[0].Identify(t.Context(), m2)
				if err != nil || who != (gossip.Identity{Name: "m2", ID: "id-m2"}) || !who.Is("M2", "ID-M2") || who.Is("m2", "x") {
					t.Errorf("got %+v, %v", who, err)
				}
				left := make(chan error, 1)
				go func() { left <- all[1].Leave() }() // waited for below
				pass(time.Second)
				who, err = all[0].Identify(t.Context(), m2)
				if err != nil || !who.Leaving || who.Is("m2", "id-m2") {
					t.Errorf("leaving: got %+v, %v", who, err)
				}
				if err := <-left; err != nil {
					t.Fatal(err)
				}
				w.crash("m3")
				begin := time.Now()
				if who, err := all[0].Identify(t.Context(), m3); err == nil {
					t.Errorf("gone: got %+v", who)
				}
				if took := time.Since(begin); took > 2*time.Second {
					t.Errorf("gone: took %s", took)
				}
			})
		})
	}
}

// Nobody says who he is to those without the key, nor is believed without it.
func TestIdentifyNeedsTheKeyWhereThereIsOne(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		opts := w.options("m1", 1)
		opts.EncryptKey = bytes.Repeat([]byte{1}, 16)
		w.open(1, opts)
		other := w.options("m2", 2)
		other.EncryptKey = bytes.Repeat([]byte{2}, 16)
		plain := w.options("m3", 3)
		for i, m := range []*member{w.open(2, other), w.open(3, plain)} {
			who, err := m.Identify(context.Background(), gossip.Member{Name: "m1", Addr: []byte{10, 0, 0, 1}, Port: 8301})
			if err == nil {
				t.Errorf("%d: got %+v", i, who)
			}
		}
	})
}

func TestNewcomerDoesNotTakeTheNameOfALivingAgent(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(3)
		opts := w.options("m3", 9)
		opts.AdvertiseAddr, opts.Tags = ip(9), gossip.ClientTags{ID: "id-new", Datacenter: "dc1"}.Map()
		opts.Admit = gossip.AdmitLAN("m3", "dc1", "id-new", ip(9))
		w.members["m3-first"] = w.members["m3"]
		_, err := w.open(9, opts).Join([]string{ip(1)})
		if err == nil || !strings.Contains(err.Error(), "Node name 'm3' is taken by a living agent at 10.0.0.3") {
			t.Errorf("got %v", err)
		}
		pass(2 * time.Minute)
		for _, m := range all {
			m.wantNothingLost(all)
		}
	})
}
