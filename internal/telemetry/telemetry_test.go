package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-metrics"

	"praetor/internal/telemetry"
)

func open(t *testing.T, opts telemetry.Options) *telemetry.Metrics {
	t.Helper()
	m, err := telemetry.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func TestSummaryShowsTheLastCompleteInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, telemetry.Options{HostName: "h"})
		c, timer := m.Counter("rpc.query"), m.Timer("api.http", telemetry.Label{Name: "method", Value: "GET"})
		start := time.Now()
		m.Gauge("members.clients", 3, telemetry.Label{Name: "datacenter", Value: "dc1"})
		c.Incr()
		c.Incr()
		timer.Since(start.Add(-2 * time.Millisecond))
		timer.Since(start.Add(-4 * time.Millisecond))
		time.Sleep(telemetry.Interval)
		m.Gauge("members.clients", 9)
		c.Incr()
		want := telemetry.Summary{
			Timestamp: start.UTC().String(),
			Gauges:    []telemetry.Gauge{{Name: "consul.h.members.clients", Value: 3, Labels: map[string]string{"datacenter": "dc1"}}},
			Points:    []telemetry.Point{},
			Counters:  []telemetry.Sample{{Name: "consul.rpc.query", Count: 2, Rate: 0.2, Sum: 2, Min: 1, Max: 1, Mean: 1, Labels: map[string]string{}}},
			Samples: []telemetry.Sample{{
				Name: "consul.api.http", Count: 2, Rate: 0.6, Sum: 6, Min: 2, Max: 4, Mean: 3, Stddev: math.Sqrt2,
				Labels: map[string]string{"method": "GET"},
			}},
		}
		if diff := cmp.Diff(want, m.Summary()); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

func TestValuesThatJSONCannotHoldAreLeftOut(t *testing.T) {
	m := open(t, telemetry.Options{})
	m.Gauge("a", math.NaN())
	m.Gauge("b", math.Inf(1))
	if got := m.Summary().Gauges; len(got) > 0 {
		t.Errorf("got %v", got)
	}
}

func TestStreamSendsEveryIntervalOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, telemetry.Options{})
		c := m.Counter("x")
		var counts []int
		enough := errors.New("enough")
		sent := make(chan error)
		go func() {
			sent <- m.Stream(t.Context(), func(s telemetry.Summary) error {
				n := 0
				for _, sample := range s.Counters {
					n += sample.Count
				}
				if counts = append(counts, n); len(counts) == 3 {
					return enough
				}
				return nil
			})
		}()
		c.Incr()
		time.Sleep(25 * time.Second)
		c.Incr()
		c.Incr()
		if err := <-sent; !errors.Is(err, enough) {
			t.Errorf("got %v", err)
		}
		if diff := cmp.Diff([]int{1, 0, 2}, counts); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

