package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"praetor/internal/fault"
	"praetor/internal/rpc"
)

func wantFault(t testing.TB, err error, kind fault.Kind, text string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %v %q", kind, text)
	}
	if fault.KindOf(err) != kind || err.Error() != text {
		t.Fatalf("error %v %q, want %v %q", fault.KindOf(err), err, kind, text)
	}
}

// decided is the text of an error without what the hops put before it.
func decided(err error) string {
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(err.Error(), "rpc error making call: ", "")
}

// TestWhatAnotherServerDecidedIsTold pins reference/http-api.md §2.3: one prefix for
// each hop, and none where nobody was asked or nothing was decided.
func TestWhatAnotherServerDecidedIsTold(t *testing.T) {
	const once = "rpc error making call: "
	for _, row := range []struct {
		name string
		err  error
		hops string // after one hop
	}{
		{"denied", fault.New(fault.Denied, "ACL not found"), once},
		{"rejected", fault.New(fault.Rejected, "Must provide node"), once},
		{"of no kind", errors.New("boom"), once},
		{"not there", fault.New(fault.NotFound, "Query not found"), ""},
		{"nobody leads", fault.New(fault.NoLeader, rpc.TextNoLeader), ""},
		{"too much", fault.New(fault.Limit, "rate limit exceeded"), ""},
		{"no way there", fault.New(fault.Rejected, rpc.TextNoPath), ""},
		{"nobody there", fault.New(fault.Rejected, rpc.TextRemoteUnreachable), ""},
	} {
		got := row.err
		for hop := range 3 {
			got = rpc.Relayed(rpc.OverTheWire(got))
			if want := strings.Repeat(row.hops, hop+1) + row.err.Error(); got.Error() != want || fault.KindOf(got) != fault.KindOf(row.err) {
				t.Errorf("%s after %d hops: got %v %q, want %q", row.name, hop+1, fault.KindOf(got), got, want)
			}
		}
	}
}

// TestOtherDatacentersAreToldOtherTokens has a server replace what would not be a token
// there, and leave its caller's request alone.
func TestOtherDatacentersAreToldOtherTokens(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		here := w.server("dc1", "10.0.0.1")
		far := w.server("dc2", "10.0.1.1")
		w.elect("dc1", here)
		w.elect("dc2", far)
		for token, want := range map[string]string{"local": "", "global": "global"} {
			for _, datacenter := range []string{"dc1", "dc2"} {
				for range 2 {
					o := rpc.WriteOptions{Datacenter: datacenter, Token: token}
					at, told := far, want
					if datacenter == "dc1" {
						at, told = here, token
					}
					got, err := here.doWrite(o)
					wantBy(t, at, got, err)
					if last := at.tokens[len(at.tokens)-1]; last != told {
						t.Errorf("%s was told %q of the token %q, want %q", datacenter, last, token, told)
					}
				}
			}
		}
	})
}

func TestRequestsRunWhereTheirPlaceSays(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		leader := w.server("dc1", "10.0.0.1")
		follower := w.server("dc1", "10.0.0.2")
		w.elect("dc1", leader)

		for _, from := range []*node{leader, follower} {
			got, err := from.doWrite(rpc.WriteOptions{})
			wantBy(t, leader, got, err)
			got, err = from.doWrite(rpc.WriteOptions{Datacenter: "dc1"})
			wantBy(t, leader, got, err)
			got, err = from.doRead(rpc.ReadOptions{})
			wantBy(t, leader, got, err)
			got, err = from.doRead(rpc.ReadOptions{Consistent: true})
			wantBy(t, leader, got, err)
			got, err = from.doRead(rpc.ReadOptions{Stale: true})
			wantBy(t, from, got, err)
			got, err = from.doAny()
			wantBy(t, from, got, err)
		}
	})
}

