package pki_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"praetor/internal/pki"
)

// TestTextsThatAreNoSPIFFEID: who reads one more generously than it was signed lets one service
// pass for another.
func TestTextsThatAreNoSPIFFEID(t *testing.T) {
	const unknown = "SPIFFE ID is not in the expected format: "
	for text, want := range map[string]string{
		"":                                               "SPIFFE ID must have 'spiffe' scheme",
		"https://u.consul/ns/default/dc/d/svc/a":         "SPIFFE ID must have 'spiffe' scheme",
		"spiffe:u.consul/ns/default/dc/d/svc/a":          unknown, // no host
		"spiffe:///ns/default/dc/d/svc/a":                unknown,
		"spiffe://me@u.consul/ns/default/dc/d/svc/a":     unknown,
		"spiffe://u.consul/ns/default/dc/d/svc/a?x=y":    unknown,
		"spiffe://u.consul/ns/default/dc/d/svc/a#x":      unknown,
		"spiffe://u.consul/":                             unknown,
		"spiffe://u.consul/ns/default/dc/d/svc":          unknown,
		"spiffe://u.consul/ns/default/dc/d/svc/":         unknown,
		"spiffe://u.consul/ns//dc/d/svc/a":               unknown,
		"spiffe://u.consul/ns/default/dc//svc/a":         unknown,
		"spiffe://u.consul//ns/default/dc/d/svc/a":       unknown,
		"spiffe://u.consul/ns/default/dc/d/svc/a/":       unknown,
		"spiffe://u.consul/ns/default/dc/d/svc/a/b":      unknown,
		"spiffe://u.consul/ns/default/dc/d/svc/a%2Fb":    unknown,
		"spiffe://u.consul/ns/default/dc/d/svc/%2F":      unknown,
		"spiffe://u.consul/NS/default/dc/d/svc/a":        unknown,
		"spiffe://u.consul/agent/client/dc/d":            unknown,
		"spiffe://u.consul/agent/server/dc/d/id/n":       unknown,
		"spiffe://u.consul/agent/other/dc/d/id/n":        unknown,
		"spiffe://u.consul/gateway/mesh/dc":              unknown,
		"spiffe://u.consul/ap/p":                         unknown,
		"spiffe://u.consul/ap//ns/default/dc/d/svc/a":    unknown,
		"spiffe://u.consul/ns/default/dc/d/svc/%zz":      "parse ",
		"spiffe://u.consul/" + strings.Repeat("a", 2048): "SPIFFE ID has 2066 bytes, at most 2048 are allowed",
	} {
		if id, err := pki.ParseSPIFFE(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.60q: %+v, %v, want %s", text, id, err, want)
		}
	}
	for text, want := range map[string]pki.SPIFFE{
		"spiffe://U.Consul/ns/default/dc/d/svc/Web":    {Identity: pki.Service, TrustDomain: "u.consul", Datacenter: "d", Name: "Web", Namespace: "default"},
		"SPIFFE://u.consul/ns/team/dc/d/svc/a":         {Identity: pki.Service, TrustDomain: "u.consul", Datacenter: "d", Name: "a", Namespace: "team"},
		"spiffe://u.consul/ap/p/ns/default/dc/d/svc/a": {Identity: pki.Service, TrustDomain: "u.consul", Datacenter: "d", Name: "a", Namespace: "default", Partition: "p"},
		"spiffe://u.consul/ns/default/dc/d/svc/a%20b":  {Identity: pki.Service, TrustDomain: "u.consul", Datacenter: "d", Name: "a b", Namespace: "default"},
		"spiffe://u.consul/agent/client/dc/d/id/n":     {Identity: pki.Agent, TrustDomain: "u.consul", Datacenter: "d", Name: "n"},
		"spiffe://u.consul/agent/server/dc/d":          {Identity: pki.Servers, TrustDomain: "u.consul", Datacenter: "d"},
		"spiffe://u.consul/gateway/mesh/dc/d":          {Identity: pki.MeshGateway, TrustDomain: "u.consul", Datacenter: "d"},
		"spiffe://u.consul":                            {Identity: pki.Signer, TrustDomain: "u.consul"},
	} {
		if got, err := pki.ParseSPIFFE(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", text, got, err, want)
		}
	}
}

