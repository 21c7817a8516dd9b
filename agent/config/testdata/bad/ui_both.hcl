data_dir = "/x"
ui_config { enabled = true dir = "/ui" content_path = "/v1/" }
