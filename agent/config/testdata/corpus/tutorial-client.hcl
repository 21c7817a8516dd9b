datacenter = "dc1"
data_dir = "/opt/consul"
bind_addr = "{{ GetPrivateIP }}"
retry_join = ["10.0.1.10"]
auto_encrypt { tls = true }