func TestAFollowerThatHasCaughtUpAnswersReadsOfTheState(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		leader := w.server("dc1", "10.0.0.1")
		follower := w.server("dc1", "10.0.0.2")
		w.elect("dc1", leader)
		ask := func(op *rpc.Desc, o rpc.ReadOptions, want *node) {
			t.Helper()
			rep, err := follower.router.Do(context.Background(), op, &o)
			if err != nil {
				t.Fatal(err)
			}
			wantBy(t, want, rep.(*rpc.ReadMeta).Consistency, nil)
		}
		ask(opState.Desc, rpc.ReadOptions{}, leader)
		follower.current = true
		ask(opState.Desc, rpc.ReadOptions{}, follower)
		ask(opState.Desc, rpc.ReadOptions{Consistent: true}, follower)
		ask(opState.Desc, rpc.ReadOptions{MinIndex: 1}, leader) // it waits, and this server may lag by then
		ask(opRead.Desc, rpc.ReadOptions{}, leader)
		follower.read = func(context.Context, *rpc.ReadOptions) (*rpc.ReadMeta, error) {
			return nil, fault.New(fault.NoLeader, rpc.TextNoLeader)
		}
		ask(opState.Desc, rpc.ReadOptions{}, leader)
		if _, err := leader.sendAs(follower, opState.Desc, &rpc.ReadOptions{}, "leader"); fault.KindOf(err) != fault.NoLeader {
			t.Errorf("who was taken for the leader said %v", err)
		}
	})
}

func TestRequestToOneServerIsAnsweredByItWhoeverLeads(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		leader := w.server("dc1", "10.0.0.1")
		follower := w.server("dc1", "10.0.0.2")
		w.elect("dc1", leader)
		for _, at := range []*node{leader, follower} {
			rep, err := leader.router.DoAt(context.Background(), rpc.Server{Address: at.address}, opRead.Desc, &rpc.ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			wantBy(t, at, rep.(*rpc.ReadMeta).Consistency, nil)
		}
	})
}

func TestTheHandlerOfALocalRequestGetsThatVeryRequest(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		leader := w.server("dc1", "10.0.0.1")
		w.elect("dc1", leader)
		var got *rpc.WriteOptions
		leader.write = func(_ context.Context, o *rpc.WriteOptions) (*rpc.ReadMeta, error) {
			got = o
			return &rpc.ReadMeta{}, nil
		}
		req := &rpc.WriteOptions{Token: "t"}
		if _, err := opWrite.Call(context.Background(), leader.router, req); err != nil {
			t.Fatal(err)
		}
		if got != req {
			t.Error("the handler got a copy of the request")
		}
	})
}

func TestRequestsWaitForALeader(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		a := w.server("dc1", "10.0.0.1")
		b := w.server("dc1", "10.0.0.2")
		c := w.client("dc1", "10.0.1.1")
		for _, from := range []*node{a, b, c} {
			w.elect("dc1", nil)
			time.AfterFunc(3*time.Second, func() { w.elect("dc1", b) })
			start := time.Now()
			got, err := from.doWrite(rpc.WriteOptions{})
			wantBy(t, b, got, err)
			if took := time.Since(start); took < 3*time.Second || took > 3500*time.Millisecond {
				t.Errorf("from %s: answered after %s, want soon after the election at 3s", from.name, took)
			}
		}
	})
}

func TestRequestsWithoutLeaderAreHeldSevenSeconds(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		server := w.server("dc1", "10.0.0.1")
		client := w.client("dc1", "10.0.1.1")
		for _, from := range []*node{server, client} {
			start := time.Now()
			_, err := from.doWrite(rpc.WriteOptions{})
			wantFault(t, err, fault.NoLeader, "No cluster leader")
			if took := time.Since(start); took < 7*time.Second || took > 7*time.Second+10*time.Millisecond {
				t.Errorf("from %s: held for %s, want 7s", from.name, took)
			}
		}
		if server.count() != 0 {
			t.Errorf("a server that does not lead ran %d writes", server.count())
		}
	})
}

