package main_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestFiguresGoToStatsdAndOnSIGUSR1ToStderr(t *testing.T) {
	t.Parallel()
	statsd, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer statsd.Close()
	n := newNode(t, "figures", "127.78.9.2", "-server", "-bootstrap-expect=1", "-hcl",
		fmt.Sprintf("telemetry { statsd_address = %q disable_hostname = true enable_host_metrics = true }", statsd.LocalAddr()))
	n.start()
	wanted := []string{"consul.raft.apply:", "consul.runtime.num_goroutines:", "consul.host.memory.total:", "consul.members.servers.dc1:1|g", "consul.serf.member.join"}
	buf := make([]byte, 65536)
	waitFor(t, "figures of the log, the runtime, the host, the members and gossip", time.Minute, func() error {
		statsd.SetReadDeadline(time.Now().Add(time.Second))
		size, _, err := statsd.ReadFrom(buf)
		if err != nil {
			return err
		}
		var missing []string
		for _, w := range wanted {
			if !strings.Contains(string(buf[:size]), w) {
				missing = append(missing, w)
			}
		}
		if wanted = missing; len(wanted) > 0 {
			return fmt.Errorf("no %v yet", wanted)
		}
		return nil
	})
	if err := n.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if status, _, err := n.request("GET", "/v1/status/leader", ""); err != nil || status != http.StatusOK {
		t.Errorf("after the signal: %d, %v", status, err)
	}
	n.signal(syscall.SIGTERM)
	if !strings.Contains(n.log.String(), "][G] 'consul.runtime.num_goroutines': ") {
		t.Error("no dump in the log")
	}
}

func TestChecksPresentTheAgentsCertificate(t *testing.T) {
	t.Parallel()
	n := newNode(t, "checks", "127.78.9.3")
	ca := newAuthority(t, n.dir)
	ca.issue("agent", n.ip)
	ca.issue("web", "127.0.0.1")
	cert, err := tls.LoadX509KeyPair(filepath.Join(n.dir, "web.crt"), filepath.Join(n.dir, "web.key"))
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "hello ", r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	web.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: ca.pool, ClientAuth: tls.RequireAndVerifyClientCert}
	web.StartTLS()
	defer web.Close()
	n.args = []string{"-server", "-bootstrap-expect=1", "-hcl", strings.ReplaceAll(`
		enable_agent_tls_for_checks = true
		tls { defaults {
			ca_file = "DIR/ca.crt"
			cert_file = "DIR/agent.crt"
			key_file = "DIR/agent.key"
		} }`, "DIR", n.dir)}
	n.start()
	waitFor(t, "the check to be taken", time.Minute, func() error {
		return n.put("/v1/agent/check/register", fmt.Sprintf(`{"Name":"web","HTTP":%q,"Interval":"1s"}`, web.URL))
	})
	waitFor(t, "the check to pass", time.Minute, func() error {
		var checks map[string]struct{ Status, Output string }
		if err := n.get("/v1/agent/checks", &checks); err != nil {
			return err
		}
		if got := checks["web"]; got.Status != "passing" || !strings.HasSuffix(got.Output, "200 OK Output: hello agent") {
			return fmt.Errorf("%+v", got)
		}
		return nil
	})
}

func TestFiguresHaveConsulsNames(t *testing.T) {
	t.Parallel()
	n := newNode(t, "names", "127.78.9.4", "-server", "-bootstrap-expect=1", "-hcl",
		`telemetry { prometheus_retention_time = "1h" disable_hostname = true prefix_filter = ["+consul.rpc.server.call"] }`)
	n.start()
	waitFor(t, "a leader", time.Minute, n.hasLeader)
	for _, path := range []string{"/v1/kv/a", "/v1/session/create", "/v1/agent/service/register"} {
		if err := n.put(path, `{"Name":"web"}`); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, "the service in the catalog", time.Minute, func() error {
		_, body, err := n.request("GET", "/v1/health/service/web?tag=a", "")
		if err == nil && body != "[]\n" && body != "[]" {
			err = fmt.Errorf("answer %s", body)
		}
		return err
	})
	if _, _, err := n.request("GET", "/v1/kv/a?consistent", ""); err != nil {
		t.Fatal(err)
	}
	for name, qtype := range map[string]uint16{"web.service.consul.": dns.TypeSRV, "1.0.0.127.in-addr.arpa.": dns.TypePTR} {
		if _, err := n.dig("udp", name, qtype); err != nil {
			t.Fatal(err)
		}
	}
	names := []string{
		`consul_client_api_success_catalog_nodes 0`, `consul_cache_fetch_error 0`, `consul_cache_entries_count `,
		`consul_rpc_request `, `consul_rpc_query `, `consul_rpc_consistentRead_count `, `consul_rpc_queries_blocking `,
		`consul_rpc_server_call_count{errored="false",method="KV.Apply",request_type="write"} 1`,
		`consul_raft_apply `, `consul_raft_commitTime_count `, `consul_raft_wal_log_entries_written `, `consul_raft_applied_index `,
		`consul_serf_member_join`, `consul_memberlist_`, `consul_kvs_apply_count `, `consul_session_apply_count 1`, `consul_catalog_register_count `,
		`consul_fsm_kvs_count `, `consul_fsm_session_count 1`, `consul_fsm_register_count `,
		`consul_health_service_query{service="web"} `, `consul_health_service_query_tag{service="web"} `, `consul_health_service_not_found{service="web"} `,
		`consul_leader_barrier_count 1`, `consul_leader_reconcile_count `, `consul_leader_reconcileMember_count `,
		`consul_state_nodes{datacenter="dc1"} 1`, `consul_state_services{datacenter="dc1"} 2`, `consul_state_service_instances{datacenter="dc1"} 2`,
		`consul_state_kv_entries{datacenter="dc1"} 1`, `consul_state_billable_service_instances{datacenter="dc1"} 1`,
		`consul_members_servers{datacenter="dc1"} 1`, `consul_members_clients{datacenter="dc1"} 0`, `consul_server_isLeader 1`, `consul_autopilot_healthy 1`,
		`consul_session_ttl_active 0`, `consul_dns_domain_query_count{node="names"} 1`, `consul_dns_ptr_query_count{node="names"} 1`,
		`consul_dns_query_count{node="names",type="SRV"} 1`, `consul_api_http_count{method="PUT",path="v1.kv._"} 1`, `consul_runtime_num_goroutines `,
		"# TYPE praetor_catalog_service_instances gauge\n", `praetor_catalog_service_instances{service="web",status="passing"} 1`,
		`praetor_catalog_service_instances{service="web",status="critical"} 0`, `praetor_catalog_services_left_out 0`,
	}
	waitFor(t, "every name", time.Minute, func() error {
		_, body, err := n.request("GET", "/v1/agent/metrics?format=prometheus", "")
		if err != nil {
			return err
		}
		var missing []string
		for _, name := range names {
			if !strings.Contains(body, "\n"+name) && !strings.HasPrefix(body, name) {
				missing = append(missing, name)
			}
		}
		if len(missing) > 0 {
			return fmt.Errorf("no %s", strings.Join(missing, "\n"))
		}
		return nil
	})
}
