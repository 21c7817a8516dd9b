data_dir = "/x"
connect { ca_provider = "letsencrypt" }
