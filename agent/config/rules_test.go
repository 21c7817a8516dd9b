package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"praetor/agent/config"
)

// TestRulesAtTheirEdges has, for each rule about a value, the last one that is accepted and
// the first that is refused.
func TestRulesAtTheirEdges(t *testing.T) {
	long, longest := strings.Repeat("k", 129), strings.Repeat("k", 128)
	for _, c := range []struct {
		name, good, bad, says string
	}{
		{"datacenter", `datacenter = "a-b_9"`, `datacenter = "a.b"`, `datacenter can only contain lowercase alphanumeric, - or _ characters. received: "a.b"`},
		{"datacenter in capitals", `datacenter = "EU"`, `datacenter = "E U"`, `received: "e u"`},
		{"primary_datacenter", `primary_datacenter = "Dc2"`, `primary_datacenter = "d/2"`, `primary_datacenter can only contain lowercase alphanumeric`},
		{"node_meta", `node_meta { ` + longest + ` = "v" }`, `node_meta { ` + long + ` = "v" }`, "node_meta invalid: Couldn't load metadata pair"},
		{"locality", `locality { region = "r" zone = "z" }`, `locality { zone = "z" }`, "locality is invalid: zone cannot be set without region"},
		{"ports", `ports { http = 65535 }`, `ports { http = 65536 }`, "ports.http: invalid port: 65536"},
		{"serf_lan", `ports { serf_lan = 1 }`, `ports { serf_lan = 0 }`, "serf-lan-port must be greater than zero"},
		{"server port", `ports { server = 1 }`, `ports { server = -1 }`, "server-port must be greater than zero"},
		{"sidecar ports", `ports { sidecar_min_port = 5 sidecar_max_port = 5 }`, `ports { sidecar_min_port = 6 sidecar_max_port = 5 }`, "sidecar_min_port must be less than sidecar_max_port. To disable, set both to zero."},
		{"sidecar ports, the last one alone", `ports { sidecar_max_port = 21000 }`, `ports { sidecar_max_port = 20999 }`, "sidecar_min_port must be less than sidecar_max_port"},
		{"expose ports", `ports { expose_min_port = 0 expose_max_port = 0 }`, `ports { expose_min_port = 6 expose_max_port = 5 }`, "expose_min_port must be less than expose_max_port"},
		{"proxy ports", `ports { proxy_min_port = 5 proxy_max_port = 6 }`, `ports { proxy_min_port = 6 proxy_max_port = 5 }`, "proxy_min_port must be less than proxy_max_port"},
		{"a port range's end", `ports { sidecar_max_port = 65535 }`, `ports { sidecar_max_port = 65536 }`, "ports.sidecar_max_port: invalid port: 65536"},
		{"check_output_max_size", `check_output_max_size = 1`, `check_output_max_size = 0`, "check_output_max_size must be positive"},
		{"server_rejoin_age_max", `server_rejoin_age_max = "6h"`, `server_rejoin_age_max = "5h59m59s"`, "server_rejoin_age_max must be at least 6h0m0s"},
		{"raft_multiplier, below", `performance { raft_multiplier = 1 }`, `performance { raft_multiplier = 0 }`, "performance.raft_multiplier cannot be 0. Must be between 1 and 10"},
		{"raft_multiplier, above", `performance { raft_multiplier = 10 }`, `performance { raft_multiplier = 11 }`, "performance.raft_multiplier cannot be 11"},
		{"segment_size_mb, below", `raft_logstore { wal { segment_size_mb = 0 } }`, `server = true raft_logstore { wal { segment_size_mb = 0 } }`, "segment_size_mb cannot be 0. Must be between 1 and 1024"},
		{"segment_size_mb, above", `server = true raft_logstore { wal { segment_size_mb = 1024 } }`, `server = true raft_logstore { wal { segment_size_mb = 1025 } }`, "segment_size_mb cannot be 1025"},
		{"raft_logstore.backend", `raft_logstore { backend = "bolt" }`, `server = true raft_logstore { backend = "bolt" }`, "raft_logstore.backend must be one of 'boltdb' or 'wal'"},
		{"raft_snapshot_threshold", `raft_snapshot_threshold = 0`, `raft_snapshot_threshold = -1`, "raft_snapshot_threshold cannot be -1. Must be greater than or equal to zero"},
		{"raft_trailing_logs", `raft_trailing_logs = 0`, `raft_trailing_logs = -1`, "raft_trailing_logs cannot be -1"},
		{"raft_protocol", `raft_protocol = 3`, `raft_protocol = 2`, "raft_protocol version 2 is not supported"},
		{"protocol, below", `protocol = 2`, `protocol = 1`, "Protocol version '1' not in range: [2, 3]"},
		{"protocol, above", `protocol = 3`, `protocol = 4`, "Protocol version '4' not in range: [2, 3]"},
		{"autopilot.max_trailing_logs", `autopilot { max_trailing_logs = 0 }`, `autopilot { max_trailing_logs = -1 }`, "autopilot.max_trailing_logs cannot be -1"},
		{"udp_max_size, below", `dns_config { udp_max_size = 512 }`, `dns_config { udp_max_size = 511 }`, "dns_config.udp_max_size cannot be 511. Must be between 512 and 65467 bytes"},
		{"udp_max_size, above", `dns_config { udp_max_size = 65467 }`, `dns_config { udp_max_size = 65468 }`, "dns_config.udp_max_size cannot be 65468"},
		{"udp_answer_limit", `dns_config { udp_answer_limit = 0 }`, `dns_config { udp_answer_limit = -1 }`, "dns_config.udp_answer_limit cannot be -1"},
		{"a_record_limit", `dns_config { a_record_limit = 0 }`, `dns_config { a_record_limit = -1 }`, "dns_config.a_record_limit cannot be -1"},
		{"service_ttl", `dns_config { service_ttl { web = "1s" } }`, `dns_config { service_ttl { web = "soon" } }`, `dns_config.service_ttl.web: invalid duration: "soon"`},
		{"recursor_strategy", `dns_config { recursor_strategy = "random" }`, `dns_config { recursor_strategy = "best" }`, `1 error occurred:
	* dns_config.recursor_strategy: invalid strategy: "best"`},
		{"recursors", `recursors = ["10.0.0.1"]`, `recursors = ["[::]"]`, "DNS recursor address cannot be 0.0.0.0, :: or [::]"},
		{"entry_fetch_rate", `cache { entry_fetch_rate = 0.1 }`, `cache { entry_fetch_rate = 0 }`, "cache.entry_fetch_rate must be strictly positive, was: 0"},
		{"entry_fetch_max_burst", `cache { entry_fetch_max_burst = 1 }`, `cache { entry_fetch_max_burst = 0 }`, "cache.entry_fetch_max_burst must be strictly positive, was: 0"},
		{"request_limits.mode", `limits { request_limits { mode = "permissive" } }`, `limits { request_limits { mode = "strict" } }`, `limits.request_limits.mode: "strict" is not one of`},
		{"allow_write_http_from", `http_config { allow_write_http_from = ["10.0.0.0/8"] }`, `http_config { allow_write_http_from = ["10.0.0.0"] }`, "http_config.allow_write_http_from: invalid cidr: 10.0.0.0"},
		{"allowed_hosts", `http_config { allowed_hosts = ["*.example.com", "a"] }`, `http_config { allowed_hosts = ["http://a"] }`, `http_config.allowed_hosts: "http://a" is no host name`},
		{"a star inside a host", `http_config { allowed_hosts = ["*.a"] }`, `http_config { allowed_hosts = ["a.*.b"] }`, `"a.*.b" is no host name`},
		{"an empty host", `http_config { allowed_hosts = [] }`, `http_config { allowed_hosts = [""] }`, `"" is no host name`},
		{"ca_provider", `connect { ca_provider = "vault" }`, `connect { ca_provider = "acme" }`, "acme is not a valid CA provider"},
		{"content_path", `ui_config { content_path = "/a_b-C9/d" }`, `ui_config { content_path = "/a b/" }`, "ui-content-path can only contain alphanumeric, -, _, or /."},
		{"content_path of the API", `ui_config { content_path = "v1x" }`, `ui_config { content_path = "/v1" }`, "ui-content-path cannot have 'v[0-9]'. received: \"/v1/\""},
		{"metrics_provider", `ui_config { metrics_provider = "prom-2_x" }`, `ui_config { metrics_provider = "Prom" }`, "ui_config.metrics_provider can only contain lowercase alphanumeric"},
		{"metrics_provider_options_json", `ui_config { metrics_provider_options_json = "{}" }`, `ui_config { metrics_provider_options_json = "[]" }`, "must be empty or a string containing a valid JSON object"},
		{"metrics_proxy.base_url", `ui_config { metrics_proxy { base_url = "https://p/" } }`, `ui_config { metrics_proxy { base_url = "ftp://p/" } }`, "ui_config.metrics_proxy.base_url must be a valid http or https URL"},
		{"metrics_proxy.path_allowlist", `ui_config { metrics_proxy { path_allowlist = ["/a"] } }`, `ui_config { metrics_proxy { path_allowlist = ["/a/../b"] } }`, `path must be absolute and clean: "/a/../b"`},
		{"a relative path", `ui_config { metrics_proxy { path_allowlist = ["/"] } }`, `ui_config { metrics_proxy { path_allowlist = ["a"] } }`, `path must be absolute and clean: "a"`},
		{"dashboard_url_templates", `ui_config { dashboard_url_templates { s = "http://{{x}}" } }`, `ui_config { dashboard_url_templates { s = "javascript:x" } }`, "ui_config.dashboard_url_templates values must be a valid http or https URL"},
		{"auto_encrypt.ip_san", `auto_encrypt { ip_san = ["10.0.0.1", "::1"] }`, `auto_encrypt { ip_san = ["10.0.0.1", "host"] }`, `auto_encrypt.ip_san: "host" is no IP address`},
		{"http_max_requests_per_client", `limits { http_max_requests_per_client = 0 }`, `limits { http_max_requests_per_client = -1 }`, "limits.http_max_requests_per_client: -1 requests a second cannot be; 0 is any number"},
		{"backups.interval", `backups { local_path = "/b" interval = "10s" }`, `backups { local_path = "/b" interval = "9s" }`, "backups.interval cannot be 9s. Must be at least 10s"},
		{"backups.retain", `backups { local_path = "/b" retain = 0 }`, `backups { local_path = "/b" retain = -1 }`, "backups.retain cannot be -1. Must be greater than or equal to zero"},
		{"backups that are off", `backups { interval = "1s" retain = -1 }`, `backups { s3 { bucket = "b" region = "r" access_key_id = "a" secret_access_key = "s" } interval = "1s" }`, "backups.interval cannot be 1s"},
		{"backups to one place", `backups { s3 { bucket = "bucket" region = "r" } }`, `backups { local_path = "/b" s3 { bucket = "bucket" region = "r" } }`, "backups.local_path and backups.s3.bucket are both set: backups go to one place"},
		{"backups.s3", `backups { s3 { bucket = "bucket" region = "r" } }`, `backups { s3 { bucket = "bucket" } }`, "backups.s3: the region of the bucket is not named"},
		{"a long template", `client_addr = "{{ GetAllInterfaces | include \"address\" \"127.0.0.1\" | join \"address\" \" \" }}"`, `client_addr = "{{ ` + strings.Repeat(" ", 4096) + ` }}"`, "client_addr: template longer than 4096 bytes"},
		{"backups.encrypt_to", `backups { encrypt_to = ["age1"] }`, `backups { local_path = "/b" encrypt_to = ["age1"] }`, `backups.encrypt_to: "age1" is no public key`},
		{"statsd_address", `telemetry { statsd_address = "10.0.0.1:1" }`, `telemetry { statsd_address = "10.0.0.1" }`, `telemetry.statsd_address: "10.0.0.1" is no host:port`},
		{"dogstatsd_addr", `telemetry { dogstatsd_addr = "unix:///s" }`, `telemetry { dogstatsd_addr = "/s" }`, `telemetry.dogstatsd_addr: "/s" is no host:port`},
		{"default_policy", `acl { default_policy = "allow" }`, `acl { default_policy = "maybe" }`, "Unsupported default ACL policy: maybe"},
		{"down_policy", `acl { down_policy = "async-cache" }`, `acl { down_policy = "wait" }`, `invalid ACL down policy "wait"`},
		{"log_level", `log_level = "Trace"`, `log_level = "loud"`, "Invalid log level: LOUD"},
		{"node_id", `node_id = "AAAAAAAA-bbbb-cccc-dddd-eeeeeeeeeeee"`, `node_id = "AAAAAAAA"`, "specified NodeID is invalid"},
		{"encrypt", `encrypt = "` + strings.Repeat("A", 43) + `="`, `encrypt = "` + strings.Repeat("A", 40) + `"`, "Invalid key: key size must be 16, 24 or 32 bytes"},
		{"encrypt in base64", `encrypt = ""`, `encrypt = "a b"`, "encrypt has invalid key: "},
		{"bind_addr", `bind_addr = "127.0.0.1"`, `bind_addr = "127.0.0.1 127.0.0.2"`, "bind_addr cannot contain multiple addresses"},
		{"bind_addr with a zone", `bind_addr = "fe80::1"`, `bind_addr = "fe80::1%lo"`, "bind_addr: an address with a zone cannot be used: fe80::1%lo"},
		{"serf_lan with a zone", `serf_lan = "127.0.0.1"`, `serf_lan = "fe80::1%lo"`, "serf_lan: an address with a zone cannot be used"},
		{"serf_wan", `serf_wan = ""`, `serf_wan = "unix:///s"`, "serf_wan cannot be a unix socket"},
		{"alt_domain", `alt_domain = "services.x"`, `alt_domain = "Service."`, "alt_domain cannot start with {service,connect,node,query,addr,dc1}"},
		{"alt_domain and the datacenter", `alt_domain = "dc2.x"`, `alt_domain = "dc1.x"`, "alt_domain cannot start with {"},
		{"primary_gateways", `primary_gateways = []`, `primary_gateways = ["x"]`, "primary_gateways can only be used on a server"},
		{"primary_gateways of the primary", `server = true primary_datacenter = "dc2" primary_gateways = ["x"]`, `server = true primary_gateways = ["x"]`, "primary_gateways are for the other datacenters"},
		{"auto_config without TLS", `tls { internal_rpc { verify_outgoing = true } } auto_config { enabled = true intro_token = "secret" server_addresses = ["10.0.0.1"] }`, `auto_config { enabled = true }`, "auto_config.enabled needs tls.internal_rpc.verify_outgoing"},
		{"auto_config without a token", `tls { internal_rpc { verify_outgoing = true } } auto_config { enabled = true intro_token_file = "f" server_addresses = ["10.0.0.1"] }`, `verify_outgoing = true auto_config { enabled = true }`, "auto_config.enabled needs an intro_token"},
		{"auto_config without servers", `tls { internal_rpc { verify_outgoing = true } } auto_config { enabled = true intro_token = "secret" server_addresses = ["10.0.0.1"] }`, `verify_outgoing = true auto_config { enabled = true intro_token = "x" }`, "auto_config.enabled needs server_addresses"},
		{"auto_config of a server", `auto_config { enabled = false }`, `server = true auto_config { enabled = true }`, "auto_config.enabled can only be used on a client"},
		{"auto_config's authorization", `server = true auto_config { authorization { enabled = true } }`, `auto_config { authorization { enabled = true } }`, "auto_config.authorization.enabled can only be used on a server"},
		{"a proxy", `service { name = "p" kind = "connect-proxy" port = 1 proxy { destination_service_name = "web" } }`, `service { name = "p" kind = "connect-proxy" port = 1 }`, "Proxy.DestinationServiceName must be non-empty"},
		{"a gateway's sidecar", `service { name = "g" kind = "mesh-gateway" port = 1 }`, `service { name = "g" kind = "mesh-gateway" port = 1 connect { sidecar_service {} } }`, "A mesh-gateway cannot have a sidecar service defined"},
		{"a native service", `service { name = "n" port = 1 connect { native = true } }`, `service { name = "n" connect { native = true } }`, "Port or SocketPath must be set for a Connect native service."},
		{"several ports", `service { name = "n" ports { name = "a" port = 1 default = true } ports { name = "b" port = 1 } }`, `service { name = "n" ports = [{ name = "a" port = 1 }] }`, "one of the Ports must be marked as Default"},
		{"ports beside a port", `service { name = "n" ports = [{ name = "a" port = 1 default = true }] }`, `service { name = "n" port = 1 ports = [{ name = "a" port = 1 default = true }] }`, "Port cannot be set together with Ports"},
		{"ports beside a socket", `service { name = "n" socket_path = "/s" }`, `service { name = "n" socket_path = "/s" ports = [{ name = "a" port = 1 default = true }] }`, "service n cannot have both socket path /s and address/port"},
		{"client_addr", `client_addr = "127.0.0.1 ::1"`, `client_addr = "127.0.0.1 unix:///s"`, "client_addr cannot be a unix socket"},
		{"addresses.dns", `addresses { dns = "127.0.0.1" }`, `addresses { dns = "unix:///s" }`, "DNS address cannot be a unix socket"},
		{"addresses.http", `addresses { http = "unix:///s" }`, `addresses { http = "host" }`, "addresses.http: invalid ip address: host"},
		{"advertise_addr", `advertise_addr = "10.0.0.1"`, `advertise_addr = "0.0.0.0"`, "Advertise address cannot be 0.0.0.0, :: or [::]"},
		{"advertise_addr_wan", `advertise_addr_wan = "10.0.0.1"`, `advertise_addr_wan = "::"`, "Advertise WAN address cannot be 0.0.0.0, :: or [::]"},
		{"advertise_addr_ipv4", `advertise_addr_ipv4 = "10.0.0.1"`, `advertise_addr_ipv4 = "2001:db8::1"`, "advertise_addr_ipv4 must be an ipv4 address"},
		{"advertise_addr_ipv6", `advertise_addr_ipv6 = "2001:db8::1"`, `advertise_addr_ipv6 = "10.0.0.1"`, "advertise_addr_ipv6 must be an ipv6 address"},
		{"advertise_addr_wan_ipv4", `advertise_addr_wan_ipv4 = "10.0.0.1"`, `advertise_addr_wan_ipv4 = "2001:db8::1"`, "advertise_addr_wan_ipv4 must be an ipv4 address"},
		{"advertise_addr_wan_ipv6", `advertise_addr_wan_ipv6 = "2001:db8::1"`, `advertise_addr_wan_ipv6 = "10.0.0.1"`, "advertise_addr_wan_ipv6 must be an ipv6 address"},
		{"serf_lan_allowed_cidrs", `serf_lan_allowed_cidrs = ["10.0.0.0/8"]`, `serf_lan_allowed_cidrs = ["10/8"]`, "serf_lan_allowed_cidrs: invalid cidr: 10/8"},
		{"a template", `bind_addr = "{{ if false }}x{{ end }}127.0.0.1"`, `bind_addr = "{{ Nonsense }}"`, "bind_addr: unable to parse address template"},
		{"a duration", `default_query_time = "1m30s"`, `default_query_time = "90"`, `default_query_time: invalid duration: "90"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := config.LoadOn(enforcing(), fragment(c.good)); err != nil {
				t.Errorf("%s is refused: %v", c.good, err)
			}
			_, _, err := config.LoadOn(enforcing(), fragment(c.bad))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v\nwant %s", c.bad, err, c.says)
			}
			if err != nil && !strings.Contains(err.Error(), "set in flags-1.hcl") {
				t.Errorf("%s: it does not say where it was set: %v", c.bad, err)
			}
		})
	}
}

func fragment(hcl string) *config.Flags {
	return &config.Flags{HCL: []string{`data_dir = "/praetor-nowhere"`, hcl}}
}

func TestRulesBetweenSettings(t *testing.T) {
	for _, c := range []struct{ name, hcl, says string }{
		{"a client that bootstraps", "bootstrap = true", "'bootstrap = true' requires 'server = true'"},
		{"a client that expects one", "bootstrap_expect = 1", "'bootstrap = true' requires 'server = true'"},
		{"a client that expects", "bootstrap_expect = 3", "'bootstrap_expect > 0' requires 'server = true'"},
		{"both", "server = true bootstrap = true bootstrap_expect = 3", "'bootstrap_expect > 0' and 'bootstrap = true' are mutually exclusive"},
		{"fewer than none", "server = true bootstrap_expect = -1", "bootstrap_expect cannot be -1. Must be greater than or equal to zero"},
		{"a server that asks to be reaped", `server = true advertise_reconnect_timeout = "1h"`, "advertise_reconnect_timeout can only be used on a client"},
		{"a client that does", `advertise_reconnect_timeout = "1h"`, ""},
		{"a segment", `segment = "s"`, "Network segments are not supported"},
		{"segments", `segments = [{ name = "s" }]`, "Network segments are not supported"},
		{"HTTP on DNS's port", "ports { http = 8600 }", "HTTP address 127.0.0.1:8600 already configured for DNS"},
		{"HTTPS on HTTP's port", "ports { https = 8500 }", "HTTPS address 127.0.0.1:8500 already configured for HTTP"},
		{"one port of two addresses", `ports { https = 8500 } addresses { https = "127.0.0.2" }`, ""},
		{"gossip on RPC's port", "ports { serf_lan = 8300 }", "Serf Advertise LAN address 10.1.2.3:8300 already configured for RPC Advertise"},
		{"both pools on one port", "ports { serf_wan = 8301 }", "Serf Advertise WAN address 10.1.2.3:8301 already configured for Serf Advertise LAN"},
		{"no WAN pool", "ports { serf_wan = -1 }", ""},
		{"DNS over TLS without a certificate", "ports { dns_tls = 853 }", "ports.dns_tls: DNS over TLS needs a certificate"},
		{"with one", `ports { dns_tls = 853 } tls { https { cert_file = "c" key_file = "k" } }`, ""},
		{"with half of one", `ports { dns_tls = 853 } tls { https { cert_file = "c" } }`, "ports.dns_tls: DNS over TLS needs a certificate"},
		{"two web UIs", `ui_config { enabled = true dir = "/ui" }`, "Both the ui_config.enabled and ui_config.dir"},
		{"no data folder", `data_dir = ""`, "data_dir cannot be empty"},
		{"outgoing in gRPC's stanza", "tls { grpc { verify_outgoing = true } }", "verify_outgoing is not valid in the tls.grpc stanza"},
		{"host names in HTTPS's", "tls { https { verify_server_hostname = true } }", "verify_server_hostname is only valid in the tls.defaults and tls.internal_rpc stanzas"},
		{"host names in gRPC's", "tls { grpc { verify_server_hostname = false } }", "verify_server_hostname is only valid"},
		{"automatic certificates by default", "tls { defaults { use_auto_cert = true } }", "use_auto_cert is only valid in the tls.grpc stanza"},
		{"of RPC", "tls { internal_rpc { use_auto_cert = true } }", "use_auto_cert is only valid in the tls.grpc stanza"},
		{"of HTTPS", "tls { https { use_auto_cert = false } }", "use_auto_cert is only valid in the tls.grpc stanza"},
		{"a version of TLS", `tls { https { tls_min_version = "1.2" } }`, `tls.https.tls_min_version: invalid TLS version: no matching TLS version found for 1.2, please specify one of [TLS_AUTO, TLSv1_0`},
		{"by default", `tls { defaults { tls_min_version = "1.2" } }`, `tls.defaults.tls_min_version: invalid TLS version: no matching TLS version found for 1.2`},
		{"a suite", `tls { defaults { tls_cipher_suites = "TLS_NONE" } }`, "tls.defaults.tls_cipher_suites: invalid TLS cipher suites: no matching Consul Agent TLS cipher suite found for TLS_NONE"},
		{"suites of TLS 1.3", `tls { https { tls_min_version = "TLSv1_3" tls_cipher_suites = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" } }`, "TLS 1.3 cipher suites are not configurable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := config.LoadOn(enforcing(), fragment(c.hcl))
			if c.says == "" {
				ok(t, err)
			} else if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v\nwant %s", err, c.says)
			}
		})
	}
}

// TestValuesAreReadAs has one setting and what the agent makes of it.
func TestValuesAreReadAs(t *testing.T) {
	for _, c := range []struct {
		name, hcl string
		got       func(rt *config.Runtime) any
		want      any
	}{
		{"datacenters are in lower case", `datacenter = "EU" primary_datacenter = "US"`, func(rt *config.Runtime) any { return rt.Datacenter + " " + rt.PrimaryDatacenter }, "eu us"},
		{"without a primary it is the own", `datacenter = "eu" primary_datacenter = ""`, func(rt *config.Runtime) any { return rt.PrimaryDatacenter }, "eu"},
		{"a blank name is the machine's", `node_name = ""`, func(rt *config.Runtime) any { return rt.NodeName }, "alpha"},
		{"a name without the space around", `node_name = " n "`, func(rt *config.Runtime) any { return rt.NodeName }, "n"},
		{"node IDs are in lower case", `node_id = "AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE"`, func(rt *config.Runtime) any { return rt.NodeID }, "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"},
		{"a locality that says nothing", `locality {}`, func(rt *config.Runtime) any { return rt.Locality == nil }, true},
		{"clients leave when they are terminated", ``, func(rt *config.Runtime) any { return []bool{rt.LeaveOnTerm, rt.SkipLeaveOnInt} }, []bool{true, false}},
		{"servers do not", `server = true`, func(rt *config.Runtime) any { return []bool{rt.LeaveOnTerm, rt.SkipLeaveOnInt} }, []bool{false, true}},
		{"unless they are told", `server = true leave_on_terminate = true skip_leave_on_interrupt = false`, func(rt *config.Runtime) any { return []bool{rt.LeaveOnTerm, rt.SkipLeaveOnInt} }, []bool{true, false}},
		{"only servers stream unasked", ``, func(rt *config.Runtime) any { return rt.RPCStreaming }, false},
		{"expecting one is bootstrapping", `server = true bootstrap_expect = 1`, func(rt *config.Runtime) any { return fmt.Sprint(rt.Bootstrap, rt.BootstrapExpect) }, "true 0"},
		{"negative ports are closed", `ports { http = -1 dns = 0 }`, func(rt *config.Runtime) any { return []int{rt.Ports.HTTP, rt.Ports.DNS} }, []int{-1, -1}},
		{"CIDRs lose their host part", `http_config { allow_write_http_from = ["10.1.2.3/8"] }`, func(rt *config.Runtime) any { return rt.HTTP.AllowWriteFrom[0].String() }, "10.0.0.0/8"},
		{"host names lose their dot and capitals", `http_config { allowed_hosts = ["Consul.Example.Com.", "*.A.b"] }`, func(rt *config.Runtime) any { return rt.HTTP.AllowedHosts }, []string{"consul.example.com", "*.a.b"}},
		{"no mode of limits is none", `limits { request_limits { mode = "" } }`, func(rt *config.Runtime) any { return rt.Limits.RequestMode }, "disabled"},
		{"recursors get a port", `recursors = ["10.0.0.1", "10.0.0.2:54", "2001:db8::1", "[2001:db8::2]", "[2001:db8::3]:55"]`, func(rt *config.Runtime) any { return rt.DNS.Recursors },
			[]string{"10.0.0.1:53", "10.0.0.2:54", "[2001:db8::1]:53", "[2001:db8::2]:53", "[2001:db8::3]:55"}},
		{"no strategy is in sequence", `dns_config { recursor_strategy = "" }`, func(rt *config.Runtime) any { return rt.DNS.RecursorStrategy }, "sequential"},
		{"TTLs of services", `dns_config { service_ttl { web = "3s" "db*" = "1m" } }`, func(rt *config.Runtime) any { return rt.DNS.ServiceTTL }, map[string]time.Duration{"web": 3 * time.Second, "db*": time.Minute}},
		{"a content path has slashes", `ui_config { content_path = "a/b" }`, func(rt *config.Runtime) any { return rt.UI.ContentPath }, "/a/b/"},
		{"the root as content path", `ui_config { content_path = "//" }`, func(rt *config.Runtime) any { return rt.UI.ContentPath }, "/"},
		{"Prometheus may be asked queries", `ui_config { metrics_provider = "prometheus" }`, func(rt *config.Runtime) any { return rt.UI.MetricsProxyAllow }, []string{"/api/v1/query", "/api/v1/query_range"}},
		{"or what is listed", `ui_config { metrics_provider = "prometheus" metrics_proxy { path_allowlist = ["/x"] } }`, func(rt *config.Runtime) any { return rt.UI.MetricsProxyAllow }, []string{"/x"}},
		{"headers of the metrics proxy", `ui_config { metrics_proxy { add_headers = [{ name = "a" value = "b" }] } }`, func(rt *config.Runtime) any { return rt.UI.MetricsProxyHeaders }, []config.Header{{Name: "a", Value: "b"}}},
		{"a server opens the API at 8503", `server = true`, func(rt *config.Runtime) any { return rt.Ports.GRPCTLS }, 8503},
		{"no log level is INFO", `log_level = ""`, func(rt *config.Runtime) any { return rt.Log.Level }, "INFO"},
		{"log levels in capitals", `log_level = "warn"`, func(rt *config.Runtime) any { return rt.Log.Level }, "WARN"},
		{"script checks from anywhere are from files too", `enable_script_checks = true acl { enabled = true }`, func(rt *config.Runtime) any { return rt.Checks.EnableLocalScripts }, true},
		{"unless that is said otherwise", `enable_script_checks = true enable_local_script_checks = false acl { enabled = true }`, func(rt *config.Runtime) any { return rt.Checks.EnableLocalScripts }, false},
		{"keepalives are not shorter than a second", `performance { grpc_keepalive_interval = "1ms" grpc_keepalive_timeout = "2s" }`,
			func(rt *config.Runtime) any {
				return []time.Duration{rt.Performance.GRPCKeepaliveInterval, rt.Performance.GRPCKeepaliveTimeout}
			}, []time.Duration{time.Second, 2 * time.Second}},
		{"the default store checks itself each minute", ``, func(rt *config.Runtime) any { return fmt.Sprint(rt.Raft.Verify, rt.Raft.VerifyInterval) }, "true 1m0s"},
		{"at the interval that is given", `raft_logstore { verification { interval = "5s" } }`, func(rt *config.Runtime) any { return fmt.Sprint(rt.Raft.Verify, rt.Raft.VerifyInterval) }, "true 5s"},
		{"others do not unasked", `raft_logstore { backend = "boltdb" }`, func(rt *config.Runtime) any { return fmt.Sprint(rt.Raft.Verify, rt.Raft.VerifyInterval) }, "false 0s"},
		{"asked, each minute", `raft_logstore { backend = "boltdb" verification { enabled = true } }`, func(rt *config.Runtime) any { return fmt.Sprint(rt.Raft.Verify, rt.Raft.VerifyInterval) }, "true 1m0s"},
		{"host names are verified with outgoing", `tls { internal_rpc { verify_server_hostname = true } }`, func(rt *config.Runtime) any { return rt.TLS.InternalRPC.VerifyOutgoing }, true},
		{"suites between commas", `tls { defaults { tls_cipher_suites = " TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 ,," } }`, func(rt *config.Runtime) any { return rt.TLS.HTTPS.CipherSuites }, []string{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}},
		{"listeners on the clients' addresses", `client_addr = "127.0.0.1 ::1"`, func(rt *config.Runtime) any { return texts(rt.HTTPAddrs) }, []string{"127.0.0.1:8500", "[::1]:8500"}},
		{"or on their own", `addresses { http = "unix:///s 127.0.0.9" }`, func(rt *config.Runtime) any { return texts(rt.HTTPAddrs) }, []string{"/s", "127.0.0.9:8500"}},
		{"hosts without the dot at their end, in lower case", `http_config { allowed_hosts = ["A.Example.", "*.B"] }`, func(rt *config.Runtime) any { return rt.HTTP.AllowedHosts }, []string{"a.example", "*.b"}},
		{"IPv4 that is written as IPv6", `client_addr = "::ffff:127.0.0.1"`, func(rt *config.Runtime) any { return texts(rt.HTTPAddrs) }, []string{"127.0.0.1:8500"}},
		{"addresses between any white space", "client_addr = \" 127.0.0.1\\t::1\\n127.0.0.2 \"", func(rt *config.Runtime) any { return texts(rt.ClientAddrs) }, []string{"127.0.0.1", "::1", "127.0.0.2"}},
		{"networks of hosts", `serf_lan_allowed_cidrs = ["10.1.2.3/8", "::1/0"]`, func(rt *config.Runtime) any { return texts(rt.SerfAllowedCIDRsLAN) }, []string{"10.0.0.0/8", "::/0"}},
		{"a node's name without space around it", `node_name = " a "`, func(rt *config.Runtime) any { return rt.NodeName }, "a"},
		{"a multiplier scales each of Raft's timeouts", `performance { raft_multiplier = 3 }`, func(rt *config.Runtime) any {
			return []time.Duration{rt.Raft.HeartbeatTimeout, rt.Raft.ElectionTimeout, rt.Raft.LeaderLeaseTimeout}
		}, []time.Duration{1200 * time.Millisecond, 1200 * time.Millisecond, 600 * time.Millisecond}},
		{"a socket's listener is shown with its scheme", `addresses { http = "unix:///s 127.0.0.9" }`, func(rt *config.Runtime) any { return rt.Sanitized()["HTTPAddrs"] }, []string{"unix:///s", "tcp://127.0.0.9:8500"}},
		{"an HTTP watch that says little", `watches { type = "nodes" handler_type = "http" http_handler_config { path = "http://h/" } }`, func(rt *config.Runtime) any { return rt.Watches[0].HTTP },
			config.WatchHTTP{Path: "http://h/", Method: "POST", Timeout: 10 * time.Second}},
		{"the CA provider's settings, blocks and all", `connect { ca_config { one { k = 1 } many { k = 1 } many { k = 2 } list = [{ k = 1 }, { k = 2 }] plain = ["a", "b"] } }`, func(rt *config.Runtime) any { return rt.ConnectCAConfig },
			map[string]any{"one": map[string]any{"k": 1}, "many": []any{map[string]any{"k": 1}, map[string]any{"k": 2}}, "list": []any{map[string]any{"k": 1}, map[string]any{"k": 2}}, "plain": []any{"a", "b"}}},
		{"a key's own name before its other one", `enable_script_checks = true acl { enabled = true } check { name = "c" interval = "1s" args = ["a"] scriptargs = ["b"] }`,
			func(rt *config.Runtime) any { return rt.NodeChecks[0].Check.Definition.ScriptArgs }, []string{"a"}},
		{"a closed port leaves the socket", `addresses { http = "unix:///s 127.0.0.9" } ports { http = -1 }`, func(rt *config.Runtime) any { return texts(rt.HTTPAddrs) }, []string{"/s"}},
		{"brackets around an IPv6 address", `addresses { http = "[::1]" }`, func(rt *config.Runtime) any { return texts(rt.HTTPAddrs) }, []string{"[::1]:8500"}},
		{"discovery strings stay whole", `retry_join = ["provider=aws tag_key=a tag_value=b", "10.0.0.1 10.0.0.2"]`, func(rt *config.Runtime) any { return rt.JoinLAN.Addresses },
			[]string{"provider=aws tag_key=a tag_value=b", "10.0.0.1", "10.0.0.2"}},
		{"gossip's own tuning", `gossip_lan { gossip_nodes = 4 gossip_interval = "10ms" probe_interval = "20ms" probe_timeout = "5ms" suspicion_mult = 3 retransmit_mult = 2 }`,
			func(rt *config.Runtime) any { return rt.Gossip.LAN },
			config.GossipTiming{GossipNodes: 4, GossipInterval: 10 * time.Millisecond, ProbeInterval: 20 * time.Millisecond, ProbeTimeout: 5 * time.Millisecond, SuspicionMult: 3, RetransmitMult: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rt, _, err := config.LoadOn(enforcing(), fragment(c.hcl))
			ok(t, err)
			want(t, c.got(rt), c.want)
		})
	}
}

func TestWatchRefusals(t *testing.T) {
	for hcl, says := range map[string]string{
		`args = ["x"]`:                                             "watches[0]: Watch type must be specified",
		`type = "connect_leaf" args = ["x"]`:                       "watches[0]: Watch type connect_leaf is not allowed in agent config",
		`type = "moon" args = ["x"]`:                               "watches[0]: Unsupported watch type: moon",
		`type = "key" args = ["x"]`:                                "watches[0]: Must specify a single key to watch",
		`type = "key" key = "" args = ["x"]`:                       "watches[0]: Must specify a single key to watch",
		`type = "keyprefix" key = "a" args = ["x"]`:                "watches[0]: Invalid parameters: [key]",
		`type = "service" args = ["x"]`:                            "watches[0]: Must specify a single service to watch",
		`type = "agent_service" args = ["x"]`:                      "watches[0]: Must specify a single service_id to watch",
		`type = "nodes" z = 1 a = 2 args = ["x"]`:                  "watches[0]: Invalid parameters: [a z]",
		`type = "checks" service = "a" state = "any" args = ["x"]`: "watches[0]: Cannot specify service and state",
		`type = "nodes"`:                                           "watches[0]: Must define a watch handler",
		`type = "nodes" args = ["x"] handler = "y"`:                "watches[0]: Only one watch handler allowed",
		`type = "nodes" handler_type = "mail"`:                     "watches[0]: Handler type 'mail' not recognized",
		`type = "nodes" handler_type = "http"`:                     "watches[0]: Requires 'path' to be set",
		`type = "nodes" handler_type = "http" http_handler_config { path = "http://x" timeout = "soon" }`: `watches[0]: http_handler_config.timeout: invalid duration: "soon"`,
		`type = ["nodes"]`: "watches[0]: ",
	} {
		_, _, err := config.LoadOn(host, fragment("watches = [{ "+hcl+" }]"))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v\nwant %s", hcl, err, says)
		}
	}
	for _, hcl := range []string{
		`type = "checks" service = "a" args = ["x"]`, `type = "checks" state = "any" args = ["x"]`, `type = "event" args = ["x"]`, `type = "event" name = "n" handler = "x"`,
		`type = "services" stale = true filter = "x" args = ["x"]`, `type = "keyprefix" prefix = "a/" args = ["x"]`, `type = "agent_service" service_id = "i" args = ["x"]`,
	} {
		if _, _, err := config.LoadOn(host, fragment("watches = [{ "+hcl+" }]")); err != nil {
			t.Errorf("%s: %v", hcl, err)
		}
	}
}

