package tlsconf_test

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"testing"
	"time"

	"praetor/internal/pki"
	"praetor/internal/tlsconf"
)

// mesh is an authority of one.
type mesh struct {
	t    *testing.T
	ca   *pki.MeshAuthority
	root *x509.Certificate
}

func newMesh(t *testing.T) *mesh {
	t.Helper()
	key, err := pki.NewKey(pki.EC, 256)
	if err != nil {
		t.Fatal(err)
	}
	text, err := pki.RootOf(key, "mesh", pki.SPIFFE{TrustDomain: "m.consul", Identity: pki.Signer}.URI(), 1, 1000*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := pki.EncodeKey(key)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := pki.ReadMeshAuthority(text, secret)
	if err != nil {
		t.Fatal(err)
	}
	return &mesh{t, ca, ca.Certificate()}
}

func (m *mesh) leaf(id pki.SPIFFE) *tls.Certificate {
	m.t.Helper()
	id.TrustDomain, id.Datacenter, id.Name = "m.consul", "dc1", "x"
	key, err := pki.NewKey(pki.EC, 256)
	if err != nil {
		m.t.Fatal(err)
	}
	text, err := pki.NewAgentCSR(key, id.URI(), []string{"localhost"}, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	csr, err := pki.ParseCSR(text)
	if err != nil {
		m.t.Fatal(err)
	}
	cert, err := m.ca.SignLeaf(csr, 2, time.Hour)
	if err != nil {
		m.t.Fatal(err)
	}
	block, err := pki.ParseCertificate(cert)
	if err != nil {
		m.t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{block.Raw}, PrivateKey: key.(crypto.PrivateKey), Leaf: block}
}

// TestOfAMeshOnlyAgentsAreLetIn: any service has a certificate of it.
func TestOfAMeshOnlyAgentsAreLetIn(t *testing.T) {
	a := newAuthority(t)
	a.issue("server", false)
	m, other := newMesh(t), newMesh(t)
	opts := a.options("server")
	opts.CAFile, opts.VerifyIncoming, opts.AskClients = a.path("ca.pem"), true, true
	s, err := tlsconf.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	letIn := func(cert *tls.Certificate) error {
		over := s.Accept(pipe(t, cert))
		defer over.Close()
		return over.Handshake()
	}
	agent := m.leaf(pki.SPIFFE{Identity: pki.Agent})
	if letIn(agent) == nil {
		t.Error("an agent of a mesh that is not trusted was let in")
	}
	s.Trust([]*x509.Certificate{m.root})
	for _, row := range []struct {
		name string
		cert *tls.Certificate
		in   bool
	}{
		{"agent", agent, true},
		{"service", m.leaf(pki.SPIFFE{Identity: pki.Service}), false},
		{"mesh gateway", m.leaf(pki.SPIFFE{Identity: pki.MeshGateway}), false},
		{"agent of another mesh", other.leaf(pki.SPIFFE{Identity: pki.Agent}), false},
		{"nobody", &tls.Certificate{}, false},
	} {
		if err := letIn(row.cert); (err == nil) != row.in {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	use, err := s.Prepare(opts)
	if err != nil {
		t.Fatal(err)
	}
	if use() || letIn(agent) != nil {
		t.Error("a reload forgets whom the mesh trusts")
	}
	s.Trust(nil)
	if letIn(agent) == nil {
		t.Error("an agent was let in after its root went")
	}
}

// pipe is a connection from somebody who shows a certificate.
func pipe(t *testing.T, cert *tls.Certificate) net.Conn {
	near, far := net.Pipe()
	gone := make(chan struct{})
	go func() { // ends with the pipe; waited for when the test is over
		defer close(gone)
		io.Copy(io.Discard, tls.Client(near, &tls.Config{InsecureSkipVerify: true,
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }}))
	}()
	t.Cleanup(func() {
		near.Close()
		<-gone
	})
	return far
}

// TestACertificateMayComeLater: who awaits one serves nothing before, and a file's goes
// before it.
func TestACertificateMayComeLater(t *testing.T) {
	a := newAuthority(t)
	a.issue("own", false)
	given := newMesh(t).leaf(pki.SPIFFE{Identity: pki.Agent})
	opts := tlsconf.Options{CAFile: a.path("ca.pem"), VerifyIncoming: true, VerifyOutgoing: true, Awaits: true}
	s, err := tlsconf.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	if s.Serves() || !s.Give(given) || !s.Serves() || s.Give(given) {
		t.Error("a certificate that is given counts, once")
	}
	if cert, err := s.Outgoing("dc1").GetClientCertificate(nil); err != nil || cert != given {
		t.Errorf("shows %v, %v", cert, err)
	}
	if s.Uncertified("dc1").GetClientCertificate != nil {
		t.Error("a certificate is shown where none is to be")
	}
	if err := s.Load(opts); err != nil || !s.Serves() {
		t.Errorf("after a reload: %v, serves %t", err, s.Serves())
	}
	opts.CertFile, opts.KeyFile = a.path("own.pem"), a.path("own-key.pem")
	if err := s.Load(opts); err != nil || s.Certificate().Subject.CommonName != "own" {
		t.Errorf("the certificate of a file does not count: %v", err)
	}
}
