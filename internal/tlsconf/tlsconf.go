package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"praetor/internal/pki"
)

// Source is a TLS configuration that can change. A nil Source is one that names
// nothing.
type Source struct {
	inForce atomic.Pointer[policy]
	server  *tls.Config // one for all connections: it has the keys of session tickets

	mu    sync.Mutex // held while the policy changes, and while a connection is judged
	open  map[*conn]struct{}
	given given
}

// given is what comes from elsewhere than files.
type given struct {
	cert  *tls.Certificate
	roots []*x509.Certificate // of the mesh
}

// policy is what is in force at a time.
type policy struct {
	Options
	material             // of the files, or given
	base     *tls.Config // versions, suites and the like
	fromFile bool        // cert is
	mesh     *x509.CertPool
	callers  *x509.CertPool // authorities and mesh together
}

// with adds what is given. A certificate of a file goes before.
func (p *policy) with(g given) *policy {
	q := *p
	if !q.fromFile {
		q.cert = g.cert
	}
	q.mesh, q.callers = nil, q.authorities
	if len(g.roots) == 0 {
		return &q
	}
	q.mesh, q.callers = x509.NewCertPool(), x509.NewCertPool()
	if q.authorities != nil {
		q.callers = q.authorities.Clone()
	}
	for _, root := range g.roots {
		q.mesh.AddCert(root)
		q.callers.AddCert(root)
	}
	return &q
}

// Open reads the files that opts names.
func Open(opts Options) (*Source, error) {
	s := &Source{open: map[*conn]struct{}{}}
	s.server = &tls.Config{GetConfigForClient: s.forClient}
	return s, s.Load(opts)
}

// Load reads files again, perhaps other ones, and puts what they hold in force.
func (s *Source) Load(opts Options) error {
	use, err := s.Prepare(opts)
	if err == nil {
		use()
	}
	return err
}

// Prepare is Load in two steps: it reads files, and use puts what they held in force.
// New connections use it. Open ones that would not be let in any more are closed. use
// reports whether anything is different now.
func (s *Source) Prepare(opts Options) (use func() (changed bool), err error) {
	p := &policy{Options: opts}
	if p.material, err = opts.read(); err != nil {
		return nil, err
	}
	if err := opts.fits(p.material); err != nil {
		return nil, err
	}
	if p.base, err = opts.config(); err != nil {
		return nil, err
	}
	p.fromFile = p.cert != nil
	return func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.useLocked(p.with(s.given))
	}, nil
}

// Give puts a certificate in force that servers gave to this agent, where the files name
// none. It reports whether another one was in force before.
func (s *Source) Give(cert *tls.Certificate) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given.cert = cert
	return s.useLocked(s.inForce.Load().with(s.given))
}

// Trust has the agents of a mesh let in whose certificates one of its roots has signed,
// beside those of the authorities. Nobody else of the mesh is: any service has a
// certificate of it. What this agent calls is not trusted for it.
func (s *Source) Trust(roots []*x509.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given.roots = roots
	s.useLocked(s.inForce.Load().with(s.given))
}

func (s *Source) useLocked(p *policy) (changed bool) {
	if before := s.inForce.Swap(p); before != nil && p.equal(before) {
		return false
	}
	for c := range s.open {
		if c.met && p.admits(c) != nil {
			c.end()
		}
	}
	return true
}

func (p *policy) equal(q *policy) bool {
	if (p.cert == nil) != (q.cert == nil) || !p.authorities.Equal(q.authorities) || !p.mesh.Equal(q.mesh) || !reflect.DeepEqual(p.Options, q.Options) {
		return false
	}
	return p.cert == nil || reflect.DeepEqual(p.cert.Certificate, q.cert.Certificate)
}

var nothing = &policy{base: &tls.Config{}}

func (s *Source) now() *policy {
	if s == nil {
		return nothing
	}
	return s.inForce.Load()
}

// Server is a configuration for a listener that follows Load. Connections that come
// through Listener or Accept follow it when they are open, too.
func (s *Source) Server() *tls.Config { return s.server }

