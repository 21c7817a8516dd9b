data_dir = "/x"
log_level = "loud"