// TestUnknownKeysAreCorrected has slips of the hand, and words that are none.
func TestUnknownKeysAreCorrected(t *testing.T) {
	for text, hint := range map[string]string{
		`datcenter = "x"`:                              "datacenter",
		`dataDir = "x"`:                                "data_dir",
		`ports { htpp = 1 }`:                           "http",
		`service { nmae = "a" }`:                       "name",
		`services = [{ name = "a" prot = 1 }]`:         "port",
		`service { name = "a" check { intervl = 1 } }`: "interval",
		`acl { tokens { defualt = "x" } }`:             "default",
		`zebra = 1`:                                    "",
		`ports { elephant = 1 }`:                       "",
		strings.Repeat("x", 65) + ` = 1`:               "",
	} {
		err := config.ParseText(text, "hcl")
		if err == nil {
			t.Errorf("%s: no error", text)
			continue
		}
		_, after, found := strings.Cut(err.Error(), "did you mean ")
		if found != (hint != "") || found && !strings.HasPrefix(after, `"`+hint+`"?`) {
			t.Errorf("%s: %v\nwant the hint %q", text, err, hint)
		}
	}
}

// TestOldKeysYieldToNewOnes goes over what has been renamed.
func TestOldKeysYieldToNewOnes(t *testing.T) {
	for _, c := range []struct {
		old, new, both string
		got            func(rt *config.Runtime) any
		oldWant, want  any
	}{
		{`ui = true`, `ui_config { enabled = false }`, "ui", func(rt *config.Runtime) any { return rt.UI.Enabled }, true, false},
		{`ui_dir = "/a"`, `ui_config { dir = "/b" }`, "ui_dir", func(rt *config.Runtime) any { return rt.UI.Dir }, "/a", "/b"},
		{`ui_content_path = "a"`, `ui_config { content_path = "b" }`, "ui_content_path", func(rt *config.Runtime) any { return rt.UI.ContentPath }, "/a/", "/b/"},
		{`acl_datacenter = "a"`, `primary_datacenter = "b"`, "acl_datacenter", func(rt *config.Runtime) any { return rt.PrimaryDatacenter }, "a", "b"},
		{`acl_token = "a"`, `acl { tokens { default = "b" } }`, "acl_token", func(rt *config.Runtime) any { return rt.ACL.Tokens.Default }, "a", "b"},
		{`acl_agent_token = "a"`, `acl { tokens { agent = "b" } }`, "acl_agent_token", func(rt *config.Runtime) any { return rt.ACL.Tokens.Agent }, "a", "b"},
		{`acl_agent_master_token = "a"`, `acl { tokens { agent_recovery = "b" } }`, "acl_agent_master_token", func(rt *config.Runtime) any { return rt.ACL.Tokens.AgentRecovery }, "a", "b"},
		{`acl_master_token = "a"`, `acl { tokens { initial_management = "b" } }`, "acl_master_token", func(rt *config.Runtime) any { return rt.ACL.Tokens.InitialManagement }, "a", "b"},
		{`acl_replication_token = "a"`, `acl { tokens { replication = "b" } }`, "acl_replication_token", func(rt *config.Runtime) any { return rt.ACL.Tokens.Replication }, "a", "b"},
		{`acl_default_policy = "deny"`, `acl { default_policy = "allow" }`, "acl_default_policy", func(rt *config.Runtime) any { return rt.ACL.DefaultPolicy }, "deny", "allow"},
		{`acl_down_policy = "deny"`, `acl { down_policy = "allow" }`, "acl_down_policy", func(rt *config.Runtime) any { return rt.ACL.DownPolicy }, "deny", "allow"},
		{`acl_ttl = "5s"`, `acl { token_ttl = "6s" }`, "acl_ttl", func(rt *config.Runtime) any { return rt.ACL.TokenTTL }, 5 * time.Second, 6 * time.Second},
		{`ca_file = "a"`, `tls { defaults { ca_file = "b" } }`, "ca_file", func(rt *config.Runtime) any { return rt.TLS.HTTPS.CAFile }, "a", "b"},
		{`cert_file = "a"`, `tls { defaults { cert_file = "b" } }`, "cert_file", func(rt *config.Runtime) any { return rt.TLS.HTTPS.CertFile }, "a", "b"},
		{`key_file = "a"`, `tls { defaults { key_file = "b" } }`, "key_file", func(rt *config.Runtime) any { return rt.TLS.HTTPS.KeyFile }, "a", "b"},
		{`tls_min_version = "tls13"`, `tls { defaults { tls_min_version = "TLSv1_2" } }`, "tls_min_version", func(rt *config.Runtime) any { return rt.TLS.HTTPS.MinVersion }, "TLSv1_3", "TLSv1_2"},
		{`verify_incoming = true`, `tls { defaults { verify_incoming = false } }`, "verify_incoming", func(rt *config.Runtime) any { return rt.TLS.HTTPS.VerifyIncoming }, true, false},
		{`verify_incoming_https = true`, `tls { https { verify_incoming = false } }`, "verify_incoming_https", func(rt *config.Runtime) any { return rt.TLS.HTTPS.VerifyIncoming }, true, false},
		{`verify_incoming_rpc = true`, `tls { internal_rpc { verify_incoming = false } }`, "verify_incoming_rpc", func(rt *config.Runtime) any { return rt.TLS.InternalRPC.VerifyIncoming }, true, false},
		{`verify_outgoing = true`, `tls { defaults { verify_outgoing = false } }`, "verify_outgoing", func(rt *config.Runtime) any { return rt.TLS.InternalRPC.VerifyOutgoing }, true, false},
	} {
		t.Run(c.both, func(t *testing.T) {
			rt, warnings, err := config.LoadOn(enforcing(), fragment(c.old))
			ok(t, err)
			want(t, c.got(rt), c.oldWant)
			if !strings.Contains(strings.Join(warnings, "\n"), "The '"+c.both+"' field is deprecated. Use the '") {
				t.Errorf("no warning about %s: %q", c.both, warnings)
			}
			rt, _, err = config.LoadOn(enforcing(), fragment(c.old+" "+c.new))
			ok(t, err)
			want(t, c.got(rt), c.want)
		})
	}
}

