package pki_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"praetor/internal/pki"
)

func Example() {
	ca, err := pki.NewAuthority(pki.Subject{CommonName: "Praetor Agent CA"}, pki.Days(365))
	if err != nil {
		panic(err)
	}
	pair, err := ca.Issue(pki.Subject{CommonName: "server.dc1.consul", DNSNames: []string{"server.dc1.consul"}}, pki.Server|pki.Client, pki.Days(90))
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.Cert)
	block, _ := pem.Decode(pair.Cert)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		panic(err)
	}
	_, err = cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: "server.dc1.consul"})
	fmt.Println(cert.Subject.CommonName, err)

	_, err = pki.ReadAuthority(ca.Cert, ca.Key) // another day
	fmt.Println(err)
	// Output:
	// server.dc1.consul <nil>
	// <nil>
}
