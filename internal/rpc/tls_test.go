package rpc_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/internal/memnet"
	"praetor/internal/pki"
	"praetor/internal/rpc"
	"praetor/internal/tlsconf"
)

// authority is one that signs certificates into files.
type authority struct {
	*pki.Authority
	t      testing.TB
	dir    string
	signed int
}

// newAuthority makes one whose certificates are of now, which may be virtual: dir was made before.
func newAuthority(t testing.TB, dir string) *authority {
	t.Helper()
	made, err := pki.NewAuthority(pki.Subject{CommonName: "agents"}, pki.Days(1))
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{Authority: made, t: t, dir: dir}
	a.write("ca.pem", made.Cert)
	return a
}

func (a *authority) write(name string, text []byte) {
	if err := os.WriteFile(filepath.Join(a.dir, name), text, 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// options show a certificate that names something, "" for none, and trust the authority.
func (a *authority) options(name string, change ...func(*tlsconf.Options)) tlsconf.Options {
	o := tlsconf.Options{CAFile: filepath.Join(a.dir, "ca.pem"), Domain: "consul.", AskClients: true}
	if name != "" {
		a.sign(&o, name, pki.Days(1))
	}
	for _, f := range change {
		f(&o)
	}
	return o
}

// sign makes the certificate that options show.
func (a *authority) sign(o *tlsconf.Options, name string, valid time.Duration) {
	pair, err := a.Issue(pki.Subject{CommonName: name, DNSNames: []string{name, "localhost"}}, pki.Server|pki.Client, valid)
	if err != nil {
		a.t.Fatal(err)
	}
	a.signed++
	cert, key := fmt.Sprint(a.signed, ".pem"), fmt.Sprint(a.signed, "-key.pem")
	a.write(cert, pair.Cert)
	a.write(key, pair.Key)
	o.CertFile, o.KeyFile = filepath.Join(a.dir, cert), filepath.Join(a.dir, key)
}

func (a *authority) source(name string, change ...func(*tlsconf.Options)) *tlsconf.Source {
	a.t.Helper()
	return opened(a.t, a.options(name, change...))
}

func opened(t testing.TB, o tlsconf.Options) *tlsconf.Source {
	t.Helper()
	s, err := tlsconf.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What options ask for.
func incoming(o *tlsconf.Options) { o.VerifyIncoming = true }
func outgoing(o *tlsconf.Options) { o.VerifyOutgoing = true }
func names(o *tlsconf.Options)    { o.VerifyOutgoing, o.VerifyServerHostname = true, true }

// shows is a certificate that somebody has.
type shows struct {
	name string
	make func(ours, other *authority, o *tlsconf.Options)
}

var certificates = []shows{
	{"server, right datacenter", func(ours, _ *authority, o *tlsconf.Options) { ours.sign(o, "server.dc1.consul", pki.Days(1)) }},
	{"server, wrong datacenter", func(ours, _ *authority, o *tlsconf.Options) { ours.sign(o, "server.dc2.consul", pki.Days(1)) }},
	{"client", func(ours, _ *authority, o *tlsconf.Options) { ours.sign(o, "client.dc1.consul", pki.Days(1)) }},
	{"other authority", func(_, other *authority, o *tlsconf.Options) { other.sign(o, "server.dc1.consul", pki.Days(1)) }},
	{"expired", func(ours, _ *authority, o *tlsconf.Options) { ours.sign(o, "server.dc1.consul", -30*time.Second) }},
	{"none, TLS", func(_, _ *authority, o *tlsconf.Options) {}},
	{"none, plain", func(_, _ *authority, o *tlsconf.Options) { *o = tlsconf.Options{} }},
}

// modes are how those at the other end are configured, one after the other in a roll-out.
var modes = [][]func(*tlsconf.Options){{}, {incoming}, {incoming, names}}

// verdicts tell who is let in: + yes, - no. Each word has one sign per mode: certificates
// only, verify_incoming, verify_server_hostname. Whoever asks is one of the last mode,
// but for his certificate; the server that is asked shows a right one, and the other way
// round in the last two columns.
//
// A client's certificate, and one of another datacenter, never passes for a server's
// where names are verified. Where a server asks for a certificate without needing one, a
// bad one is worse than none.
var verdicts = map[string]struct {
	rpc, raft, https string // asking a server's port 8300, and any agent's HTTPS
	asClient, asRaft string // being asked, by a client agent and by a server's Raft
}{
	"server, right datacenter": {"+++", "+++", "+++", "+++", "+++"},
	"server, wrong datacenter": {"+++", "++-", "+++", "++-", "++-"},
	"client":                   {"+++", "++-", "+++", "++-", "++-"},
	"other authority":          {"---", "---", "+--", "---", "---"},
	"expired":                  {"---", "---", "+--", "---", "---"},
	"none, TLS":                {"+--", "+--", "+--", "---", "---"},
	"none, plain":              {"+--", "+--", "---", "---", "---"},
}

// TestCertificatesMatrix asks every port with every certificate, and has every
// certificate asked.
func TestCertificatesMatrix(t *testing.T) {
	if len(verdicts) != len(certificates) {
		t.Fatalf("%d verdicts about %d certificates", len(verdicts), len(certificates))
	}
	for _, shown := range certificates {
		want := verdicts[shown.name]
		for _, column := range []struct {
			name, want string
			try        func(t *testing.T, mode int, shown shows) error
		}{
			{"RPC", want.rpc, tryAsking((*rpc.Dialer).DialRPC)},
			{"Raft", want.raft, tryAsking((*rpc.Dialer).DialRaft)},
			{"HTTPS", want.https, tryHTTPS},
			{"asked by a client agent", want.asClient, tryAsked((*rpc.Dialer).DialRPC)},
			{"asked by Raft", want.asRaft, tryAsked((*rpc.Dialer).DialRaft)},
		} {
			t.Run(shown.name+"/"+column.name, func(t *testing.T) {
				got := ""
				for mode := range modes {
					sign := "+"
					if err := column.try(t, mode, shown); err != nil {
						t.Log(err)
						sign = "-"
					}
					got += sign
				}
				if got != column.want {
					t.Errorf("got %s, want %s", got, column.want)
				}
			})
		}
	}
}

type dial func(*rpc.Dialer, context.Context, rpc.Server) (net.Conn, error)

// tryAsking has who shows something ask a server.
func tryAsking(dial dial) func(t *testing.T, mode int, shown shows) error {
	return func(t *testing.T, mode int, shown shows) error {
		return tryBetween(t, dial, func(ours, other *authority) (at, from tlsconf.Options) {
			from = tlsconf.Options{CAFile: filepath.Join(ours.dir, "ca.pem"), Domain: "consul", AskClients: true}
			names(&from)
			shown.make(ours, other, &from)
			return ours.options("server.dc1.consul", modes[mode]...), from
		})
	}
}

// tryAsked has an agent ask a server that shows something.
func tryAsked(dial dial) func(t *testing.T, mode int, shown shows) error {
	return func(t *testing.T, mode int, shown shows) error {
		return tryBetween(t, dial, func(ours, other *authority) (at, from tlsconf.Options) {
			at = tlsconf.Options{CAFile: filepath.Join(ours.dir, "ca.pem"), Domain: "consul", AskClients: true}
			shown.make(ours, other, &at)
			return at, ours.options("server.dc1.consul", append(modes[mode][:len(modes[mode]):len(modes[mode])], outgoing)...)
		})
	}
}

// tryBetween opens a connection and says something both ways.
func tryBetween(t *testing.T, dial dial, between func(ours, other *authority) (at, from tlsconf.Options)) (err error) {
	var from *tlsconf.Source
	oursDir, otherDir := t.TempDir(), t.TempDir()
	withPortMade(t, func() rpc.ListenerOptions {
		at, asking := between(newAuthority(t, oursDir), newAuthority(t, otherDir))
		from = opened(t, asking)
		return rpc.ListenerOptions{Identity: us, TLS: opened(t, at)}
	}, func(t *testing.T, p *port) {
		d := p.dialer(them(nil))
		d.TLS = rpc.Outgoing(from)
		var conn net.Conn
		if conn, err = dial(d, context.Background(), atPort); err != nil {
			return
		}
		defer conn.Close()
		_, secure := conn.(*tls.Conn)
		if secure != from.SecuresOutgoing() {
			t.Errorf("TLS is %t", secure)
		}
	})
	return err
}

// tryHTTPS shakes hands with what serves HTTPS on any agent.
func tryHTTPS(t *testing.T, mode int, shown shows) (err error) {
	oursDir, otherDir := t.TempDir(), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ours, other := newAuthority(t, oursDir), newAuthority(t, otherDir)
		at := ours.options("server.dc1.consul", modes[mode]...)
		at.AskClients, at.VerifyOutgoing, at.VerifyServerHostname = false, false, false // HTTPS has none of these
		n := memnet.New()
		port, listening := n.Host("10.0.0.1").Listen(8501)
		if listening != nil {
			t.Fatal(listening)
		}
		l := opened(t, at).Listener(port)
		defer l.Close()
		ended := make(chan struct{})
		go func() { // waited for below
			defer close(ended)
			conn, err := l.Accept()
			if err == nil {
				_, _ = io.WriteString(conn, "hello")
				conn.Close()
			}
		}()
		defer func() { <-ended }()
		conn, dialed := n.Host("10.0.0.2").Dial(context.Background(), "10.0.0.1:8501")
		if dialed != nil {
			t.Fatal(dialed)
		}
		defer conn.Close()
		asking := tlsconf.Options{CAFile: filepath.Join(oursDir, "ca.pem")}
		shown.make(ours, other, &asking)
		if asking.CAFile != "" {
			conf := opened(t, asking).Client()
			conf.ServerName = "localhost"
			conn = tls.Client(conn, conf)
		} else if _, err = io.WriteString(conn, "GET / HTTP/1.1\r\n\r\n"); err != nil {
			return
		}
		answer, read := io.ReadAll(conn)
		if err = read; err == nil && string(answer) != "hello" {
			err = errors.New("it closed the connection")
		}
	})
	return err
}

func TestPlainAndTLSConnectionsShareThePort(t *testing.T) {
	var ours *authority
	dir := t.TempDir()
	withPortMade(t, func() rpc.ListenerOptions {
		ours = newAuthority(t, dir)
		here := us
		here.Keys = ring(keyA)
		return rpc.ListenerOptions{Identity: here, TLS: ours.source("server.dc1.consul")}
	}, func(t *testing.T, p *port) {
		for _, from := range []*tlsconf.Source{ours.source("client.dc1.consul", outgoing), nil, ours.source("", names)} {
			d := p.dialer(them(ring(keyA)))
			d.TLS = rpc.Outgoing(from)
			conn, err := d.DialRaft(context.Background(), atPort)
			if err != nil {
				t.Fatal(err)
			}
			met := accept(t, p.Raft())
			if _, err := conn.Write([]byte("entries")); err != nil {
				t.Error(err)
			}
			wantText(t, met, "entries")
			conn.Close()
			met.Close()
			d.Identity.Keys = ring(keyB)
			p.raft(d, atPort, "does not prove")
		}
	})
}

// TestRefusalsOverTLSTeach: who dials, and who reads the log of the server, learn what is
// wrong.
func TestRefusalsOverTLSTeach(t *testing.T) {
	for _, row := range []struct {
		name     string
		at, from func(ours, other *authority) *tlsconf.Source
		words    string
		line     string // of the server's log
	}{
		{"client of another authority",
			func(ours, _ *authority) *tlsconf.Source { return ours.source("server.dc1.consul", incoming) },
			func(ours, other *authority) *tlsconf.Source {
				o := ours.options("", outgoing)
				other.sign(&o, "client.dc1.consul", pki.Days(1))
				return opened(ours.t, o)
			}, "certificate", "[ERROR] failed TLS handshake: conn=from=10.0.0.2:"},
		{"server of another authority",
			func(_, other *authority) *tlsconf.Source { return other.source("server.dc1.consul") },
			func(ours, _ *authority) *tlsconf.Source { return ours.source("", outgoing) }, "unknown authority", "[ERROR] failed TLS handshake"},
		{"client's certificate as a server's",
			func(ours, _ *authority) *tlsconf.Source { return ours.source("client.dc1.consul") },
			func(ours, _ *authority) *tlsconf.Source { return ours.source("", names) }, "valid for client.dc1.consul, localhost, not server.dc1.consul", "[ERROR] failed TLS handshake"},
		{"server without TLS",
			func(_, _ *authority) *tlsconf.Source { return nil },
			func(ours, _ *authority) *tlsconf.Source { return ours.source("", outgoing) }, "takes no TLS", ""},
		{"plain, where TLS is needed",
			func(ours, _ *authority) *tlsconf.Source { return ours.source("server.dc1.consul", incoming) },
			func(_, _ *authority) *tlsconf.Source { return nil }, "verify_outgoing", "[WARN]  Non-TLS connection attempted with VerifyIncoming set: conn=from=10.0.0.2:"},
		{"client's certificate for Raft",
			func(ours, _ *authority) *tlsconf.Source { return ours.source("server.dc1.consul", incoming, names) },
			func(ours, _ *authority) *tlsconf.Source { return ours.source("client.dc1.consul", names) }, "verify_server_hostname", "proves by no certificate to be a server"},
		{"plain for Raft, where names are verified",
			func(ours, _ *authority) *tlsconf.Source { return ours.source("server.dc1.consul", names) },
			func(_, _ *authority) *tlsconf.Source { return nil }, "verify_server_hostname", "proves by no certificate to be a server"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var from *tlsconf.Source
			var log strings.Builder
			oursDir, otherDir := t.TempDir(), t.TempDir()
			withPortMade(t, func() rpc.ListenerOptions {
				ours, other := newAuthority(t, oursDir), newAuthority(t, otherDir)
				from = row.from(ours, other)
				return rpc.ListenerOptions{Identity: us, TLS: row.at(ours, other), Logger: hclog.New(&hclog.LoggerOptions{Output: &log})}
			}, func(t *testing.T, p *port) {
				d := p.dialer(them(nil))
				d.TLS = rpc.Outgoing(from)
				p.raft(d, atPort, row.words)
				_, err := d.DialRaft(context.Background(), atPort)
				if errors.Is(err, rpc.ErrNoHello) {
					t.Error("taken for a server that knows no hello, which is asked again without one")
				}
				synctest.Wait()
				if !strings.Contains(log.String(), row.line) {
					t.Errorf("no %q in the log:\n%s", row.line, log.String())
				}
			})
		})
	}
}

