package configentry

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
)

// InlineCertificate is a certificate that gateways show, with its key.
type InlineCertificate struct {
	Header
	Certificate string
	PrivateKey  string
}

func (c *InlineCertificate) prepare() error {
	block, _ := pem.Decode([]byte(c.PrivateKey))
	if block == nil {
		return rejected("failed to parse private key PEM")
	}
	block, _ = pem.Decode([]byte(c.Certificate))
	if block == nil {
		return rejected("failed to parse certificate PEM")
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		return rejected("failed to parse certificate: %w", err)
	}
	if _, err := tls.X509KeyPair([]byte(c.Certificate), []byte(c.PrivateKey)); err != nil {
		return rejected("%w", err)
	}
	return nil
}

// FileSystemCertificate names the files of a certificate where a gateway runs.
type FileSystemCertificate struct {
	Header
	Certificate string
	PrivateKey  string
}

func (*FileSystemCertificate) prepare() error { return nil }
