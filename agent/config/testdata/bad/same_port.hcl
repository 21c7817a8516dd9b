data_dir = "/x"
bind_addr = "127.0.0.1"
ports { http = 8600 server = 8302 }
