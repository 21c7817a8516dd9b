#### The node
datacenter       = "ams1"
data_dir         = "/var/lib/praetor"
node_name        = "server-1"
node_meta        = { rack = "b4" }
server           = true
bootstrap_expect = 3

#### locality
locality = {
  region = "eu-west"
  zone   = "eu-west-1a"
}

#### Network
bind_addr      = "10.0.0.1"
client_addr    = "127.0.0.1"
advertise_addr = "10.0.0.1"

#### addresses
addresses = {
  dns  = "127.0.0.1 10.0.0.1"
  http = "127.0.0.1 unix:///run/praetor/http.sock"
}

#### ports
ports = {
  http  = -1 # HTTPS only
  https = 8501
}

#### unix_sockets
unix_sockets = {
  group = "998"
  mode  = "0660"
}

#### Joining and leaving
retry_join         = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
retry_interval     = "10s"
leave_on_terminate = true

#### Requests
default_query_time = "60s"
session_ttl_min    = "5s"

#### cache
cache = {
  entry_fetch_rate = 10
}

#### limits
limits = {
  http_max_conns_per_client = 500
  kv_max_value_size         = 1048576
}

#### http_config
http_config = {
  block_endpoints  = ["/v1/agent/force-leave"]
  response_headers = { Strict-Transport-Security = "max-age=63072000" }
}

#### dns_config
dns_config = {
  service_ttl  = { "*" = "5s", db = "0s" }
  only_passing = true
}

#### DNS
recursors = ["9.9.9.9", "1.1.1.1"]

#### Gossip
encrypt = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="

#### gossip_lan
gossip_lan = {
  probe_timeout  = "1s" # a network that loses packets
  suspicion_mult = 6
}

#### gossip_wan
gossip_wan = {
  probe_timeout = "5s"
}

#### performance
performance = {
  raft_multiplier = 5 # what Consul has
}

#### Raft
raft_snapshot_threshold = 65536
raft_trailing_logs      = 50000

#### raft_logstore
raft_logstore = {
  backend = "wal"
  wal     = { segment_size_mb = 128 }
}

#### autopilot
autopilot = {
  cleanup_dead_servers      = true
  min_quorum                = 3
  server_stabilization_time = "30s"
}

#### services
services = [{
  name = "web"
  port = 8080
  tags = ["v1"]
  meta = { team = "shop" }
  check = { http = "http://127.0.0.1:8080/health", interval = "10s" }
}]

#### checks
checks = [{
  id       = "ssh"
  name     = "SSH answers"
  tcp      = "127.0.0.1:22"
  interval = "30s"
  timeout  = "2s"
}]

#### Services, checks and watches
enable_local_script_checks = true
watches = [{
  type = "key"
  key  = "app/color"
  args = ["/usr/local/bin/repaint"]
}]

#### Logging
log_level        = "INFO"
log_file         = "/var/log/praetor/"
log_rotate_bytes = 104857600

#### ui_config
ui_config = {
  enabled = true
}

#### Operation
auto_reload_config = true

#### Access, TLS, telemetry and the mesh
default_intention_policy = "deny"

#### acl
acl = {
  enabled                  = true
  default_policy           = "deny"
  enable_token_persistence = true
}

#### tls
tls = {
  defaults = {
    ca_file         = "/etc/praetor.d/tls/ca.pem"
    cert_file       = "/etc/praetor.d/tls/agent.pem"
    key_file        = "/etc/praetor.d/tls/agent-key.pem"
    verify_incoming = true
    verify_outgoing = true
  }
  internal_rpc = {
    verify_server_hostname = true
  }
}

#### telemetry
telemetry = {
  prometheus_retention_time = "60s"
  disable_hostname          = true
}

#### config_entries
config_entries = {
  bootstrap = [{
    kind     = "service-defaults"
    name     = "web"
    protocol = "http"
  }]
}

#### connect
connect = {
  enabled = true
}

#### auto_encrypt
auto_encrypt = {
  tls = true
}

#### history
history {
  kv          = true
  max_age     = "72h"
  max_size_mb = 64
}

#### backups
backups {
  interval   = "1h"
  retain     = 30
  local_path = "/mnt/backups"
}
