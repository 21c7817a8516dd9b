package tlsconf_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"praetor/internal/tlsconf"
)

// authority signs certificates for one test.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.issue("ca", true)
	return a
}

// issue writes NAME.pem and NAME-key.pem.
func (a *authority) issue(name string, isCA bool) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{name}, IsCA: isCA, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(name+".pem", "CERTIFICATE", der)
	a.write(name+"-key.pem", "EC PRIVATE KEY", keyDER)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

func (a *authority) write(name, kind string, der []byte) {
	a.t.Helper()
	if err := os.WriteFile(a.path(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) options(name string) tlsconf.Options {
	return tlsconf.Options{Name: "tls.https", CertFile: a.path(name + ".pem"), KeyFile: a.path(name + "-key.pem")}
}

// greet shakes hands with a server and returns the name it showed.
func (a *authority) greet(s *tlsconf.Source, client *tls.Config) (string, *tls.ConnectionState, error) {
	near, far := net.Pipe()
	server := tls.Server(far, s.Server())
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }() // waited for below
	client.RootCAs = x509.NewCertPool()
	client.RootCAs.AddCert(a.cert)
	shown := ""
	client.InsecureSkipVerify = true // the name that is shown is what the test looks at
	client.VerifyConnection = func(c tls.ConnectionState) error {
		shown = c.PeerCertificates[0].Subject.CommonName
		return nil
	}
	gone := make(chan struct{})
	go func() { // ends with the pipe; waited for below
		defer close(gone)
		io.Copy(io.Discard, tls.Client(near, client)) // takes tickets and alerts in
	}()
	err := <-done
	near.Close()
	<-gone
	state := server.ConnectionState()
	return shown, &state, err
}

func TestCertificatesChangeUnderARunningListener(t *testing.T) {
	a := newAuthority(t)
	a.issue("old", false)
	a.issue("new", false)
	s, err := tlsconf.Open(a.options("old"))
	if err != nil {
		t.Fatal(err)
	}
	if name, _, err := a.greet(s, &tls.Config{}); err != nil || name != "old" {
		t.Errorf("shown %q, %v", name, err)
	}
	broken := a.options("new")
	broken.KeyFile = a.path("old-key.pem")
	if s.Load(broken) == nil {
		t.Error("a key of another certificate was taken")
	}
	if name, _, err := a.greet(s, &tls.Config{}); err != nil || name != "old" {
		t.Errorf("after a failed load: shown %q, %v", name, err)
	}
	if err := s.Load(a.options("new")); err != nil {
		t.Fatal(err)
	}
	if name, _, err := a.greet(s, &tls.Config{}); err != nil || name != "new" {
		t.Errorf("after a load: shown %q, %v", name, err)
	}
}

func TestVerifyIncomingWantsACertificateOfTheAuthority(t *testing.T) {
	a, foreign := newAuthority(t), newAuthority(t)
	a.issue("server", false)
	a.issue("client", false)
	foreign.issue("client", false)
	for name, change := range map[string]func(*tlsconf.Options){
		"ca_file": func(o *tlsconf.Options) { o.CAFile = a.path("ca.pem") },
		"ca_path": func(o *tlsconf.Options) {
			o.CAPath = t.TempDir()
			if err := os.Link(a.path("ca.pem"), filepath.Join(o.CAPath, "a.pem")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := a.options("server")
			o.VerifyIncoming = true
			change(&o)
			s, err := tlsconf.Open(o)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := a.greet(s, &tls.Config{}); err == nil {
				t.Error("a client without a certificate came in")
			}
			for _, from := range []*authority{a, foreign} {
				pair, err := tls.LoadX509KeyPair(from.path("client.pem"), from.path("client-key.pem"))
				if err != nil {
					t.Fatal(err)
				}
				if _, _, err := a.greet(s, &tls.Config{Certificates: []tls.Certificate{pair}}); (err == nil) != (from == a) {
					t.Errorf("own authority: %v, error %v", from == a, err)
				}
			}
		})
	}
}

func TestVersionsSuitesAndProtocolsAreKept(t *testing.T) {
	a := newAuthority(t)
	a.issue("server", false)
	o := a.options("server")
	o.MinVersion, o.NextProtos = "TLSv1_2", []string{"h2"}
	o.CipherSuites = []string{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"}
	s, err := tlsconf.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.greet(s, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 was spoken")
	}
	_, state, err := a.greet(s, &tls.Config{MaxVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil || state.NegotiatedProtocol != "h2" {
		t.Errorf("protocol %q, %v", state.NegotiatedProtocol, err)
	}
	if _, _, err := a.greet(s, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}}); err == nil {
		t.Error("a suite that was not named was spoken")
	}
}

func TestFaultsNameKeyAndFile(t *testing.T) {
	a := newAuthority(t)
	a.issue("a", false)
	a.issue("b", false)
	text := a.path("text.pem")
	if err := os.WriteFile(text, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	for _, tt := range []struct {
		name   string
		change func(*tlsconf.Options)
		want   []string
	}{
		{"no certificate", func(o *tlsconf.Options) { o.CertFile = "" }, []string{"tls.https.cert_file is missing"}},
		{"no key", func(o *tlsconf.Options) { o.KeyFile = "" }, []string{"tls.https.key_file is missing"}},
		{"file not there", func(o *tlsconf.Options) { o.CertFile = a.path("x") }, []string{"tls.https.cert_file: open ", a.path("x"), "no such file"}},
		{"both not there", func(o *tlsconf.Options) { o.CertFile, o.KeyFile = a.path("x"), a.path("y") }, []string{"tls.https.cert_file: open ", "tls.https.key_file: open "}},
		{"key of another", func(o *tlsconf.Options) { o.KeyFile = a.path("b-key.pem") }, []string{"tls.https.cert_file", a.path("a.pem"), "tls.https.key_file", a.path("b-key.pem"), "does not match"}},
		{"text", func(o *tlsconf.Options) { o.CertFile = text }, []string{"tls.https.cert_file", text, "failed to find any PEM data"}},
		{"authority is text", func(o *tlsconf.Options) { o.CAFile = text }, []string{"tls.https.ca_file", text, "holds no certificate in PEM"}},
		{"authority not there", func(o *tlsconf.Options) { o.CAFile = a.path("x") }, []string{"tls.https.ca_file: open ", "no such file"}},
		{"empty folder", func(o *tlsconf.Options) { o.CAPath = empty }, []string{"tls.https.ca_path", empty, "holds no files"}},
		{"folder not there", func(o *tlsconf.Options) { o.CAPath = a.path("x") }, []string{"tls.https.ca_path: open ", "no such file"}},
		{"no authority", func(o *tlsconf.Options) { o.VerifyIncoming = true }, []string{"tls.https.verify_incoming needs tls.https.ca_file or tls.https.ca_path"}},
		{"version", func(o *tlsconf.Options) { o.MinVersion = "tls9" }, []string{`tls.https.tls_min_version: unknown version "tls9"`}},
		{"suite", func(o *tlsconf.Options) { o.CipherSuites = []string{"X"} }, []string{`tls.https.tls_cipher_suites: unknown suite "X"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := a.options("a")
			tt.change(&o)
			_, err := tlsconf.Open(o)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in %s", want, err)
				}
			}
		})
	}
}

func TestExpiresFollowsTheCertificateInForce(t *testing.T) {
	a := newAuthority(t)
	cert, _ := a.issue("server", false)
	s, err := tlsconf.Open(a.options("server"))
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Expires(); !got.Equal(cert.NotAfter) {
		t.Errorf("expires %s, want %s", got, cert.NotAfter)
	}
}
