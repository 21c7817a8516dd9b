data_dir = "/x"
raft_protocol = 2
