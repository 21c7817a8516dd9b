data_dir = "/x"
dns_config { udp_answer_limit = -1 udp_max_size = 511 a_record_limit = -1 recursor_strategy = "x" }
autopilot { max_trailing_logs = -1 }
