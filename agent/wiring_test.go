package agent_test

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"praetor/agent"
	"praetor/agent/config"
	"praetor/internal/telemetry"
)

// load is a configuration: that of -dev with more, or with server or client settings
// alone.
func load(t *testing.T, dev bool, hcl ...string) *config.Runtime {
	t.Helper()
	rt, _, err := config.Load(&config.Flags{Dev: dev, HCL: append([]string{`node_name = "n1"`}, hcl...)})
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

// TestBanner: reference/cli.md §2.3, and what to try next.
func TestBanner(t *testing.T) {
	const id = "0f0f0f0f-1111-2222-3333-444444444444"
	for _, row := range []struct {
		name string
		dev  bool
		hcl  string
		want string
	}{
		{"a server", true, `bind_addr = "127.0.0.1" ports { grpc = -1 }`, `==> Starting Consul agent...
               Version: '1.22.7'
            Build Date: '…'
               Node ID: '0f0f0f0f-1111-2222-3333-444444444444'
             Node name: 'n1'
            Datacenter: 'dc1' (Segment: '<all>')
                Server: true (Bootstrap: false)
           Client Addr: [127.0.0.1] (HTTP: 8500, HTTPS: -1, gRPC: -1, gRPC-TLS: 8503, DNS: 8600)
          Cluster Addr: 127.0.0.1 (LAN: 8301, WAN: 8302)
     Gossip Encryption: false
      Auto-Encrypt-TLS: false
           ACL Enabled: false
     Reporting Enabled: false
    ACL Default Policy: allow
             HTTPS TLS: Verify Incoming: false, Verify Outgoing: false, Min Version: TLSv1_2
              gRPC TLS: Verify Incoming: false, Min Version: TLSv1_2
      Internal RPC TLS: Verify Incoming: false, Verify Outgoing: false (Verify Hostname: false), Min Version: TLSv1_2
               Praetor: 0.1.0

==> Try, in another terminal:
    praetor members
    praetor services register -name=web -port=8080
    curl http://127.0.0.1:8500/v1/catalog/service/web
    dig @127.0.0.1 -p 8600 web.service.consul
    open http://127.0.0.1:8500/ui/

==> Log data will now stream in as it occurs:

`},
		{"a client", false, `data_dir = "/tmp/x" bind_addr = "127.0.0.1" datacenter = "dc2" client_addr = "127.0.0.2 ::1" encrypt = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=" ports { dns = -1 }`, `==> Starting Consul agent...
…
            Datacenter: 'dc2' (Segment: '')
                Server: false (Bootstrap: false)
           Client Addr: [127.0.0.2 ::1] (HTTP: 8500, HTTPS: -1, gRPC: -1, gRPC-TLS: -1, DNS: -1)
…
     Gossip Encryption: true
      Auto-Encrypt-TLS: false
           ACL Enabled: false
    ACL Default Policy: allow
…
==> Try, in another terminal:
    export CONSUL_HTTP_ADDR=127.0.0.2:8500
    praetor members
    praetor services register -name=web -port=8080
    curl http://127.0.0.2:8500/v1/catalog/service/web

==> Log data will now stream in as it occurs:

`},
		{"one that verifies", true, `auto_encrypt { allow_tls = true } tls { defaults { verify_incoming = true tls_min_version = "TLSv1_3" } internal_rpc { verify_server_hostname = true } grpc { verify_incoming = false } }`, `==> Starting Consul agent...
…
      Auto-Encrypt-TLS: true
…
             HTTPS TLS: Verify Incoming: true, Verify Outgoing: false, Min Version: TLSv1_3
              gRPC TLS: Verify Incoming: false, Min Version: TLSv1_3
      Internal RPC TLS: Verify Incoming: true, Verify Outgoing: true (Verify Hostname: true), Min Version: TLSv1_3
               Praetor: …
`},
		{"HTTPS that goes out, gRPC that is verified", true, `tls { https { verify_outgoing = true } grpc { verify_incoming = true tls_min_version = "TLSv1_1" } }`, `…
             HTTPS TLS: Verify Incoming: false, Verify Outgoing: true, Min Version: TLSv1_2
              gRPC TLS: Verify Incoming: true, Min Version: TLSv1_1
      Internal RPC TLS: Verify Incoming: false, Verify Outgoing: false (Verify Hostname: false), Min Version: TLSv1_2
               Praetor: …
`},
		{"a client that gets its certificate", false, `data_dir = "/tmp/x" bind_addr = "127.0.0.1" auto_encrypt { tls = true }`, "…      Auto-Encrypt-TLS: true\n…Internal RPC TLS: Verify Incoming: false, Verify Outgoing: true (…\n"},
		{"without HTTP", true, `ports { http = -1 }`, "…\n              gRPC TLS: …\n      Internal RPC TLS: …\n               Praetor: …\n\n==> Log data will now stream in as it occurs:\n\n"},
		{"on a Unix socket", true, `addresses { http = "unix:///tmp/x.sock" }`, "…\n              gRPC TLS: …\n      Internal RPC TLS: …\n               Praetor: …\n\n==> Log data will now stream in as it occurs:\n\n"},
	} {
		if got := agent.Banner(load(t, row.dev, row.hcl), id); !fits(got, row.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", row.name, got, row.want)
		}
	}
}

// fits reports whether a text is as wanted, where "…" stands for anything.
func fits(got, want string) bool {
	parts := strings.Split(want, "…")
	if !strings.HasPrefix(got, parts[0]) {
		return false
	}
	got = got[len(parts[0]):]
	for i, part := range parts[1:] {
		at := strings.Index(got, part)
		if i == len(parts)-2 {
			at = len(got) - len(part)
			return at >= 0 && got[at:] == part
		}
		if at < 0 {
			return false
		}
		got = got[at+len(part):]
	}
	return got == ""
}

// TestPagesOfBrowsersAreKnownByTheirNames: those of the node, of its machine, and what
// the configuration adds.
func TestPagesOfBrowsersAreKnownByTheirNames(t *testing.T) {
	machine, err := os.Hostname()
	if err != nil {
		t.Skip("this machine has no name")
	}
	for _, row := range []struct{ name, hcl, hosts, origins string }{
		{"a plain agent", ``, "n1 " + machine + " n1.node.consul n1.node.dc1.consul", ""},
		{"with a domain", `domain = "A.example." alt_domain = "b"`, "n1 " + machine + " n1.node.A.example n1.node.dc1.A.example n1.node.b n1.node.dc1.b", ""},
		{"with hosts of its own", `http_config { allowed_hosts = ["c.example"] }`, "n1 c.example " + machine + " n1.node.consul n1.node.dc1.consul", ""},
		{"with origins", `http_config { response_headers { access-control-allow-origin = "https://a, https://b" X-Other = "https://c" } }`,
			"n1 " + machine + " n1.node.consul n1.node.dc1.consul", "https://a https://b"},
	} {
		got := agent.Browsers(load(t, true, row.hcl))
		if hosts, origins := strings.Join(got.Hosts, " "), strings.Join(got.Origins, " "); !strings.EqualFold(hosts, row.hosts) || origins != row.origins {
			t.Errorf("%s: hosts %q, origins %q\nwant  %q, %q", row.name, hosts, origins, row.hosts, row.origins)
		}
	}
}

func TestProxiesAreToldThePortWithTLSFirst(t *testing.T) {
	for hcl, want := range map[string]string{
		`ports { grpc = 8502 grpc_tls = 8503 }`: "8503 8502 8503",
		`ports { grpc = 8502 grpc_tls = -1 }`:   "8502 8502 -1",
		`ports { grpc = 8502 grpc_tls = 0 }`:    "8502 8502 -1", // off as well
	} {
		xds := agent.XDS(load(t, true, hcl))
		ports := xds["Ports"].(map[string]int)
		if got := fmt.Sprint(xds["Port"], ports["Plaintext"], ports["TLS"]); got != want {
			t.Errorf("%s: %s, want %s", hcl, got, want)
		}
	}
}

// TestTagsOfAgents: reference/internals.md §1.
func TestTagsOfAgents(t *testing.T) {
	for _, row := range []struct {
		name string
		hcl  string
		lan  bool
		want string // beside what all have
	}{
		{"a client", ``, true, "role=node"},
		{"a client that others forget soon", `advertise_reconnect_timeout = "8h"`, true, "rc_tm=8h0m0s role=node"},
		{"a server", `server = true ports { grpc = 1 grpc_tls = 2 serf_wan = 3 server = 4 }`, true,
			"acls=0 ft_fs=1 ft_si=1 grpc_port=1 grpc_tls_port=2 port=4 raft_vsn=3 role=consul wan_join_port=3"},
		{"a server in the WAN", `server = true ports { grpc = -1 grpc_tls = -1 }`, false, "acls=0 ft_fs=1 ft_si=1 port=8300 raft_vsn=3 role=consul"},
		{"one that bootstraps", `server = true bootstrap = true ports { grpc_tls = -1 }`, false, "acls=0 bootstrap=1 ft_fs=1 ft_si=1 port=8300 raft_vsn=3 role=consul"},
		{"one that expects", `server = true bootstrap_expect = 3 ports { grpc_tls = -1 }`, false, "acls=0 expect=3 ft_fs=1 ft_si=1 port=8300 raft_vsn=3 role=consul"},
		{"one that speaks TLS", `server = true tls { internal_rpc { verify_outgoing = true } } ports { grpc_tls = -1 }`, false, "acls=0 ft_fs=1 ft_si=1 port=8300 raft_vsn=3 role=consul use_tls=1"},
		{"one with access rules", `server = true acl { enabled = true } ports { grpc_tls = -1 }`, false, "acls=1 ft_fs=1 ft_si=1 port=8300 raft_vsn=3 role=consul"},
		{"a server without the WAN", `server = true ports { serf_wan = -1 grpc_tls = -1 }`, true, "acls=0 ft_fs=1 ft_si=1 port=8300 raft_vsn=3 role=consul"},
	} {
		tags := agent.Tags("u1", load(t, false, `data_dir = "/tmp/x" bind_addr = "127.0.0.1"`, row.hcl), row.lan)
		for name, want := range map[string]string{"build": "1.22.7:", "dc": "dc1", "id": "u1", "segment": "", "vsn": "2", "vsn_min": "2", "vsn_max": "3"} {
			if got, ok := tags[name]; !ok || got != want {
				t.Errorf("%s: %s=%q, want %q", row.name, name, got, want)
			}
			delete(tags, name)
		}
		var list []string
		for _, name := range slices.Sorted(maps.Keys(tags)) {
			list = append(list, name+"="+tags[name])
		}
		if got := strings.Join(list, " "); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}

func TestNetworksOfAPool(t *testing.T) {
	for _, row := range [][2]string{{"10.1.2.3/8", "10.0.0.0/8"}, {"fd00::1/64", "fd00::/64"}, {"0.0.0.0/0", "0.0.0.0/0"}, {"192.0.2.1/32", "192.0.2.1/32"}} {
		got := agent.Networks([]netip.Prefix{netip.MustParsePrefix(row[0])})
		if len(got) != 1 || got[0].String() != row[1] {
			t.Errorf("%s: %v, want %s", row[0], got, row[1])
		}
	}
	if got := agent.Networks(nil); got != nil {
		t.Errorf("no network is %v: all are allowed", got)
	}
}

// TestSettingsReachTheirPart compares what a part is given with and without a
// setting: that one field differs, and how.
func TestSettingsReachTheirPart(t *testing.T) {
	base := `data_dir = "/tmp/x" bind_addr = "127.0.0.1" server = true`
	parts := map[string]func(*config.Runtime) any{
		"dns":  func(rt *config.Runtime) any { return agent.DNSConfig(rt, rt.ACL.Tokens) },
		"raft": func(rt *config.Runtime) any { return agent.RaftOptions("/d", rt) },
		"lan":  func(rt *config.Runtime) any { return agent.LANOptions(rt, nil) },
		"wan":  func(rt *config.Runtime) any { return agent.WANOptions(rt, nil) },
		"tls":  func(rt *config.Runtime) any { return agent.TLSConfigs(rt)[1] },
		"dot":  func(rt *config.Runtime) any { return agent.TLSConfigs(rt)[2] },
		"ours": func(rt *config.Runtime) any { return agent.TLSConfigs(rt)[0] },
		"grpc": func(rt *config.Runtime) any { return agent.TLSConfigs(rt)[3] },
		"sink": func(rt *config.Runtime) any { o := agent.MetricsOptions(rt); o.HostName = ""; return o },
	}
	for _, row := range []struct{ part, hcl, want string }{
		{"dns", `dns_config { allow_stale = false }`, "AllowStale=false"},
		{"dns", `dns_config { max_stale = "7s" }`, "MaxStale=7s"},
		{"dns", `dns_config { node_ttl = "3s" }`, "NodeTTL=3s"},
		{"dns", `dns_config { service_ttl { a = "3s" } }`, "ServiceTTL=map[a:3s]"},
		{"dns", `dns_config { only_passing = true }`, "OnlyPassing=true"},
		{"dns", `dns_config { enable_truncate = true }`, "EnableTruncate=true"},
		{"dns", `dns_config { udp_answer_limit = 9 }`, "UDPAnswerLimit=9"},
		{"dns", `dns_config { a_record_limit = 9 }`, "ARecordLimit=9"},
		{"dns", `dns_config { disable_compression = true }`, "DisableCompression=true"},
		{"dns", `dns_config { enable_additional_node_meta_txt = false }`, "NodeMetaTXT=false"},
		{"dns", `dns_config { soa { refresh = 1 retry = 2 expire = 3 min_ttl = 4 } }`, "SOA={1 2 3 4}"},
		{"dns", `recursors = ["10.0.0.1"]`, "Recursors=[10.0.0.1:53]"},
		{"dns", `dns_config { recursor_strategy = "random" }`, "RandomRecursor=true"},
		{"dns", `dns_config { recursor_timeout = "9s" }`, "RecursorTimeout=9s"},
		{"dns", `acl { tokens { dns = "d" default = "x" } }`, "Token=d"},
		{"dns", `acl { tokens { default = "x" } }`, "Token=x"},
		{"raft", `raft_snapshot_threshold = 9`, "SnapshotThreshold=9"},
		{"raft", `raft_snapshot_interval = "9s"`, "SnapshotInterval=9s"},
		{"raft", `raft_trailing_logs = 9`, "TrailingLogs=9"},
		{"raft", `raft_logstore { disable_log_cache = true }`, "NoLogCache=true"},
		{"raft", `raft_logstore { backend = "wal" wal { segment_size_mb = 2 } }`, "Backend=wal VerifyInterval=0s SegmentBytes=2097152"},
		{"raft", `performance { raft_multiplier = 2 }`, "HeartbeatTimeout=800ms ElectionTimeout=800ms LeaderLease=400ms"},
		{"lan", `rejoin_after_leave = true`, "RejoinAfterLeave=true"},
		{"lan", `encrypt_verify_incoming = false`, "EncryptVerifyIncoming=false"},
		{"lan", `encrypt_verify_outgoing = false`, "EncryptVerifyOutgoing=false"},
		{"lan", `disable_coordinates = true`, "DisableCoordinates=true"},
		{"lan", `gossip_lan { gossip_nodes = 9 }`, "GossipNodes=9"},
		{"lan", `gossip_lan { gossip_interval = "9s" }`, "GossipInterval=9s"},
		{"lan", `gossip_lan { probe_interval = "9s" }`, "ProbeInterval=9s"},
		{"lan", `gossip_lan { probe_timeout = "9s" }`, "ProbeTimeout=9s"},
		{"lan", `gossip_lan { suspicion_mult = 9 }`, "SuspicionMult=9"},
		{"lan", `gossip_lan { retransmit_mult = 9 }`, "RetransmitMult=9"},
		{"lan", `gossip_wan { retransmit_mult = 9 }`, ""},
		{"wan", `gossip_wan { retransmit_mult = 9 }`, "RetransmitMult=9"},
		{"lan", `node_name = "n2"`, "Name=n2"},
		{"wan", `node_name = "n2"`, "Name=n2.dc1"},
		{"wan", `datacenter = "dc2"`, "Name=n1.dc2 Tags=…dc:dc2…"},
		{"lan", `serf_lan = "127.0.0.9" ports { serf_lan = 9 }`, "BindAddr=127.0.0.9 BindPort=9 AdvertisePort=9"},
		{"wan", `serf_wan = "127.0.0.9" ports { serf_wan = 9 }`, "BindAddr=127.0.0.9 BindPort=9 AdvertisePort=9"},
		{"lan", `advertise_addr = "10.0.0.9" advertise_addr_wan = "10.0.0.8"`, "AdvertiseAddr=10.0.0.9"},
		{"wan", `advertise_addr = "10.0.0.9" advertise_addr_wan = "10.0.0.8"`, "AdvertiseAddr=10.0.0.8"},
		{"lan", `serf_lan_allowed_cidrs = ["10.0.0.0/8"]`, "AllowedCIDRs=[{10.0.0.0 ff000000}]"},
		{"wan", `serf_wan_allowed_cidrs = ["10.0.0.0/8"]`, "AllowedCIDRs=[{10.0.0.0 ff000000}]"},
		{"lan", `reconnect_timeout = "9h" reconnect_timeout_wan = "8h"`, "ReconnectTimeout=9h0m0s"},
		{"wan", `reconnect_timeout = "9h" reconnect_timeout_wan = "8h"`, "ReconnectTimeout=8h0m0s"},
		{"lan", `disable_keyring_file = true`, "KeyringPath="},
		{"tls", `tls { https { cert_file = "c" } }`, "CertFile=c"},
		{"tls", `tls { https { key_file = "c" } }`, "KeyFile=c"},
		{"tls", `tls { https { ca_file = "c" } }`, "CAFile=c"},
		{"tls", `tls { https { ca_path = "c" } }`, "CAPath=c"},
		{"tls", `tls { https { tls_min_version = "TLSv1_3" } }`, "MinVersion=TLSv1_3"},
		{"tls", `tls { https { tls_cipher_suites = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" } }`, "CipherSuites=[TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]"},
		{"tls", `tls { https { ca_file = "c" verify_incoming = true } }`, "CAFile=c VerifyIncoming=true"},
		{"tls", `tls { internal_rpc { cert_file = "c" } }`, ""},
		{"ours", `tls { internal_rpc { cert_file = "c" } }`, "CertFile=c"},
		{"ours", `tls { internal_rpc { key_file = "c" } }`, "KeyFile=c"},
		{"ours", `tls { internal_rpc { ca_file = "c" } }`, "CAFile=c"},
		{"ours", `tls { internal_rpc { tls_min_version = "TLSv1_3" } }`, "MinVersion=TLSv1_3"},
		{"ours", `tls { internal_rpc { tls_ecdh_curves = "X25519, P-384" } }`, "Curves=[X25519 P-384]"},
		{"ours", `tls { internal_rpc { verify_incoming = true } }`, "VerifyIncoming=true"},
		{"ours", `tls { internal_rpc { verify_outgoing = true } }`, "VerifyOutgoing=true"},
		{"ours", `verify_server_hostname = true`, "VerifyOutgoing=true VerifyServerHostname=true"},
		{"ours", `domain = "cluster.example."`, "Domain=cluster.example."},
		{"dot", `tls { https { verify_incoming = true } }`, "VerifyIncoming=true"},
		{"grpc", `tls { grpc { verify_incoming = true } }`, "VerifyIncoming=true"},
		{"grpc", `verify_incoming = true`, ""},
		{"sink", `telemetry { metrics_prefix = "p" }`, "Prefix=p"},
		{"sink", `telemetry { prometheus_retention_time = "9s" }`, "PrometheusRetention=9s"},
		{"sink", `telemetry { prefix_filter = ["+a", "-b"] }`, "Allowed=[a] Blocked=[b …]"},
		{"sink", `telemetry { filter_default = false }`, "DropUnnamed=true"},
		{"sink", `telemetry { statsd_address = "127.0.0.1:1" }`, "Sinks=[statsd at 127.0.0.1:1]"},
		{"sink", `telemetry { statsite_address = "127.0.0.1:1" }`, "Sinks=[statsite at 127.0.0.1:1]"},
		{"sink", `telemetry { dogstatsd_addr = "127.0.0.1:1" dogstatsd_tags = ["a:b"] }`, "Sinks=[… at 127.0.0.1:1]"},
		{"sink", `telemetry { retry_failed_connection = false }`, "RequireSinks=true"},
		{"sink", `telemetry { enable_host_metrics = true }`, "HostDisk=/tmp/x"},
		{"sink", `server = false`, "Server=false"},
	} {
		look := parts[row.part]
		if got := differences(look(load(t, false, base)), look(load(t, false, base, row.hcl))); !fits(got, row.want) {
			t.Errorf("%s, %s: changes %q, want %q", row.part, row.hcl, got, row.want)
		}
	}
}

// differences lists the fields in which two structs of one type differ, with the
// second's value.
func differences(a, b any) string {
	var list []string
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		if !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			list = append(list, fmt.Sprintf("%s=%v", x.Type().Field(i).Name, y.Field(i).Interface()))
		}
	}
	return strings.Join(list, " ")
}

