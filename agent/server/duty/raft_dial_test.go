package duty_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/server/duty"
	"praetor/gossip"
	"praetor/internal/testkernel"
	"praetor/raftstore"
)

// at is server i elsewhere than it should be.
func at(i, host int, status gossip.Status) gossip.Member {
	m := server(i, nil)
	m.Name, m.Addr, m.Status = fmt.Sprint("s", i, "-at-", host), net.IPv4(10, 0, 0, byte(host)), status
	return m
}

func TestWhereAServerIsLookedFor(t *testing.T) {
	const home = "10.0.0.2:8300"
	for _, c := range []struct {
		name, address string
		members       []gossip.Member
		want          string // hosts; with a name if gossip knows it
	}{
		{"gossip knows nothing", home, nil, "2"},
		{"where it was", home, []gossip.Member{server(2, nil)}, "2:s2"},
		{"where it was, failed", home, []gossip.Member{testkernel.As(server(2, nil), gossip.Failed)}, "2:s2"},
		{"it moved", home, []gossip.Member{at(2, 7, gossip.Alive)}, "2 7:s2-at-7"},
		{"the living before the dead", home, []gossip.Member{at(2, 8, gossip.Failed), at(2, 7, gossip.Alive), at(2, 9, gossip.Left)}, "2 7:s2-at-7 8:s2-at-8 9:s2-at-9"},
		{"others", home, []gossip.Member{server(3, nil), client("c", 2)}, "2"},
		{"of another datacenter", home, []gossip.Member{server(2, func(t *gossip.ServerTags) { t.Datacenter = "dc2" })}, "2"},
		{"four at most", home, []gossip.Member{at(2, 6, gossip.Alive), at(2, 7, gossip.Alive), at(2, 8, gossip.Alive), at(2, 9, gossip.Alive)}, "2 6:s2-at-6 7:s2-at-7 8:s2-at-8"},
		{"put aside, unknown", "x.moved.invalid:0", nil, ""},
		{"put aside, known", "x.moved.invalid:0", []gossip.Member{at(2, 7, gossip.Alive)}, "7:s2-at-7"},
		{"put aside, known twice", "x.moved.invalid:0", []gossip.Member{at(2, 8, gossip.Failed), at(2, 7, gossip.Alive)}, "7:s2-at-7 8:s2-at-8"},
	} {
		leading(t, func(r room) {
			r.Pool.Set(c.members...)
			var got []string
			for _, srv := range r.duties.Whereabouts(raftstore.Peer{ID: testkernel.ID(2), Address: c.address}) {
				if srv.ID != testkernel.ID(2) || srv.Datacenter != "dc1" {
					t.Errorf("%s: %+v", c.name, srv)
				}
				host := strings.TrimSuffix(strings.TrimPrefix(srv.Address, "10.0.0."), ":8300")
				if srv.Name != "" {
					host += ":" + srv.Name
				}
				got = append(got, host)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%s: %v, want %s", c.name, got, c.want)
			}
		})
	}
}

func TestWhoMaySpeakRaft(t *testing.T) {
	leading(t, func(r room) {
		r.Pool.Set(server(1, nil), server(3, nil), client("c", 5), server(4, func(t *gossip.ServerTags) { t.Datacenter = "dc2" }), at(6, 7, gossip.Failed))
		if err := r.Raft.AddNonvoter(testkernel.ID(2), "10.0.0.2:8300"); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			id, ip string
			want   bool
		}{
			{testkernel.ID(2), "10.0.0.99", true}, // in Raft
			{testkernel.ID(3), "10.0.0.99", true}, // in gossip
			{testkernel.ID(6), "", true},          // in gossip, failed
			{testkernel.ID(4), "10.0.0.2", false}, // of another datacenter, at an address that is known
			{testkernel.ID(105), "", false},       // a client
			{testkernel.ID(9), "10.0.0.3", false},
			{"", "10.0.0.2", true}, // in Raft
			{"", "10.0.0.3", true}, // in gossip
			{"", "10.0.0.4", false},
			{"", "10.0.1.5", false}, // a client's
			{"", "", false},
		} {
			if got := r.duties.Knows(c.id, c.ip); got != c.want {
				t.Errorf("ID %q at %q: %t", c.id, c.ip, got)
			}
		}
		for i, want := range map[int]bool{1: true, 2: true, 3: false, 9: false} {
			if got := r.duties.InRaft(testkernel.ID(i)); got != want {
				t.Errorf("server %d is in Raft: %t", i, got)
			}
		}
	})
}

