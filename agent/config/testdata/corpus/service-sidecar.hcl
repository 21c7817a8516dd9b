service {
  name = "dashboard"
  port = 9002
  connect {
    sidecar_service {
      proxy {
        upstreams = [{ destination_name = "counting" local_bind_port = 5000 }]
      }
    }
  }
}
