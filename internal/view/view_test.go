package view_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"praetor/internal/fault"
	"praetor/internal/msgreflect"
	"praetor/internal/rpc"
	"praetor/internal/view"
)

var opRead = rpc.Read[rpc.ReadOptions, rpc.ReadMeta]("Test.Read")

// upstream is the servers: one thing that can be read, with an index.
type upstream struct {
	mu      sync.Mutex
	index   uint64
	err     error
	changed chan struct{}

	asked int           // requests
	open  int           // of which block now
	slow  time.Duration // what each takes
}

func newUpstream() *upstream { return &upstream{index: 10, changed: make(chan struct{})} }

// set changes the thing, or breaks the servers.
func (u *upstream) set(index uint64, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.index, u.err = index, err
	close(u.changed)
	u.changed = make(chan struct{})
}

func (u *upstream) counts() (asked, open int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.asked, u.open
}

// Do implements rpc.Caller as a server does.
func (u *upstream) Do(ctx context.Context, _ *rpc.Desc, req rpc.Message) (rpc.Message, error) {
	o := rpc.ReadOptionsOf(req)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.asked++
	u.open++
	defer func() { u.open-- }()
	patient, cancel := context.WithTimeout(ctx, o.MaxWait)
	defer cancel()
	restored := false
	for u.err == nil && o.MinIndex > 0 && u.index <= o.MinIndex && !restored && patient.Err() == nil {
		was, changed := u.index, u.changed
		u.mu.Unlock()
		select {
		case <-changed:
		case <-patient.Done():
		}
		u.mu.Lock()
		restored = u.index < was
	}
	if u.slow > 0 {
		u.mu.Unlock()
		time.Sleep(u.slow)
		u.mu.Lock()
	}
	if u.err != nil {
		return nil, u.err
	}
	return &rpc.ReadMeta{Index: u.index}, ctx.Err()
}

// run gives a test views over an upstream, in virtual time.
func run(t *testing.T, opts view.Options, test func(t *testing.T, u *upstream, vs *view.Views)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		u := newUpstream()
		opts.Caller = u
		vs := view.New(opts)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- vs.Run(ctx) }() // waited for below
		test(t, u, vs)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if _, open := u.counts(); open != 0 {
			t.Errorf("%d upstream reads outlive Run", open)
		}
	})
}

// await is a blocking read in the background.
func await(t *testing.T, vs *view.Views, o rpc.ReadOptions) func() (*rpc.ReadMeta, error) {
	type result struct {
		rep *rpc.ReadMeta
		err error
	}
	c := make(chan result, 1)
	go func() { // waited for by the function returned
		rep, err := view.Await(t.Context(), vs, opRead, &o)
		c <- result{rep, err}
	}()
	return func() (*rpc.ReadMeta, error) {
		r := <-c
		return r.rep, r.err
	}
}

func TestManyWaitersCostOneUpstreamReadAndShareItsReply(t *testing.T) {
	run(t, view.Options{}, func(t *testing.T, u *upstream, vs *view.Views) {
		var waiters []func() (*rpc.ReadMeta, error)
		for range 100 {
			waiters = append(waiters, await(t, vs, rpc.ReadOptions{MinIndex: 10, MaxWait: time.Minute}))
		}
		synctest.Wait()
		if asked, open := u.counts(); asked != 2 || open != 1 {
			t.Fatalf("%d upstream reads, %d open, want the first answer and one that blocks", asked, open)
		}
		u.set(11, nil)
		first, err := waiters[0]()
		if err != nil || first.Index != 11 {
			t.Fatalf("woken with %+v, %v", first, err)
		}
		for _, w := range waiters[1:] {
			if rep, err := w(); err != nil || rep != first {
				t.Fatalf("another reply: %+v, %v", rep, err)
			}
		}
	})
}

