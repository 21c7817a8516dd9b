data_dir = "/x"
server = true
bootstrap_expect = -1
