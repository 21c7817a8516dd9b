package rpc_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/internal/fault"
	"praetor/internal/rpc"
	"praetor/internal/telemetry"
)

const (
	tooFast        = "rate limit exceeded, try again later or against a different server"
	tooFastToWrite = "rate limit exceeded for operation that can only be performed by the leader, try again later"
)

func TestClientAgentsRequestsAreLimited(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		leader, agent := w.server("dc1", "10.0.0.1"), w.client("dc1", "10.0.1.1")
		w.elect("dc1", leader)
		agent.router.Limit(rpc.Limits{Rate: 1, Burst: 3})
		for range 3 {
			got, err := agent.doRead(rpc.ReadOptions{})
			wantBy(t, leader, got, err)
		}
		_, err := agent.doRead(rpc.ReadOptions{})
		wantFault(t, err, fault.Limit, "RPC rate limit exceeded")
		_, err = agent.load(rpc.WriteOptions{}, unread{t})
		wantFault(t, err, fault.Limit, "RPC rate limit exceeded")
		pass(time.Second)
		got, err := agent.doWrite(rpc.WriteOptions{})
		wantBy(t, leader, got, err)
		agent.router.Limit(rpc.Limits{Rate: -1})
		for range 20 {
			got, err := agent.doRead(rpc.ReadOptions{})
			wantBy(t, leader, got, err)
		}
	})
}

func TestServersRefuseWhatComesTooFast(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		leader, follower := w.server("dc1", "10.0.0.1"), w.server("dc1", "10.0.0.2")
		w.elect("dc1", leader)
		drain := func(n *node, stale bool) {
			t.Helper()
			for range 10 {
				got, err := n.doRead(rpc.ReadOptions{Stale: stale})
				wantBy(t, n, got, err)
			}
		}
		follower.router.Limit(rpc.Limits{Mode: "enforcing", ReadRate: 1, WriteRate: -1})
		drain(follower, true)
		_, err := follower.doRead(rpc.ReadOptions{Stale: true})
		wantFault(t, err, fault.Limit, tooFast)
		got, err := follower.doWrite(rpc.WriteOptions{}) // writes have a rate of their own
		wantBy(t, leader, got, err)

		leader.router.Limit(rpc.Limits{Mode: "enforcing", ReadRate: -1, WriteRate: 1})
		for range 10 {
			got, err := follower.doWrite(rpc.WriteOptions{})
			wantBy(t, leader, got, err)
		}
		_, err = follower.doWrite(rpc.WriteOptions{})
		wantFault(t, err, fault.Overloaded, tooFastToWrite)
		follower.router.Limit(rpc.Limits{Mode: "enforcing", ReadRate: -1, WriteRate: 0})
		_, err = follower.doWrite(rpc.WriteOptions{})
		wantFault(t, err, fault.Limit, tooFast)

		leader.router.Limit(rpc.Limits{Mode: "permissive", ReadRate: 0, WriteRate: 0})
		drain(leader, false)
		leader.router.Limit(rpc.Limits{Mode: "disabled", ReadRate: 0, WriteRate: 0})
		drain(leader, false)
	})
}