func TestTheFirstPauseIsShortAndTheLastIsNot(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		server := w.server("dc1", "10.0.0.1")
		w.elect("dc1", server)
		var tries []time.Time
		server.write = func(context.Context, *rpc.WriteOptions) (*rpc.ReadMeta, error) {
			tries = append(tries, time.Now())
			return nil, fault.New(fault.NoLeader, "No cluster leader")
		}
		server.doWrite(rpc.WriteOptions{})
		if len(tries) < 70 || len(tries) > 140 {
			t.Errorf("%d tries in 7s, want some 95", len(tries))
		}
		if first := tries[2].Sub(tries[1]); first > 20*time.Millisecond {
			t.Errorf("first pause %s, want at most 20ms", first)
		}
		if last := tries[len(tries)-2].Sub(tries[len(tries)-3]); last < 50*time.Millisecond || last > 100*time.Millisecond {
			t.Errorf("late pause %s, want 50ms to 100ms", last)
		}
	})
}

func TestWriteFollowsALeaderThatMovesMidRequest(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		a := w.server("dc1", "10.0.0.1")
		b := w.server("dc1", "10.0.0.2")
		c := w.server("dc1", "10.0.0.3")
		w.elect("dc1", a)
		a.write = func(context.Context, *rpc.WriteOptions) (*rpc.ReadMeta, error) {
			w.elect("dc1", b) // a loses leadership before it logs the write
			return nil, fault.New(fault.NoLeader, "No cluster leader")
		}
		got, err := c.doWrite(rpc.WriteOptions{})
		wantBy(t, b, got, err)
		if a.count() != 1 || b.count() != 1 {
			t.Errorf("a saw %d writes, b %d, want 1 and 1", a.count(), b.count())
		}
	})
}

func TestForwardedRequestIsNotForwardedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		a := w.server("dc1", "10.0.0.1")
		b := w.server("dc1", "10.0.0.2")
		// a and b each believe the other leads: nobody may run the write, and
		// it must not go round in circles.
		router := func(n, leader *node) *rpc.Router {
			return rpc.NewRouter(rpc.Options{
				Datacenter: "dc1", Local: n.mux(), Dialer: rpc.Dialer{Network: w.net.Host(n.ip).Dial},
				Leader: func() rpc.Server { return rpc.Server{Address: leader.address} },
			})
		}
		for _, p := range [][2]*node{{a, b}, {b, a}} {
			p[0].stop()
			port, err := w.net.Host(p[0].ip).Listen(8300)
			if err != nil {
				t.Fatal(err)
			}
			p[0].router = router(p[0], p[1])
			p[0].stop = serve(t, port, rpc.ListenerOptions{Identity: w.identity(p[0].name, "dc1")}, p[0].router, serveRPC)
		}
		start := time.Now()
		_, err := a.doWrite(rpc.WriteOptions{})
		wantFault(t, err, fault.NoLeader, "No cluster leader")
		if took := time.Since(start); took > 7500*time.Millisecond {
			t.Errorf("held %s, want 7s: holds must not add up", took)
		}
	})
}

func TestClientAgentWithoutServersFailsAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		c := w.client("dc1", "10.0.1.1")
		start := time.Now()
		_, err := c.doRead(rpc.ReadOptions{})
		wantFault(t, err, fault.NoLeader, "No known Consul servers")
		if time.Since(start) != 0 {
			t.Errorf("waited %s", time.Since(start))
		}
	})
}

func TestClientAgentMovesOnWhenItsServerDies(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		nodes := []*node{w.server("dc1", "10.0.0.1"), w.server("dc1", "10.0.0.2"), w.server("dc1", "10.0.0.3")}
		c := w.client("dc1", "10.0.1.1")
		w.elect("dc1", nodes[2])
		first, err := c.doAny()
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if got, err := c.doAny(); got != first {
				t.Fatalf("answered by %q (%v), want the same server as before, %q", got, err, first)
			}
		}
		for _, n := range nodes {
			if n.name == first {
				w.net.Crash(n.ip)
			}
		}
		start := time.Now()
		second, err := c.doAny()
		if err != nil || second == first {
			t.Fatalf("after the crash: answer by %q, %v", second, err)
		}
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("moving on took %s", took)
		}
		if first == nodes[2].name {
			w.elect("dc1", nodes[0])
		}
		if _, err := c.doWrite(rpc.WriteOptions{}); err != nil {
			t.Errorf("write after the crash: %v", err)
		}
	})
}

