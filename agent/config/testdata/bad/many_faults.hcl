data_dir = ""
server = false
bootstrap = true
datacenter = "UP per"
retry_interval = "5"
