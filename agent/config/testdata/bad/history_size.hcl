data_dir = "/x"
history { max_size_mb = 0 }
