ports { http = 1 }
ports { dns = 1 }
