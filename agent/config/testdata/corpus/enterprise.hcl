license_path = "/etc/consul.d/license.hclic"
partition = "team-a"
audit { enabled = true }
autopilot { redundancy_zone_tag = "zone" upgrade_version_tag = "build" }
server = true
read_replica = true