func TestReaderWhoseIndexHasPassedIsAnsweredByTheServers(t *testing.T) {
	run(t, view.Options{}, func(t *testing.T, u *upstream, vs *view.Views) {
		if rep, err := await(t, vs, rpc.ReadOptions{MinIndex: 5})(); err != nil || rep.Index != 10 {
			t.Fatalf("%+v, %v", rep, err)
		}
		u.set(12, nil) // nobody follows: the view does not know
		if rep, err := await(t, vs, rpc.ReadOptions{MinIndex: 5})(); err != nil || rep.Index != 12 {
			t.Errorf("a reader got index %d after 12 was written: %v", rep.Index, err)
		}
	})
}

func TestViewThatNobodyWaitsForAsksNothing(t *testing.T) {
	run(t, view.Options{}, func(t *testing.T, u *upstream, vs *view.Views) {
		wait := await(t, vs, rpc.ReadOptions{MinIndex: 10})
		synctest.Wait()
		u.set(11, nil)
		wait()
		synctest.Wait()
		before, _ := u.counts()
		for i := range uint64(50) {
			u.set(12+i, nil)
			synctest.Wait()
		}
		if after, _ := u.counts(); after != before {
			t.Errorf("%d upstream reads without a waiter", after-before)
		}
		if rep, err := await(t, vs, rpc.ReadOptions{MinIndex: 11})(); err != nil || rep.Index != 61 {
			t.Errorf("the next waiter got %+v, %v", rep, err)
		}
	})
}

func TestBlockingReadEndsWithItsIndexWhenTimeIsUp(t *testing.T) {
	run(t, view.Options{}, func(t *testing.T, _ *upstream, vs *view.Views) {
		begin := time.Now()
		rep, err := await(t, vs, rpc.ReadOptions{MinIndex: 10, MaxWait: 16 * time.Second})()
		took := time.Since(begin)
		if err != nil || rep.Index != 10 || took < 16*time.Second || took > 17*time.Second {
			t.Errorf("%+v, %v after %v; want index 10 after 16 s and a sixteenth at most", rep, err, took)
		}
		rep, err = await(t, vs, rpc.ReadOptions{MinIndex: 99, MaxWait: time.Second})()
		if err != nil || rep.Index != 10 {
			t.Errorf("an index from the future: %+v, %v; want the present one", rep, err)
		}
	})
}

func TestRestoreWakesAllWaiters(t *testing.T) {
	run(t, view.Options{}, func(t *testing.T, u *upstream, vs *view.Views) {
		a := await(t, vs, rpc.ReadOptions{MinIndex: 10})
		b := await(t, vs, rpc.ReadOptions{MinIndex: 10})
		synctest.Wait()
		u.set(3, nil)
		for _, w := range []func() (*rpc.ReadMeta, error){a, b} {
			if rep, err := w(); err != nil || rep.Index != 3 {
				t.Errorf("%+v, %v; want the restored index", rep, err)
			}
		}
	})
}

// words is a reply with content.
type words struct {
	rpc.ReadMeta
	Text string
}

func (z *words) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *words) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *words) Msgsize() int                          { return msgreflect.Size(z) }

// TestChangeOfRightsWakesWaiters: a server answers a blocking read at once whose caller
// may see something else than before, with the index that it had.
func TestChangeOfRightsWakesWaiters(t *testing.T) {
	op := rpc.Read[rpc.ReadOptions, words]("Test.Words")
	synctest.Test(t, func(t *testing.T) {
		changed := make(chan struct{})
		asked := 0
		servers := callerFunc(func(ctx context.Context, req rpc.Message) (rpc.Message, error) {
			switch asked++; asked {
			case 1:
				return &words{ReadMeta: rpc.ReadMeta{Index: 10}, Text: "all"}, nil
			case 2:
				<-changed
				return &words{ReadMeta: rpc.ReadMeta{Index: 10}, Text: "less"}, nil
			}
			<-ctx.Done()
			return nil, ctx.Err()
		})
		vs := view.New(view.Options{Caller: servers})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- vs.Run(ctx) }() // waited for below
		begun := time.Now()
		time.AfterFunc(time.Second, func() { close(changed) })
		rep, err := view.Await(t.Context(), vs, op, &rpc.ReadOptions{MinIndex: 10, MaxWait: time.Minute})
		if err != nil || rep.Text != "less" || rep.Index != 10 || time.Since(begun) != time.Second {
			t.Errorf("after %s got %+v, %v", time.Since(begun), rep, err)
		}
		cancel()
		<-done
	})
}

