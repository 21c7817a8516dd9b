package config_test

import (
	"testing"

	"praetor/agent/config"
)

func TestTrustOfAnotherConfigurationCanBeKept(t *testing.T) {
	load := func(text string) *config.Runtime {
		t.Helper()
		rt, _, err := config.LoadOn(host, &config.Flags{Dev: true, HCL: []string{text}})
		if err != nil {
			t.Fatal(err)
		}
		return rt
	}
	old := load(`tls { https { ca_file = "old" cert_file = "c1" key_file = "k1" verify_incoming = true } } encrypt_verify_incoming = true`)
	now := load(`tls { https { ca_file = "new" cert_file = "c2" key_file = "k2" } } encrypt_verify_incoming = false log_level = "WARN"`)
	now.KeepTrust(old)
	h := now.TLS.HTTPS
	if h.CAFile != "old" || !h.VerifyIncoming || !now.Gossip.VerifyIncoming {
		t.Errorf("trust changed: %+v", h)
	}
	if h.CertFile != "c2" || h.KeyFile != "k2" || now.Log.Level != "WARN" {
		t.Errorf("the rest did not: %+v", h)
	}
}
