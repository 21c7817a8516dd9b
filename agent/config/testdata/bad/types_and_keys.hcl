server = "true"
bogus = 1