type callerFunc func(ctx context.Context, req rpc.Message) (rpc.Message, error)

func (f callerFunc) Do(ctx context.Context, _ *rpc.Desc, req rpc.Message) (rpc.Message, error) {
	return f(ctx, req)
}

func TestErrorUpstreamIsTheWaitersAnswer(t *testing.T) {
	run(t, view.Options{}, func(t *testing.T, u *upstream, vs *view.Views) {
		a := await(t, vs, rpc.ReadOptions{MinIndex: 10})
		synctest.Wait()
		u.set(10, fault.New(fault.NoLeader, "No cluster leader"))
		if _, err := a(); fault.KindOf(err) != fault.NoLeader {
			t.Errorf("error %v", err)
		}
		u.set(11, nil)
		if rep, err := await(t, vs, rpc.ReadOptions{MinIndex: 10})(); err != nil || rep.Index != 11 {
			t.Errorf("after it is over: %+v, %v", rep, err)
		}
		if _, err := await(t, vs, rpc.ReadOptions{MinIndex: 11, Token: "x"})(); err != nil {
			t.Errorf("another view: %v", err)
		}
	})
}

func TestFirstErrorIsNotKept(t *testing.T) {
	run(t, view.Options{}, func(t *testing.T, u *upstream, vs *view.Views) {
		u.set(10, fault.New(fault.NoLeader, "No cluster leader"))
		if _, err := view.Cached(t.Context(), vs, opRead, &rpc.ReadOptions{}); fault.KindOf(err) != fault.NoLeader {
			t.Errorf("error %v", err)
		}
		u.set(10, nil)
		if ans, err := view.Cached(t.Context(), vs, opRead, &rpc.ReadOptions{}); err != nil || ans.Hit {
			t.Errorf("%+v, %v; want a fresh answer at once", ans, err)
		}
	})
}