// TestOldHandshakesCannotGetAroundTLS: those without hello are plain too.
func TestOldHandshakesCannotGetAroundTLS(t *testing.T) {
	dir := t.TempDir()
	withPortMade(t, func() rpc.ListenerOptions {
		return rpc.ListenerOptions{Identity: us, TLS: newAuthority(t, dir).source("server.dc1.consul", incoming)}
	}, func(t *testing.T, p *port) {
		for _, first := range []byte{rpc.RaftByte, rpc.RPCByte, 0, 22, 'G'} {
			wantClosed(t, p.dial("10.0.0.2", first), 0)
		}
	})
}

func TestTLSInsideTLSIsRefused(t *testing.T) {
	var ours *authority
	dir := t.TempDir()
	withPortMade(t, func() rpc.ListenerOptions {
		ours = newAuthority(t, dir)
		return rpc.ListenerOptions{Identity: us, TLS: ours.source("server.dc1.consul")}
	}, func(t *testing.T, p *port) {
		over := tls.Client(p.dial("10.0.0.2", rpc.TLSByte), ours.source("", names).Outgoing("dc1"))
		if _, err := over.Write([]byte{rpc.TLSByte}); err != nil {
			t.Fatal(err)
		}
		wantClosed(t, over, 0)
	})
}

