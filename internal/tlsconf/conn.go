package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"sync"
)

// ErrPlain refuses a connection without TLS.
var ErrPlain = errors.New("only TLS connections are taken (verify_incoming)")

// conn is an incoming connection, below TLS where there is any. It ends when it would
// not be let in any more.
type conn struct {
	net.Conn
	source *Source
	once   sync.Once
	// uncertified: its client is to show no certificate (AcceptUncertified).
	uncertified bool

	// Guarded by the source's lock.
	met     bool // it was let in
	secure  bool
	version uint16
	suite   uint16
	chain   []*x509.Certificate // shown by the client, leaf first
	acts    string              // the datacenter as whose server it acts, "" for none
}

// Close closes the connection.
func (c *conn) Close() error {
	c.once.Do(func() {
		c.source.mu.Lock()
		defer c.source.mu.Unlock()
		delete(c.source.open, c)
	})
	return c.Conn.Close()
}

// end closes what is below, which its reader learns; the lock is held.
func (c *conn) end() { _ = c.Conn.Close() }

// NetConn returns the connection below.
func (c *conn) NetConn() net.Conn { return c.Conn }

// CloseWrite ends our half, where the connection below can.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

func (s *Source) follow(below net.Conn) *conn {
	c := &conn{Conn: below, source: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[c] = struct{}{}
	return c
}

// AcceptUncertified is Accept for a connection on which no certificate is asked for,
// whatever the settings say: the caller sees to it that next to nothing can be done there.
func (s *Source) AcceptUncertified(below net.Conn) *tls.Conn {
	c := s.follow(below)
	c.uncertified = true
	return tls.Server(c, s.server)
}

// Accept is the listener's side of TLS on a connection; hands are not shaken yet.
func (s *Source) Accept(below net.Conn) *tls.Conn { return tls.Server(s.follow(below), s.server) }

// AcceptPlain lets a connection in without TLS, or refuses it with ErrPlain, and leaves
// it to the caller to close.
func (s *Source) AcceptPlain(below net.Conn) (net.Conn, error) {
	if s == nil {
		return below, nil
	}
	c := s.follow(below)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.inForce.Load().admits(c); err != nil {
		delete(s.open, c)
		return nil, err
	}
	c.met = true
	return c, nil
}

// meet lets a connection in whose hands were shaken, if it still may come in.
func (s *Source) meet(c *conn, state tls.ConnectionState) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.met, c.secure, c.version, c.suite, c.chain = true, true, state.Version, state.CipherSuite, state.PeerCertificates
	return s.inForce.Load().admits(c)
}

// ActsAsServer notes that the other side of a connection, of Accept or AcceptPlain, acts
// as a server of a datacenter, and reports whether it may, now and for as long as the
// connection stays open.
func (s *Source) ActsAsServer(over net.Conn, datacenter string) bool {
	if s == nil {
		return true
	}
	if secured, ok := over.(*tls.Conn); ok {
		over = secured.NetConn()
	}
	c, ok := over.(*conn)
	if !ok {
		return s.IsServer(nil, datacenter)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.acts = datacenter
	return s.IsServer(c.leaf(), datacenter)
}

func (c *conn) leaf() *x509.Certificate {
	if len(c.chain) == 0 {
		return nil
	}
	return c.chain[0]
}

// admits says why a connection would not be let in, nil if it would.
func (p *policy) admits(c *conn) error {
	if c.acts != "" && p.VerifyServerHostname && (c.leaf() == nil || c.leaf().VerifyHostname(ServerName(c.acts, p.Domain)) != nil) {
		return errors.New("it acts as a server and does not prove to be one")
	}
	switch {
	case !c.secure && p.VerifyIncoming:
		return ErrPlain
	case !c.secure:
		return nil
	case p.cert == nil:
		return errors.New("this agent has no certificate any more")
	case c.version < p.base.MinVersion:
		return errors.New("its TLS version is too low")
	case c.version < tls.VersionTLS13 && len(p.base.CipherSuites) > 0 && !slices.Contains(p.base.CipherSuites, c.suite):
		return errors.New("its cipher suite is not allowed")
	case c.uncertified:
		return nil
	case p.VerifyIncoming || len(c.chain) > 0 && p.AskClients && p.callers != nil:
		return p.trusts(c.chain)
	}
	return nil
}

// Listener speaks TLS on the connections that l accepts.
func (s *Source) Listener(l net.Listener) net.Listener { return listener{l, s} }

type listener struct {
	net.Listener
	source *Source
}

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	below, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.source.Accept(below), nil
}

var (
	_ net.Listener = listener{}
	_ net.Conn     = (*conn)(nil)
)
