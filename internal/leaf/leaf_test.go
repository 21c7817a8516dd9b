package leaf_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/leaf"
	"praetor/internal/ops"
	"praetor/internal/pki"
	"praetor/internal/rpc"
)

// servers sign whatever is asked for.
type servers struct {
	mu     sync.Mutex
	ca     *pki.MeshAuthority
	key    string
	index  uint64
	signed int
	moved  chan struct{}
	err    error
	slow   time.Duration // each signature takes so long
	other  bool          // they sign for another name
}

func newServers(t *testing.T) *servers {
	s := &servers{index: 5, moved: make(chan struct{})}
	s.rotate(t)
	return s
}

func (s *servers) rotate(t *testing.T) {
	t.Helper()
	key, err := pki.NewKey(pki.EC, 256)
	if err != nil {
		t.Fatal(err)
	}
	root, err := pki.RootOf(key, "pri", pki.SPIFFE{Identity: pki.Signer, TrustDomain: "u.consul"}.URI(), 7, 1000*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	secret, _ := pki.EncodeKey(key)
	ca, err := pki.ReadMeshAuthority(root, secret)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ca, s.key = ca, pki.Colons(ca.Certificate().SubjectKeyId)
	s.index++
	close(s.moved)
	s.moved = make(chan struct{})
}

func (s *servers) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *servers) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signed
}

