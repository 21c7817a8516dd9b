data_dir = "/x"
encrypt = "c2hvcnQ="