func TestClientAgentSpreadsItsLoadOverTime(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		for _, ip := range []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"} {
			w.server("dc1", ip)
		}
		c := w.client("dc1", "10.0.1.1")
		seen := map[string]int{}
		for range 60 {
			got, err := c.doAny()
			if err != nil {
				t.Fatal(err)
			}
			seen[got]++
			pass(3 * time.Minute)
		}
		if len(seen) != 3 {
			t.Errorf("over three hours only these answered: %v", seen)
		}
	})
}

func TestReadIsAskedAgainWhenItsConnectionBreaksButAWriteIsNot(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		leader := w.server("dc1", "10.0.0.1")
		follower := w.server("dc1", "10.0.0.2")
		w.elect("dc1", leader)
		var broken atomic.Bool
		breakOnce := func() {
			if broken.CompareAndSwap(false, true) {
				w.net.Cut(leader.ip, follower.ip)
				w.net.Heal(leader.ip, follower.ip)
			}
		}
		leader.read = func(ctx context.Context, _ *rpc.ReadOptions) (*rpc.ReadMeta, error) {
			breakOnce()
			return &rpc.ReadMeta{Consistency: leader.name}, nil
		}
		leader.write = func(ctx context.Context, _ *rpc.WriteOptions) (*rpc.ReadMeta, error) {
			breakOnce()
			return &rpc.ReadMeta{Consistency: leader.name}, nil
		}

		got, err := follower.doRead(rpc.ReadOptions{})
		wantBy(t, leader, got, err)
		if leader.count() != 2 {
			t.Errorf("the leader saw the read %d times, want 2", leader.count())
		}

		broken.Store(false)
		before := leader.count()
		_, err = follower.doWrite(rpc.WriteOptions{})
		if fault.KindOf(err) != fault.Internal || err == nil || !strings.Contains(err.Error(), "broke") {
			t.Errorf("write over a connection that broke: %v, want an internal fault that says so", err)
		}
		if n := leader.count() - before; n != 1 {
			t.Errorf("the leader saw the write %d times, want once", n)
		}
	})
}

func TestWriteIsTriedAgainWhenItsServerCannotBeReached(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		a := w.server("dc1", "10.0.0.1")
		b := w.server("dc1", "10.0.0.2")
		w.elect("dc1", a)
		w.net.Crash(a.ip)
		time.AfterFunc(2*time.Second, func() { w.elect("dc1", b) })
		got, err := b.doWrite(rpc.WriteOptions{})
		wantBy(t, b, got, err)

		w.elect("dc1", a) // still dead, and nobody else is elected
		start := time.Now()
		_, err = b.doWrite(rpc.WriteOptions{})
		if fault.KindOf(err) != fault.NoLeader || !strings.Contains(err.Error(), "cannot reach server 10.0.0.1:8300") {
			t.Errorf("error %v, want NoLeader, cannot reach server", err)
		}
		if took := time.Since(start); took < 7*time.Second || took > 8*time.Second {
			t.Errorf("held %s, want 7s", took)
		}
	})
}

func TestUnreachableLeaderBehindACutIsReplaced(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		a := w.server("dc1", "10.0.0.1")
		b := w.server("dc1", "10.0.0.2")
		c := w.server("dc1", "10.0.0.3")
		w.elect("dc1", a)
		w.net.Cut(a.ip, b.ip) // dials hang
		time.AfterFunc(time.Second, func() { w.elect("dc1", c) })
		start := time.Now()
		got, err := b.doWrite(rpc.WriteOptions{})
		wantBy(t, c, got, err)
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("took %s, want one connect timeout of 3s", took)
		}
	})
}

