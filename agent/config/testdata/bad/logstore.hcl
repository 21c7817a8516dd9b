data_dir = "/x"
server = true
raft_logstore { backend = "rocks" wal { segment_size_mb = 0 } }
