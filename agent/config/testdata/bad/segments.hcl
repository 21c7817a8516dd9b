data_dir = "/x"
segment = "alpha"
