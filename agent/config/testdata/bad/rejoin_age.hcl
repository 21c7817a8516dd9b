data_dir = "/x"
server_rejoin_age_max = "1h"
