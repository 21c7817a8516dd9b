data_dir = "/x"
tls {
 defaults { tls_min_version = "TLSv1_3" tls_cipher_suites = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA" use_auto_cert = true }
 https { verify_server_hostname = true tls_cipher_suites = "RC4" tls_min_version = "tls12" }
 grpc { verify_outgoing = true }
}