func TestServersKeepWhatTheClusterAgreedOn(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		leader := w.server("dc1", "10.0.0.1")
		w.elect("dc1", leader)
		read := func() error { _, err := leader.doRead(rpc.ReadOptions{}); return err }
		for name, row := range map[string]struct {
			own    rpc.Limits
			agreed *rpc.Agreed
			pass   int // reads that pass, -1 for all
		}{
			"nothing agreed":                        {rpc.Limits{}, nil, -1},
			"agreed":                                {rpc.Limits{}, &rpc.Agreed{ReadRate: 1, WriteRate: -1}, 10},
			"less than one a second":                {rpc.Limits{}, &rpc.Agreed{ReadRate: 0.5}, 5},
			"nothing":                               {rpc.Limits{}, &rpc.Agreed{ReadRate: 0}, 0},
			"writes only":                           {rpc.Limits{}, &rpc.Agreed{ReadRate: -1, WriteRate: 0}, -1},
			"except this one":                       {rpc.Limits{}, &rpc.Agreed{ReadRate: 0, Except: []string{"Other.Get", opRead.Name}}, -1},
			"beside the server's own":               {rpc.Limits{Mode: "enforcing", ReadRate: 0.2}, &rpc.Agreed{ReadRate: 1}, 2},
			"instead of the server's own":           {rpc.Limits{Mode: "enforcing", ReadRate: 0}, &rpc.Agreed{ReadRate: 1, Alone: true}, 10},
			"except this one, and the server's own": {rpc.Limits{Mode: "enforcing", ReadRate: 0}, &rpc.Agreed{ReadRate: 0, Except: []string{opRead.Name}}, -1},
		} {
			leader.router.Limit(row.own)
			leader.router.LimitAsAgreed(row.agreed)
			passed := 0
			for passed < 50 && read() == nil {
				passed++
			}
			if row.pass < 0 {
				row.pass = 50
			}
			if passed != row.pass {
				t.Errorf("%s: %d reads pass, want %d", name, passed, row.pass)
			}
			if passed < 50 {
				wantFault(t, read(), fault.Limit, tooFast)
			}
		}
		leader.router.Limit(rpc.Limits{})
		leader.router.LimitAsAgreed(nil)
		for range 50 {
			if err := read(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestRequestsThatComeTooFastNameTheirClients asks here, through a client agent, and
// from so many clients that lines must be left out.
func TestRequestsThatComeTooFastNameTheirClients(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var log strings.Builder
		w.logger = hclog.New(&hclog.LoggerOptions{Output: &log})
		var err error
		if w.metrics, err = telemetry.New(telemetry.Options{}); err != nil {
			t.Fatal(err)
		}
		leader, agent := w.server("dc1", "10.0.0.1"), w.client("dc1", "10.0.1.1")
		w.elect("dc1", leader)
		leader.router.Limit(rpc.Limits{Mode: "permissive", ReadRate: 0, WriteRate: 0})
		lines := func(ask func()) []string {
			t.Helper()
			log.Reset()
			pass(2 * time.Second)
			ask()
			return strings.Split(strings.TrimSpace(log.String()), "\n")
		}
		read := func(n *node, client string) {
			t.Helper()
			ctx := rpc.From(context.Background(), netip.MustParseAddrPort(client))
			if _, err := opRead.Call(ctx, n.router, &rpc.ReadOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		for name, row := range map[string]struct {
			ask  func()
			want string
		}{
			"here": {func() { read(leader, "192.0.2.1:999") },
				"source_addr=192.0.2.1:999 limit_type=global/read limit_enforced=false"},
			"through a client agent": {func() { read(agent, "192.0.2.2:999") },
				"source_addr=192.0.2.2:999 limit_type=global/read limit_enforced=false through=10.0.1.1:"},
			"by a client agent itself": {func() {
				if _, err := agent.doWrite(rpc.WriteOptions{}); err != nil {
					t.Error(err)
				}
			}, "source_addr=10.0.1.1:"},
		} {
			got := lines(row.ask)
			if len(got) != 1 || !strings.Contains(got[0], "[WARN]  RPC exceeded allowed rate limit: rpc=") || !strings.Contains(got[0], row.want) {
				t.Errorf("%s: got %q, want one line with %s", name, got, row.want)
			}
		}
		flood := lines(func() {
			for i := range 1000 {
				read(leader, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 9, byte(i >> 8), byte(i)}), 1).String())
			}
		})
		if len(flood) != 10 {
			t.Errorf("1,000 clients: %d lines, want 10", len(flood))
		}
		again := lines(func() { read(leader, "192.0.2.1:999"); read(leader, "192.0.2.1:1000") })
		if len(again) != 1 || !strings.Contains(again[0], "lines_left_out=990") {
			t.Errorf("after a flood: %q", again)
		}
		for _, c := range w.metrics.Summary().Counters {
			if strings.HasSuffix(c.Name, "rpc.rate_limit.exceeded") && c.Labels["limit_type"] == "global/read" && c.Labels["mode"] == "permissive" && c.Labels["op"] != "" {
				return
			}
		}
		t.Errorf("no counter with limit_type, mode and op: %+v", w.metrics.Summary().Counters)
	})
}
