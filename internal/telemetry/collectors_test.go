package telemetry_test

import (
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"praetor/internal/telemetry"
)

// soughtByCollectors is what public collectors and boards read of a server, as lines of
// Prometheus text without their values.
var soughtByCollectors = map[string]string{
	"netdata's go.d collector consul (collect_metrics.go)": `consul_raft_thread_main_saturation_count consul_raft_thread_fsm_saturation_count
		consul_kvs_apply_count consul_kvs_apply{quantile="0.5"} consul_kvs_apply{quantile="0.9"} consul_kvs_apply{quantile="0.99"} consul_txn_apply_count
		consul_raft_rpc_installSnapshot_count consul_raft_commitTime_count consul_raft_leader_lastContact_count consul_raft_apply
		consul_raft_state_candidate consul_raft_state_leader consul_server_isLeader consul_raft_fsm_lastRestoreDuration consul_raft_leader_oldestLogAge
		consul_client_rpc consul_client_rpc_exceeded consul_client_rpc_failed`,
	"Zabbix' template HashiCorp Consul Node by HTTP": `consul_client_rpc consul_client_rpc_failed consul_memberlist_tcp_accept consul_memberlist_tcp_connect
		consul_memberlist_tcp_sent consul_memberlist_udp_received consul_memberlist_udp_sent consul_runtime_gc_pause_ns{quantile="0.9"}
		consul_runtime_gc_pause_ns{quantile="0.5"} consul_memberlist_health_score consul_memberlist_gossip{quantile="0.9"} consul_memberlist_gossip{quantile="0.5"}
		consul_memberlist_msg_alive consul_memberlist_msg_dead consul_memberlist_msg_suspect consul_memberlist_probeNode{quantile="0.9"}
		consul_memberlist_probeNode{quantile="0.5"} consul_memberlist_pushPullNode{quantile="0.9"} consul_memberlist_pushPullNode{quantile="0.5"}
		consul_kvs_apply{quantile="0.9"} consul_kvs_apply_count consul_serf_member_flap consul_serf_member_failed consul_serf_member_join consul_serf_member_left
		consul_serf_member_update consul_acl_ResolveToken_count consul_catalog_register_count consul_catalog_deregister_count
		consul_serf_snapshot_appendLine{quantile="0.9"} consul_serf_snapshot_appendLine_count consul_serf_snapshot_compact{quantile="0.5"}
		consul_serf_snapshot_compact_count consul_raft_state_leader consul_raft_state_candidate consul_raft_apply
		consul_raft_leader_lastContact{quantile="0.9"} consul_raft_commitTime{quantile="0.5"} consul_raft_leader_dispatchLog{quantile="0.9"}
		consul_raft_leader_dispatchLog_count consul_raft_commitTime_count
		go_goroutines process_cpu_seconds_total process_virtual_memory_bytes process_resident_memory_bytes process_open_fds process_max_fds`,
	"Grafana boards": `consul_raft_commitTime consul_raft_leader_lastContact{quantile="0.99"} consul_raft_replication_appendEntries_rpc_count
		consul_raft_replication_heartbeat_count consul_raft_rpc_appendEntries_count consul_raft_rpc_appendEntries_processLogs_count
		consul_raft_rpc_appendEntries_storeLogs_count consul_raft_rpc_processHeartbeat_count consul_raft_state_follower consul_kvs_apply_sum consul_txn_apply_sum
		consul_runtime_gc_pause_ns_sum consul_client_api_success_catalog_register consul_client_api_success_catalog_deregister
		consul_client_api_catalog_register consul_client_api_error_catalog_service_nodes consul_client_api_success_catalog_service_nodes
		consul_client_api_catalog_services consul_cache_fetch_success consul_rpc_queries_blocking consul_raft_applied_index consul_raft_last_index`,
}

// withoutMeaning is what they read that this program has nothing to say about.
var withoutMeaning = map[string]string{
	"consul_raft_boltdb_logsPerBatch":            "the log is not kept in BoltDB; raft.wal.* is here",
	"consul_raft_boltdb_storeLogs":               "the log is not kept in BoltDB",
	"consul_raft_boltdb_freelistBytes":           "the log is not kept in BoltDB",
	"consul_system_licenseExpiration":            "there is no licence",
	"consul_mesh_active_root_ca_expiry":          "there is no certificate authority",
	"consul_mesh_active_signing_ca_expiry":       "there is no certificate authority",
	"consul_memberlist_degraded":                 "memberlist counts degraded.probe and degraded.timeout, in Consul too",
	"consul_raft_replication_appendEntries_logs": "has the peer in its name; comes with the first follower",
	"consul_autopilot_healthy":                   "from the first round of gauges: NaN unless leader; 0 would be an alarm",
	"consul_autopilot_failure_tolerance":         "from the first round of gauges: NaN unless leader; 0 would be an alarm",
	"consul_members_servers{datacenter}":         "from the first round of gauges; one without its label would be an alarm",
	"consul_state_nodes{datacenter}":             "from the first round of gauges; likewise",
}

