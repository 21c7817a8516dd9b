package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

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

// TestStaleReadsWaitForWhatTheServerHad: they were answered from a state as of the last
// snapshot while the log after it was read, and agents registered anew what they missed.
func TestStaleReadsWaitForWhatTheServerHad(t *testing.T) {
	in := func(dir string) func(*server.Options) { return func(o *server.Options) { o.Raft.Dir = dir } }
	dir := filepath.Join(t.TempDir(), "raft")
	const writers, each = 32, 50
	virtual(t, in(dir), func(s *lone) {
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					s.put(fmt.Sprintf("k/%d/%d", w, i), "v")
				}
			})
		}
		wg.Wait()
		s.put("last", "v")
	})
	virtual(t, in(dir), func(s *lone) {
		for s.AdmitStale(t.Context()) != nil {
			runtime.Gosched() // not to sleep: in a bubble the log would be read meanwhile
		}
		if _, entry := s.State().KVGet(nil, "last"); entry == nil {
			t.Error("a stale read would be answered from a part of the log")
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

func TestFilteredTellsOfTheAnswerAndNotOfEarlierOnes(t *testing.T) {
	hides := &atomic.Bool{}
	hides.Store(true)
	virtual(t, func(o *server.Options) {
		o.ACL = deciding(func(n acl.Need) bool { return n != acl.Node.Read("secret") || !hides.Load() })
	}, func(s *lone) {
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

func TestReadsGiveWhatTheFilterPicks(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		for i, tags := range [][]string{{"v1"}, {"v2"}} {
			name := fmt.Sprintf("n%d", i)
			if err := s.register(catalog.Register{Node: name, Address: "10.9.0.1", NodeMeta: map[string]string{"rack": name},
				Service: &catalog.Service{Service: "web", Tags: tags, Port: 80 + i},
				Checks:  []*catalog.Check{{CheckID: "c" + name, ServiceID: "web", Status: []string{catalog.Passing, catalog.Critical}[i]}}}); err != nil {
				t.Fatal(err)
			}
		}
		ctx, r := t.Context(), s.Router()
		for _, row := range []struct {
			name, filter, want string
			ask                func(filter string) (any, error)
		}{
			{"nodes", `Meta.rack == n1`, "n1", func(f string) (any, error) {
				rep, err := ops.CatalogNodes.Call(ctx, r, &ops.CatalogNodesRequest{Filter: f})
				return names(err, func() []*catalog.Node { return rep.Nodes }, func(n *catalog.Node) string { return n.Node }), err
			}},
			{"services", `ServiceName == web and v2 in ServiceTags`, "web[v2]", func(f string) (any, error) {
				rep, err := ops.CatalogServices.Call(ctx, r, &ops.CatalogServicesRequest{Filter: f})
				if err != nil {
					return nil, err
				}
				return "web" + fmt.Sprint(rep.Services["web"]) + strings.Repeat("!", len(rep.Services)-1), nil
			}},
			{"service", `ServicePort == 81`, "n1", func(f string) (any, error) {
				rep, err := ops.CatalogService.Call(ctx, r, &ops.CatalogServiceRequest{Service: "web", Filter: f})
				return names(err, func() []*catalog.Instance { return rep.Instances }, func(i *catalog.Instance) string { return i.Node.Node }), err
			}},
			{"node", `Service == nothing`, "0", func(f string) (any, error) {
				rep, err := ops.CatalogNode.Call(ctx, r, &ops.CatalogNodeRequest{Node: "n1", Filter: f})
				if err != nil {
					return nil, err
				}
				return fmt.Sprint(len(rep.NodeServices.Services)), nil
			}},
			{"checks of a node", `Status == critical`, "cn1", func(f string) (any, error) {
				rep, err := ops.HealthNode.Call(ctx, r, &ops.HealthNodeRequest{Node: "n1", Filter: f})
				return names(err, func() []*catalog.Check { return rep.Checks }, func(c *catalog.Check) string { return c.CheckID }), err
			}},
			{"checks of a service", `Node == n0`, "cn0", func(f string) (any, error) {
				rep, err := ops.HealthChecks.Call(ctx, r, &ops.HealthChecksRequest{Service: "web", Filter: f})
				return names(err, func() []*catalog.Check { return rep.Checks }, func(c *catalog.Check) string { return c.CheckID }), err
			}},
			{"checks in a state", `ServiceName == web`, "cn0", func(f string) (any, error) {
				rep, err := ops.HealthState.Call(ctx, r, &ops.HealthStateRequest{State: "passing", Filter: f})
				return names(err, func() []*catalog.Check { return rep.Checks }, func(c *catalog.Check) string { return c.CheckID }), err
			}},
			{"health", `Node.Meta.rack == n1 and Checks.Status == critical`, "n1", func(f string) (any, error) {
				rep, err := ops.HealthService.Call(ctx, r, &ops.HealthServiceRequest{Service: "web", Filter: f})
				return names(err, func() []*catalog.InstanceHealth { return rep.Instances }, func(i *catalog.InstanceHealth) string { return i.Node.Node }), err
			}},
		} {
			for range 2 { // the second time from what was kept
				if got, err := row.ask(row.filter); err != nil || got != row.want {
					t.Errorf("%s: %v, %v; want %v", row.name, got, err, row.want)
				}
			}
			if _, err := row.ask("Bogus == 1"); fault.KindOf(err) != fault.Rejected {
				t.Errorf("%s: a bad expression: %v", row.name, err)
			}
		}
	})
}

// names joins the names of a reply's rows.
func names[E any](err error, list func() []E, name func(E) string) string {
	if err != nil {
		return ""
	}
	var all []string
	for _, e := range list() {
		all = append(all, name(e))
	}
	return strings.Join(all, " ")
}
