package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/server"
	"praetor/gossip"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// forge puts a server into the pool that nobody runs, at an address where
// somebody takes whatever comes and counts the bytes.
func forge(f *fleet, i int, change func(*gossip.ServerTags)) (got *atomic.Int64, stop func()) {
	f.t.Helper()
	l, err := f.network.Host(ip(i)).Listen(8300)
	if err != nil {
		f.t.Fatal(err)
	}
	got = new(atomic.Int64)
	go func() { // ends with l
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // ends when the other side gives up
				n, _ := io.Copy(io.Discard, conn)
				got.Add(n)
				conn.Close()
			}()
		}
	}()
	f.say(gossip.Joined, serverMember(i, gossip.Alive, change))
	return got, func() { l.Close() }
}

func TestForgedServerGetsNoPlaceAndNoLog(t *testing.T) {
	withFleet(t, func(f *fleet) {
		three(f)
		if err := put(f.running[1], "secret", strings.Repeat("x", 100_000)); err != nil {
			t.Fatal(err)
		}
		got, stop := forge(f, 7, nil)
		defer stop()
		for range 30 {
			pass(2 * time.Second)
			if err := f.peers(3)(); err != nil {
				t.Fatal(err)
			}
		}
		if n := got.Load(); n == 0 || n > 20_000 {
			t.Errorf("%d bytes were sent there, want hellos and no more", n)
		}
		leader := f.running[f.leader()]
		if rep, err := ops.CatalogService.Call(context.Background(), leader.Router(), &ops.CatalogServiceRequest{Service: "consul"}); err != nil || len(rep.Instances) != 3 {
			t.Errorf("the catalog has %+v, %v; want three servers", rep, err)
		}
	})
}

// TestForgedIDAtALivingServersAddressReplacesNobody says that another server is
// at the address, under the name, of each server in turn.
func TestForgedIDAtALivingServersAddressReplacesNobody(t *testing.T) {
	withFleet(t, func(f *fleet) {
		three(f)
		pass(time.Second)
		leader := f.running[f.leader()]
		before := logEnd(t, leader)
		for i := range 30 {
			victim := f.leader()%3 + 1
			f.say(gossip.Updated, serverMember(victim, gossip.Alive, func(t *gossip.ServerTags) { t.ID = id(900 + i) }))
			pass(500 * time.Millisecond)
			f.say(gossip.Updated, serverMember(victim, gossip.Alive, nil))
			pass(100 * time.Millisecond)
		}
		if after := logEnd(t, leader); after != before {
			t.Errorf("%d entries were written, want none", after-before)
		}
		if err := f.peers(3)(); err != nil {
			t.Error(err)
		}
	})
}

func TestServerThatKnowsUsLaterIsAddedSoon(t *testing.T) {
	withFleet(t, func(f *fleet) {
		three(f)
		f.hide(4, 1, 2, 3)
		f.start(4, 0, nil)
		pass(5 * time.Second)
		if err := f.peers(4)(); err == nil {
			t.Error("a server that knows nobody was added")
		}
		f.hide(4)
		begin := time.Now()
		f.waitFor("four peers", f.peers(4))
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("added after %s", took)
		}
	})
}

// keyed gives a server gossip keys.
func keyed(key string) func(*server.Options) {
	return func(o *server.Options) {
		o.Keys = func(string) [][]byte { return [][]byte{[]byte(key)} }
	}
}

func TestServerWithoutTheGossipKeyGetsNoPlace(t *testing.T) {
	withFleet(t, func(f *fleet) {
		for i := 1; i <= 3; i++ {
			f.start(i, 3, keyed("0123456789abcdef"))
		}
		f.leader()
		f.start(4, 0, nil)
		f.start(5, 0, keyed("another key....."))
		f.start(6, 0, keyed("0123456789abcdef"))
		f.waitFor("a place for s6", func() error {
			if n := f.peersOf(1); n != 4 {
				return fmt.Errorf("%d peers, want 4", n)
			}
			return nil
		})
		pass(30 * time.Second)
		if n := f.peersOf(1); n != 4 {
			t.Errorf("%d peers, want 4: s6, and neither s4 nor s5", n)
		}
	})
}

// peersOf counts the peers that a server has in its configuration.
func (f *fleet) peersOf(i int) int {
	f.t.Helper()
	rep, err := ops.StatusPeers.Call(context.Background(), f.running[i].Router(), &ops.StatusRequest{})
	if err != nil {
		f.t.Fatal(err)
	}
	return len(rep.IDs)
}

// TestClustersThatMeetInOnePoolDoNotTakeEachOther has a server with a cluster of
// its own in the pool, as one that got an address which was ours before.
func TestClustersThatMeetInOnePoolDoNotTakeEachOther(t *testing.T) {
	withFleet(t, func(f *fleet) {
		three(f)
		if err := put(f.running[1], "a", "ours"); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		f.start(4, 1, func(o *server.Options) {
			o.Logger = hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Warn})
		})
		f.waitFor("a write of theirs", func() error { return put(f.running[4], "a", "theirs") })
		for range 60 {
			pass(2 * time.Second)
			for i := 1; i <= 4; i++ {
				if want := []int{3, 1}[i/4]; f.peersOf(i) != want {
					t.Fatalf("s%d has %d peers, want %d", i, f.peersOf(i), want)
				}
			}
		}
		for i, want := range []string{"ours", "theirs"} {
			if v, err := get(f.running[1+3*i], "a", rpc.ReadOptions{}); v != want || err != nil {
				t.Errorf("s%d has %q, %v; want %q", 1+3*i, v, err, want)
			}
		}
		if !strings.Contains(log.String(), "it is of another cluster, with the servers 10.0.0.") {
			t.Errorf("the log does not say why:\n%s", log.String())
		}
	})
}

// TestRaftIsSpokenOnlyWithKnownServers opens connections as agents that the
// servers do not know, and as builds do that know no hello.
func TestRaftIsSpokenOnlyWithKnownServers(t *testing.T) {
	for _, key := range []string{"", "0123456789abcdef"} {
		t.Run(fmt.Sprintf("encrypted %v", key != ""), func(t *testing.T) {
			withFleet(t, func(f *fleet) {
				change := keyed(key)
				if key == "" {
					change = nil
				}
				f.start(1, 1, change)
				f.leader()
				stranger := f.network.Host("10.0.0.9")
				for _, who := range []string{id(9), id(1), ""} {
					d := rpc.Dialer{Identity: rpc.Identity{ID: who, Datacenter: "dc1"}, Network: stranger.Dial}
					conn, err := d.DialRaft(context.Background(), rpc.Server{Address: ip(1) + ":8300"})
					if known := who == id(1) && key == ""; known != (err == nil) {
						t.Errorf("as %q: %v", who, err)
					}
					if err == nil {
						conn.Close()
					}
				}
				conn, err := stranger.Dial(context.Background(), ip(1)+":8300")
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if _, err := conn.Write([]byte{1, 4}); err != nil { // for Raft: TimeoutNow
					t.Fatal(err)
				}
				if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
					t.Errorf("an old build at an unknown address: %v, want it closed", err)
				}
			})
		})
	}
}
