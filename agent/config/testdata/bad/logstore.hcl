data_dir = "/x"
raft_logstore { backend = "rocks" wal { segment_size_mb = 0 } }