func TestTokensTravelWithTheirRequests(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		here := w.server("dc1", "10.1.0.1")
		there := w.server("dc2", "10.2.0.1")
		client := w.client("dc1", "10.1.1.1")
		w.elect("dc1", here)
		w.elect("dc2", there)

		for _, from := range []*node{here, client} {
			write := &rpc.WriteOptions{Datacenter: "dc2", Token: "secret"}
			rep, err := opWrite.Call(context.Background(), from.router, write)
			wantBy(t, there, by(rep), err)
			read := &rpc.ReadOptions{Datacenter: "dc2", Token: "secret"}
			rep, err = opRead.Call(context.Background(), from.router, read)
			wantBy(t, there, by(rep), err)
			if write.Token != "secret" || read.Token != "secret" {
				t.Error("the caller's request was changed")
			}
		}
		for _, tok := range there.tokens {
			if tok != "secret" {
				t.Errorf("dc2 saw the token %q, want the caller's", tok)
			}
		}
		if len(there.tokens) != 4 || here.count() != 0 {
			t.Errorf("dc2 saw %d requests, dc1 %d; want 4 and 0", len(there.tokens), here.count())
		}

		got, err := client.doWrite(rpc.WriteOptions{Token: "secret"})
		wantBy(t, here, got, err)
		if here.tokens[0] != "secret" {
			t.Error("within its datacenter the token must travel")
		}
	})
}

func TestOtherDatacenterFailsOver(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		here := w.server("dc1", "10.1.0.1")
		w.elect("dc1", here)
		w.server("dc2", "10.2.0.1")
		w.server("dc2", "10.2.0.2")
		alive := w.server("dc2", "10.2.0.3")
		w.elect("dc2", alive)
		w.net.Crash("10.2.0.1")
		w.net.Crash("10.2.0.2")
		for range 10 {
			got, err := here.doWrite(rpc.WriteOptions{Datacenter: "dc2"})
			wantBy(t, alive, got, err)
		}
		w.net.Crash("10.2.0.3")
		for _, o := range []rpc.ReadOptions{{Datacenter: "dc2"}, {Datacenter: "dc2", Stale: true}} {
			_, err := here.doRead(o)
			wantFault(t, err, fault.Rejected, "Remote DC has no server currently reachable")
		}
	})
}

func TestDatacentersThatAreUnknownOrEmptyAreRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		here := w.server("dc1", "10.1.0.1")
		client := w.client("dc1", "10.1.1.1")
		w.elect("dc1", here)
		w.leaderOf("dc2") // known, but without servers
		w.tellAll()
		for _, from := range []*node{here, client} {
			_, err := from.doWrite(rpc.WriteOptions{Datacenter: "nowhere"})
			wantFault(t, err, fault.Rejected, "No path to datacenter")
			_, err = from.doRead(rpc.ReadOptions{Datacenter: "dc2", Stale: true})
			wantFault(t, err, fault.Rejected, "Remote DC has no server currently reachable")
		}
	})
}

func TestRequestThatCameFromAfarIsNotSentToAThirdDatacenter(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		a := w.server("dc1", "10.1.0.1")
		b := w.server("dc2", "10.2.0.1")
		c := w.server("dc3", "10.3.0.1")
		w.elect("dc3", c)
		// a wrongly takes b for a server of dc3, first by itself, then by b's word.
		a.router.SetServers([]rpc.Server{{Datacenter: "dc3", Address: b.address}}, nil)
		_, err := a.doWrite(rpc.WriteOptions{Datacenter: "dc3"})
		wantFault(t, err, fault.Rejected, "Remote DC has no server currently reachable")
		b.says = "dc3"
		b.stop()
		w.restart("dc2", b)
		pass(2 * time.Second) // a tries again to connect
		_, err = a.doWrite(rpc.WriteOptions{Datacenter: "dc3"})
		wantFault(t, err, fault.Rejected, "No path to datacenter")
		if c.count() != 0 {
			t.Error("the write was passed on to dc3")
		}
	})
}

func TestStaleAnswerOlderThanAllowedIsAskedAgainAtTheLeader(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		leader := w.server("dc1", "10.0.0.1")
		follower := w.server("dc1", "10.0.0.2")
		w.elect("dc1", leader)
		follower.read = func(context.Context, *rpc.ReadOptions) (*rpc.ReadMeta, error) {
			return &rpc.ReadMeta{Consistency: follower.name, LastContact: 2 * time.Second}, nil
		}
		got, err := follower.doRead(rpc.ReadOptions{Stale: true})
		wantBy(t, follower, got, err)
		got, err = follower.doRead(rpc.ReadOptions{Stale: true, MaxStale: 2 * time.Second})
		wantBy(t, follower, got, err)
		req := &rpc.ReadOptions{Stale: true, MaxStale: time.Second}
		rep, err := opRead.Call(context.Background(), follower.router, req)
		wantBy(t, leader, by(rep), err)
		if !req.Stale {
			t.Error("the caller's request was changed")
		}

		client := w.client("dc1", "10.0.1.1")
		client.router.SetServers([]rpc.Server{{Datacenter: "dc1", Address: follower.address}}, nil)
		got, err = client.doRead(rpc.ReadOptions{Stale: true, MaxStale: time.Second})
		wantBy(t, leader, got, err)
	})
}

