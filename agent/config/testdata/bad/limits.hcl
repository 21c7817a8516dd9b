data_dir = "/x"
limits { request_limits { mode = "strict" } }
cache { entry_fetch_rate = 0 entry_fetch_max_burst = 0 }
