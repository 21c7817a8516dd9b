package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/httpapi"
	"praetor/internal/fault"
	"praetor/internal/filter"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/view"
)

// viewed is a fixture whose API has views, over one service that changes.
type viewed struct {
	*fixture
	asked   atomic.Int32 // reads that reached the servers
	blocked atomic.Int32 // of which block now
	index   atomic.Uint64
	change  chan uint64 // the next index, given out to a read that blocks
	err     atomic.Pointer[fault.Error]
}

func newViewed(t *testing.T, change func(*httpapi.Options)) *viewed {
	v := &viewed{change: make(chan uint64)}
	v.index.Store(10)
	v.fixture = newFixture(t, func(o *httpapi.Options) {
		views := view.New(view.Options{Caller: o.Caller})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- views.Run(ctx) }() // waited for by the cleanup
		t.Cleanup(func() { cancel(); <-done })
		o.Views = views
		if change != nil {
			change(o)
		}
	})
	on(v.caller, ops.HealthService, func(ctx context.Context, req *ops.HealthServiceRequest) (*ops.HealthServiceReply, error) {
		index, err := v.read(ctx, &req.ReadOptions)
		return &ops.HealthServiceReply{ReadMeta: meta(index), Instances: instances(1)}, err
	})
	on(v.caller, ops.CatalogServices, func(ctx context.Context, req *ops.CatalogServicesRequest) (*ops.CatalogServicesReply, error) {
		index, err := v.read(ctx, &req.ReadOptions)
		return &ops.CatalogServicesReply{ReadMeta: meta(index), Services: map[string][]string{"web": {"v1"}}}, err
	})
	on(v.caller, ops.CatalogNodes, func(ctx context.Context, req *ops.CatalogNodesRequest) (*ops.CatalogNodesReply, error) {
		index, err := v.read(ctx, &req.ReadOptions)
		return &ops.CatalogNodesReply{ReadMeta: meta(index), Nodes: []*catalog.Node{{Node: "n1"}}}, err
	})
	on(v.caller, ops.KVList, func(ctx context.Context, req *ops.KVListRequest) (*ops.KVListReply, error) {
		index, err := v.read(ctx, &req.ReadOptions)
		return &ops.KVListReply{ReadMeta: meta(index), Entries: []*catalog.KVEntry{{Key: "a"}}}, err
	})
	on(v.caller, ops.KVKeys, func(ctx context.Context, req *ops.KVKeysRequest) (*ops.KVKeysReply, error) {
		index, err := v.read(ctx, &req.ReadOptions)
		return &ops.KVKeysReply{ReadMeta: meta(index), Keys: []string{}}, err
	})
	return v
}

func meta(index uint64) rpc.ReadMeta {
	m := leaderMeta
	m.Index = index
	return m
}

