data_dir = "/opt/consul"
retry_joins = ["10.0.1.10"]
acl { enable = true }
ports { htttp = 8500 }
