data_dir = "/x"
ports { server = 0 serf_lan = -1 }
