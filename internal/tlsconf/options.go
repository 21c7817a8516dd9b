package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"praetor/internal/regular"
)

// Options are the settings of one stanza (reference/config.md §4). All of it may be
// missing: without a certificate nothing is served over TLS.
type Options struct {
	CAFile, CAPath       string // PEM file, or folder of such files; the file wins
	CertFile, KeyFile    string // PEM
	MinVersion           string // TLSv1_0 to TLSv1_3; TLS_AUTO and "" leave it to Go
	CipherSuites         []string
	Curves               []string // key exchanges that may be spoken; none leaves them to Go. The order is Go's: X25519MLKEM768 comes first
	VerifyIncoming       bool     // clients need a certificate of one of the authorities
	VerifyOutgoing       bool     // servers are spoken to by TLS only
	VerifyServerHostname bool     // servers must prove the name ServerName
	Domain               string   // of ServerName
	NextProtos           []string // what is spoken over it, best first
	// AskClients has clients asked for a certificate where they need none: what they
	// show must be of one of the authorities.
	AskClients bool
	// Awaits has the certificate come later, by Give, where the files name none.
	Awaits bool
}

// ServerName is the name that the servers of a datacenter have in their certificates.
func ServerName(datacenter, domain string) string {
	return "server." + datacenter + "." + strings.Trim(domain, ".")
}

// material is what an agent shows and whom it trusts.
type material struct {
	cert        *tls.Certificate // nil for none
	authorities *x509.CertPool   // nil for none
}

// read gets the material from the files that the options name.
func (o *Options) read() (material, error) {
	authorities, err := o.readAuthorities()
	if err != nil {
		return material{}, err
	}
	cert, err := o.readCertificate()
	return material{cert, authorities}, err
}

// fits checks that what is asked for can be had of the material. The texts are Consul's.
func (o *Options) fits(m material) error {
	switch {
	case o.VerifyOutgoing && m.authorities == nil:
		return errors.New("VerifyOutgoing set but no CA certificates were provided")
	case o.VerifyIncoming && m.authorities == nil:
		return errors.New("VerifyIncoming set but no CA certificates were provided")
	case o.VerifyIncoming && m.cert == nil && !o.Awaits:
		return errors.New("VerifyIncoming requires either a Cert and Key pair in the configuration file, or auto_encrypt/auto_config be enabled")
	}
	return nil
}

func (o *Options) readCertificate() (*tls.Certificate, error) {
	switch {
	case o.CertFile == "" && o.KeyFile == "":
		return nil, nil
	case o.KeyFile == "":
		return nil, fmt.Errorf("cert_file is %q and key_file is not set: a certificate needs its key", o.CertFile)
	case o.CertFile == "":
		return nil, fmt.Errorf("key_file is %q and cert_file is not set: a key needs its certificate", o.KeyFile)
	}
	const text = "Failed to load cert/key pair: %w"
	cert, err := regular.Read(o.CertFile, maxPEM)
	if err != nil {
		return nil, fmt.Errorf(text, err)
	}
	key, err := regular.Read(o.KeyFile, maxPEM)
	if err != nil {
		return nil, fmt.Errorf(text, err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf(text, err)
	}
	return &pair, nil
}

// maxPEM bounds a file of certificates or keys, in bytes; bundles of every public
// authority take a quarter of a MiB. maxAuthorities bounds the files of a folder.
const (
	maxPEM         = 16 << 20
	maxAuthorities = 4096
)

// readAuthorities gives those that certificates must come from; nil if none are named.
func (o *Options) readAuthorities() (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	switch {
	case o.CAFile != "":
		return pool, addAuthority(pool, o.CAFile)
	case o.CAPath == "":
		return nil, nil
	}
	found := 0
	err := filepath.WalkDir(o.CAPath, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return nil // a link, as orchestrators mount secrets: what it leads to is in the folder too
		}
		if found++; found > maxAuthorities {
			return fmt.Errorf("Error loading from CAPath: %s holds more than %d files", o.CAPath, maxAuthorities)
		}
		return addAuthority(pool, path)
	})
	if err == nil && found == 0 {
		err = errors.New("Error loading from CAPath: no CAs found")
	}
	return pool, err
}

func addAuthority(pool *x509.CertPool, path string) error {
	data, err := regular.Read(path, maxPEM)
	if err != nil {
		return fmt.Errorf("Error loading from %s: %w", path, err)
	}
	if !pool.AppendCertsFromPEM(data) {
		return fmt.Errorf("failed to parse PEM: %s holds no certificate", path) // never its content
	}
	return nil
}

var versions = map[string]uint16{
	"": 0, "TLS_AUTO": 0, "TLSv1_0": tls.VersionTLS10, "TLSv1_1": tls.VersionTLS11, "TLSv1_2": tls.VersionTLS12, "TLSv1_3": tls.VersionTLS13,
}

// config is what the settings say of how TLS is spoken, by clients and servers.
func (o *Options) config() (*tls.Config, error) {
	conf := &tls.Config{NextProtos: o.NextProtos}
	var known bool
	if conf.MinVersion, known = versions[o.MinVersion]; !known {
		return nil, fmt.Errorf("unknown TLS version %q", o.MinVersion)
	}
	all := slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites())
	for _, name := range o.CipherSuites {
		i := slices.IndexFunc(all, func(c *tls.CipherSuite) bool { return c.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("unknown TLS cipher suite %q", name)
		}
		conf.CipherSuites = append(conf.CipherSuites, all[i].ID)
	}
	for _, name := range o.Curves {
		id, err := Curve(name)
		if err != nil {
			return nil, err
		}
		conf.CurvePreferences = append(conf.CurvePreferences, id)
	}
	return conf, o.servesHTTP2(conf)
}

// servesHTTP2 refuses suites with which HTTP/2 cannot be spoken, in the words of Go's
// server, which does not see what GetConfigForClient gives.
func (o *Options) servesHTTP2(conf *tls.Config) error {
	if !slices.Contains(o.NextProtos, "h2") || len(conf.CipherSuites) == 0 || conf.MinVersion >= tls.VersionTLS13 ||
		slices.Contains(conf.CipherSuites, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256) || slices.Contains(conf.CipherSuites, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256) {
		return nil
	}
	return errors.New("http2: TLSConfig.CipherSuites is missing an HTTP/2-required AES_128_GCM_SHA256 cipher (need at least one of TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 or TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)")
}

// curves are the key exchanges that may be named.
var curves = []tls.CurveID{tls.X25519MLKEM768, tls.SecP256r1MLKEM768, tls.SecP384r1MLKEM1024, tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}

// Curve finds a key exchange by its name: as Go has it, CurveP256, or P256 or P-256.
func Curve(name string) (tls.CurveID, error) {
	var names []string
	for _, id := range curves {
		known := strings.TrimPrefix(id.String(), "Curve")
		if strings.EqualFold(strings.ReplaceAll(strings.TrimPrefix(name, "Curve"), "-", ""), known) {
			return id, nil
		}
		names = append(names, known)
	}
	return 0, fmt.Errorf("no key exchange is named %q, please specify one of [%s]", name, strings.Join(names, ", "))
}
