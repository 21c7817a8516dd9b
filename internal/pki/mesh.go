package pki

import (
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"time"
)

// Of certificates of a mesh there is no more than reference/mesh.md §1 has: no
// organization, serial numbers that their maker counts, keys named by their SHA-256.

// authorityUse is what the key of an authority may do.
const authorityUse = x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign | x509.KeyUsageCRLSign

// ParseCertificate reads the first certificate of a PEM text.
func ParseCertificate(text string) (*x509.Certificate, error) {
	block, err := decodePEM(text)
	if err != nil {
		return nil, err
	}
	if block.Type != certificateBlock {
		return nil, fmt.Errorf("first PEM-block should be CERTIFICATE type")
	}
	return x509.ParseCertificate(block.Bytes)
}

// CertificateID names a certificate by its SHA-1: nothing depends on nobody finding
// another one with the same.
func CertificateID(cert *x509.Certificate) string {
	sum := sha1.Sum(cert.Raw)
	return Colons(sum[:])
}

// RootOf makes a certificate that signs itself. It is not valid before now.
func RootOf(key crypto.Signer, commonName string, id *url.URL, serial uint64, valid time.Duration) (string, error) {
	now := time.Now()
	cert := &x509.Certificate{
		SerialNumber: new(big.Int).SetUint64(serial), Subject: pkix.Name{CommonName: commonName}, URIs: []*url.URL{id},
		NotBefore: now, NotAfter: now.Add(valid), IsCA: true, BasicConstraintsValid: true, KeyUsage: authorityUse,
	}
	var err error
	if cert.SubjectKeyId, err = keyID(key.Public()); err != nil {
		return "", err
	}
	cert.AuthorityKeyId = cert.SubjectKeyId
	return create(cert, cert, key.Public(), key)
}

// MeshAuthority signs the certificates of a mesh.
type MeshAuthority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// ReadMeshAuthority reads the certificate and the key of an authority.
func ReadMeshAuthority(certPEM, keyPEM string) (*MeshAuthority, error) {
	cert, err := ParseCertificate(certPEM)
	if err != nil {
		return nil, err
	}
	key, err := ParseKey(keyPEM)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return &MeshAuthority{cert, key}, nil
}

// Certificate is the authority's own.
func (a *MeshAuthority) Certificate() *x509.Certificate { return a.cert }

// SignLeaf signs what a CSR asks for: its URI and its key; names and addresses beside
// them only for those who are no service.
func (a *MeshAuthority) SignLeaf(csr *CSR, serial uint64, valid time.Duration) (string, error) {
	cert := a.template(serial, valid)
	cert.URIs = csr.request.URIs
	cert.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageDataEncipherment | x509.KeyUsageKeyAgreement
	cert.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	if csr.ID.Identity != Service {
		cert.DNSNames, cert.IPAddresses = csr.request.DNSNames, csr.request.IPAddresses
	}
	if cert.NotAfter.After(a.cert.NotAfter) {
		cert.NotAfter = a.cert.NotAfter
	}
	return a.sign(cert, csr.request.PublicKey)
}

// SignIntermediate signs an authority that may sign leaves alone.
func (a *MeshAuthority) SignIntermediate(csr *CSR, serial uint64, valid time.Duration) (string, error) {
	cert := a.template(serial, valid)
	cert.Subject, cert.URIs = pkix.Name{CommonName: csr.request.Subject.CommonName}, csr.request.URIs
	cert.IsCA, cert.MaxPathLenZero, cert.KeyUsage = true, true, authorityUse
	if cert.NotAfter.After(a.cert.NotAfter) {
		cert.NotAfter = a.cert.NotAfter
	}
	return a.sign(cert, csr.request.PublicKey)
}

