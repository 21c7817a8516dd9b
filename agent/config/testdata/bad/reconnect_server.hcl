data_dir = "/x"
server = true
advertise_reconnect_timeout = "1h"