// TestWhichKeysMayBeConfigured (reference/mesh.md §1).
func TestWhichKeysMayBeConfigured(t *testing.T) {
	const kinds, curves, lengths = "private key type must be either 'ec' or 'rsa'", "EC key length must be one of (224, 256, 384, 521) bits", "RSA key length must be 2048 or 4096 bits"
	for _, c := range []struct {
		kind string
		bits int
		want string
	}{
		{"ec", 224, ""}, {"ec", 256, ""}, {"ec", 384, ""}, {"ec", 521, ""}, {"ec", 255, curves}, {"ec", 0, curves}, {"ec", 512, curves}, {"ec", 2048, curves},
		{"rsa", 2048, ""}, {"rsa", 4096, ""}, {"rsa", 1024, lengths}, {"rsa", 0, lengths}, {"rsa", 3072, lengths}, {"rsa", 256, lengths},
		{"", 256, kinds}, {"EC", 256, kinds}, {"ed25519", 256, kinds},
	} {
		err := pki.CheckKeyType(c.kind, c.bits)
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%s of %d: %v, want %q", c.kind, c.bits, err, c.want)
		}
		if c.want != "" || c.kind == "rsa" { // RSA takes long
			continue
		}
		key, err := pki.NewKey(c.kind, c.bits)
		if err != nil {
			t.Fatal(err)
		}
		if kind, bits := pki.KeyType(key.Public()); kind != c.kind || bits != c.bits {
			t.Errorf("%s of %d became %s of %d", c.kind, c.bits, kind, bits)
		}
	}
	if _, err := pki.NewKey("dsa", 1); err == nil || err.Error() != kinds {
		t.Errorf("a key of another kind: %v", err)
	}
	if kind, bits := pki.KeyType("a text"); kind != "" || bits != 0 {
		t.Errorf("a text is a key %s of %d", kind, bits)
	}
}

