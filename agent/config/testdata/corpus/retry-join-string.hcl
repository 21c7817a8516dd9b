data_dir = "/opt/consul"
retry_join = "10.0.1.10"
