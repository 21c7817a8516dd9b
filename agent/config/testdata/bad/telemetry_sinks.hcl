telemetry {
  statsd_address   = "metrics"
  statsite_address = "10.0.0.1:"
  dogstatsd_addr   = "unix:///run/dog.sock"
}