func TestRaftReachesAServerWhereverItIs(t *testing.T) {
	leading(t, func(r room) {
		peer := raftstore.Peer{ID: testkernel.ID(2), Address: "10.0.0.2:8300"}
		dial := func() (string, time.Duration, error) {
			ctx, cancel := context.WithTimeout(r.T.Context(), 10*time.Second)
			defer cancel()
			began := time.Now()
			conn, err := r.duties.DialRaft(ctx, peer)
			if err != nil {
				return "", time.Since(began), err
			}
			defer conn.Close()
			return conn.RemoteAddr().String(), time.Since(began), nil
		}
		r.Neighbour(7, testkernel.ID(2))
		r.Neighbour(8, testkernel.ID(8))
		r.Pool.Set(at(2, 8, gossip.Alive), at(2, 7, gossip.Alive))
		if to, _, err := dial(); err != nil || to != "10.0.0.7:8300" {
			t.Errorf("it answers elsewhere, and another at the first place that gossip tells: %s, %v", to, err)
		}
		r.Pool.Set(at(2, 8, gossip.Alive))
		if to, _, err := dial(); err == nil || !strings.Contains(err.Error(), testkernel.ID(8)) {
			t.Errorf("another one answers: %s, %v", to, err)
		}
		peer.Address = "x.moved.invalid:0"
		r.Pool.Set()
		if to, took, err := dial(); took > 0 || fmt.Sprint(err) != "nobody knows where server "+testkernel.ID(2)+" is" {
			t.Errorf("put aside and unknown: %s, %v after %s", to, err, took)
		}
	})
}

// dialed is a connection that tells when it was closed.
type dialed struct {
	net.Conn
	closed bool
}

func (d *dialed) Close() error { d.closed = true; return nil }

// TestDialsOverlap has dials that succeed or fail after a time, "+150ms" or "-0s".
func TestDialsOverlap(t *testing.T) {
	for _, c := range []struct {
		dials string
		won   int // -1: none
		after time.Duration
		begun int
	}{
		{"+50ms", 0, 50 * time.Millisecond, 1},
		{"+50ms +0s", 0, 50 * time.Millisecond, 1},
		{"-50ms +20ms", 1, 70 * time.Millisecond, 2},
		{"-0s -0s +0s", 2, 0, 3},
		{"+1s +50ms", 1, 150 * time.Millisecond, 2},
		{"+1s +1s +50ms", 2, 250 * time.Millisecond, 3},
		{"-150ms +1s +0s", 2, 150 * time.Millisecond, 3},
		{"-20ms -20ms", -1, 40 * time.Millisecond, 2},
		{"+150ms +60ms", 0, 150 * time.Millisecond, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			dials := strings.Fields(c.dials)
			conns := make([]*dialed, len(dials))
			var begun atomic.Int32
			began := time.Now()
			conn, err := duty.FirstConn(t.Context(), len(dials), func(ctx context.Context, i int) (net.Conn, error) {
				begun.Add(1)
				takes, _ := time.ParseDuration(dials[i][1:])
				time.Sleep(takes) // whoever is too late connects all the same
				if dials[i][0] == '-' {
					return nil, fmt.Errorf("dial %d failed", i)
				}
				conns[i] = &dialed{}
				return conns[i], nil
			})
			if c.won < 0 {
				if want := "dial 0 failed\ndial 1 failed"; fmt.Sprint(err) != want {
					t.Errorf("%s: %v, want %s", c.dials, err, want)
				}
			} else if err != nil || conn != conns[c.won] {
				t.Errorf("%s: %v, %v; want dial %d", c.dials, conn, err, c.won)
			}
			for i, other := range conns {
				if other != nil && other.closed != (i != c.won) {
					t.Errorf("%s: dial %d closed: %t", c.dials, i, other.closed)
				}
			}
			// It returns when all dials have ended: those that lost are told by ctx.
			slowest := time.Since(began)
			if int(begun.Load()) != c.begun || slowest < c.after {
				t.Errorf("%s: %d dials in %s, want %d", c.dials, begun.Load(), slowest, c.begun)
			}
		})
	}
}

func TestDialsThatLostAreToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err := duty.FirstConn(t.Context(), 2, func(ctx context.Context, i int) (net.Conn, error) {
			if i == 1 {
				return &dialed{}, nil
			}
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if took := time.Since(began); err != nil || took != 100*time.Millisecond {
			t.Errorf("%v after %s", err, took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var begun atomic.Int32
		_, err = duty.FirstConn(ctx, 20, func(ctx context.Context, i int) (net.Conn, error) {
			if n := int(begun.Add(1)); n != i+1 {
				t.Errorf("dial %d is the %d.", i, n)
			}
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) || begun.Load() < 10 || begun.Load() > 11 {
			t.Errorf("%v after %d dials", err, begun.Load())
		}
	})
}