// forClient gives the configuration for one connection.
func (s *Source) forClient(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	p := s.inForce.Load()
	if p.cert == nil {
		return nil, errors.New("this agent has no certificate")
	}
	conf := p.base.Clone()
	conf.Certificates, conf.ClientCAs = []tls.Certificate{*p.cert}, p.callers
	c, ok := hello.Conn.(*conn)
	switch {
	case ok && c.uncertified:
		conf.SessionTicketsDisabled = true // such a session is never to be another
	case p.VerifyIncoming:
		conf.ClientAuth = tls.RequireAndVerifyClientCert
	case p.AskClients && p.callers != nil:
		conf.ClientAuth = tls.VerifyClientCertIfGiven
	}
	if ok {
		conf.VerifyConnection = func(state tls.ConnectionState) error { return s.meet(c, state) }
	}
	return conf, nil
}

// Serves reports whether there is a certificate to serve with.
func (s *Source) Serves() bool { return s.now().cert != nil }

// Certificate is the one in force, nil for none.
func (s *Source) Certificate() *x509.Certificate {
	if cert := s.now().cert; cert != nil {
		return cert.Leaf
	}
	return nil
}

// Expires returns when the certificate in force ends, the zero time if there is none.
func (s *Source) Expires() time.Time {
	if cert := s.Certificate(); cert != nil {
		return cert.NotAfter
	}
	return time.Time{}
}

// Client is a configuration for a connection to a server of any kind, whose name it is
// left to fill in. Without authorities it trusts the system's.
func (s *Source) Client() *tls.Config {
	p := s.now()
	conf := p.base.Clone()
	conf.NextProtos, conf.RootCAs = nil, p.authorities
	conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if p.cert == nil {
			return &tls.Certificate{}, nil
		}
		return p.cert, nil // also if the server names other authorities: its refusal says more than silence
	}
	return conf
}

// Outgoing is a configuration for a connection to a server of a datacenter, nil for one
// without TLS.
func (s *Source) Outgoing(datacenter string) *tls.Config {
	p := s.now()
	if !p.VerifyOutgoing {
		return nil
	}
	conf := s.Client()
	if p.VerifyServerHostname {
		conf.ServerName = ServerName(datacenter, p.Domain)
		return conf
	}
	conf.InsecureSkipVerify = true // of the name: the rest is verified here
	conf.VerifyConnection = func(state tls.ConnectionState) error {
		return verify(state.PeerCertificates, p.authorities, x509.ExtKeyUsageServerAuth)
	}
	return conf
}

// Uncertified is Outgoing for a connection on which this agent shows no certificate. It is
// never without TLS.
func (s *Source) Uncertified(datacenter string) *tls.Config {
	conf := s.Outgoing(datacenter)
	if conf == nil {
		conf = s.Client()
		conf.ServerName = ServerName(datacenter, s.now().Domain)
	}
	conf.GetClientCertificate = nil
	return conf
}

// SecuresOutgoing reports whether servers are spoken to by TLS.
func (s *Source) SecuresOutgoing() bool { return s.now().VerifyOutgoing }

// IsServer reports whether whoever proved to have a certificate, nil for nobody, may do
// what only servers of a datacenter do. Where names are not verified everybody may.
func (s *Source) IsServer(cert *x509.Certificate, datacenter string) bool {
	p := s.now()
	return !p.VerifyServerHostname || cert != nil && datacenter != "" && cert.VerifyHostname(ServerName(datacenter, p.Domain)) == nil
}

// trusts checks that whoever calls shows a certificate of an authority, or is an agent of
// the mesh.
func (p *policy) trusts(chain []*x509.Certificate) error {
	err := errors.New("there is no authority to sign its certificate")
	if p.authorities != nil { // nil would be the system's
		err = verify(chain, p.authorities, x509.ExtKeyUsageClientAuth)
	}
	if err == nil || p.mesh == nil || len(chain) == 0 {
		return err
	}
	if !isAgent(chain[0]) {
		return errNoAgent
	}
	return verify(chain, p.mesh, x509.ExtKeyUsageClientAuth)
}

var errNoAgent = errors.New("its certificate is of no agent")

// isAgent reports whether a certificate of the mesh is that of a client agent.
func isAgent(cert *x509.Certificate) bool {
	if len(cert.URIs) != 1 {
		return false
	}
	id, err := pki.ParseSPIFFE(cert.URIs[0].String())
	return err == nil && id.Identity == pki.Agent
}

// verify checks that an authority has signed a certificate, the first of chain, for a use.
func verify(chain []*x509.Certificate, authorities *x509.CertPool, use x509.ExtKeyUsage) error {
	if len(chain) == 0 {
		return errors.New("no certificate was shown")
	}
	between := x509.NewCertPool()
	for _, cert := range chain[1:] {
		between.AddCert(cert)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: authorities, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{use}})
	return err
}
