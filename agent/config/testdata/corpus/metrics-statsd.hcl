telemetry {
  statsd_address = "127.0.0.1:8125"
  dogstatsd_addr = "127.0.0.1:8125"
  dogstatsd_tags = ["env:prod"]
  prefix_filter = ["+consul.raft.apply", "-consul.http", "consul.bad"]
  circonus_api_token = "x"
}