// TestAdvertiseOnOddMachines is what the any-address leads to.
func TestAdvertiseOnOddMachines(t *testing.T) {
	for _, c := range []struct {
		name, hcl string
		host      config.Host
		want      string // the LAN address, or how the refusal starts
	}{
		{"none", ``, config.Host{Name: "a", Eth: []string{"8.8.8.8"}}, "No private IPv4 address found"},
		{"two", ``, config.Host{Name: "a", Eth: []string{"10.0.0.1", "192.168.0.1"}}, "Multiple private IPv4 addresses found"},
		{"one that is down", ``, config.Host{Name: "a", Eth: []string{"10.0.0.1"}, Down: []string{"10.0.0.2"}}, "10.0.0.1"},
		{"carrier's NAT", ``, config.Host{Name: "a", Eth: []string{"100.64.0.1"}}, "100.64.0.1"},
		{"beyond carrier's NAT", ``, config.Host{Name: "a", Eth: []string{"100.128.0.1"}}, "No private IPv4 address found"},
		{"loopback alone", ``, config.Host{Name: "a", Loopback: []string{"127.0.0.1"}}, "127.0.0.1"},
		{"loopback beside a public one", ``, config.Host{Name: "a", Loopback: []string{"127.0.0.1"}, Eth: []string{"8.8.8.8"}}, "No private IPv4 address found"},
		{"no interfaces", ``, config.Host{Name: "a", Broken: true}, "Error detecting private IPv4 address: no netlink"},
		{"IPv6", `bind_addr = "::"`, config.Host{Name: "a", Eth: []string{"2600::1", "fe80::1", "fd00::1"}}, "2600::1"},
		{"no public IPv6", `bind_addr = "::"`, config.Host{Name: "a", Eth: []string{"10.0.0.1", "2001:db8::1"}}, "No public IPv6 address found"},
		{"an own address needs none", `bind_addr = "8.8.8.8"`, config.Host{Name: "a", Broken: true}, "8.8.8.8"},
		{"nor one that is given", `advertise_addr = "9.9.9.9"`, config.Host{Name: "a", Broken: true}, "9.9.9.9"},
		{"nor one of a family", `advertise_addr_ipv6 = "2600::1"`, config.Host{Name: "a", Broken: true}, "2600::1"},
		{"the fourth family first", `advertise_addr_ipv6 = "2600::1" advertise_addr_ipv4 = "9.9.9.9"`, config.Host{Name: "a", Broken: true}, "9.9.9.9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rt, _, err := config.LoadOn(c.host, fragment(c.hcl))
			switch {
			case err != nil && !strings.HasPrefix(err.Error(), c.want):
				t.Errorf("%v\nwant %s", err, c.want)
			case err == nil && rt.AdvertiseAddrLAN.String() != c.want:
				t.Errorf("%s, want %s", rt.AdvertiseAddrLAN, c.want)
			}
		})
	}
}