// TestKeysOfStrangersAreStrongEnough: a request is checked before anybody signs it.
func TestKeysOfStrangersAreStrongEnough(t *testing.T) {
	id := pki.SPIFFE{Identity: pki.Service, TrustDomain: trust, Datacenter: "dc1", Name: "web"}
	of := func(key any) string {
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{URIs: []*url.URL{id.URI()}}, key)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	}
	weak, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	strong, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := of(strong)
	block, _ := pem.Decode([]byte(good))
	forged := slices.Clone(block.Bytes)
	forged[len(forged)-1] ^= 1
	for name, c := range map[string]struct{ text, want string }{
		"strong enough":      {good, ""},
		"a short curve":      {of(weak), "CSR has an EC key of 224 bits is too weak: at least 256 are needed"},
		"of another kind":    {of(ed), "CSR has a key of type ed25519.PublicKey; EC or RSA is needed"},
		"not by its key":     {string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: forged})), "CSR is not signed by its key: "},
		"nothing":            {"", "CSR is required"},
		"no PEM":             {"hello", "no PEM-encoded data found"},
		"another block":      {string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: block.Bytes})), "first PEM-block should be CERTIFICATE REQUEST type"},
		"cut":                {string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: block.Bytes[:40]})), ""},
		"longer than is any": {strings.Repeat("x", 64<<10+1), "PEM of 65537 bytes, at most 65536 are allowed"},
	} {
		csr, err := pki.ParseCSR(c.text)
		switch {
		case name == "strong enough":
			if err != nil || csr.ID.Name != "web" {
				t.Errorf("%s: %+v, %v", name, csr, err)
			}
		case err == nil || !strings.HasPrefix(err.Error(), c.want):
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// TestWhatIsNoKey: errors say nothing of what a text holds.
func TestWhatIsNoKey(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(ed)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	for name, c := range map[string]struct{ text, want string }{
		"nothing":            {"", "no PEM-encoded data found"},
		"a secret word":      {"hunter2", "no PEM-encoded data found"},
		"a block of another": {block("PUBLIC KEY", []byte("hunter2")), "unknown PEM block type for signing key: PUBLIC KEY"},
		"no EC key":          {block("EC PRIVATE KEY", []byte("hunter2")), ""},
		"no RSA key":         {block("RSA PRIVATE KEY", []byte("hunter2")), ""},
		"no PKCS #8":         {block("PRIVATE KEY", []byte("hunter2")), ""},
		"of another kind":    {block("PRIVATE KEY", pkcs8), "a key of type ed25519.PrivateKey; EC or RSA is needed"},
	} {
		if key, err := pki.ParseKey(c.text); err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") || key != nil && name != "no EC key" && name != "no RSA key" {
			t.Errorf("%s: %v, %v, want %s", name, key, err, c.want)
		}
	}
	if text, err := pki.EncodeKey(ed); err == nil || text != "" || !strings.HasSuffix(err.Error(), "; EC or RSA is needed") {
		t.Errorf("one of another kind is written as %q, %v", text, err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 1024) // small: it signs nothing
	if err != nil {
		t.Fatal(err)
	}
	text, err := pki.EncodeKey(rsaKey)
	if err != nil || !strings.HasPrefix(text, "-----BEGIN RSA PRIVATE KEY-----\n") {
		t.Errorf("RSA: %.30q, %v", text, err)
	}
	if back, err := pki.ParseKey(text); err != nil || !rsaKey.Equal(back) {
		t.Errorf("RSA comes back as another, %v", err)
	}
}

// TestAuthoritiesThatCannotBeRead name the half that is wrong.
func TestAuthoritiesThatCannotBeRead(t *testing.T) {
	_, root := meshAuthority(t, pki.EC, 256)
	key, err := pki.NewKey(pki.EC, 256)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := pki.EncodeKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ cert, key, want string }{
		"no certificate": {"", secret, "no PEM-encoded data found"},
		"a key for it":   {secret, secret, "first PEM-block should be CERTIFICATE type"},
		"no key":         {root, "", "key: no PEM-encoded data found"},
		"it for a key":   {root, root, "key: unknown PEM block type for signing key: CERTIFICATE"},
	} {
		if a, err := pki.ReadMeshAuthority(c.cert, c.key); a != nil || err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// TestAgentsAreServersToo: their certificates have the names and addresses that were asked for,
// which no service's has.
func TestAgentsAreServersToo(t *testing.T) {
	ca, root := meshAuthority(t, pki.EC, 256)
	key, err := pki.NewKey(pki.EC, 256)
	if err != nil {
		t.Fatal(err)
	}
	for identity, names := range map[pki.Identity]int{pki.Agent: 2, pki.Servers: 2, pki.Service: 0} {
		id := pki.SPIFFE{Identity: identity, TrustDomain: trust, Datacenter: "dc1", Name: "n1"}
		text, err := pki.NewAgentCSR(key, id.URI(), []string{"client.dc1.consul", "localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		csr, err := pki.ParseCSR(text)
		if err != nil || !slices.Equal(csr.DNSNames(), []string{"client.dc1.consul", "localhost"}) || csr.ID.Identity != identity {
			t.Fatalf("%v asks for %+v, %v", identity, csr, err)
		}
		leaf, err := ca.SignLeaf(csr, 9, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := pki.ParseCertificate(leaf)
		if err != nil || len(cert.DNSNames) != names || len(cert.IPAddresses) != names/2 || cert.URIs[0].String() != id.String() || cert.SerialNumber.Uint64() != 9 {
			t.Errorf("%v gets %q, %v, %v", identity, cert.DNSNames, cert.IPAddresses, err)
		}
		if err := verify(t, leaf, root); err != nil {
			t.Errorf("%v: %v", identity, err)
		}
	}
	many := slices.Repeat([]string{"a.b"}, 65)
	text, err := pki.NewAgentCSR(key, pki.SPIFFE{Identity: pki.Agent, TrustDomain: trust, Datacenter: "dc1", Name: "n1"}.URI(), many, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pki.ParseCSR(text); err == nil || err.Error() != "CSR SAN has more than 64 names and addresses" {
		t.Errorf("65 names: %v", err)
	}
}
