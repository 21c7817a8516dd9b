package pki_test

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"strings"
	"testing"
	"time"

	"praetor/internal/pki"
)

func parse(t *testing.T, certPEM []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(certPEM)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func newAuthority(t *testing.T, s pki.Subject, valid time.Duration) *pki.Authority {
	t.Helper()
	ca, err := pki.NewAuthority(s, valid)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func TestIssuedCertificateIsVerifiedByItsAuthority(t *testing.T) {
	ca := newAuthority(t, pki.Subject{}, pki.Days(10))
	own := parse(t, ca.Cert)
	if !own.IsCA || !strings.HasPrefix(own.Subject.CommonName, "Consul Agent CA ") {
		t.Errorf("the authority is %v", own.Subject)
	}
	again, err := pki.ReadAuthority(ca.Cert, ca.Key)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := again.Issue(pki.Subject{CommonName: "server.dc1.consul", DNSNames: []string{"server.dc1.consul"}, IPs: []net.IP{net.IPv4(127, 0, 0, 1)}}, pki.Server, pki.Days(365))
	if err != nil {
		t.Fatal(err)
	}
	cert, roots := parse(t, pair.Cert), x509.NewCertPool()
	roots.AddCert(own)
	for _, name := range []string{"server.dc1.consul", "127.0.0.1"} {
		if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err == nil {
		t.Error("a server's certificate proves a client")
	}
	if cert.NotAfter.After(own.NotAfter) {
		t.Errorf("it outlives its authority: %v after %v", cert.NotAfter, own.NotAfter)
	}
}

func TestConstrainedAuthorityVouchesForItsNamesOnly(t *testing.T) {
	ca := newAuthority(t, pki.Subject{CommonName: "mine", DNSNames: []string{"consul"}}, pki.Days(10))
	roots := x509.NewCertPool()
	roots.AddCert(parse(t, ca.Cert))
	for name, right := range map[string]bool{"server.dc1.consul": true, "www.example.com": false} {
		pair, err := ca.Issue(pki.Subject{CommonName: name, DNSNames: []string{name}}, pki.Server, pki.Days(1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parse(t, pair.Cert).Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); (err == nil) != right {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAuthorityThatIsNoneIsRefused(t *testing.T) {
	ca, other := newAuthority(t, pki.Subject{}, pki.Days(1)), newAuthority(t, pki.Subject{}, pki.Days(1))
	leaf, err := ca.Issue(pki.Subject{CommonName: "x"}, 0, pki.Days(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name      string
		cert, key []byte
		want      string
	}{
		{"no certificate", []byte("x"), ca.Key, "certificate: no PEM block CERTIFICATE"},
		{"a key for a certificate", ca.Key, ca.Key, "certificate: no PEM block CERTIFICATE"},
		{"no authority", leaf.Cert, leaf.Key, "certificate: CN=x,O=Praetor is no authority"},
		{"no key", ca.Cert, nil, "key: no PEM-encoded data found"},
		{"another's key", ca.Cert, other.Key, "key: it does not belong to the certificate"},
	} {
		if _, err := pki.ReadAuthority(row.cert, row.key); err == nil || err.Error() != row.want {
			t.Errorf("%s: %v, want %s", row.name, err, row.want)
		}
	}
}

func FuzzReadAuthority(f *testing.F) {
	ca, err := pki.NewAuthority(pki.Subject{}, pki.Days(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(ca.Cert, ca.Key)
	f.Add(ca.Key, ca.Cert)
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"), []byte{})
	f.Fuzz(func(t *testing.T, cert, key []byte) { _, _ = pki.ReadAuthority(cert, key) })
}