func TestDevelopmentKeepsNoLogAndFilesAreNamedByThePool(t *testing.T) {
	if dir := agent.RaftOptions("/d", load(t, true, `data_dir = "/tmp/x"`)).Dir; dir != "" {
		t.Errorf("-dev keeps its log in %s", dir)
	}
	rt := load(t, false, `data_dir = "/tmp/x" bind_addr = "127.0.0.1" server = true`)
	if dir := agent.RaftOptions("/d", rt).Dir; dir != "/d/raft" {
		t.Errorf("a server keeps its log in %s", dir)
	}
	lan, wan := agent.LANOptions(rt, []byte("k")), agent.WANOptions(rt, []byte("k"))
	if got := strings.Join([]string{lan.SnapshotPath, lan.KeyringPath, wan.SnapshotPath, wan.KeyringPath}, " "); got != "/d/serf/local.snapshot /d/serf/local.keyring /d/serf/remote.snapshot /d/serf/remote.keyring" {
		t.Errorf("the pools' files are %s", got)
	}
	if string(lan.EncryptKey) != "k" || string(wan.EncryptKey) != "k" || lan.WAN || !wan.WAN {
		t.Errorf("keys %q and %q; over the WAN: %t and %t", lan.EncryptKey, wan.EncryptKey, lan.WAN, wan.WAN)
	}
}

func TestMetricsHaveTheNameOfTheMachineUnlessTold(t *testing.T) {
	machine, _ := os.Hostname()
	if got := agent.MetricsOptions(load(t, true)); got.HostName != machine || !got.Global || !got.Declare || got.HostDisk != "" || len(got.Sinks) != 0 {
		t.Errorf("%+v", got)
	}
	got := agent.MetricsOptions(load(t, true, `telemetry { disable_hostname = true enable_host_metrics = true dogstatsd_addr = "a:1" dogstatsd_tags = ["x:y"] }`))
	if got.HostName != "" || got.HostDisk != "/" || len(got.Sinks) != 1 || got.Sinks[0].Protocol != telemetry.DogStatsD || got.Sinks[0].Tags[0] != "x:y" {
		t.Errorf("%+v", got)
	}
	if got.PrometheusRetention != time.Duration(0) {
		t.Errorf("Prometheus is on: %v", got.PrometheusRetention)
	}
}
