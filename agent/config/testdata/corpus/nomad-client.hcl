data_dir   = "/opt/consul"
bind_addr  = "10.0.0.5"
log_level  = "INFO"
retry_join = ["provider=aws tag_key=consul tag_value=server"]
ports { grpc = 8502 }
connect { enabled = true }
telemetry {
  prometheus_retention_time = "60s"
  disable_hostname          = true
}
