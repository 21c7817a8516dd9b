data_dir = "/var/lib/consul"
bind_addr = "10.0.0.5"
client_addr = "127.0.0.1"
retry_join = ["consul.internal"]
check_update_interval = "0s"
limits { http_max_conns_per_client = 500 }
dns_config { allow_stale = true max_stale = "10s" node_ttl = "30s" service_ttl { "*" = "5s" } }
