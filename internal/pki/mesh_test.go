package pki_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/url"
	"strings"
	"testing"
	"time"

	"praetor/internal/pki"
)

const trust = "11111111-2222-3333-4444-555555555555.consul"

func meshAuthority(t testing.TB, kind string, bits int) (*pki.MeshAuthority, string) {
	t.Helper()
	key, err := pki.NewKey(kind, bits)
	if err != nil {
		t.Fatal(err)
	}
	root, err := pki.RootOf(key, "pri-x.consul.ca.11111111.consul", pki.SPIFFE{Identity: pki.Signer, TrustDomain: trust}.URI(), 7, 100*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := pki.EncodeKey(key)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := pki.ReadMeshAuthority(root, secret)
	if err != nil {
		t.Fatal(err)
	}
	return ca, root
}

func request(t testing.TB, id pki.SPIFFE) string {
	t.Helper()
	key, err := pki.NewKey(pki.EC, 256)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := pki.NewCSR(key, "", id.URI())
	if err != nil {
		t.Fatal(err)
	}
	return csr
}

func verify(t *testing.T, leaf string, roots string, between ...string) error {
	t.Helper()
	pool, mid := x509.NewCertPool(), x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(roots))
	for _, c := range between {
		mid.AppendCertsFromPEM([]byte(c))
	}
	_, err := parse(t, []byte(leaf)).Verify(x509.VerifyOptions{Roots: pool, Intermediates: mid, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return err
}

func TestLeafOfAMeshIsVerifiedByOldAndNewRoot(t *testing.T) {
	for _, kind := range []struct {
		name string
		bits int
	}{{pki.EC, 256}, {pki.EC, 384}, {pki.RSA, 2048}} {
		before, oldRoot := meshAuthority(t, pki.EC, 256)
		ca, root := meshAuthority(t, kind.name, kind.bits)
		cross, err := before.CrossSign(ca.Certificate(), 8, 168*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		csr, err := pki.ParseCSR(request(t, pki.SPIFFE{Identity: pki.Service, TrustDomain: trust, Datacenter: "dc1", Name: "web"}))
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := ca.SignLeaf(csr, 9, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if err := verify(t, leaf, root); err != nil {
			t.Errorf("%v: by the new root: %v", kind, err)
		}
		if err := verify(t, leaf, oldRoot, cross); err != nil {
			t.Errorf("%v: by the old root: %v", kind, err)
		}
		if err := verify(t, leaf, oldRoot); err == nil {
			t.Errorf("%v: by the old root alone", kind)
		}
		cert := parse(t, []byte(leaf))
		if got := cert.URIs[0].String(); got != "spiffe://"+trust+"/ns/default/dc/dc1/svc/web" {
			t.Errorf("the leaf is for %s", got)
		}
		if cert.NotAfter.Sub(cert.NotBefore) != time.Hour || cert.IsCA || len(cert.SubjectKeyId) != 32 {
			t.Errorf("the leaf is %v to %v, CA %v, key ID %x", cert.NotBefore, cert.NotAfter, cert.IsCA, cert.SubjectKeyId)
		}
	}
}

func TestIntermediateSignsLeavesAlone(t *testing.T) {
	ca, root := meshAuthority(t, pki.EC, 256)
	id := pki.SPIFFE{Identity: pki.Signer, TrustDomain: trust}
	key, err := pki.NewKey(pki.EC, 256)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := pki.NewCSR(key, "sec-x", id.URI())
	if err != nil {
		t.Fatal(err)
	}
	csr, err := pki.ParseCSR(asked)
	if err != nil {
		t.Fatal(err)
	}
	between, err := ca.SignIntermediate(csr, 8, 10*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	secret, _ := pki.EncodeKey(key)
	second, err := pki.ReadMeshAuthority(between, secret)
	if err != nil {
		t.Fatal(err)
	}
	leafCSR, err := pki.ParseCSR(request(t, pki.SPIFFE{Identity: pki.Agent, TrustDomain: trust, Datacenter: "dc2", Name: "n"}))
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := second.SignLeaf(leafCSR, 1, 72*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(t, leaf, root, between); err != nil {
		t.Error(err)
	}
	if until := parse(t, []byte(leaf)).NotAfter; until.After(second.Certificate().NotAfter) {
		t.Errorf("the leaf outlives what signed it: %v", until)
	}
	thirdKey, err := pki.NewKey(pki.EC, 256)
	if err != nil {
		t.Fatal(err)
	}
	if asked, err = pki.NewCSR(thirdKey, "third", id.URI()); err != nil {
		t.Fatal(err)
	}
	if csr, err = pki.ParseCSR(asked); err != nil {
		t.Fatal(err)
	}
	third, err := second.SignIntermediate(csr, 2, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	thirdSecret, _ := pki.EncodeKey(thirdKey)
	below, err := pki.ReadMeshAuthority(third, thirdSecret)
	if err != nil {
		t.Fatal(err)
	}
	if leaf, err = below.SignLeaf(leafCSR, 3, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := verify(t, leaf, root, between, third); err == nil {
		t.Error("an intermediate made another one")
	}
}

func TestRequestsThatNameNotOneIDAreRefused(t *testing.T) {
	uri := func(text string) *url.URL {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	good := uri("spiffe://" + trust + "/ns/default/dc/dc1/svc/web")
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GODEBUG", "rsa1024min=0") // or no such key can be made
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		key  any
		req  x509.CertificateRequest
		want string
	}{
		{"no URI", ecKey, x509.CertificateRequest{}, "CSR SAN contains an invalid number of URIs: 0"},
		{"two URIs", ecKey, x509.CertificateRequest{URIs: []*url.URL{good, uri("spiffe://" + trust + "/ns/default/dc/dc1/svc/db")}}, "CSR SAN contains an invalid number of URIs: 2"},
		{"another scheme", ecKey, x509.CertificateRequest{URIs: []*url.URL{uri("zz://x")}}, "SPIFFE ID must have 'spiffe' scheme"},
		{"no known form", ecKey, x509.CertificateRequest{URIs: []*url.URL{uri("spiffe://x/ns/default/dc/dc1/svc/x/y")}}, "SPIFFE ID is not in the expected format: spiffe://x/ns/default/dc/dc1/svc/x/y"},
		{"a mail address", ecKey, x509.CertificateRequest{URIs: []*url.URL{good}, EmailAddresses: []string{"a@b"}}, "CSR SAN does not allow specifying email addresses"},
		{"a weak EC key", weak, x509.CertificateRequest{URIs: []*url.URL{good}}, "CSR has an EC key of 224 bits is too weak: at least 256 are needed"},
		{"a weak RSA key", short, x509.CertificateRequest{URIs: []*url.URL{good}}, "CSR has an RSA key of 1024 bits: it must have 2048 to 8192"},
	} {
		der, err := x509.CreateCertificateRequest(rand.Reader, &row.req, row.key)
		if err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
		if _, err := pki.ParseCSR(text); err == nil || err.Error() != row.want {
			t.Errorf("%s: %v, want %s", row.name, err, row.want)
		}
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{URIs: []*url.URL{good}}, ecKey)
	if err != nil {
		t.Fatal(err)
	}
	der[len(der)-1] ^= 1
	if _, err := pki.ParseCSR(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))); err == nil {
		t.Error("a request that its key did not sign is taken")
	}
	for text, want := range map[string]string{
		"": "CSR is required", "x": "no PEM-encoded data found",
		strings.Repeat("x", 100<<10): "PEM of 102400 bytes, at most 65536 are allowed",
	} {
		if _, err := pki.ParseCSR(text); err == nil || err.Error() != want {
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
	}
}

func TestServiceGetsNoNamesBesideItsURI(t *testing.T) {
	ca, _ := meshAuthority(t, pki.EC, 256)
	key, _ := pki.NewKey(pki.EC, 256)
	for _, id := range []pki.SPIFFE{
		{Identity: pki.Service, TrustDomain: trust, Datacenter: "dc1", Name: "web"},
		{Identity: pki.Agent, TrustDomain: trust, Datacenter: "dc1", Name: "n1"},
	} {
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{URIs: []*url.URL{id.URI()}, DNSNames: []string{"localhost"}}, key)
		if err != nil {
			t.Fatal(err)
		}
		csr, err := pki.ParseCSR(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})))
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := ca.SignLeaf(csr, 1, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := len(parse(t, []byte(leaf)).DNSNames) > 0, id.Identity == pki.Agent; got != want {
			t.Errorf("%s: names %v, want %v", id, got, want)
		}
	}
}

func TestSPIFFEIDsAreReadAsTheyAreWritten(t *testing.T) {
	for _, id := range []pki.SPIFFE{
		{Identity: pki.Service, TrustDomain: trust, Datacenter: "dc1", Name: "web", Namespace: "default"},
		{Identity: pki.Service, TrustDomain: trust, Datacenter: "dc1", Name: "a b*ü?%2F", Namespace: "default"},
		{Identity: pki.Service, TrustDomain: trust, Datacenter: "dc1", Name: "web", Namespace: "ns1", Partition: "ap1"},
		{Identity: pki.Agent, TrustDomain: trust, Datacenter: "dc1", Name: "n1"},
		{Identity: pki.Servers, TrustDomain: trust, Datacenter: "dc1"},
		{Identity: pki.MeshGateway, TrustDomain: trust, Datacenter: "dc1"},
		{Identity: pki.Signer, TrustDomain: trust},
	} {
		if got, err := pki.ParseSPIFFE(id.String()); err != nil || got != id {
			t.Errorf("%s: %+v, %v", id, got, err)
		}
	}
	for _, text := range []string{
		"", "spiffe://", "http://x/ns/default/dc/dc1/svc/web", "spiffe://%zz", "spiffe://x/ns/default/dc/dc1/svc/", "spiffe://x/ns/default/dc/dc1/svc",
		"spiffe://x/ns/default/dc/dc1/svc/a/b", "spiffe://x/ns/default/dc/dc1/svc/a%2Fb", "spiffe://x/ns/default/dc/dc1/svc/web?a=b", "spiffe://u@x/agent/server/dc/dc1",
		"spiffe://x/" + strings.Repeat("a", 3000),
	} {
		if got, err := pki.ParseSPIFFE(text); err == nil {
			t.Errorf("%.60s is read as %+v", text, got)
		}
	}
}

func TestKeysAreReadInAllTheirForms(t *testing.T) {
	for _, kind := range []struct {
		name string
		bits int
	}{{pki.EC, 224}, {pki.EC, 521}, {pki.RSA, 2048}} {
		key, err := pki.NewKey(kind.name, kind.bits)
		if err != nil {
			t.Fatal(err)
		}
		own, err := pki.EncodeKey(key)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{own, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))} {
			got, err := pki.ParseKey(text)
			if err != nil {
				t.Fatalf("%v: %v", kind, err)
			}
			if name, bits := pki.KeyType(got.Public()); name != kind.name || bits != kind.bits {
				t.Errorf("%v is read as %s %d", kind, name, bits)
			}
		}
	}
	for kind, bits := range map[string]int{pki.EC: 512, pki.RSA: 1024, "dsa": 256, "": 256} {
		if _, err := pki.NewKey(kind, bits); err == nil {
			t.Errorf("a key of type %q with %d bits was made", kind, bits)
		}
	}
}

// FuzzParseCSR: what strangers send for signing, and what operators hand in.
func FuzzParseCSR(f *testing.F) {
	ca, root := meshAuthority(f, pki.EC, 256)
	csr := request(f, pki.SPIFFE{Identity: pki.Service, TrustDomain: trust, Datacenter: "dc1", Name: "web"})
	f.Add(csr)
	f.Add(root)
	f.Add("-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----\n")
	f.Fuzz(func(t *testing.T, text string) {
		if cert, err := pki.ParseCertificate(text); err == nil {
			_ = pki.CertificateID(cert)
		}
		_, _ = pki.ParseKey(text)
		req, err := pki.ParseCSR(text)
		if err != nil {
			return
		}
		leaf, err := ca.SignLeaf(req, 1, time.Hour)
		if err != nil {
			return
		}
		if cert, err := pki.ParseCertificate(leaf); err != nil || len(cert.URIs) != 1 || cert.IsCA {
			t.Fatalf("signed %q: %v", leaf, err)
		}
	})
}

// FuzzParseSPIFFE: IDs that proxies and peers show.
func FuzzParseSPIFFE(f *testing.F) {
	f.Add("spiffe://" + trust + "/ns/default/dc/dc1/svc/web")
	f.Add("spiffe://x/ap/p/ns/default/dc/dc1/svc/a%20b")
	f.Add("spiffe://x/agent/client/dc/dc1/id/n")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := pki.ParseSPIFFE(text)
		if err != nil {
			return
		}
		if again, err := pki.ParseSPIFFE(id.String()); err == nil && (again.Identity != id.Identity || again.Name != id.Name || again.Datacenter != id.Datacenter) {
			t.Fatalf("%q is %+v, and written %+v", text, id, again)
		}
	})
}