func TestForwardedRequestsEndAtTheirDeadline(t *testing.T) {
	never := func(ctx context.Context, _ *rpc.ReadOptions) (*rpc.ReadMeta, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	tests := []struct {
		name string
		opts rpc.ReadOptions
		want time.Duration
	}{
		{"not blocking", rpc.ReadOptions{}, 60 * time.Second},
		{"MaxWait without MinIndex does not block", rpc.ReadOptions{MaxWait: time.Hour}, 60 * time.Second},
		{"blocking, default", rpc.ReadOptions{MinIndex: 1}, 300*time.Second + 300*time.Second/16 + 7*time.Second},
		{"blocking, given", rpc.ReadOptions{MinIndex: 1, MaxWait: 16 * time.Second}, 24 * time.Second},
		{"blocking, too long", rpc.ReadOptions{MinIndex: 1, MaxWait: time.Hour}, 600*time.Second + 600*time.Second/16 + 7*time.Second},
	}
	inBubble(t, func(t *testing.T, w *world) {
		leader := w.server("dc1", "10.0.0.1")
		client := w.client("dc1", "10.0.1.1")
		w.elect("dc1", leader)
		leader.read = never
		for _, test := range tests {
			start := time.Now()
			_, err := client.doRead(test.opts)
			if took := time.Since(start); took != test.want {
				t.Errorf("%s: gave up after %s, want %s", test.name, took, test.want)
			}
			if fault.KindOf(err) != fault.Internal || !strings.Contains(err.Error(), "no answer within") {
				t.Errorf("%s: error %v", test.name, err)
			}
		}
	})
}

func TestCallersContextEndsTheRequestWithItsOwnError(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		leader := w.server("dc1", "10.0.0.1")
		client := w.client("dc1", "10.0.1.1")
		w.elect("dc1", leader)
		var ended atomic.Int32
		leader.read = func(ctx context.Context, _ *rpc.ReadOptions) (*rpc.ReadMeta, error) {
			<-ctx.Done()
			ended.Add(1)
			return nil, ctx.Err()
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := opRead.Call(ctx, client.router, &rpc.ReadOptions{MinIndex: 1}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after the deadline: %v", err)
		}
		ctx, cancel = context.WithCancel(context.Background())
		time.AfterFunc(time.Second, cancel)
		if _, err := opRead.Call(ctx, client.router, &rpc.ReadOptions{MinIndex: 1}); !errors.Is(err, context.Canceled) {
			t.Errorf("after cancel: %v", err)
		}
		w.elect("dc1", nil)
		ctx, cancel = context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := opRead.Call(ctx, leader.router, &rpc.ReadOptions{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while held: %v", err)
		}
		pass(time.Second)
		if ended.Load() != 2 {
			t.Errorf("%d handlers were told to end, want 2", ended.Load())
		}
	})
}

func TestBlockingReadOutlivesItsServerAndKeepsItsWait(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		a := w.server("dc1", "10.0.0.1")
		b := w.server("dc1", "10.0.0.2")
		client := w.client("dc1", "10.0.1.1")
		var waits []time.Duration
		block := func(n *node) func(context.Context, *rpc.ReadOptions) (*rpc.ReadMeta, error) {
			return func(ctx context.Context, o *rpc.ReadOptions) (*rpc.ReadMeta, error) {
				waits = append(waits, o.MaxWait)
				select {
				case <-time.After(o.MaxWait):
					return &rpc.ReadMeta{Consistency: n.name}, nil
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			}
		}
		a.read, b.read = block(a), block(b)
		time.AfterFunc(30*time.Second, func() { // whichever has it stops in good order
			for _, n := range []*node{a, b} {
				if n.count() == 1 {
					n.stop()
					break
				}
			}
		})
		start := time.Now()
		if _, err := client.doRead(rpc.ReadOptions{Stale: true, MinIndex: 1, MaxWait: time.Minute}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < time.Minute || took > time.Minute+time.Second {
			t.Errorf("took %s, want the minute that was asked for", took)
		}
		if len(waits) != 2 || waits[0] != time.Minute || waits[1] > 30*time.Second {
			t.Errorf("servers were asked to wait %v, want a minute and what was left of it", waits)
		}
	})
}

func TestServerThatLeftLosesItsConnections(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		a := w.server("dc1", "10.0.0.1")
		b := w.server("dc1", "10.0.0.2")
		client := w.client("dc1", "10.0.1.1")
		block := func(n *node) func(context.Context, *rpc.ReadOptions) (*rpc.ReadMeta, error) {
			return func(ctx context.Context, o *rpc.ReadOptions) (*rpc.ReadMeta, error) {
				select {
				case <-time.After(time.Minute):
					return &rpc.ReadMeta{Consistency: n.name}, nil
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			}
		}
		a.read, b.read = block(a), block(b)
		client.router.SetServers([]rpc.Server{{Datacenter: "dc1", Address: a.address}}, nil)
		time.AfterFunc(10*time.Second, func() {
			client.router.SetServers([]rpc.Server{{Datacenter: "dc1", Address: b.address}}, nil)
		})
		start := time.Now()
		got, err := client.doRead(rpc.ReadOptions{Stale: true, MinIndex: 1})
		wantBy(t, b, got, err)
		if took := time.Since(start); took < 72*time.Second || took > 73*time.Second {
			t.Errorf("answered after %s, want 72s: moved 2s after the server left", took)
		}
	})
}

