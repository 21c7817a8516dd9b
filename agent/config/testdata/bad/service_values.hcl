data_dir = "/x"
services { name = "a" weights { passing = 0 } }
services { name = "b" meta { "consul-x" = "1" } }
services { name = "c" port = 1 socket_path = "/s" }
services { port = 1 }
services { name = "d" kind = "connect-proxy" }
services { name = "e" tagged_addresses { lan_ipv4 { address = "::1" } } }