// TestOldNamesOfTLSVersions are taken from the old key alone, in any case.
func TestOldNamesOfTLSVersions(t *testing.T) {
	for old, name := range map[string]string{"tls10": "TLSv1_0", "tls11": "TLSv1_1", "TLS12": "TLSv1_2", "tls13": "TLSv1_3"} {
		rt, warnings, err := config.LoadOn(host, fragment(fmt.Sprintf("tls_min_version = %q", old)))
		ok(t, err)
		want(t, []string{rt.TLS.HTTPS.MinVersion, rt.TLS.GRPC.MinVersion, rt.TLS.InternalRPC.MinVersion}, []string{name, name, name})
		want(t, served(warnings), []string{
			fmt.Sprintf("'tls_min_version' value '%s' is deprecated, please specify '%s' instead", old, name),
			"The 'tls_min_version' field is deprecated. Use the 'tls.defaults.tls_min_version' field instead.",
		})
		if _, _, err := config.LoadOn(host, fragment(fmt.Sprintf("tls { defaults { tls_min_version = %q } }", old))); err == nil || !strings.Contains(err.Error(), "no matching TLS version found for "+old) {
			t.Errorf("the new key takes %s: %v", old, err)
		}
	}
}

// TestFilesOfSomethingElseGetFewHints: each takes a search through all keys.
func TestFilesOfSomethingElseGetFewHints(t *testing.T) {
	var text strings.Builder
	for i := range 30 {
		fmt.Fprintf(&text, "datacentr%02d = 1\n", i)
	}
	err := config.ParseText(text.String(), "hcl")
	if err == nil {
		t.Fatal("accepted")
	}
	want(t, []int{strings.Count(err.Error(), "invalid config key datacentr"), strings.Count(err.Error(), `did you mean "datacenter"?`)}, []int{30, 20})
}