func TestTheLongestPrefixDecides(t *testing.T) {
	names := func(m *telemetry.Metrics) string {
		var list []string
		for _, s := range m.Summary().Counters {
			list = append(list, s.Name)
		}
		for _, g := range m.Summary().Gauges {
			list = append(list, g.Name)
		}
		return strings.Join(list, " ")
	}
	for _, tt := range []struct {
		name             string
		allowed, blocked []string
		drop             bool
		want             string
	}{
		{"no rules", nil, nil, false, "p.rpc.query p.rpc.request p.gauge"},
		{"no rules, dropped", nil, nil, true, ""},
		{"blocked", nil, []string{"p.rpc"}, false, "p.gauge"},
		{"allowed below blocked", []string{"p.rpc.query"}, []string{"p.rpc", "p.g"}, false, "p.rpc.query"},
		{"only the allowed", []string{"p.g"}, nil, true, "p.gauge"},
		{"both: blocked", []string{"p.rpc"}, []string{"p.rpc"}, false, "p.gauge"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := open(t, telemetry.Options{Prefix: "p", Allowed: tt.allowed, Blocked: tt.blocked, DropUnnamed: tt.drop})
			for _, c := range []string{"rpc.request", "rpc.query"} {
				m.Counter(c).Incr()
			}
			m.Gauge("gauge", 1)
			if got := names(m); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	m := open(t, telemetry.Options{})
	m.Counter("a").Incr()
	m.SetFilter(nil, []string{"consul.a"})
	if got := names(m); got != "" {
		t.Errorf("after SetFilter: %q", got)
	}
}

func TestOnlyTheGlobalTakesWhatLibrariesMeasure(t *testing.T) {
	own := open(t, telemetry.Options{})
	global := open(t, telemetry.Options{Global: true})
	metrics.IncrCounter([]string{"raft", "apply"}, 1)
	if got := global.Summary().Counters; len(got) != 1 || got[0].Name != "consul.raft.apply" {
		t.Errorf("global has %v", got)
	}
	if got := own.Summary().Counters; len(got) != 0 {
		t.Errorf("the other has %v", got)
	}
	if err := global.Close(); err != nil {
		t.Fatal(err)
	}
	metrics.IncrCounter([]string{"raft", "apply"}, 1)
	if got := global.Summary().Counters[0].Count; got != 1 {
		t.Errorf("counted %d, one of them after Close", got)
	}
}

func TestRunMeasuresAtOnceAndInEveryInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, telemetry.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		var rounds atomic.Int32
		done := make(chan error)
		go func() { done <- m.Run(ctx, func() { rounds.Add(1) }) }()
		synctest.Wait()
		if n := rounds.Load(); n != 1 {
			t.Errorf("%d rounds at the start", n)
		}
		time.Sleep(telemetry.Interval)
		synctest.Wait()
		if n := rounds.Load(); n < 2 {
			t.Errorf("%d rounds after an interval", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestTheGlobalMeasuresTheRuntime(t *testing.T) {
	m := open(t, telemetry.Options{Global: true})
	ctx, cancel := context.WithCancel(t.Context())
	if err := m.Run(ctx, cancel); err != nil {
		t.Fatal(err)
	}
	names := ""
	for _, g := range m.Summary().Gauges {
		names += g.Name + "\n"
	}
	for _, want := range []string{"consul.runtime.num_goroutines\n", "consul.runtime.alloc_bytes\n", "consul.version\n"} {
		if !strings.Contains(names, want) {
			t.Errorf("no %s in\n%s", want, names)
		}
	}
}

func TestPrometheusShowsCountersFromZero(t *testing.T) {
	m := open(t, telemetry.Options{PrometheusRetention: time.Hour})
	m.Counter("rpc.query").Incr()
	m.Counter("never.used")
	timer := m.Timer("api.http", telemetry.Label{Name: "path", Value: "v1.kv._"})
	for range 600 {
		timer.Since(time.Now().Add(-10 * time.Millisecond))
	}
	m.Gauge("state.nodes", 4)
	rec := httptest.NewRecorder()
	m.Prometheus().ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	body := rec.Body.String()
	for _, want := range []string{
		"# TYPE consul_rpc_query counter\nconsul_rpc_query 1\n",
		`consul_api_http_count{path="v1.kv._"} 600`, `consul_api_http{path="v1.kv._",quantile="0.99"} 1`,
		"consul_state_nodes 4\n", "go_goroutines",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	if !strings.Contains(body, "consul_never_used 0\n") {
		t.Error("a counter that has not counted yet is missing")
	}
	if open(t, telemetry.Options{}).Prometheus() != nil {
		t.Error("Prometheus without retention")
	}
}

func TestNilCountsNothing(t *testing.T) {
	var c *telemetry.Counter
	var timer *telemetry.Timer
	c.Incr()
	timer.Since(time.Now())
}

func BenchmarkTimer(b *testing.B) {
	m, err := telemetry.New(telemetry.Options{})
	if err != nil {
		b.Fatal(err)
	}
	timer := m.Timer("api.http")
	b.ReportAllocs()
	for b.Loop() {
		timer.Since(time.Now())
	}
}

func TestCountersOfOneNameAreBounded(t *testing.T) {
	m := open(t, telemetry.Options{PrometheusRetention: time.Hour})
	c := m.Counters("health.service.query", "service")
	for i := range 1500 {
		c.Incr(strconv.Itoa(i))
	}
	c.Incr("7")
	byService := map[string]int{}
	for _, s := range m.Summary().Counters {
		byService[s.Labels["service"]] = s.Count
	}
	if len(byService) != 1001 || byService["7"] != 2 || byService["999"] != 1 || byService["others"] != 500 {
		t.Errorf("%d services; 7: %d, 999: %d, others: %d", len(byService), byService["7"], byService["999"], byService["others"])
	}
	var none *telemetry.Metrics
	none.Counters("a", "b").Incr("c")
	none.Counter("a").Incr()
	none.Timer("a").Took(time.Second)
	if none.Shows("a") {
		t.Error("nothing shows something")
	}
}

func TestGaugesAreSetWhenPrometheusAsks(t *testing.T) {
	m := open(t, telemetry.Options{PrometheusRetention: time.Hour, Blocked: []string{"praetor.secret"}})
	asked := 0
	m.OnScrape(func(set telemetry.SetGauge) {
		asked++
		set("praetor.services", float64(asked), telemetry.Label{Name: "service", Value: "a\xff\"b"})
		set("praetor.secret", 1)
	})
	for want := range 2 {
		rec := httptest.NewRecorder()
		m.Prometheus().ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
		line := fmt.Sprintf("# HELP praetor_services praetor_services\n# TYPE praetor_services gauge\npraetor_services{service=\"a_\\\"b\"} %d\n", want+1)
		if body := rec.Body.String(); !strings.Contains(body, line) || strings.Contains(body, "secret") {
			t.Errorf("no %q in\n%s", line, body)
		}
	}
}

// What collectors look for is there from the start, and stays when nothing happens.
func TestDeclaredFiguresAreShownFromTheStartAndStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, telemetry.Options{PrometheusRetention: 30 * time.Second, Declare: true, Server: true})
		m.Counter("client.rpc").Incr() // as the part that counts makes it again
		for _, wait := range []time.Duration{0, 5 * time.Minute} {
			time.Sleep(wait)
			rec := httptest.NewRecorder()
			m.Prometheus().ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
			if rec.Code != 200 {
				t.Fatalf("scrape: %d %s", rec.Code, rec.Body)
			}
			lines := strings.Split(rec.Body.String(), "\n")
			for _, want := range []string{
				"consul_raft_state_leader 0", "consul_raft_state_candidate 0", "consul_kvs_apply_count 0", "consul_txn_apply_count 0",
				"consul_catalog_register_count 0", "consul_session_apply_count 0", "consul_client_rpc 1", "consul_client_rpc_failed 0",
				"consul_client_rpc_exceeded 0", "consul_rpc_request_error 0", "consul_rpc_accept_conn 0", "consul_raft_verify_leader 0",
				"consul_acl_ResolveToken_count 0", "consul_leader_reapTombstones_count 0", "consul_raft_leader_lastContact_count 0",
				"consul_raft_commitTime_sum 0", `consul_raft_commitTime{quantile="0.5"} NaN`, `consul_kvs_apply{quantile="0.99"} NaN`,
				"consul_serf_member_failed 0", "consul_memberlist_msg_suspect 0", "consul_raft_apply 0", "consul_grpc_server_request_count 0",
			} {
				if !slices.Contains(lines, want) {
					t.Errorf("no %q after %s", want, wait)
				}
			}
		}
	})
}

func TestClientAgentsDeclareNothingOfServers(t *testing.T) {
	m := open(t, telemetry.Options{PrometheusRetention: time.Hour, Declare: true})
	rec := httptest.NewRecorder()
	m.Prometheus().ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	if body := rec.Body.String(); strings.Contains(body, "consul_raft_") || !strings.Contains(body, "consul_client_rpc 0") {
		t.Errorf("a client agent shows\n%s", body)
	}
}
