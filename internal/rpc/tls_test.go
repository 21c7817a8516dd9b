package rpc_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"praetor/internal/pki"
	"praetor/internal/rpc"
)

// authority is one, with what it takes to trust and use it in virtual time.
type authority struct {
	*pki.Authority
	pool *x509.CertPool
	now  func() time.Time
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	made := time.Now()
	a, err := pki.NewAuthority(pki.Subject{CommonName: "agents"}, pki.Days(1))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(a.Cert) {
		t.Fatal("the authority's certificate is none")
	}
	return &authority{a, pool, func() time.Time { return made }}
}

// certificate is one for a name.
func (a *authority) certificate(t *testing.T, name string) []tls.Certificate {
	t.Helper()
	pair, err := a.Issue(pki.Subject{CommonName: name, DNSNames: []string{name}}, pki.Server|pki.Client, pki.Days(1))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	return []tls.Certificate{cert}
}

// incoming takes TLS, as a name, from those of whom demands holds.
func (a *authority) incoming(t *testing.T, name string, demands tls.ClientAuthType) *tls.Config {
	return &tls.Config{Certificates: a.certificate(t, name), ClientCAs: a.pool, ClientAuth: demands, Time: a.now}
}

// outgoing speaks TLS with servers that want it, whose certificates a signed; own
// signed ours.
func (a *authority) outgoing(t *testing.T, own *authority) func(rpc.Server) *tls.Config {
	certs := own.certificate(t, "client.dc1.consul")
	return func(srv rpc.Server) *tls.Config {
		if !srv.TLS {
			return nil
		}
		return &tls.Config{Certificates: certs, RootCAs: a.pool, ServerName: "server." + srv.Datacenter + ".consul", Time: a.now}
	}
}

var atSecurePort = rpc.Server{ID: "s1", Datacenter: "dc1", Address: atPort.Address, TLS: true}

func TestPlainAndTLSConnectionsShareThePort(t *testing.T) {
	ours := newAuthority(t)
	here := us
	here.Keys = ring(keyA)
	opts := rpc.ListenerOptions{Identity: here, TLS: ours.incoming(t, "server.dc1.consul", tls.RequireAndVerifyClientCert)}
	outgoing := ours.outgoing(t, ours)
	withPortOf(t, opts, func(t *testing.T, p *port) {
		for _, srv := range []rpc.Server{atSecurePort, atPort, atSecurePort} {
			d := p.dialer(them(ring(keyA)))
			d.TLS = outgoing
			conn, err := d.DialRaft(context.Background(), srv)
			if err != nil {
				t.Fatal(err)
			}
			if _, secure := conn.(*tls.Conn); secure != srv.TLS {
				t.Errorf("a server that wants TLS (%t) was reached by it: %t", srv.TLS, secure)
			}
			met := accept(t, p.Raft())
			if _, err := conn.Write([]byte("entries")); err != nil {
				t.Error(err)
			}
			wantText(t, met, "entries")
			conn.Close()
			met.Close()
			d.Identity.Keys = ring(keyB)
			p.raft(d, srv, "does not prove")
		}
	})
}

func TestTLSWithAWrongCertificateIsRefused(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	for _, row := range []struct {
		name     string
		incoming *tls.Config
		outgoing func(rpc.Server) *tls.Config
		words    string
	}{
		{"client of another authority", ours.incoming(t, "server.dc1.consul", tls.RequireAndVerifyClientCert), ours.outgoing(t, other), "certificate"},
		{"server of another authority", other.incoming(t, "server.dc1.consul", tls.NoClientCert), ours.outgoing(t, ours), "unknown authority"},
		{"server of another datacenter", ours.incoming(t, "server.dc2.consul", tls.NoClientCert), ours.outgoing(t, ours), "server.dc1.consul"},
		{"client's certificate as a server's", ours.incoming(t, "client.dc1.consul", tls.NoClientCert), ours.outgoing(t, ours), "server.dc1.consul"},
		{"server without TLS", nil, ours.outgoing(t, ours), "takes no TLS"},
	} {
		t.Run(row.name, func(t *testing.T) {
			withPortOf(t, rpc.ListenerOptions{Identity: us, TLS: row.incoming}, func(t *testing.T, p *port) {
				d := p.dialer(them(nil))
				d.TLS = row.outgoing
				p.raft(d, atSecurePort, row.words)
				_, err := d.DialRaft(context.Background(), atSecurePort)
				if errors.Is(err, rpc.ErrNoHello) {
					t.Error("taken for a server that knows no hello, which is asked again without one")
				}
				p.raft(d, atPort, "")
			})
		})
	}
}

func TestTLSInsideTLSIsRefused(t *testing.T) {
	ours := newAuthority(t)
	incoming := ours.incoming(t, "server.dc1.consul", tls.NoClientCert)
	outgoing := ours.outgoing(t, ours)(atSecurePort)
	withPortOf(t, rpc.ListenerOptions{Identity: us, TLS: incoming}, func(t *testing.T, p *port) {
		over := tls.Client(p.dial("10.0.0.2", rpc.TLSByte), outgoing)
		if _, err := over.Write([]byte{rpc.TLSByte}); err != nil {
			t.Fatal(err)
		}
		wantClosed(t, over, 0)
	})
}

func TestTLSThatIsNotFinishedEndsInTime(t *testing.T) {
	incoming := newAuthority(t).incoming(t, "server.dc1.consul", tls.NoClientCert)
	withPortOf(t, rpc.ListenerOptions{Identity: us, TLS: incoming}, func(t *testing.T, p *port) {
		wantClosed(t, p.dial("10.0.0.2", rpc.TLSByte), 5*time.Second)
		wantClosed(t, p.dial("10.0.0.2", rpc.TLSByte, 22, 3, 1), 5*time.Second)
	})
}

// TestRequestsTravelByTLSWhereAServerWantsIt has a leader who wants it and a
// follower who does not, and who says so later.
func TestRequestsTravelByTLSWhereAServerWantsIt(t *testing.T) {
	ours := newAuthority(t)
	incoming, outgoing := ours.incoming(t, "server.dc1.consul", tls.RequireAndVerifyClientCert), ours.outgoing(t, ours)
	inBubble(t, func(t *testing.T, w *world) {
		w.takeTLS, w.dialTLS = incoming, outgoing
		a, b := w.server("dc1", "10.0.0.1"), w.server("dc1", "10.0.0.2")
		w.elect("dc1", a)
		secure := func(n *node) (by string) {
			n.read = func(ctx context.Context, _ *rpc.ReadOptions) (*rpc.ReadMeta, error) {
				if met, _ := rpc.PeerOf(ctx); met.Certificate != nil {
					by = met.Certificate.Subject.CommonName
				}
				return &rpc.ReadMeta{Consistency: n.name}, nil
			}
			got, err := b.doRead(rpc.ReadOptions{Datacenter: "dc1"})
			wantBy(t, n, got, err)
			return by
		}
		if by := secure(a); by != "" {
			t.Errorf("a plain connection showed the certificate of %q", by)
		}
		w.servers[0].TLS = true
		w.tellAll()
		if by := secure(a); by != "client.dc1.consul" {
			t.Errorf("the leader wants TLS and met a certificate of %q", by)
		}
	})
}
