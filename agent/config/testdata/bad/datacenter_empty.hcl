data_dir = "/x"
datacenter = ""