func (v *viewed) read(ctx context.Context, o *rpc.ReadOptions) (uint64, error) {
	v.asked.Add(1)
	if err := v.err.Load(); err != nil {
		return 0, err
	}
	if o.MinIndex == 0 {
		return v.index.Load(), nil
	}
	v.blocked.Add(1)
	defer v.blocked.Add(-1)
	select {
	case index := <-v.change:
		v.index.Store(index)
		return index, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// get returns the status and headers of an answer.
func (v *viewed) get(path string, header ...string) (int, http.Header) {
	req := httptest.NewRequest("GET", path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	v.api.ServeHTTP(rec, req)
	return rec.Code, rec.Header()
}

func TestCachedReadsSayHitAndAge(t *testing.T) {
	v := newViewed(t, nil)
	for _, row := range []struct {
		path, cache, age, backend string
	}{
		{"/v1/catalog/services?cached", "MISS", "", "blocking-query"},
		{"/v1/catalog/services?cached", "HIT", "0", "blocking-query"},
		{"/v1/catalog/services?cached&stale", "MISS", "", "blocking-query"},
		{"/v1/health/service/web?cached", "MISS", "", "streaming"},
		{"/v1/health/service/web?cached", "HIT", "0", "streaming"},
		{"/v1/health/service/web?cached&passing", "MISS", "", "streaming"},
		{"/v1/health/service/web", "", "", "blocking-query"},
		{"/v1/catalog/nodes?cached", "", "", "blocking-query"},
	} {
		code, h := v.get(row.path)
		if code != http.StatusOK || h.Get("X-Cache") != row.cache || h.Get("Age") != row.age || h.Get("X-Consul-Query-Backend") != row.backend {
			t.Errorf("%s: %d, X-Cache %q, Age %q, backend %q; want %+v", row.path, code, h.Get("X-Cache"), h.Get("Age"), h.Get("X-Consul-Query-Backend"), row)
		}
	}
}

func TestCachedMeansNothingWhereItIsTurnedOff(t *testing.T) {
	v := newViewed(t, func(o *httpapi.Options) { o.NoCache, o.NoStreaming = true, true })
	for range 2 {
		if _, h := v.get("/v1/health/service/web?cached"); h.Get("X-Cache") != "" || h.Get("X-Consul-Query-Backend") != "blocking-query" {
			t.Errorf("headers %v", h)
		}
	}
	if n := v.asked.Load(); n != 2 {
		t.Errorf("%d reads reached the servers, want both", n)
	}
}

func TestCachedAndConsistentContradict(t *testing.T) {
	v := newViewed(t, nil)
	if code, _ := v.get("/v1/catalog/services?cached&consistent"); code != http.StatusBadRequest {
		t.Errorf("status %d", code)
	}
}

func TestBlockedReadersShareOneReadAndWakeWithItsIndex(t *testing.T) {
	for _, path := range []string{"/v1/health/service/web?", "/v1/catalog/services?", "/v1/catalog/nodes?", "/v1/kv/a?recurse&", "/v1/kv/a?keys&"} {
		v := newViewed(t, nil)
		const readers = 20
		woken := make(chan http.Header, readers)
		for range readers {
			go func() { // received from below
				_, h := v.get(path + "index=10&wait=5m")
				woken <- h
			}()
		}
		waitFor(t, "one read that blocks", func() error { return want(v.blocked.Load() == 1, "%d", v.blocked.Load()) })
		v.change <- 11
		for range readers {
			if h := <-woken; h.Get("X-Consul-Index") != "11" || h.Get("X-Consul-Knownleader") != "true" {
				t.Errorf("%s: headers %v", path, h)
			}
		}
		// The first answer, one that blocked, and perhaps those of readers who came
		// when it was over.
		if n := v.asked.Load(); n > 2+readers {
			t.Errorf("%s: %d reads reached the servers", path, n)
		}
	}
}

func TestConsistentBlockingReadAsksForItself(t *testing.T) {
	v := newViewed(t, nil)
	done := make(chan http.Header, 2)
	for range 2 {
		go func() { // received from below
			_, h := v.get("/v1/health/service/web?index=10&consistent")
			done <- h
		}()
	}
	waitFor(t, "two reads that block", func() error { return want(v.blocked.Load() == 2, "%d", v.blocked.Load()) })
	v.change <- 11
	v.change <- 12
	for range 2 {
		<-done
	}
}

func TestCacheControlIsLookedAtThoughNothingIsCached(t *testing.T) {
	f := newFixture(t, nil)
	for control, want := range map[string]int{
		"": 404, "no-cache": 404, "max-age=99999999999999999999": 404, "max-age=x": 400, "max-age": 400, "must-revalidate, stale-if-error=-1": 400,
	} {
		answering(f.caller, ops.KVGet, &ops.KVGetReply{ReadMeta: leaderMeta})
		if res, text := f.do("GET", "/v1/kv/a", "", "Cache-Control", control); res.StatusCode != want || want == 400 && text != "Invalid Cache-Control header." {
			t.Errorf("%s: %d %s, want %d", control, res.StatusCode, text, want)
		}
	}
	if _, text := f.do("GET", "/v1/health/service/web?passing=x", "", "Cache-Control", "max-age=x"); text != "Invalid Cache-Control header." {
		t.Errorf("it is looked at after ?passing: %s", text)
	}
}

func TestDatacentersAreRememberedAsCacheControlSays(t *testing.T) {
	v := newViewed(t, nil)
	asked := 0
	var broken error
	on(v.caller, ops.CatalogDatacenters, func(context.Context, *ops.CatalogDatacentersRequest) (*ops.CatalogDatacentersReply, error) {
		asked++
		return &ops.CatalogDatacentersReply{Datacenters: []string{"dc1"}}, broken
	})
	get := func(control string, wantCode int, wantCache string, wantAsked int) {
		t.Helper()
		asked = 0
		code, h := v.get("/v1/catalog/datacenters?cached", "Cache-Control", control)
		if code != wantCode || h.Get("X-Cache") != wantCache || asked != wantAsked {
			t.Errorf("Cache-Control %q: %d, X-Cache %q, asked %d times; want %d, %q, %d", control, code, h.Get("X-Cache"), asked, wantCode, wantCache, wantAsked)
		}
		if (wantCache == "HIT") != (h.Get("Age") != "") {
			t.Errorf("Cache-Control %q: Age %q", control, h.Get("Age"))
		}
	}
	get("", 200, "MISS", 1)
	get("", 200, "HIT", 0)
	get("max-age=60", 200, "HIT", 0)
	get("max-age=0", 200, "MISS", 1)
	get("Must-Revalidate", 200, "MISS", 1)
	get("max-age=x", 400, "", 0)
	get("max-age=-1", 400, "", 0)
	get("stale-if-error=", 400, "", 0)
	broken = fault.New(fault.NoLeader, "No cluster leader")
	get("max-age=0", 500, "", 1)
	get("max-age=0, stale-if-error=60", 200, "HIT", 1)
}

func TestAnswerOfAViewThatLostTouchTellsSo(t *testing.T) {
	v := newViewed(t, nil)
	v.get("/v1/health/service/web?cached")
	waitFor(t, "the view to follow", func() error { return want(v.blocked.Load() == 1, "%d", v.blocked.Load()) })
	v.err.Store(fault.New(fault.NoLeader, "No cluster leader").(*fault.Error))
	v.change <- 10 // it asks again, and is refused
	waitFor(t, "an answer that says its age", func() error {
		code, h := v.get("/v1/health/service/web?cached")
		return want(code == 200 && h.Get("X-Consul-Knownleader") == "false" && h.Get("X-Consul-Lastcontact") != "0", "%d, %v", code, h)
	})
	begin := time.Now()
	if code, _ := v.get("/v1/health/service/web?index=10&wait=1h&stale"); code != http.StatusInternalServerError || time.Since(begin) > time.Minute {
		t.Errorf("a blocking read without servers: status %d after %v", code, time.Since(begin))
	}
}

// TestFaultsOfFiltersAreBareWhereAnswersAreFollowed: ?near and whatever is asked of servers keep the words around them.
func TestFaultsOfFiltersAreBareWhereAnswersAreFollowed(t *testing.T) {
	v := newViewed(t, nil)
	v.err.Store(fault.New(fault.Rejected, filter.Prefix+"no").(*fault.Error))
	for path, text := range map[string]string{
		"health/service/web?cached": "no", "health/connect/web?index=9": "no", "health/service/web?cached&near=n1": filter.Prefix + "no",
		"health/service/web": filter.Prefix + "no", "catalog/nodes?index=9": filter.Prefix + "no",
	} {
		wantHeader(t, v.want("GET", "/v1/"+path, "", 500, text), "X-Consul-Query-Backend", map[bool]string{true: "blocking-query"}[strings.HasPrefix(path, "catalog/")])
	}
}

// want is nil if ok, and an error that says what was instead.
func want(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}
