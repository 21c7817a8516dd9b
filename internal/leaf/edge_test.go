package leaf_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"praetor/internal/fault"
	"praetor/internal/leaf"
	"praetor/internal/ops"
	"praetor/internal/pki"
	"praetor/internal/rpc"
)

// seen answers as servers do, and keeps what it was asked.
type seen struct {
	*servers
	tokens []string
	roots  []rpc.ReadOptions
	spoil  func(rep *ops.ConnectCASignReply) // changes what they answer
	limit  int                               // so many signatures are refused for want of time
	noRoot error
}

func (s *seen) Do(ctx context.Context, d *rpc.Desc, req rpc.Message) (rpc.Message, error) {
	s.mu.Lock()
	switch req := req.(type) {
	case *ops.ConnectCARootsRequest:
		s.roots = append(s.roots, req.ReadOptions)
		if s.noRoot != nil {
			defer s.mu.Unlock()
			return nil, s.noRoot
		}
	case *ops.ConnectCASignRequest:
		s.tokens = append(s.tokens, req.Token)
		if s.limit > 0 {
			s.limit--
			defer s.mu.Unlock()
			return nil, fault.New(fault.Limit, "Rate limit exceeded")
		}
	}
	s.mu.Unlock()
	rep, err := s.servers.Do(ctx, d, req)
	if sign, ok := rep.(*ops.ConnectCASignReply); ok && s.spoil != nil {
		s.spoil(sign)
	}
	return rep, err
}

// alone runs test with leaves that nobody renews.
func alone(t *testing.T, test func(t *testing.T, s *seen, l *leaf.Leaves)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &seen{servers: newServers(t)}
		test(t, s, leaf.New(leaf.Options{Caller: s, Datacenter: "dc1"}))
	})
}

// TestWhatALeafSays: it is what /v1/agent/connect/ca/leaf shows (reference/mesh.md §1).
func TestWhatALeafSays(t *testing.T) {
	alone(t, func(t *testing.T, s *seen, l *leaf.Leaves) {
		got := get(t, l, leaf.Request{Service: "web", Token: "secret", Datacenter: "dc2"})
		cert, err := pki.ParseCertificate(got.CertPEM)
		if err != nil {
			t.Fatal(err)
		}
		if got.Service != "web" || got.URI != cert.URIs[0].String() || got.SerialNumber != pki.Colons(cert.SerialNumber.Bytes()) ||
			!got.ValidAfter.Equal(cert.NotBefore) || !got.ValidBefore.Equal(cert.NotAfter) || got.Index != 7 {
			t.Errorf("%+v of %+v", got, cert)
		}
		if !strings.HasPrefix(got.PrivateKeyPEM, "-----BEGIN EC PRIVATE KEY-----\n") || strings.Contains(got.CertPEM, "PRIVATE") {
			t.Errorf("the key is %.40q", got.PrivateKeyPEM)
		}
		if len(s.tokens) != 1 || s.tokens[0] != "secret" {
			t.Errorf("it was signed by the right of %q", s.tokens)
		}
		if len(s.roots) != 1 || s.roots[0].Datacenter != "dc2" || s.roots[0].Token != "secret" {
			t.Errorf("roots were asked for with %+v", s.roots)
		}
		if got.URI != "spiffe://u.consul/ns/default/dc/dc1/svc/web" {
			t.Errorf("it is for %s: the datacenter is the agent's own, whose roots it ever was", got.URI)
		}
		if again := get(t, l, leaf.Request{Service: "web", Token: "other"}); again != got || len(s.tokens) != 1 {
			t.Error("who asks after that gets another one")
		}
	})
}

// TestServersWithoutTimeAreAskedAgain, five times in all, and other refusals are final.
func TestServersWithoutTimeAreAskedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		refusals, asked int
		err             error
		kind            fault.Kind
	}{
		"once":               {1, 2, nil, 0},
		"four times":         {4, 5, nil, 0},
		"always":             {100, 5, nil, fault.Limit},
		"no right":           {0, 1, fault.New(fault.Denied, "Permission denied"), fault.Denied},
		"no leader":          {0, 1, fault.New(fault.NoLeader, "No cluster leader"), fault.NoLeader},
		"once, and no right": {1, 2, fault.New(fault.Denied, "Permission denied"), fault.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			alone(t, func(t *testing.T, s *seen, l *leaf.Leaves) {
				s.limit = c.refusals
				s.fail(c.err)
				began := time.Now()
				got, err := l.Get(t.Context(), leaf.Request{Service: "web"})
				if (got == nil) != (c.kind != 0) || err != nil && fault.KindOf(err) != c.kind || len(s.tokens) != c.asked {
					t.Errorf("%v, %v, asked %d times, want %d", got, err, len(s.tokens), c.asked)
				}
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("it took %s", took)
				}
				if l.Holds("web") != (err == nil) {
					t.Errorf("something is kept: %t", l.Holds("web"))
				}
			})
		})
	}
}

