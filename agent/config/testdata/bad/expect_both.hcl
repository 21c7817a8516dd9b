data_dir = "/x"
server = true
bootstrap = true
bootstrap_expect = 3
