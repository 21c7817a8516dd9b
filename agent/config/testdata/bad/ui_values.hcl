data_dir = "/x"
ui_config {
 content_path = "/a b/"
 metrics_provider = "X"
 metrics_provider_options_json = "[]"
 metrics_proxy { base_url = "ftp://x" path_allowlist = ["x"] }
 dashboard_url_templates { a = "x" }
}
