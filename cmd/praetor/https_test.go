package main_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// authority signs certificates into a folder: NAME.crt and NAME.key.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T, dir string) *authority {
	t.Helper()
	a := &authority{t: t, dir: dir, pool: x509.NewCertPool()}
	a.cert, a.key = a.issue("ca", "")
	a.pool.AddCert(a.cert)
	return a
}

// issue makes a certificate for an address; without one, the authority's own.
func (a *authority) issue(name, ip string) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true, IsCA: ip == "",
	}
	parent, signer := a.cert, a.key
	if ip == "" {
		parent, signer, cert.KeyUsage = cert, key, x509.KeyUsageCertSign
	} else {
		cert.IPAddresses = []net.IP{net.ParseIP(ip)}
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{name + ".crt": {Type: "CERTIFICATE", Bytes: der}, name + ".key": {Type: "EC PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(a.dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return made, key
}

// client trusts the authority and shows the certificate of a name, if any. It
// makes a connection for every request.
func (a *authority) client(name string) *http.Client {
	a.t.Helper()
	conf := &tls.Config{RootCAs: a.pool}
	if name != "" {
		cert, err := tls.LoadX509KeyPair(filepath.Join(a.dir, name+".crt"), filepath.Join(a.dir, name+".key"))
		if err != nil {
			a.t.Fatal(err)
		}
		conf.Certificates = []tls.Certificate{cert}
	}
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true}}
}

func TestHTTPSWantsClientCertificatesAndTakesNewOnesOnReload(t *testing.T) {
	t.Parallel()
	n := newNode(t, "tls", "127.78.9.1")
	ca := newAuthority(t, n.dir)
	ca.issue("agent", n.ip)
	ca.issue("person", n.ip)
	config := filepath.Join(n.dir, "tls.hcl")
	err := os.WriteFile(config, []byte(strings.ReplaceAll(`
		ports { https = 8501 }
		tls { https {
			ca_file = "DIR/ca.crt"
			cert_file = "DIR/agent.crt"
			key_file = "DIR/agent.key"
			verify_incoming = true
		} }`, "DIR", n.dir)), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	n.args = []string{"-server", "-bootstrap-expect=1", "-config-file", config}
	n.start()
	leader := func(c *http.Client) (string, *tls.ConnectionState, error) {
		res, err := c.Get("https://" + n.ip + ":8501/v1/status/leader")
		if err != nil {
			return "", nil, err
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		return string(body), res.TLS, err
	}
	var first *tls.ConnectionState
	waitFor(t, "an answer over HTTPS", time.Minute, func() error {
		body, state, err := leader(ca.client("person"))
		if err == nil && body != `"`+n.ip+`:8300"` {
			err = fmt.Errorf("leader is %s", body)
		}
		first = state
		return err
	})
	if _, _, err := leader(ca.client("")); err == nil {
		t.Error("answered without a client certificate")
	}
	if status, _, err := n.request("GET", "/v1/status/leader", ""); err != nil || status != http.StatusOK {
		t.Errorf("plain HTTP beside it: %d, %v", status, err)
	}
	out, errs, code := runCLI(t, []string{
		"CONSUL_HTTP_ADDR=https://" + n.ip + ":8501", "CONSUL_CACERT=" + filepath.Join(n.dir, "ca.crt"),
		"CONSUL_CLIENT_CERT=" + filepath.Join(n.dir, "person.crt"), "CONSUL_CLIENT_KEY=" + filepath.Join(n.dir, "person.key"),
	}, "members")
	if code != 0 || !strings.Contains(out, "tls") {
		t.Errorf("members over HTTPS: %d\n%s%s", code, out, errs)
	}

	ca.issue("agent", n.ip)
	if err := n.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the new certificate", time.Minute, func() error {
		_, state, err := leader(ca.client("person"))
		if err == nil && state.PeerCertificates[0].SerialNumber.Cmp(first.PeerCertificates[0].SerialNumber) == 0 {
			err = fmt.Errorf("it is still the old one")
		}
		return err
	})
}