// TestSettingsWithoutEffectAreToldOnceEach, wherever in a list they stand.
func TestSettingsWithoutEffectAreToldOnceEach(t *testing.T) {
	_, warnings, err := config.LoadOn(host, fragment(`partition = "a" license_path = "b" reporting { license { enabled = true } } acl { msp_disable_bootstrap = true }
		services { name = "a" namespace = "n" } services { name = "b" namespace = "n" check { ttl = "1s" namespace = "n" } } check { name = "c" ttl = "1s" partition = "p" }
		telemetry { circonus_api_app = "x" } peering { enabled = true } server_name = "y"`))
	ok(t, err)
	got := strings.Join(warnings, "\n")
	for _, key := range []string{"partition", "license_path", "reporting.license.enabled", "acl.msp_disable_bootstrap", "services.namespace", "services.check.namespace", "checks.partition"} {
		if n := strings.Count(got, fmt.Sprintf("%q is a Consul Enterprise configuration and will have no effect", key)); n != 1 {
			t.Errorf("%s is told of %d times in\n%s", key, n, got)
		}
	}
	for _, text := range []string{"telemetry.circonus_api_app have no effect", "does not act on them: server_name, peering.enabled"} {
		if strings.Count(got, text) != 1 {
			t.Errorf("not once %q in\n%s", text, got)
		}
	}
}
