data_dir = "/x"
service { name = "a" connect { sidecar_service { id = "x" connect { sidecar_service {} } } } }
