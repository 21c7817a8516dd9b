data_dir = "/x"
ports { sidecar_min_port = 5 sidecar_max_port = 4 }