func TestStoppingServerLetsShortRequestsFinish(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		a := w.server("dc1", "10.0.0.1")
		client := w.client("dc1", "10.0.1.1")
		w.elect("dc1", a)
		a.write = func(context.Context, *rpc.WriteOptions) (*rpc.ReadMeta, error) {
			pass(500 * time.Millisecond)
			return &rpc.ReadMeta{Consistency: a.name}, nil
		}
		stopped := make(chan time.Duration, 1)
		start := time.Now()
		time.AfterFunc(100*time.Millisecond, func() {
			a.stop()
			stopped <- time.Since(start)
		})
		got, err := client.doWrite(rpc.WriteOptions{})
		wantBy(t, a, got, err)
		if took := <-stopped; took > 600*time.Millisecond {
			t.Errorf("stopped at %s, want as soon as the request was done, 500ms", took)
		}
	})
}

func TestClosedRouterSendsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.server("dc1", "10.0.0.1")
		client := w.client("dc1", "10.0.1.1")
		for range 2 {
			if err := client.router.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := client.doAny(); err == nil {
			t.Error("a closed router answered")
		}
	})
}

func TestUnknownOperationIsAnError(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		server := w.server("dc1", "10.0.0.1")
		client := w.client("dc1", "10.0.1.1")
		newer := rpc.ReadAny[rpc.ReadOptions, rpc.ReadMeta]("Test.Newer")
		_, err := newer.Call(context.Background(), client.router, &rpc.ReadOptions{})
		wantFault(t, err, fault.Internal, "server 10.0.0.1:8300 does not know operation Test.Newer")
		_, err = newer.Call(context.Background(), server.router, &rpc.ReadOptions{})
		wantFault(t, err, fault.Internal, "no handler for operation Test.Newer")
	})
}

// hiding has a field that hides the method by which its options are found.
type hiding struct {
	rpc.WriteOptions
	WriteOpts int
}

func TestRequestsThatHideTheirOptionsAreNotDeclared(t *testing.T) {
	defer func() {
		if why := fmt.Sprint(recover()); why != "Test.Hiding: a field of its request hides WriteOpts or ReadOpts" {
			t.Errorf("declared, or panicked with %s", why)
		}
	}()
	rpc.Write[hiding, rpc.ReadMeta]("Test.Hiding")
}