func TestCachedAnswersFollowChangesAndOutliveTheServers(t *testing.T) {
	run(t, view.Options{}, func(t *testing.T, u *upstream, vs *view.Views) {
		cached := func() view.Answer[rpc.ReadMeta] {
			t.Helper()
			ans, err := view.Cached(t.Context(), vs, opRead, &rpc.ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return ans
		}
		if ans := cached(); ans.Hit || ans.Reply.Index != 10 {
			t.Errorf("the first time: %+v", ans)
		}
		if ans := cached(); !ans.Hit || ans.Age != 0 {
			t.Errorf("the second time: %+v", ans)
		}
		time.Sleep(time.Second)
		u.set(11, nil)
		time.Sleep(time.Second)
		if ans := cached(); !ans.Hit || ans.Reply.Index != 11 {
			t.Errorf("after a change: %+v", ans)
		}
		u.set(11, fault.New(fault.NoLeader, "No cluster leader"))
		time.Sleep(30 * time.Second)
		if ans := cached(); !ans.Hit || ans.Age < 25*time.Second {
			t.Errorf("without servers: %+v; want the old answer with its age", ans)
		}
		u.set(12, nil)
		time.Sleep(20 * time.Second)
		if ans := cached(); ans.Age != 0 || ans.Reply.Index != 12 {
			t.Errorf("after they are back: %+v", ans)
		}
		u.set(12, fault.New(fault.Denied, "Permission denied"))
		time.Sleep(time.Second)
		if _, err := view.Cached(t.Context(), vs, opRead, &rpc.ReadOptions{}); fault.KindOf(err) != fault.Denied {
			t.Errorf("a token that lost its right still reads: %v", err)
		}
	})
}

func TestCachedReadWithAnIndexWaits(t *testing.T) {
	run(t, view.Options{}, func(t *testing.T, u *upstream, vs *view.Views) {
		view.Cached(t.Context(), vs, opRead, &rpc.ReadOptions{})
		time.AfterFunc(3*time.Second, func() { u.set(11, nil) })
		begin := time.Now()
		ans, err := view.Cached(t.Context(), vs, opRead, &rpc.ReadOptions{MinIndex: 10, MaxWait: time.Minute})
		if took := time.Since(begin); err != nil || ans.Reply.Index != 11 || took < 3*time.Second || took > 4*time.Second {
			t.Errorf("%+v, %v after %v", ans, err, took)
		}
	})
}

func TestViewsOfDifferentTokensAndModesAreNotShared(t *testing.T) {
	run(t, view.Options{}, func(t *testing.T, _ *upstream, vs *view.Views) {
		for _, o := range []rpc.ReadOptions{{}, {Token: "a"}, {Token: "b"}, {Stale: true}, {Datacenter: "dc2"}} {
			if ans, err := view.Cached(t.Context(), vs, opRead, &o); err != nil || ans.Hit {
				t.Errorf("%+v was answered by another's view: %+v, %v", o, ans, err)
			}
		}
	})
}

func TestViewEndsWhenNobodyAsksAnyMore(t *testing.T) {
	run(t, view.Options{Idle: time.Minute}, func(t *testing.T, u *upstream, vs *view.Views) {
		view.Cached(t.Context(), vs, opRead, &rpc.ReadOptions{})
		time.Sleep(12 * time.Minute) // an idle minute after the upstream read is over
		if _, open := u.counts(); open != 0 {
			t.Error("it is still followed")
		}
		if ans, _ := view.Cached(t.Context(), vs, opRead, &rpc.ReadOptions{}); ans.Hit {
			t.Error("it is still there")
		}
	})
}

func TestBoundsDropTheLongestUnasked(t *testing.T) {
	for name, opts := range map[string]view.Options{
		"number": {MaxViews: 2},
		"bytes":  {MaxBytes: 2 * (&rpc.ReadMeta{}).Msgsize()},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, opts, func(t *testing.T, u *upstream, vs *view.Views) {
				ask := func(token string) bool {
					t.Helper()
					ans, err := view.Cached(t.Context(), vs, opRead, &rpc.ReadOptions{Token: token})
					if err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
					return ans.Hit
				}
				ask("a")
				ask("b")
				ask("a")
				ask("c") // b goes
				time.Sleep(time.Second)
				if _, open := u.counts(); open != 2 {
					t.Errorf("%d views are followed, want 2", open)
				}
				if !ask("a") || !ask("c") || ask("b") {
					t.Error("not the longest unasked one went")
				}
			})
		})
	}
}

func TestReadsPastTheBoundGoToTheServers(t *testing.T) {
	run(t, view.Options{MaxViews: 1}, func(t *testing.T, u *upstream, vs *view.Views) {
		a := await(t, vs, rpc.ReadOptions{MinIndex: 10, Token: "a"})
		synctest.Wait()
		b := await(t, vs, rpc.ReadOptions{MinIndex: 10, MaxWait: time.Minute, Token: "b"})
		synctest.Wait()
		u.set(11, nil)
		for _, w := range []func() (*rpc.ReadMeta, error){a, b} {
			if rep, err := w(); err != nil || rep.Index != 11 {
				t.Errorf("%+v, %v", rep, err)
			}
		}
	})
}

func TestWaiterWhoGoesAwayLeavesNothingBehind(t *testing.T) {
	run(t, view.Options{}, func(t *testing.T, u *upstream, vs *view.Views) {
		u.slow = time.Second
		for _, limit := range []time.Duration{500 * time.Millisecond, 5 * time.Second} {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			_, err := view.Await(ctx, vs, opRead, &rpc.ReadOptions{MinIndex: 10})
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("after %v: %v", limit, err)
			}
		}
	})
}