func (s *servers) Do(ctx context.Context, _ *rpc.Desc, req rpc.Message) (rpc.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch req := req.(type) {
	case *ops.ConnectCARootsRequest:
		for req.MinIndex >= s.index {
			moved := s.moved
			s.mu.Unlock()
			select {
			case <-moved:
			case <-ctx.Done():
			}
			s.mu.Lock()
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
		return &ops.ConnectCARootsReply{ReadMeta: rpc.ReadMeta{Index: s.index}, TrustDomain: "u.consul", Roots: []*catalog.CARoot{{Active: true, SigningKeyID: s.key}}}, nil
	case *ops.ConnectCASignRequest:
		if s.err != nil {
			return nil, s.err
		}
		slow := time.After(s.slow)
		s.mu.Unlock()
		<-slow
		s.mu.Lock()
		csr, err := pki.ParseCSR(req.CSR)
		if err != nil {
			return nil, err
		}
		if s.other {
			key, _ := pki.NewKey(pki.EC, 256)
			text, _ := pki.NewCSR(key, "", pki.SPIFFE{Identity: pki.Service, TrustDomain: "u.consul", Datacenter: "dc1", Name: "db"}.URI())
			csr, _ = pki.ParseCSR(text)
		}
		s.signed++
		s.index++
		cert, err := s.ca.SignLeaf(csr, s.index, 72*time.Hour)
		return &ops.ConnectCASignReply{CertPEM: cert, Index: s.index}, err
	}
	return nil, errors.New("another operation")
}

// leaves runs test with leaves that are renewed.
func leaves(t *testing.T, test func(t *testing.T, s *servers, l *leaf.Leaves)) {
	synctest.Test(t, func(t *testing.T) {
		s := newServers(t)
		l := leaf.New(leaf.Options{Caller: s, Datacenter: "dc1"})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }() // waited for below
		test(t, s, l)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func get(t *testing.T, l *leaf.Leaves, req leaf.Request) *leaf.Leaf {
	t.Helper()
	got, err := l.Get(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestLeafIsSignedOnceForAllWhoAsk(t *testing.T) {
	leaves(t, func(t *testing.T, s *servers, l *leaf.Leaves) {
		var asking sync.WaitGroup
		for range 10 {
			asking.Go(func() { _, _ = l.Get(t.Context(), leaf.Request{Service: "web"}) })
		}
		asking.Wait()
		first := get(t, l, leaf.Request{Service: "web"})
		if n := s.count(); n != 1 || first.URI != "spiffe://u.consul/ns/default/dc/dc1/svc/web" {
			t.Errorf("%d signed, %s", n, first.URI)
		}
	})
}

func TestLeafIsRenewedInTheLastPartOfItsLife(t *testing.T) {
	leaves(t, func(t *testing.T, _ *servers, l *leaf.Leaves) {
		first, start := get(t, l, leaf.Request{Service: "web"}), time.Now()
		var next *leaf.Leaf
		for next == nil || next.Index == first.Index { // a proxy that waits, ten minutes at a time
			next = get(t, l, leaf.Request{Service: "web", MinIndex: first.Index, Wait: 10 * time.Minute})
		}
		if at := time.Since(start); at < 40*time.Hour || at > 66*time.Hour {
			t.Errorf("renewed after %s of 72h", at)
		}
		if next.PrivateKeyPEM == first.PrivateKeyPEM {
			t.Error("the key stayed the same")
		}
	})
}

func TestLeafIsRenewedWhenTheRootChanges(t *testing.T) {
	leaves(t, func(t *testing.T, s *servers, l *leaf.Leaves) {
		first := get(t, l, leaf.Request{Service: "web"})
		s.rotate(t)
		next := get(t, l, leaf.Request{Service: "web", MinIndex: first.Index, Wait: time.Minute})
		if next.Index == first.Index || s.count() != 2 {
			t.Errorf("%d signed", s.count())
		}
	})
}

// Who asks while a leaf is renewed after a change of the root gets the new one.
func TestLeafOfAnOldRootIsNotGivenOutOnceItsTurnHasCome(t *testing.T) {
	leaves(t, func(t *testing.T, s *servers, l *leaf.Leaves) {
		first := get(t, l, leaf.Request{Service: "web"})
		s.mu.Lock()
		s.slow = time.Second
		s.mu.Unlock()
		s.rotate(t)
		synctest.Wait()
		if next := get(t, l, leaf.Request{Service: "web"}); next.Index == first.Index || s.count() != 2 {
			t.Errorf("index %d after %d; %d signed", next.Index, first.Index, s.count())
		}
	})
}

// TestLeafWhoseTokenMayNotAnyMoreIsForgotten: nobody else is given it, and who waits for
// it hears of it.
func TestLeafWhoseTokenMayNotAnyMoreIsForgotten(t *testing.T) {
	leaves(t, func(t *testing.T, s *servers, l *leaf.Leaves) {
		first := get(t, l, leaf.Request{Service: "web"})
		s.fail(fault.New(fault.Denied, "ACL not found"))
		waiting := make(chan error, 1)
		go func() { // ends below
			_, err := l.Get(t.Context(), leaf.Request{Service: "web", MinIndex: first.Index, Wait: 100 * time.Hour})
			waiting <- err
		}()
		if err := <-waiting; fault.KindOf(err) != fault.Denied {
			t.Errorf("who waited got %v", err)
		}
		if _, err := l.Get(t.Context(), leaf.Request{Service: "web"}); fault.KindOf(err) != fault.Denied {
			t.Errorf("the next got %v", err)
		}
	})
}

func TestLeafGoesOnWhileServersAreAway(t *testing.T) {
	leaves(t, func(t *testing.T, s *servers, l *leaf.Leaves) {
		first := get(t, l, leaf.Request{Service: "web"})
		s.fail(fault.New(fault.NoLeader, "No cluster leader"))
		for range 71 { // asked each hour
			time.Sleep(time.Hour)
			if now := get(t, l, leaf.Request{Service: "web"}); now.Index != first.Index {
				t.Fatal("another leaf")
			}
		}
		time.Sleep(2 * time.Hour)
		if _, err := l.Get(t.Context(), leaf.Request{Service: "web"}); fault.KindOf(err) != fault.NoLeader {
			t.Errorf("when it was over: %v", err)
		}
		s.fail(nil)
		if now := get(t, l, leaf.Request{Service: "web"}); now.Index == first.Index {
			t.Error("the old leaf though servers are back")
		}
	})
}

func TestCertificateForAnotherNameIsNotTaken(t *testing.T) {
	leaves(t, func(t *testing.T, s *servers, l *leaf.Leaves) {
		s.other = true
		if _, err := l.Get(t.Context(), leaf.Request{Service: "web"}); err == nil {
			t.Error("it is taken")
		}
		for name, want := range map[string]string{
			"":    "URI must be either service, agent, server, or kind",
			"x/y": "SPIFFE ID is not in the expected format: spiffe://u.consul/ns/default/dc/dc1/svc/x/y",
		} {
			if _, err := l.Get(t.Context(), leaf.Request{Service: name}); err == nil || err.Error() != want {
				t.Errorf("%q: %v, want %s", name, err, want)
			}
		}
	})
}
