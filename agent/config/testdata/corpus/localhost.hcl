data_dir = "/opt/consul"
client_addr = "localhost"
