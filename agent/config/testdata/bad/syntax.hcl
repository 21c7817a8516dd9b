ports {