func TestWhatCollectorsLookForIsThereFromTheStartAndStays(t *testing.T) {
	value := regexp.MustCompile(` [^ ]+$`)
	synctest.Test(t, func(t *testing.T) {
		m := open(t, telemetry.Options{PrometheusRetention: 30 * time.Second, Declare: true, Server: true})
		for _, wait := range []time.Duration{0, 5 * time.Minute} {
			time.Sleep(wait)
			shown := map[string]bool{}
			body := scrape(t, m)
			for line := range strings.Lines(body) {
				shown[value.ReplaceAllString(strings.TrimSpace(line), "")] = true
				if name, help, ok := strings.Cut(strings.TrimPrefix(line, "# HELP "), " "); ok && strings.HasPrefix(line, "# HELP consul_") && !strings.HasSuffix(help, ".\n") {
					t.Errorf("%s has no help text but %q", name, help)
				}
			}
			for source, names := range soughtByCollectors {
				for _, name := range strings.Fields(names) {
					if !shown[name] && !shown[name+`{quantile="0.5"}`] {
						t.Errorf("after %s: no %s, which %s reads", wait, name, source)
					}
				}
			}
			for name, reason := range withoutMeaning {
				if shown[name] {
					t.Errorf("%s is shown, but %q", name, reason)
				}
			}
		}
	})
}

func scrape(t *testing.T, m *telemetry.Metrics) string {
	t.Helper()
	rec := httptest.NewRecorder()
	m.Prometheus().ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	if rec.Code != 200 {
		t.Fatalf("scrape: %d %s", rec.Code, rec.Body)
	}
	if got := rec.Header().Get("Content-Type"); got != "text/plain; version=0.0.4; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	return rec.Body.String()
}

func TestJSONShowsDeclaredFiguresInEveryInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, telemetry.Options{Declare: true, Server: true, HostName: "h", Blocked: []string{"consul.rpc"}})
		for range 3 {
			var names []string
			s := m.Summary()
			for _, g := range s.Gauges {
				names = append(names, g.Name)
			}
			for _, c := range append(s.Counters, s.Samples...) {
				names = append(names, c.Name)
			}
			for _, want := range []string{"consul.h.raft.last_index", "consul.h.server.isLeader", "consul.client.rpc", "consul.raft.apply", "consul.kvs.apply", "consul.raft.commitTime"} {
				if !slices.Contains(names, want) {
					t.Errorf("no %s", want)
				}
			}
			if slices.Contains(names, "consul.rpc.request") {
				t.Error("consul.rpc.request is blocked, and shown")
			}
			time.Sleep(telemetry.Interval)
		}
	})
}

func TestDeclaredGaugesHaveTheHostInTheirNames(t *testing.T) {
	m := open(t, telemetry.Options{PrometheusRetention: time.Hour, Declare: true, Server: true, HostName: "h.example"})
	m.Gauge("server.isLeader", 1)
	body := scrape(t, m)
	for _, want := range []string{"\nconsul_h_example_raft_last_index 0\n", "\nconsul_h_example_server_isLeader 1\n"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
}

func TestASinkIsToldOfDeclaredCountersAtOnce(t *testing.T) {
	conn, want := packets(t, "udp", "127.0.0.1:0")
	m := open(t, telemetry.Options{Declare: true, Server: true, Sinks: []telemetry.Sink{{Address: conn.LocalAddr().String()}}})
	run(t, m)
	want("consul.client.rpc.failed:0|c", "consul.raft.state.candidate:0|c")
}

func TestASinkIsToldOnceOfGaugesThatExist(t *testing.T) {
	for protocol, name := range map[telemetry.Protocol]string{telemetry.Statsd: "consul.h.example.server.isLeader", telemetry.DogStatsD: "consul.server.isLeader"} {
		t.Run(protocol.String(), func(t *testing.T) {
			conn, want := packets(t, "udp", "127.0.0.1:0")
			m := open(t, telemetry.Options{Declare: true, Server: true, HostName: "h.example", Sinks: []telemetry.Sink{{Protocol: protocol, Address: conn.LocalAddr().String()}}})
			run(t, m)
			want(name+":0|g", strings.Replace(name, "server.isLeader", "raft.last_index", 1)+":0|g")
		})
	}
}

func TestWhatIsNotKnownYetIsNotShownAsZero(t *testing.T) {
	m := open(t, telemetry.Options{PrometheusRetention: time.Hour, Declare: true, Server: true})
	if body := scrape(t, m); strings.Contains(body, "autopilot_healthy") || strings.Contains(body, "last_segment_age") {
		t.Errorf("it shows a gauge that has no value:\n%s", body)
	}
	for _, g := range m.Summary().Gauges {
		if strings.HasSuffix(g.Name, "autopilot.healthy") {
			t.Error("the summary has a gauge without a value")
		}
	}
}
