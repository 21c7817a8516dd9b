package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"praetor/catalog"
	"praetor/httpapi"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// sharedMeta is what a server in this process says of a list that it gives to all.
var sharedMeta = rpc.ReadMeta{Index: 7, KnownLeader: true, Consistency: "leader", Shared: true}

// instances makes a list of n instances with two checks each.
func instances(n int) []*catalog.InstanceHealth {
	list := make([]*catalog.InstanceHealth, n)
	for i := range list {
		node := &catalog.Node{ID: "40e4a748-2192-161a-0510-9bf59fe950b5", Node: fmt.Sprintf("node-%d", i), Address: "10.0.0.1", Datacenter: "dc1",
			TaggedAddresses: map[string]string{"lan": "10.0.0.1", "lan_ipv4": "10.0.0.1", "wan": "10.0.0.1", "wan_ipv4": "10.0.0.1"},
			Meta:            map[string]string{"consul-network-segment": "", "consul-version": "1.22.7"}, CreateIndex: 5, ModifyIndex: 6}
		list[i] = &catalog.InstanceHealth{
			Node: node, Service: &catalog.Service{ID: fmt.Sprintf("web-%d", i), Service: "web", Tags: []string{"v1", "primary"}, Port: 8080, Meta: map[string]string{"version": "1"}},
			Checks: []*catalog.Check{
				{Node: node.Node, CheckID: "serfHealth", Name: "Serf Health Status", Status: "passing", Output: "Agent alive and reachable"},
				{Node: node.Node, CheckID: "service:web", Name: "Service 'web' check", Status: "passing", ServiceID: "web", ServiceName: "web", ServiceTags: []string{"v1", "primary"}, Type: "ttl"},
			},
		}
	}
	return list
}

func TestHealthIsEncodedAgainOnlyWhenItChanged(t *testing.T) {
	f := newFixture(t, nil)
	rep := &ops.HealthServiceReply{ReadMeta: sharedMeta, Instances: instances(3)}
	on(f.caller, ops.HealthService, func(context.Context, *ops.HealthServiceRequest) (*ops.HealthServiceReply, error) { return rep, nil })
	_, first := f.do("GET", "/v1/health/service/web", "")
	// Rows never change once stored: if one does, an answer made before shows not.
	rep.Instances[0].Checks[0].Status = "critical"
	if _, again := f.do("GET", "/v1/health/service/web", ""); again != first {
		t.Error("the same list was encoded again")
	}
	rep = &ops.HealthServiceReply{ReadMeta: sharedMeta, Instances: append([]*catalog.InstanceHealth(nil), rep.Instances...)}
	if _, changed := f.do("GET", "/v1/health/service/web", ""); changed == first {
		t.Error("another list got the old answer")
	}
	if n, _ := f.api.Cached(); n != 1 {
		t.Errorf("%d answers cached, want the last", n)
	}
	rep = &ops.HealthServiceReply{ReadMeta: sharedMeta, Instances: rep.Instances[:2]}
	if _, shorter := f.do("GET", "/v1/health/service/web", ""); len(shorter) >= len(first) {
		t.Error("a shorter list at the same address got the old answer")
	}
	rep.Filtered = true
	f.do("GET", "/v1/health/service/other", "")
	if n, _ := f.api.Cached(); n != 1 {
		t.Error("an answer for one token was cached")
	}
}

// TestAnswersFromOtherAgentsAreNotCached asks as a client agent does, whose every
// reply is a list of its own.
func TestAnswersFromOtherAgentsAreNotCached(t *testing.T) {
	f := newFixture(t, nil)
	on(f.caller, ops.HealthService, func(context.Context, *ops.HealthServiceRequest) (*ops.HealthServiceReply, error) {
		return &ops.HealthServiceReply{ReadMeta: leaderMeta, Instances: instances(1)}, nil
	})
	on(f.caller, ops.CatalogServices, func(context.Context, *ops.CatalogServicesRequest) (*ops.CatalogServicesReply, error) {
		return &ops.CatalogServicesReply{ReadMeta: leaderMeta, Services: map[string][]string{"web": {"v1"}}}, nil
	})
	for _, path := range []string{"/v1/health/service/web", "/v1/health/connect/web?passing", "/v1/catalog/services", "/v1/catalog/services?filter=x"} {
		_, first := f.do("GET", path, "")
		if _, again := f.do("GET", path, ""); again != first || len(first) < 10 {
			t.Errorf("%s: %s, then %s", path, first, again)
		}
		if n, bytes := f.api.Cached(); n != 0 || bytes != 0 {
			t.Errorf("%s: %d answers of %d bytes cached, of lists that nobody has again", path, n, bytes)
		}
	}
}

func TestCachedAnswersAreBoundedInBytes(t *testing.T) {
	f := newFixture(t, nil)
	list := instances(2000)
	on(f.caller, ops.HealthService, func(_ context.Context, req *ops.HealthServiceRequest) (*ops.HealthServiceReply, error) {
		return &ops.HealthServiceReply{ReadMeta: sharedMeta, Instances: append([]*catalog.InstanceHealth(nil), list...)}, nil
	})
	const questions = 60
	var length int
	for i := range questions {
		_, body := f.do("GET", fmt.Sprintf("/v1/health/service/s%d", i), "")
		length = len(body)
	}
	n, bytes := f.api.Cached()
	if bytes > httpapi.AnswerCacheBytes || bytes < httpapi.AnswerCacheBytes*3/4 || n == questions {
		t.Errorf("%d answers of %d hold %d bytes, want at most %d", n, questions, bytes, httpapi.AnswerCacheBytes)
	}
	if bytes < 2*n*length {
		t.Errorf("%d answers of %d bytes, with their lists, account for %d bytes", n, length, bytes)
	}
}

func TestManyWatchersShareOneAnswer(t *testing.T) {
	f := newFixture(t, nil)
	rep := &ops.HealthServiceReply{ReadMeta: sharedMeta, Instances: instances(20)}
	answering(f.caller, ops.HealthService, rep)
	_, want := f.do("GET", "/v1/health/service/web", "")
	var watchers sync.WaitGroup
	for i := range 50 {
		watchers.Go(func() {
			accept := []string{"", "gzip"}[i%2]
			req := httptest.NewRequest("GET", "/v1/health/service/web", nil)
			req.Header.Set("Accept-Encoding", accept)
			rec := httptest.NewRecorder()
			f.api.ServeHTTP(rec, req)
			if rec.Code != http.StatusOK || accept == "" && rec.Body.String() != want {
				t.Errorf("watcher %d: %d, %d bytes", i, rec.Code, rec.Body.Len())
			}
		})
	}
	watchers.Wait()
}