func TestTLSThatIsNotFinishedEndsInTime(t *testing.T) {
	dir := t.TempDir()
	withPortMade(t, func() rpc.ListenerOptions {
		return rpc.ListenerOptions{Identity: us, TLS: newAuthority(t, dir).source("server.dc1.consul")}
	}, func(t *testing.T, p *port) {
		wantClosed(t, p.dial("10.0.0.2", rpc.TLSByte), 5*time.Second)
		wantClosed(t, p.dial("10.0.0.2", rpc.TLSByte, 22, 3, 1), 5*time.Second)
	})
}

// TestAReloadClosesWhatWouldNotBeLetIn has connections of every kind open while the
// settings change.
func TestAReloadClosesWhatWouldNotBeLetIn(t *testing.T) {
	for _, row := range []struct {
		name   string
		from   func(ours *authority) *tlsconf.Source
		change func(t *testing.T, o *tlsconf.Options, other *authority)
		stays  bool
	}{
		{"plain, and TLS is needed", func(*authority) *tlsconf.Source { return nil },
			func(_ *testing.T, o *tlsconf.Options, _ *authority) { incoming(o) }, false},
		{"no certificate, and one is needed", func(a *authority) *tlsconf.Source { return a.source("", outgoing) },
			func(_ *testing.T, o *tlsconf.Options, _ *authority) { incoming(o) }, false},
		{"a certificate, and one is needed", func(a *authority) *tlsconf.Source { return a.source("server.dc1.consul", outgoing) },
			func(_ *testing.T, o *tlsconf.Options, _ *authority) { incoming(o); names(o) }, true},
		{"a client's for Raft, and names count", func(a *authority) *tlsconf.Source { return a.source("client.dc1.consul", outgoing) },
			func(_ *testing.T, o *tlsconf.Options, _ *authority) { names(o) }, false},
		{"plain for Raft, and names count", func(*authority) *tlsconf.Source { return nil },
			func(_ *testing.T, o *tlsconf.Options, _ *authority) { names(o) }, false},
		{"its authority is gone", func(a *authority) *tlsconf.Source { return a.source("server.dc1.consul", outgoing) },
			func(_ *testing.T, o *tlsconf.Options, other *authority) {
				o.CAFile = filepath.Join(other.dir, "ca.pem")
			}, false},
		{"the certificate is renewed", func(a *authority) *tlsconf.Source { return a.source("client.dc1.consul", outgoing) },
			func(_ *testing.T, o *tlsconf.Options, _ *authority) {}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			var ours, other *authority
			var at *tlsconf.Source
			oursDir, otherDir := t.TempDir(), t.TempDir()
			withPortMade(t, func() rpc.ListenerOptions {
				ours, other = newAuthority(t, oursDir), newAuthority(t, otherDir)
				at = ours.source("server.dc1.consul")
				return rpc.ListenerOptions{Identity: us, TLS: at}
			}, func(t *testing.T, p *port) {
				d := p.dialer(them(nil))
				d.TLS = rpc.Outgoing(row.from(ours))
				conn, err := d.DialRaft(context.Background(), atPort)
				if err != nil {
					t.Fatal(err)
				}
				met := accept(t, p.Raft())
				next := ours.options("server.dc1.consul")
				row.change(t, &next, other)
				if err := at.Load(next); err != nil {
					t.Fatal(err)
				}
				conn.SetReadDeadline(time.Now().Add(time.Second))
				if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) != row.stays {
					t.Errorf("open afterwards: %t, want %t (%v)", !row.stays, row.stays, err)
				}
				conn.Close()
				met.Close()
			})
		})
	}
}

