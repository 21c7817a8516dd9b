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
	return tlsconf.Options{CertFile: a.path(name + ".pem"), KeyFile: a.path(name + "-key.pem")}
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
	o.CipherSuites = []string{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"}
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

func TestFaultsSayWhatAndWhere(t *testing.T) {
	a := newAuthority(t)
	a.issue("a", false)
	a.issue("b", false)
	text := filepath.Join(t.TempDir(), "text.pem")
	if err := os.WriteFile(text, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	for _, tt := range []struct {
		name   string
		change func(*tlsconf.Options)
		want   string
	}{
		{"no certificate", func(o *tlsconf.Options) { o.CertFile = "" }, "key_file is \"" + a.path("a-key.pem") + "\" and cert_file is not set: a key needs its certificate"},
		{"no key", func(o *tlsconf.Options) { o.KeyFile = "" }, "cert_file is \"" + a.path("a.pem") + "\" and key_file is not set: a certificate needs its key"},
		{"file not there", func(o *tlsconf.Options) { o.CertFile = a.path("x") }, "Failed to load cert/key pair: open " + a.path("x") + ": no such file or directory"},
		{"key not there", func(o *tlsconf.Options) { o.KeyFile = a.path("y") }, "Failed to load cert/key pair: open " + a.path("y") + ": no such file or directory"},
		{"key of another", func(o *tlsconf.Options) { o.KeyFile = a.path("b-key.pem") }, "Failed to load cert/key pair: tls: private key does not match public key"},
		{"text", func(o *tlsconf.Options) { o.CertFile = text }, "Failed to load cert/key pair: tls: failed to find any PEM data in certificate input"},
		{"authority is text", func(o *tlsconf.Options) { o.CAFile = text }, "failed to parse PEM: " + text + " holds no certificate"},
		{"authority not there", func(o *tlsconf.Options) { o.CAFile = a.path("x") }, "Error loading from " + a.path("x") + ": open " + a.path("x") + ": no such file or directory"},
		{"empty folder", func(o *tlsconf.Options) { o.CAPath = empty }, "Error loading from CAPath: no CAs found"},
		{"folder with text", func(o *tlsconf.Options) { o.CAPath = filepath.Dir(text) }, "failed to parse PEM: " + text + " holds no certificate"},
		{"folder not there", func(o *tlsconf.Options) { o.CAPath = a.path("x") }, "lstat " + a.path("x") + ": no such file or directory"},
		{"no authority", func(o *tlsconf.Options) { o.VerifyIncoming = true }, "VerifyIncoming set but no CA certificates were provided"},
		{"no authority for servers", func(o *tlsconf.Options) { o.VerifyOutgoing = true }, "VerifyOutgoing set but no CA certificates were provided"},
		{"nothing to show", func(o *tlsconf.Options) {
			*o = tlsconf.Options{CAFile: a.path("ca.pem"), VerifyIncoming: true}
		}, "VerifyIncoming requires either a Cert and Key pair in the configuration file, or auto_encrypt/auto_config be enabled"},
		{"version", func(o *tlsconf.Options) { o.MinVersion = "tls9" }, `unknown TLS version "tls9"`},
		{"suite", func(o *tlsconf.Options) { o.CipherSuites = []string{"X"} }, `unknown TLS cipher suite "X"`},
		{"suite without HTTP/2", func(o *tlsconf.Options) {
			o.CipherSuites, o.NextProtos = []string{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"}, []string{"h2"}
		}, "http2: TLSConfig.CipherSuites is missing an HTTP/2-required AES_128_GCM_SHA256 cipher (need at least one of TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 or TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)"},
		{"curve", func(o *tlsconf.Options) { o.Curves = []string{"P1"} }, `no key exchange is named "P1", please specify one of [X25519MLKEM768, SecP256r1MLKEM768, SecP384r1MLKEM1024, X25519, P256, P384, P521]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := a.options("a")
			tt.change(&o)
			_, err := tlsconf.Open(o)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
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

// TestKeyExchangeIsHybridUnlessNamedOtherwise: what is recorded today must not be read
// when there are quantum computers.
func TestKeyExchangeIsHybridUnlessNamedOtherwise(t *testing.T) {
	a := newAuthority(t)
	a.issue("server", false)
	for _, row := range []struct {
		curves []string
		client []tls.CurveID // one that is not offered costs a round trip, which net.Pipe does not stand
		want   tls.CurveID
	}{
		{nil, nil, tls.X25519MLKEM768},
		{[]string{"X25519"}, nil, tls.X25519},
		{[]string{"P-384", "X25519"}, []tls.CurveID{tls.CurveP384}, tls.CurveP384},
		{[]string{"CurveP256"}, []tls.CurveID{tls.CurveP256}, tls.CurveP256},
		{[]string{"x25519mlkem768"}, nil, tls.X25519MLKEM768},
	} {
		o := a.options("server")
		o.Curves = row.curves
		s, err := tlsconf.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		_, state, err := a.greet(s, &tls.Config{CurvePreferences: row.client})
		if err != nil || state.CurveID != row.want {
			t.Errorf("%v: %s, %v, want %s", row.curves, state.CurveID, err, row.want)
		}
	}
}

// TestFoldersOfAuthorities: every file counts, also as orchestrators mount them.
func TestFoldersOfAuthorities(t *testing.T) {
	a, b := newAuthority(t), newAuthority(t)
	a.issue("server", false)
	mounted := t.TempDir()
	data := filepath.Join(mounted, "..2026")
	if err := os.MkdirAll(data, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]*authority{"a.crt": a, "b": b} {
		text, err := os.ReadFile(from.path("ca.pem"))
		if err == nil {
			err = os.WriteFile(filepath.Join(data, name), text, 0o600)
		}
		if err == nil {
			err = os.Symlink(filepath.Join("..data", name), filepath.Join(mounted, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("..2026", filepath.Join(mounted, "..data")); err != nil {
		t.Fatal(err)
	}
	o := a.options("server")
	o.CAPath, o.VerifyIncoming = mounted, true
	s, err := tlsconf.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []*authority{a, b} {
		from.issue("client", false)
		pair, err := tls.LoadX509KeyPair(from.path("client.pem"), from.path("client-key.pem"))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := a.greet(s, &tls.Config{Certificates: []tls.Certificate{pair}}); err != nil {
			t.Error(err)
		}
	}
}

// TestANilSourceNamesNothing: where there are no settings everything is plain.
func TestANilSourceNamesNothing(t *testing.T) {
	var s *tlsconf.Source
	near, far := net.Pipe()
	defer far.Close()
	defer near.Close()
	if c, err := s.AcceptPlain(near); err != nil || c != near {
		t.Errorf("plain connections: %v", err)
	}
	if s.Serves() || s.SecuresOutgoing() || s.Outgoing("dc1") != nil || s.Certificate() != nil || !s.Expires().IsZero() {
		t.Error("it has a certificate, or asks for some")
	}
	if !s.IsServer(nil, "dc1") || !s.ActsAsServer(near, "dc1") {
		t.Error("it verifies names")
	}
}