func TestWhoGivesUpWaitsNoLonger(t *testing.T) {
	alone(t, func(t *testing.T, s *seen, l *leaf.Leaves) {
		s.slow = time.Hour
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() { _, _ = l.Get(t.Context(), leaf.Request{Service: "web"}) }() // ends with its signature
		synctest.Wait()
		began := time.Now()
		if _, err := l.Get(short, leaf.Request{Service: "web"}); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("behind one who has it signed: %v after %s", err, time.Since(began))
		}
		time.Sleep(2 * time.Hour)
		if s.count() != 1 {
			t.Errorf("%d signed", s.count())
		}
	})
	alone(t, func(t *testing.T, s *seen, l *leaf.Leaves) {
		s.limit = 100
		short, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
		defer cancel()
		if _, err := l.Get(short, leaf.Request{Service: "web"}); !errors.Is(err, context.DeadlineExceeded) || len(s.tokens) != 1 {
			t.Errorf("while servers have no time: %v, asked %d times", err, len(s.tokens))
		}
	})
}

// TestWaitingForTheNextLeaf: a wait that ends shows the leaf there is.
func TestWaitingForTheNextLeaf(t *testing.T) {
	alone(t, func(t *testing.T, _ *seen, l *leaf.Leaves) {
		first := get(t, l, leaf.Request{Service: "web"})
		for name, c := range map[string]struct {
			index uint64
			wait  time.Duration
			took  time.Duration
		}{
			"past an index before it": {first.Index - 1, time.Minute, 0},
			"past its own":            {first.Index, time.Minute, time.Minute},
			"past one to come":        {first.Index + 9, 5 * time.Minute, 5 * time.Minute},
			"for no time":             {first.Index, 0, 0},
		} {
			began := time.Now()
			if got := get(t, l, leaf.Request{Service: "web", MinIndex: c.index, Wait: c.wait}); got != first || time.Since(began) != c.took {
				t.Errorf("%s: index %d after %s, want %s", name, got.Index, time.Since(began), c.took)
			}
		}
		gone, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := l.Get(gone, leaf.Request{Service: "web", MinIndex: first.Index, Wait: time.Hour}); !errors.Is(err, context.Canceled) {
			t.Errorf("of one that leaves: %v", err)
		}
	})
}

func TestSpoiledCertificatesAreNotTaken(t *testing.T) {
	for name, spoil := range map[string]func(rep *ops.ConnectCASignReply){
		"nothing": func(rep *ops.ConnectCASignReply) { rep.CertPEM = "" },
		"no PEM":  func(rep *ops.ConnectCASignReply) { rep.CertPEM = "hello" },
		"cut":     func(rep *ops.ConnectCASignReply) { rep.CertPEM = rep.CertPEM[:200] },
		"of a key": func(rep *ops.ConnectCASignReply) {
			rep.CertPEM = strings.ReplaceAll(rep.CertPEM, "CERTIFICATE", "PUBLIC KEY")
		},
	} {
		t.Run(name, func(t *testing.T) {
			alone(t, func(t *testing.T, s *seen, l *leaf.Leaves) {
				s.spoil = spoil
				if got, err := l.Get(t.Context(), leaf.Request{Service: "web"}); err == nil || got != nil || l.Holds("web") {
					t.Errorf("%+v is taken, %v", got, err)
				}
			})
		})
	}
	// A certificate for another key would be useless, and show that somebody else asked.
	alone(t, func(t *testing.T, s *seen, l *leaf.Leaves) {
		mine := get(t, l, leaf.Request{Service: "web"})
		s.spoil = func(rep *ops.ConnectCASignReply) { rep.CertPEM = mine.CertPEM }
		for _, name := range []string{"web", "db"} {
			other := leaf.New(leaf.Options{Caller: s, Datacenter: "dc1"})
			if _, err := other.Get(t.Context(), leaf.Request{Service: name}); err == nil || err.Error() != "the server signed another certificate than was asked for" {
				t.Errorf("for %s: %v", name, err)
			}
		}
	})
}

