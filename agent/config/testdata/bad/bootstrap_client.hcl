data_dir = "/x"
bootstrap = true
