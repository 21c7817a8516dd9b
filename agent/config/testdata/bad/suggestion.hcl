datacentre = "x"
retryjoin = ["x"]
ports { htpp = 1 }
zzzzzz = 1