// TestLeavesAreBounded: the one that was not asked for the longest makes room, if that was long
// enough ago.
func TestLeavesAreBounded(t *testing.T) {
	alone(t, func(t *testing.T, s *seen, l *leaf.Leaves) {
		l.Fill(leaf.MaxLeaves, time.Now())
		time.Sleep(9 * time.Minute)
		_, err := l.Get(t.Context(), leaf.Request{Service: "web"})
		if want := fmt.Sprintf("this agent keeps %d certificates, all of them in use", leaf.MaxLeaves); fault.KindOf(err) != fault.Limit || err.Error() != want || s.count() != 0 {
			t.Errorf("%v, %d signed, want %s", err, s.count(), want)
		}
		get(t, l, leaf.Request{Service: "filled-0"}) // it is in use again
		time.Sleep(2 * time.Minute)
		get(t, l, leaf.Request{Service: "web"})
		for name, want := range map[string]bool{"filled-0": true, "filled-1": false, "filled-2": true, "web": true} {
			if l.Holds(name) != want {
				t.Errorf("%s is kept: %t", name, !want)
			}
		}
	})
}

// TestLeavesThatNobodyAsksForAreNotRenewed, and forgotten once they are over.
func TestLeavesThatNobodyAsksForAreNotRenewed(t *testing.T) {
	leaves(t, func(t *testing.T, s *servers, l *leaf.Leaves) {
		get(t, l, leaf.Request{Service: "idle"})
		get(t, l, leaf.Request{Service: "used"})
		for range 100 { // hours
			time.Sleep(time.Hour)
			get(t, l, leaf.Request{Service: "used"})
		}
		if n := s.count(); n < 3 || n > 4 { // used: after 43 to 65 hours, and perhaps once more
			t.Errorf("%d signed", n)
		}
		if l.Holds("idle") || !l.Holds("used") {
			t.Errorf("kept: idle %t, used %t", l.Holds("idle"), l.Holds("used"))
		}
	})
}

// TestRenewalsThatFailAreTriedMoreAndMoreSeldom, with at most a minute in between.
func TestRenewalsThatFailAreTriedMoreAndMoreSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &seen{servers: newServers(t)}
		l := leaf.New(leaf.Options{Caller: s, Datacenter: "dc1"})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }() // waited for below
		first := get(t, l, leaf.Request{Service: "web"})
		s.fail(fault.New(fault.NoLeader, "No cluster leader"))
		var at []time.Time
		for tried := 1; len(at) < 10; { // a second at a time
			time.Sleep(time.Second)
			get(t, l, leaf.Request{Service: "web"})
			s.mu.Lock()
			if n := len(s.tokens); n > tried {
				tried = n
				at = append(at, time.Now())
			}
			s.mu.Unlock()
		}
		for i := 1; i < len(at); i++ {
			want := min(time.Minute, time.Second<<min(i, 6))
			if pause := at[i].Sub(at[i-1]); pause < want || pause > want+2*time.Second {
				t.Errorf("pause %d is %s, want %s", i, pause, want)
			}
		}
		s.fail(nil)
		next := get(t, l, leaf.Request{Service: "web", MinIndex: first.Index, Wait: 2 * time.Minute})
		if next.Index == first.Index {
			t.Error("servers are back, and it is the old one")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestALargeClusterRenewsOverSomeTime: after a change of the root servers are not asked for all
// leaves at once.
func TestALargeClusterRenewsOverSomeTime(t *testing.T) {
	for size, most := range map[int]time.Duration{1: 0, 0: 0, 100: 6 * time.Second, 100_000: time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			s := newServers(t)
			l := leaf.New(leaf.Options{Caller: s, Datacenter: "dc1", ClusterSize: func() int { return size }})
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- l.Run(ctx) }() // waited for below
			for i := range 20 {
				get(t, l, leaf.Request{Service: fmt.Sprint("s", i)})
			}
			synctest.Wait()
			began := time.Now()
			s.rotate(t)
			var last time.Duration
			early := 0
			for i := 0; s.count() < 40 && time.Since(began) < 2*time.Minute; i++ {
				synctest.Wait()
				if i == 0 {
					early = s.count() - 20
				}
				if s.count() < 40 {
					time.Sleep(time.Second)
				}
				last = time.Since(began)
			}
			if s.count() != 40 || last > most+time.Second {
				t.Errorf("of %d agents one has renewed %d of 20 after %s, want %s at most", size, s.count()-20, last, most)
			}
			if most == 0 != (early == 20) {
				t.Errorf("of %d agents one asked for %d at once", size, early)
			}
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}
