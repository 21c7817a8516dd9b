package cli_test

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func certificate(t *testing.T, file string) *x509.Certificate {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestCertificatesNameWhatTheyAreFor(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, errs, code := run(t, "tls", "ca", "create", "-domain=x.org", "-name-constraint", "-additional-name-constraint=y.org", "-cluster-id=abc", "-days=3"); code != 0 {
		t.Fatal(errs)
	}
	ca := certificate(t, "x.org-agent-ca.pem")
	if got := strings.Join(ca.PermittedDNSDomains, " "); got != "y.org x.org localhost" || !ca.PermittedDNSDomainsCritical || ca.URIs[0].String() != "spiffe://abc.x.org" {
		t.Errorf("the authority may vouch for %q and is called %v", got, ca.URIs)
	}
	for _, row := range []struct {
		args  string
		file  string
		names string
		ips   int
		uses  int
	}{
		{"-server -node=s1 -dc=east -additional-dnsname=api.y.org -additional-ipaddress=10.0.0.1", "east-server-x.org-0", "api.y.org s1.server.east.x.org server.east.x.org localhost", 2, 2},
		{"-client", "dc1-client-x.org-0", "client.dc1.x.org localhost", 1, 2},
		{"-client", "dc1-client-x.org-1", "client.dc1.x.org localhost", 1, 2},
		{"-cli -additional-dnsname=api.y.org", "dc1-cli-x.org-0", "cli.dc1.x.org localhost", 0, 0},
	} {
		if _, errs, code := run(t, slices.Concat([]string{"tls", "cert", "create", "-domain=x.org"}, strings.Fields(row.args))...); code != 0 {
			t.Fatalf("%s: %s", row.args, errs)
		}
		cert := certificate(t, row.file+".pem")
		if got := strings.Join(cert.DNSNames, " "); got != row.names || len(cert.IPAddresses) != row.ips || len(cert.ExtKeyUsage) != row.uses {
			t.Errorf("%s: names %q, addresses %v, uses %v", row.args, got, cert.IPAddresses, cert.ExtKeyUsage)
		}
		if err := cert.CheckSignatureFrom(ca); err != nil {
			t.Errorf("%s: %v", row.args, err)
		}
		if info, err := os.Stat(row.file + "-key.pem"); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: key %v, %v", row.args, info.Mode(), err)
		}
	}
}

func TestCertificatesAreNotMadeOfNonsense(t *testing.T) {
	t.Chdir(t.TempDir())
	run(t, "tls", "ca", "create")
	if err := os.WriteFile("junk.pem", []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	const cert = "consul-agent-ca.pem"
	want(t, 1, "", "Invalid -additional-ipaddress \"ten\": it is no IP address\n", "tls", "cert", "create", "-client", "-additional-ipaddress=ten")
	want(t, 1, "", "Invalid -days 0: a certificate is valid for 1 to 36500 days\n", "tls", "cert", "create", "-client", "-days=0")
	want(t, 1, "", "Error reading CA from junk.pem and consul-agent-ca-key.pem: certificate: no PEM block CERTIFICATE\n", "tls", "cert", "create", "-client", "-ca=junk.pem")
	want(t, 1, "", "Error reading CA key: open none.pem: no such file or directory\n", "tls", "cert", "create", "-client", "-ca="+cert, "-key=none.pem")
	want(t, 1, "", cert+" already exists.\n", "tls", "ca", "create")
	if made, err := os.ReadDir("."); err != nil || len(made) != 3 {
		t.Errorf("files %v, %v", made, err)
	}
}
