data_dir = "/x"
check {
  id = "unit"
  os_service = "web.service"
  interval = "10s"
}
service {
  name = "web"
  check {
    os_service = "web.service"
    interval = "10s"
  }
}
