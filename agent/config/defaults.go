package config

// defaults are written in the language that users write, and pass through the
// same parser (reference/config.md §2). Where they differ from Consul's:
// performance.raft_multiplier is 1 rather than 5, for failover in under a
// second on a LAN.
const defaults = `
datacenter = "dc1"
disable_host_node_id = true
domain = "consul."
protocol = 2
raft_protocol = 3
server = false
bootstrap = false
server_rejoin_age_max = "168h"
use_streaming_backend = true

bind_addr = "0.0.0.0"
client_addr = "127.0.0.1"
ports = {
  dns = 8600
  dns_tls = -1
  http = 8500
  https = -1
  grpc = -1
  serf_lan = 8301
  serf_wan = 8302
  server = 8300
  sidecar_min_port = 21000
  sidecar_max_port = 21255
  expose_min_port = 21500
  expose_max_port = 21755
  proxy_min_port = 20000
  proxy_max_port = 20255
}

retry_interval = "30s"
retry_interval_wan = "30s"
reconnect_timeout = "72h"
reconnect_timeout_wan = "72h"
primary_gateways_interval = "30s"

default_query_time = "300s"
max_query_time = "600s"
cache = { entry_fetch_max_burst = 2 }
limits = {
  http_max_conns_per_client = 200
  http_max_conns = 16384
  http_max_requests_per_client = 0
  http_max_request_body_size = 524288
  https_handshake_timeout = "5s"
  rpc_handshake_timeout = "5s"
  rpc_client_timeout = "60s"
  rpc_rate = -1
  rpc_max_burst = 1000
  rpc_max_conns_per_client = 100
  kv_max_value_size = 524288
  txn_max_req_len = 524288
  request_limits = {
    mode = "disabled"
    read_rate = -1
    write_rate = -1
  }
}
http_config = {
  use_cache = true
  read_header_timeout = "10s"
  read_timeout = "15m"
  write_timeout = "30s"
  idle_timeout = "120s"
}

performance = {
  raft_multiplier = 1
  leave_drain_time = "5s"
  rpc_hold_timeout = "7s"
  grpc_keepalive_interval = "30s"
  grpc_keepalive_timeout = "20s"
  enable_xds_load_balancing = true
}
raft_snapshot_threshold = 16384
raft_snapshot_interval = "30s"
raft_trailing_logs = 10240
raft_logstore = {
  backend = "default"
  wal = { segment_size_mb = 64 }
}
backups = {
  interval = "1h"
  retain = 30
  s3 = { key_prefix = "praetor" }
}
history = {
  catalog = true
  kv = false
  max_age = "24h"
  max_size_mb = 16
}
autopilot = {
  cleanup_dead_servers = true
  last_contact_threshold = "200ms"
  max_trailing_logs = 250
  min_quorum = 0
  server_stabilization_time = "10s"
}

gossip_lan = {
  gossip_interval = "200ms"
  gossip_nodes = 3
  probe_interval = "1s"
  probe_timeout = "500ms"
  suspicion_mult = 4
  retransmit_mult = 4
}
gossip_wan = {
  gossip_interval = "500ms"
  gossip_nodes = 3
  probe_interval = "5s"
  probe_timeout = "3s"
  suspicion_mult = 6
  retransmit_mult = 4
}
encrypt_verify_incoming = true
encrypt_verify_outgoing = true
disable_remote_exec = true

check_update_interval = "5m"
check_output_max_size = 4096
enable_central_service_config = true

log_level = "INFO"
log_rotate_duration = "24h"
syslog_facility = "LOCAL0"
ui_config = { content_path = "/ui/" }
connect = { enabled = true }
peering = { enabled = true }

acl = {
  enabled = false
  default_policy = "allow"
  down_policy = "extend-cache"
  token_ttl = "30s"
  policy_ttl = "30s"
}

dns_config = {
  allow_stale = true
  max_stale = "87600h"
  node_ttl = "0s"
  udp_answer_limit = 3
  udp_max_size = 8192
  a_record_limit = 0
  recursor_strategy = "sequential"
  recursor_timeout = "2s"
  enable_additional_node_meta_txt = true
  soa = {
    refresh = 3600
    retry = 600
    expire = 86400
    min_ttl = 0
  }
}
telemetry = {
  metrics_prefix = "consul"
  filter_default = true
  retry_failed_connection = true
}
`

// devDefaults come after defaults with -dev.
const devDefaults = `
server = true
bind_addr = "127.0.0.1"
ports = { grpc = 8502 }
disable_keyring_file = true
disable_anonymous_signature = true
enable_debug = true
log_level = "DEBUG"
ui_config = { enabled = true }
performance = { raft_multiplier = 1 }
gossip_lan = {
  gossip_interval = "100ms"
  probe_interval = "100ms"
  probe_timeout = "100ms"
  suspicion_mult = 3
}
gossip_wan = {
  gossip_interval = "100ms"
  probe_interval = "100ms"
  probe_timeout = "100ms"
  suspicion_mult = 3
}
`

// The names under which defaults appear as the origin of a value.
const (
	originDefaults = "defaults"
	originDev      = "-dev"
	originFlags    = "flags"
)