// CrossSign signs another root, so that who trusts this one trusts that too.
func (a *MeshAuthority) CrossSign(other *x509.Certificate, serial uint64, valid time.Duration) (string, error) {
	cert := a.template(serial, valid)
	cert.RawSubject, cert.URIs, cert.SubjectKeyId = other.RawSubject, other.URIs, other.SubjectKeyId
	cert.IsCA, cert.KeyUsage = true, authorityUse
	return create(cert, a.cert, other.PublicKey, a.key)
}

func (a *MeshAuthority) template(serial uint64, valid time.Duration) *x509.Certificate {
	from := time.Now().Add(-skew)
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetUint64(serial), NotBefore: from, NotAfter: from.Add(valid), BasicConstraintsValid: true,
	}
}

func (a *MeshAuthority) sign(cert *x509.Certificate, key crypto.PublicKey) (string, error) {
	var err error
	if cert.SubjectKeyId, err = keyID(key); err != nil {
		return "", err
	}
	return create(cert, a.cert, key, a.key)
}

// create signs with SHA-256 whatever the key.
func create(cert, parent *x509.Certificate, key crypto.PublicKey, signer crypto.Signer) (string, error) {
	cert.SignatureAlgorithm = x509.ECDSAWithSHA256
	if kind, _ := KeyType(signer.Public()); kind == RSA {
		cert.SignatureAlgorithm = x509.SHA256WithRSA
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, key, signer)
	if err != nil {
		return "", err
	}
	return encodePEM(certificateBlock, der), nil
}

// CSR is a request for a certificate that was checked: its signature is that of its
// key, the key is strong enough, and it names one ID.
type CSR struct {
	ID      SPIFFE
	request *x509.CertificateRequest
}

// DNSNames are the names that a certificate is to have, beside the ID.
func (c *CSR) DNSNames() []string { return c.request.DNSNames }

// maxSANs bounds the names and addresses of a request.
const maxSANs = 64

// ParseCSR reads a request.
func ParseCSR(text string) (*CSR, error) {
	if text == "" {
		return nil, errors.New("CSR is required")
	}
	block, err := decodePEM(text)
	if err != nil {
		return nil, err
	}
	if block.Type != csrBlock {
		return nil, fmt.Errorf("first PEM-block should be CERTIFICATE REQUEST type")
	}
	req, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, err
	}
	if err := checkStrength(req.PublicKey); err != nil {
		return nil, fmt.Errorf("CSR has %w", err)
	}
	if err := req.CheckSignature(); err != nil {
		return nil, fmt.Errorf("CSR is not signed by its key: %w", err)
	}
	switch {
	case len(req.URIs) != 1:
		return nil, fmt.Errorf("CSR SAN contains an invalid number of URIs: %v", len(req.URIs))
	case len(req.EmailAddresses) > 0:
		return nil, errors.New("CSR SAN does not allow specifying email addresses")
	case len(req.DNSNames)+len(req.IPAddresses) > maxSANs:
		return nil, fmt.Errorf("CSR SAN has more than %d names and addresses", maxSANs)
	}
	id, err := readSPIFFE(req.URIs[0])
	if err != nil {
		return nil, err
	}
	return &CSR{id, req}, nil
}

// NewCSR asks for a certificate for an ID. Authorities alone have a name.
func NewCSR(key crypto.Signer, commonName string, id *url.URL) (string, error) {
	return newCSR(key, &x509.CertificateRequest{URIs: []*url.URL{id}, Subject: pkix.Name{CommonName: commonName}})
}

// NewAgentCSR asks for a certificate with which an agent may serve too, at names and addresses.
func NewAgentCSR(key crypto.Signer, id *url.URL, names []string, addresses []net.IP) (string, error) {
	return newCSR(key, &x509.CertificateRequest{URIs: []*url.URL{id}, DNSNames: names, IPAddresses: addresses})
}

func newCSR(key crypto.Signer, req *x509.CertificateRequest) (string, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, req, key)
	if err != nil {
		return "", err
	}
	return encodePEM(csrBlock, der), nil
}
