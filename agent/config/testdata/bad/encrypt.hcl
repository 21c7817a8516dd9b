data_dir = "/x"
encrypt = "short"
