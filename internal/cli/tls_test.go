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
	const key = "consul-agent-ca-key.pem"
	want(t, 1, "==> Using junk.pem and "+key+"\n", "failed to parse CA: no PEM-encoded data found\n", "tls", "cert", "create", "-client", "-ca=junk.pem")
	want(t, 1, "==> Using "+key+" and "+key+"\n", "failed to parse CA: certificate: no PEM block CERTIFICATE\n", "tls", "cert", "create", "-client", "-ca="+key)
	want(t, 1, "", "Error reading CA: open none.pem: no such file or directory\n", "tls", "cert", "create", "-client", "-ca=none.pem", "-additional-ipaddress=ten")
	want(t, 1, "", "Error reading CA key: open none.pem: no such file or directory\n", "tls", "cert", "create", "-client", "-ca="+cert, "-key=none.pem")
	want(t, 1, "", cert+" already exists.\n", "tls", "ca", "create")
	if made, err := os.ReadDir("."); err != nil || len(made) != 3 {
		t.Errorf("files %v, %v", made, err)
	}
}

// TestTLS: reference/cli.md §12.
func TestTLS(t *testing.T) {
	play(t, `
$ tls ca create
| ==> Saved consul-agent-ca.pem
| ==> Saved consul-agent-ca-key.pem
$ tls ca create
! consul-agent-ca.pem already exists.
= 1
$ tls ca create -domain=x.org
+ x.org-agent-ca-key.pem old
! x.org-agent-ca-key.pem already exists.
= 1
$ tls cert create -server
| ==> WARNING: Server Certificates grants authority to become a
|     server and access all state in the cluster including root keys
|     and all ACL tokens. Do not distribute them to production hosts
|     that are not server nodes. Store them as securely as CA keys.
| ==> Using consul-agent-ca.pem and consul-agent-ca-key.pem
| ==> Saved dc1-server-consul-0.pem
| ==> Saved dc1-server-consul-0-key.pem
$ tls cert create -server -dc=dc2 -node=n1 -days=36500
| ==> WARNING…
…
| ==> Saved dc2-server-consul-0-key.pem
$ tls cert create -client
+ dc1-client-consul-0-key.pem left over
| ==> Using consul-agent-ca.pem and consul-agent-ca-key.pem
| ==> Saved dc1-client-consul-1.pem
| ==> Saved dc1-client-consul-1-key.pem
$ tls cert create -cli -ca=consul-agent-ca.pem -key=consul-agent-ca-key.pem -domain=other
| ==> Using consul-agent-ca.pem and consul-agent-ca-key.pem
| ==> Saved dc1-cli-other-0.pem
| ==> Saved dc1-cli-other-0-key.pem
$ tls cert create
! Please provide either -server, -client, or -cli
= 1
$ tls cert create -server -client
! Please provide either -server, -client, or -cli
= 1
$ tls cert create -client -node=n1
! -node requires -server
= 1
$ tls cert create -client -domain=none
! Error reading CA: open none-agent-ca.pem: no such file or directory
= 1
$ tls cert create -client -days=36501
! Invalid -days 36501: a certificate is valid for 1 to 36500 days
= 1
$ tls ca create -days=0 -domain=y
! Invalid -days 0: a certificate is valid for 1 to 36500 days
= 1
$ tls ca create -bogus
! flag provided but not defined: -bogus
! Usage:
…
! Failed to parse args: flag provided but not defined: -bogus
= 1
`)
}

// TestAuthoritiesAreMadeAsAsked: reference/cli.md §12.
func TestAuthoritiesAreMadeAsAsked(t *testing.T) {
	for _, row := range []struct {
		args, file, name, uri, domains string
		days                           int
	}{
		{"", "consul", "", "", "", 1825},
		{"-common-name=My -days=10", "consul", "My", "", "", 10},
		{"-domain=x.org -cluster-id=c1", "x.org", "", "spiffe://c1.x.org", "", 1825},
		{"-name-constraint", "consul", "", "", "consul localhost", 1825},
		{"-name-constraint -additional-name-constraint=a -additional-name-constraint=b -domain=c", "c", "", "", "a b c localhost", 1825},
	} {
		t.Chdir(t.TempDir())
		if _, errs, code := run(t, append([]string{"tls", "ca", "create"}, strings.Fields(row.args)...)...); code != 0 {
			t.Fatal(errs)
		}
		ca := certificate(t, row.file+"-agent-ca.pem")
		name := ca.Subject.CommonName
		if row.name == "" && !strings.HasPrefix(name, "Consul Agent CA ") || row.name != "" && name != row.name {
			t.Errorf("%s: called %q", row.args, name)
		}
		uri := ""
		if len(ca.URIs) > 0 {
			uri = ca.URIs[0].String()
		}
		if got := strings.Join(ca.PermittedDNSDomains, " "); got != row.domains || ca.PermittedDNSDomainsCritical != (row.domains != "") || uri != row.uri {
			t.Errorf("%s: vouches for %q, is %q", row.args, got, uri)
		}
		if days := int(ca.NotAfter.Sub(ca.NotBefore).Hours()/24 + 0.5); days != row.days || !ca.IsCA || ca.KeyUsage != x509.KeyUsageDigitalSignature|x509.KeyUsageCertSign|x509.KeyUsageCRLSign {
			t.Errorf("%s: %d days, authority %t, uses %v", row.args, days, ca.IsCA, ca.KeyUsage)
		}
	}
}
