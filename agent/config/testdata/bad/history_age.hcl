data_dir = "/x"
history { max_age = "-1h" }
