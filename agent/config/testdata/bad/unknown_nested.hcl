data_dir = "/x"
service { nme = "x" }
check { script = "x" }
services { name = "a" tagged_addresses { lan { adress = "1.1.1.1" } } checks = [ { tll = "1m" } ] }
