package server_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/ops"
)

func TestSleepEndsByEachOfItsChannels(t *testing.T) {
	for _, n := range []int{1, 4, 5, 40} {
		synctest.Test(t, func(t *testing.T) {
			for wake := range n {
				ws := catalog.WatchSet{}
				for i := range n {
					c := make(chan struct{})
					ws.Add(c)
					if i == wake {
						time.AfterFunc(time.Second, func() { close(c) })
					}
				}
				begin := time.Now()
				if !server.Sleep(t.Context(), ws, make(chan struct{})) || time.Since(begin) != time.Second {
					t.Errorf("channel %d of %d did not wake", wake, n)
				}
			}
			leaderChanged := make(chan struct{})
			ws := func() catalog.WatchSet {
				ws := catalog.WatchSet{}
				for range n {
					ws.Add(make(chan struct{}))
				}
				return ws
			}
			time.AfterFunc(time.Second, func() { close(leaderChanged) })
			if !server.Sleep(t.Context(), ws(), leaderChanged) {
				t.Error("a new leader did not wake")
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if server.Sleep(ctx, ws(), make(chan struct{})) || ctx.Err() == nil {
				t.Error("woken by nothing")
			}
			synctest.Wait()
		})
	}
}

func TestBlockingReadEndsWithItsCaller(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		req := &ops.KVGetRequest{Key: "a"}
		req.MinIndex = s.Store().Read().LastIndex()
		begin := time.Now()
		_, err := ops.KVGet.Call(ctx, s.Router(), req)
		if took := time.Since(begin); !errors.Is(err, context.DeadlineExceeded) || took != 3*time.Second {
			t.Errorf("ended after %s with %v", took, err)
		}
	})
}

func TestWaitIsFiveMinutesByDefaultAndTenAtMost(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		for wait, want := range map[time.Duration]time.Duration{0: 5 * time.Minute, -1: 5 * time.Minute, time.Hour: 10 * time.Minute} {
			req := &ops.KVGetRequest{Key: "a"}
			req.MinIndex, req.MaxWait = s.Store().Read().LastIndex(), wait
			begin := time.Now()
			if _, err := ops.KVGet.Call(context.Background(), s.Router(), req); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begin); took < want || took > want+want/16 {
				t.Errorf("wait %s took %s, want %s to a sixteenth more", wait, took, want)
			}
		}
	})
}

// moody hides nodes while a test wants it to.
type moody struct {
	acl.AllowAll
	hides *atomic.Bool
}

func (m moody) Resolve(string) (acl.Authorizer, error) { return m, nil }
func (m moody) NodeRead(name string) bool              { return name != "secret" || !m.hides.Load() }

func TestFilteredTellsOfTheAnswerAndNotOfEarlierOnes(t *testing.T) {
	hides := &atomic.Bool{}
	hides.Store(true)
	virtual(t, func(o *server.Options) { o.ACL = moody{hides: hides} }, func(s *lone) {
		if err := s.register(catalog.Register{Node: "secret", Address: "10.1.1.1"}); err != nil {
			t.Fatal(err)
		}
		req := &ops.CatalogNodesRequest{}
		req.MinIndex, req.MaxWait = s.Store().Read().LastIndex(), time.Minute
		got := make(chan *ops.CatalogNodesReply, 1)
		go func() { // waited for through got
			rep, _ := ops.CatalogNodes.Call(context.Background(), s.Router(), req)
			got <- rep
		}()
		synctest.Wait()
		hides.Store(false)
		if err := s.register(catalog.Register{Node: "n2", Address: "10.1.1.2"}); err != nil {
			t.Fatal(err)
		}
		if rep := <-got; rep == nil || len(rep.Nodes) != 3 || rep.Filtered {
			t.Errorf("%+v, want three nodes, none hidden", rep)
		}
	})
}

func TestRestoredStateEndsBlockingReads(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		req := &ops.KVGetRequest{Key: "a"}
		req.MinIndex, req.MaxWait = s.Store().Read().LastIndex(), 10*time.Minute
		got := make(chan *ops.KVGetReply, 1)
		go func() { // waited for through got
			rep, _ := ops.KVGet.Call(context.Background(), s.Router(), req)
			got <- rep
		}()
		synctest.Wait()
		pipe := &bytes.Buffer{}
		if err := catalog.New().Read().WriteSnapshot(pipe); err != nil {
			t.Fatal(err)
		}
		if err := s.Store().Restore(pipe); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		select {
		case rep := <-got:
			if rep.Entry != nil || rep.Index != 1 {
				t.Errorf("%+v, want an absent key at index 1", rep)
			}
		default:
			t.Fatal("it still waits")
		}
	})
}

func TestRequestsOfLocalCallersStayAsTheyAre(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		check := &catalog.Check{Name: "c"}
		reg := catalog.Register{Node: "n", Address: "10.1.1.1", Service: &catalog.Service{Service: "web", Tags: []string{}}, Checks: []*catalog.Check{nil, check}}
		if err := s.register(reg); err != nil {
			t.Fatal(err)
		}
		if reg.Service.ID != "" || reg.Service.Weights != (catalog.Weights{}) || check.CheckID != "" || check.Status != "" || reg.Checks[0] != nil {
			t.Errorf("changed to %+v, %+v", reg.Service, check)
		}
		if _, found := s.Store().Read().NodeServices(nil, "n"); !slices.ContainsFunc(found.Services, func(svc *catalog.Service) bool {
			return svc.ID == "web" && svc.Weights.Passing == 1
		}) {
			t.Errorf("stored %+v", found.Services)
		}
	})
}
