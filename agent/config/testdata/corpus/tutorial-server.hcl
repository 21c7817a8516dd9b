datacenter = "dc1"
data_dir = "/opt/consul"
encrypt = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="
tls {
  defaults {
    ca_file         = "/etc/consul.d/consul-agent-ca.pem"
    cert_file       = "/etc/consul.d/dc1-server-consul-0.pem"
    key_file        = "/etc/consul.d/dc1-server-consul-0-key.pem"
    verify_incoming = true
    verify_outgoing = true
  }
  internal_rpc { verify_server_hostname = true }
}
server = true
bootstrap_expect = 1
bind_addr = "10.0.0.5"
client_addr = "127.0.0.1"
connect { enabled = true }
ui_config { enabled = true }
performance { raft_multiplier = 1 }
