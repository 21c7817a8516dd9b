package config_test

import (
	"fmt"
	"strings"
	"testing"

	"praetor/agent/config"
)

// TestTrustOfAnotherConfigurationCanBeKept: authorities and verification, and nothing
// else, of every stanza.
func TestTrustOfAnotherConfigurationCanBeKept(t *testing.T) {
	all := func(name string, verify bool) *config.Runtime {
		t.Helper()
		stanza := func(more string) string {
			return fmt.Sprintf(`ca_file = "%[1]s" ca_path = "%[1]s" cert_file = "%[1]s" key_file = "%[1]s" verify_incoming = %[2]t %[3]s`, name, verify, more)
		}
		outgoing := fmt.Sprintf("verify_outgoing = %t", verify)
		return loadOn(t, enforcing(), "-dev", "-hcl", fmt.Sprintf(`node_name = %q encrypt_verify_incoming = %t encrypt_verify_outgoing = %[2]t
			tls { internal_rpc { %s } https { %s } grpc { %s } }`, name, verify, stanza(outgoing+fmt.Sprintf(" verify_server_hostname = %t", verify)), stanza(outgoing), stanza("")))
	}
	old, now, kept := all("old", true), all("now", false), all("now", false)
	kept.KeepTrust(old)
	var want []string
	for _, stanza := range []string{"GRPC", "HTTPS", "InternalRPC"} {
		want = append(want, "TLS."+stanza+".CAFile = old", "TLS."+stanza+".CAPath = old", "TLS."+stanza+".VerifyIncoming = true")
		if stanza != "GRPC" {
			want = append(want, "TLS."+stanza+".VerifyOutgoing = true")
		}
	}
	want = append([]string{"Gossip.VerifyIncoming = true", "Gossip.VerifyOutgoing = true"}, append(want, "TLS.InternalRPC.VerifyServerHostname = true")...)
	if got := changed("", flat(now), flat(kept)); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("kept\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
