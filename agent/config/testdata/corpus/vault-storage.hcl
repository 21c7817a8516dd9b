# The agent beside a Vault server that keeps its data in the KV store.
datacenter     = "dc1"
node_name      = "vault-1"
data_dir       = "/opt/consul"
bind_addr      = "10.0.0.5"
retry_join     = ["10.0.1.10", "10.0.1.11", "10.0.1.12"]
encrypt        = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="
enable_syslog  = true
acl {
  enabled        = true
  default_policy = "deny"
  tokens { agent = "0bc6bc46-f25e-4262-b2d9-ffbe1d96be6f" }
}
service {
  name = "vault"
  port = 8200
  tags = ["active"]
  check {
    http            = "https://127.0.0.1:8200/v1/sys/health"
    tls_skip_verify = true
    interval        = "10s"
    timeout         = "2s"
  }
}
