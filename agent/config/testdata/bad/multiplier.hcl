data_dir = "/x"
performance { raft_multiplier = 11 }
