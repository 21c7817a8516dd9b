package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"time"
)

// organization stands in every subject.
const organization = "Praetor"

// skew is by how much a new certificate is valid before now, for machines whose
// clocks are behind.
const skew = time.Minute

// PEM block types.
const (
	certificateBlock = "CERTIFICATE"
	keyBlock         = "EC PRIVATE KEY"
	rsaBlock         = "RSA PRIVATE KEY"
	pkcs8Block       = "PRIVATE KEY"
	csrBlock         = "CERTIFICATE REQUEST"
)

// Pair is a certificate and its key, both PEM.
type Pair struct{ Cert, Key []byte }

// Subject says whom a certificate names. Of an authority DNSNames are those it may
// issue, with all names below them; none means any.
type Subject struct {
	CommonName string // "" for an authority: Consul Agent CA and the serial number
	DNSNames   []string
	IPs        []net.IP
	URI        *url.URL // nil = none
}

// Use is what a certificate may prove; 0 names nothing.
type Use uint8

const (
	Server Use = 1 << iota
	Client
)

// Days is a validity.
func Days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// Authority signs certificates.
type Authority struct {
	Pair
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes an authority that signs itself.
func NewAuthority(s Subject, valid time.Duration) (*Authority, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	if s.CommonName == "" {
		s.CommonName = fmt.Sprintf("Consul Agent CA %d", serial)
	}
	cert := template(s, serial, valid)
	cert.DNSNames = nil
	cert.IsCA, cert.BasicConstraintsValid = true, true
	cert.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	cert.PermittedDNSDomains, cert.PermittedDNSDomainsCritical = s.DNSNames, len(s.DNSNames) > 0
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	pair, err := sign(cert, key, cert, key)
	if err != nil {
		return nil, err
	}
	return ReadAuthority(pair.Cert, pair.Key)
}

// ReadAuthority reads an authority's certificate and key. Errors say which of the two
// is wrong.
func ReadAuthority(certPEM, keyPEM []byte) (*Authority, error) {
	block, _ := pem.Decode(certPEM)
	if block == nil || block.Type != certificateBlock {
		return nil, errors.New("certificate: no PEM block CERTIFICATE")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	if !cert.IsCA {
		return nil, fmt.Errorf("certificate: %s is no authority", cert.Subject)
	}
	key, err := readKey(keyPEM)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return nil, errors.New("key: it does not belong to the certificate")
	}
	return &Authority{Pair: Pair{certPEM, keyPEM}, cert: cert, key: key}, nil
}

// readKey reads an ECDSA key, in its own block or in PKCS #8.
func readKey(keyPEM []byte) (*ecdsa.PrivateKey, error) {
	key, err := ParseKey(string(keyPEM))
	if err != nil {
		return nil, err
	}
	if key, ok := key.(*ecdsa.PrivateKey); ok {
		return key, nil
	}
	return nil, fmt.Errorf("a key of type %T; ECDSA is needed", key)
}

// Issue signs a certificate with a key of its own.
func (a *Authority) Issue(s Subject, use Use, valid time.Duration) (Pair, error) {
	serial, err := newSerial()
	if err != nil {
		return Pair{}, err
	}
	cert := template(s, serial, valid)
	cert.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	cert.BasicConstraintsValid = true
	if cert.NotAfter.After(a.cert.NotAfter) {
		cert.NotAfter = a.cert.NotAfter
	}
	for _, u := range []struct {
		use Use
		ext x509.ExtKeyUsage
	}{{Server, x509.ExtKeyUsageServerAuth}, {Client, x509.ExtKeyUsageClientAuth}} {
		if use&u.use != 0 {
			cert.ExtKeyUsage = append(cert.ExtKeyUsage, u.ext)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	return sign(cert, key, a.cert, a.key)
}

func newSerial() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
}

func template(s Subject, serial *big.Int, valid time.Duration) *x509.Certificate {
	now := time.Now()
	cert := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{Organization: []string{organization}, CommonName: s.CommonName},
		NotBefore:    now.Add(-skew), NotAfter: now.Add(valid),
		DNSNames: s.DNSNames, IPAddresses: s.IPs,
	}
	if s.URI != nil {
		cert.URIs = []*url.URL{s.URI}
	}
	return cert
}

func sign(cert *x509.Certificate, key *ecdsa.PrivateKey, parent *x509.Certificate, signer *ecdsa.PrivateKey) (Pair, error) {
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, &key.PublicKey, signer)
	if err != nil {
		return Pair{}, err
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return Pair{}, err
	}
	return Pair{
		Cert: pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: der}),
		Key:  pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: secret}),
	}, nil
}