// TestAHandshakeDuringAReloadIsJudgedByWhatIsInForce: it began before, and ends after.
func TestAHandshakeDuringAReloadIsJudgedByWhatIsInForce(t *testing.T) {
	var ours *authority
	var at *tlsconf.Source
	dir := t.TempDir()
	withPortMade(t, func() rpc.ListenerOptions {
		ours = newAuthority(t, dir)
		at = ours.source("server.dc1.consul")
		return rpc.ListenerOptions{Identity: us, TLS: at}
	}, func(t *testing.T, p *port) {
		conf := ours.source("", outgoing).Outgoing("dc1")
		check := conf.VerifyConnection
		conf.VerifyConnection = func(state tls.ConnectionState) error { // the server waits for our last word
			if err := at.Load(ours.options("server.dc1.consul", incoming)); err != nil {
				t.Error(err)
			}
			return check(state)
		}
		over := tls.Client(p.dial("10.0.0.2", rpc.TLSByte), conf)
		if err := over.Handshake(); err != nil {
			t.Fatal(err)
		}
		wantClosed(t, over, 0)
	})
}

// TestOnlyServersAreBelievedHowARequestCame: where names are verified what counts is the
// certificate, whatever ID and datacenter somebody says.
func TestOnlyServersAreBelievedHowARequestCame(t *testing.T) {
	dir := t.TempDir()
	inBubble(t, func(t *testing.T, w *world) {
		ours := newAuthority(t, dir)
		w.tls = func(name, datacenter string) *tlsconf.Source {
			if strings.HasPrefix(name, "client") {
				return ours.source("client."+datacenter+".consul", names)
			}
			return ours.source("server."+datacenter+".consul", incoming, names)
		}
		a, b := w.server("dc1", "10.0.0.1"), w.server("dc1", "10.0.0.2")
		far := w.server("dc2", "10.0.1.1")
		c := w.client("dc1", "10.0.0.9")
		w.elect("dc1", a)
		w.elect("dc2", far)
		for _, n := range []*node{a, b, far, c} { // forwarded, abroad, and asked by a client
			got, err := n.doRead(rpc.ReadOptions{Datacenter: "dc1"})
			wantBy(t, a, got, err)
		}
		at := rpc.Server{ID: b.name, Datacenter: "dc1", Address: b.address}
		for _, row := range []struct {
			from *node
			want *node
		}{{a, b}, {c, a}, {far, b}} { // here, says the request: a client's is routed as any
			m, err := row.from.router.DoAt(context.Background(), at, opRead.Desc, &rpc.ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			wantBy(t, row.want, by(m.(*rpc.ReadMeta)), nil)
		}
	})
}

func TestRequestsTravelByTLSAfterARedial(t *testing.T) {
	dir := t.TempDir()
	inBubble(t, func(t *testing.T, w *world) {
		ours := newAuthority(t, dir)
		w.tls = func(name, datacenter string) *tlsconf.Source { return ours.source("server." + datacenter + ".consul") }
		a, b := w.server("dc1", "10.0.0.1"), w.server("dc1", "10.0.0.2")
		w.elect("dc1", a)
		shown := func() (name string) {
			a.read = func(ctx context.Context, _ *rpc.ReadOptions) (*rpc.ReadMeta, error) {
				if met, _ := rpc.PeerOf(ctx); met.Certificate != nil {
					name = met.Certificate.Subject.CommonName
				}
				return &rpc.ReadMeta{Consistency: a.name}, nil
			}
			got, err := b.doRead(rpc.ReadOptions{Datacenter: "dc1"})
			wantBy(t, a, got, err)
			return name
		}
		if name := shown(); name != "" {
			t.Errorf("a plain connection showed the certificate of %q", name)
		}
		if err := b.tls.Load(ours.options("server.dc1.consul", names)); err != nil {
			t.Fatal(err)
		}
		b.router.Redial()
		if name := shown(); name != "server.dc1.consul" {
			t.Errorf("after the redial: %q", name)
		}
	})
}

// FuzzPort gives the port what comes first on a connection, TLS or not, while it takes
// both: nobody who proves nothing gets a connection, or more than an alert.
func FuzzPort(f *testing.F) {
	hello := func(conf *tls.Config) []byte {
		near, far := net.Pipe()
		defer far.Close()
		go func() { // ends with the pipe
			_ = tls.Client(near, conf).Handshake()
			near.Close()
		}()
		b := make([]byte, 4096)
		n, _ := far.Read(b)
		return append([]byte{rpc.TLSByte}, b[:n]...)
	}
	f.Add(hello(&tls.Config{ServerName: "server.dc1.consul"}))
	f.Add(hello(&tls.Config{ServerName: "x", MaxVersion: tls.VersionTLS12, NextProtos: []string{"h2"}}))
	f.Add([]byte{rpc.TLSByte, 22, 3, 1, 255, 255})
	f.Add([]byte{rpc.TLSByte, rpc.TLSByte})
	f.Add([]byte{rpc.RaftByte, 0})
	f.Add(them(nil).Hello(rpc.RPCByte, ""))
	ours := newAuthority(f, f.TempDir())
	at := ours.source("server.dc1.consul", incoming, names)
	f.Fuzz(func(t *testing.T, b []byte) {
		near, far := net.Pipe()
		l := rpc.NewListener(&once{far, make(chan struct{})}, rpc.ListenerOptions{Identity: us, TLS: at})
		ctx, cancel := context.WithCancel(context.Background())
		ran := make(chan error, 1)
		go func() { ran <- l.Run(ctx) }() // received below
		go func() {                       // ends with the pipe
			_, _ = near.Write(b)
			near.Close()
		}()
		_, _ = io.Copy(io.Discard, io.LimitReader(near, 1<<16))
		near.Close()
		cancel()
		<-ran
		for _, half := range []net.Listener{l.Raft(), l.RPC()} {
			if conn, err := half.Accept(); err == nil {
				t.Errorf("%q was let in", b)
				conn.Close()
			}
		}
	})
}

// once is a listener that accepts one connection.
type once struct {
	conn   net.Conn
	closed chan struct{}
}

func (o *once) Accept() (net.Conn, error) {
	if conn := o.conn; conn != nil {
		o.conn = nil
		return conn, nil
	}
	<-o.closed
	return nil, net.ErrClosed
}
func (o *once) Close() error   { close(o.closed); return nil }
func (o *once) Addr() net.Addr { return &net.TCPAddr{} }
