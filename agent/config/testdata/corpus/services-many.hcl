services {
  id = "red0"
  name = "red"
  tags = ["primary"]
  port = 6000
  checks = [{ args = ["/bin/check_redis", "-p", "6000"], interval = "5s", timeout = "20s" }]
}
services {
  id = "red1"
  name = "red"
  tags = ["delayed", "secondary"]
  port = 7000
  checks = [{ ttl = "30s" }, { tcp = "localhost:7000", interval = "30s" }]
}
enable_local_script_checks = true
