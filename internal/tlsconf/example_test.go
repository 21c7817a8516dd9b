package tlsconf_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"praetor/internal/pki"
	"praetor/internal/tlsconf"
)

func Example() {
	dir, err := os.MkdirTemp("", "certs")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ca, err := pki.NewAuthority(pki.Subject{CommonName: "ca"}, pki.Days(1))
	if err != nil {
		panic(err)
	}
	opts := tlsconf.Options{CertFile: filepath.Join(dir, "a.pem"), KeyFile: filepath.Join(dir, "a-key.pem")}
	renew := func(name string) {
		pair, err := ca.Issue(pki.Subject{CommonName: name}, pki.Server, pki.Days(1))
		if err != nil {
			panic(err)
		}
		os.WriteFile(opts.CertFile, pair.Cert, 0o600)
		os.WriteFile(opts.KeyFile, pair.Key, 0o600)
	}
	renew("first")
	certs, err := tlsconf.Open(opts)
	if err != nil {
		panic(err)
	}
	show := func() {
		here, there := net.Pipe()
		server := tls.Server(here, certs.Server())
		go server.Handshake() // ends with the client's
		client := tls.Client(there, &tls.Config{InsecureSkipVerify: true})
		fmt.Println(client.Handshake(), client.ConnectionState().PeerCertificates[0].Subject.CommonName)
	}
	show()
	renew("second")
	show() // nobody has read the files again
	fmt.Println(certs.Load(opts))
	show()
	// Output:
	// <nil> first
	// <nil> first
	// <nil>
	// <nil> second
}
