data_dir = "/x"
locality { zone = "a" }
