package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"praetor/internal/regular"
)

// Options are the settings of one stanza (reference/config.md §4). CertFile and
// KeyFile are required, unless Anonymous.
type Options struct {
	Name              string // of the stanza, for errors: tls.https
	CAFile, CAPath    string // PEM file, or folder of such files; the file wins
	CertFile, KeyFile string // PEM
	MinVersion        string // TLSv1_0 to TLSv1_3; TLS_AUTO and "" leave it to Go
	CipherSuites      []string
	VerifyIncoming    bool     // clients need a certificate of one of the authorities
	NextProtos        []string // what is spoken over it, best first
	Anonymous         bool     // a client's: it may have no certificate
}

// Source is a TLS configuration that can change.
type Source struct {
	current atomic.Pointer[tls.Config]
}

// Open reads the files that opts names.
func Open(opts Options) (*Source, error) {
	s := &Source{}
	return s, s.Load(opts)
}

// Load reads files again, perhaps other ones. New connections use what they
// hold.
func (s *Source) Load(opts Options) error {
	use, err := s.Prepare(opts)
	if err == nil {
		use()
	}
	return err
}

// Prepare is Load in two steps: it reads files, and use puts what they held in
// force.
func (s *Source) Prepare(opts Options) (use func(), err error) {
	conf, err := opts.load()
	if err != nil {
		return nil, err
	}
	return func() { s.current.Store(conf) }, nil
}

// Server is a configuration for a listener that follows Load.
func (s *Source) Server() *tls.Config {
	return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.current.Load(), nil }}
}

// Expires returns when the certificate in force ends, the zero time if there is none.
func (s *Source) Expires() time.Time {
	if certs := s.current.Load().Certificates; len(certs) > 0 && certs[0].Leaf != nil {
		return certs[0].Leaf.NotAfter
	}
	return time.Time{}
}

// Client is a configuration for connections to servers. It follows Load in the
// certificate to present, if there is one, not in the authorities, which without
// any named are the system's.
func (s *Source) Client() *tls.Config {
	now := s.current.Load()
	return &tls.Config{
		RootCAs: now.ClientCAs, MinVersion: now.MinVersion, CipherSuites: now.CipherSuites,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &s.current.Load().Certificates[0], nil
		},
	}
}

var versions = map[string]uint16{
	"": 0, "TLS_AUTO": 0, "TLSv1_0": tls.VersionTLS10, "TLSv1_1": tls.VersionTLS11, "TLSv1_2": tls.VersionTLS12, "TLSv1_3": tls.VersionTLS13,
}

func (o *Options) load() (*tls.Config, error) {
	conf := &tls.Config{NextProtos: o.NextProtos}
	cert, errCert := o.certificate()
	conf.Certificates = []tls.Certificate{cert}
	min, known := versions[o.MinVersion]
	var errVersion error
	if conf.MinVersion = min; !known {
		errVersion = fmt.Errorf("%s.tls_min_version: unknown version %q", o.Name, o.MinVersion)
	}
	suites, errSuites := o.suites()
	conf.CipherSuites = suites
	authorities, errCA := o.authorities()
	if conf.ClientCAs = authorities; o.VerifyIncoming {
		conf.ClientAuth = tls.RequireAndVerifyClientCert
		if authorities == nil && errCA == nil {
			errCA = fmt.Errorf("%s.verify_incoming needs %s.ca_file or %s.ca_path: without authorities no client could prove itself", o.Name, o.Name, o.Name)
		}
	}
	return conf, errors.Join(errCert, errVersion, errSuites, errCA)
}

func (o *Options) certificate() (tls.Certificate, error) {
	if o.Anonymous && o.CertFile == "" && o.KeyFile == "" {
		return tls.Certificate{}, nil
	}
	cert, errCert := o.read("cert_file", o.CertFile)
	key, errKey := o.read("key_file", o.KeyFile)
	if err := errors.Join(errCert, errKey); err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return pair, fmt.Errorf("%s.cert_file %q with %s.key_file %q: %w", o.Name, o.CertFile, o.Name, o.KeyFile, err)
	}
	return pair, nil
}

// maxPEM bounds a file of certificates or keys, in bytes; bundles of every public
// authority take a quarter of a MiB.
const maxPEM = 16 << 20

func (o *Options) read(key, path string) ([]byte, error) {
	if path == "" {
		return nil, fmt.Errorf("%s.%s is missing: a certificate needs cert_file and key_file", o.Name, key)
	}
	data, err := regular.Read(path, maxPEM)
	if err != nil {
		return nil, fmt.Errorf("%s.%s: %w", o.Name, key, err)
	}
	return data, nil
}

func (o *Options) suites() ([]uint16, error) {
	var ids []uint16
	for _, name := range o.CipherSuites {
		all := slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites())
		i := slices.IndexFunc(all, func(c *tls.CipherSuite) bool { return c.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("%s.tls_cipher_suites: unknown suite %q", o.Name, name)
		}
		ids = append(ids, all[i].ID)
	}
	return ids, nil
}

// authorities are those that clients' certificates must come from; nil if none
// are named.
func (o *Options) authorities() (*x509.CertPool, error) {
	switch {
	case o.CAFile != "":
		pool := x509.NewCertPool()
		return pool, o.addAuthority(pool, "ca_file", o.CAFile)
	case o.CAPath == "":
		return nil, nil
	}
	files, err := os.ReadDir(o.CAPath)
	if err != nil {
		return nil, fmt.Errorf("%s.ca_path: %w", o.Name, err)
	}
	pool, found := x509.NewCertPool(), false
	for _, f := range files {
		if f.IsDir() {
			continue
		}
		if err := o.addAuthority(pool, "ca_path", filepath.Join(o.CAPath, f.Name())); err != nil {
			return nil, err
		}
		found = true
	}
	if !found {
		return nil, fmt.Errorf("%s.ca_path %q holds no files", o.Name, o.CAPath)
	}
	return pool, nil
}

func (o *Options) addAuthority(pool *x509.CertPool, key, path string) error {
	data, err := regular.Read(path, maxPEM)
	if err != nil {
		return fmt.Errorf("%s.%s: %w", o.Name, key, err)
	}
	if !pool.AppendCertsFromPEM(data) {
		return fmt.Errorf("%s.%s %q holds no certificate in PEM", o.Name, key, path)
	}
	return nil
}
