package server_test

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"praetor/agent/server"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/pki"
	"praetor/internal/rpc"
	"praetor/internal/tlsconf"
)

// strict is a server that lets nobody in without a certificate, but for who asks for one;
// asks is whoever asks.
func strict(t *testing.T, allow bool, test func(s *lone, asks func(op *rpc.Desc, req rpc.Message) error)) {
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var opts tlsconf.Options
	virtual(t, func(o *server.Options) {
		meshed(o)
		o.CA.AutoEncrypt = allow
		authority, err := pki.NewAuthority(pki.Subject{}, pki.Days(1))
		if err != nil {
			t.Fatal(err)
		}
		pair, err := authority.Issue(pki.Subject{DNSNames: []string{"server.dc1.consul"}}, pki.Server|pki.Client, pki.Days(1))
		if err != nil {
			t.Fatal(err)
		}
		opts = tlsconf.Options{
			CAFile: file("ca", authority.Cert), CertFile: file("cert", pair.Cert), KeyFile: file("key", pair.Key), Domain: "consul",
			VerifyIncoming: true, VerifyOutgoing: true, VerifyServerHostname: true, AskClients: true,
		}
		if o.TLS, err = tlsconf.Open(opts); err != nil {
			t.Fatal(err)
		}
		o.ACL = limited{rights{}}
	}, func(s *lone) {
		bare, err := tlsconf.Open(tlsconf.Options{CAFile: opts.CAFile, Domain: "consul", VerifyOutgoing: true, VerifyServerHostname: true})
		if err != nil {
			t.Fatal(err)
		}
		host := s.network.Host("10.0.0.9")
		dialer := rpc.Dialer{
			Identity: rpc.Identity{ID: id(9), Datacenter: "dc1"}, TLS: func(srv rpc.Server) *tls.Config { return bare.Uncertified(srv.Datacenter) },
			Network: func(ctx context.Context, address string) (net.Conn, error) { return host.Dial(ctx, address) },
		}
		test(s, func(op *rpc.Desc, req rpc.Message) error {
			_, err := rpc.Uncertified{Dialer: dialer, Server: rpc.Server{Address: "10.0.0.1:8300", Datacenter: "dc1"}}.Do(context.Background(), op, req)
			return err
		})
	})
}

// TestWithoutACertificateOneOperationIsReached tries all operations and transfers that a
// server has.
func TestWithoutACertificateOneOperationIsReached(t *testing.T) {
	strict(t, true, func(s *lone, asks func(*rpc.Desc, rpc.Message) error) {
		for _, op := range server.Operations() {
			err := asks(op, op.NewRequest())
			if op.Name == ops.AutoEncryptSign.Name {
				if err != nil {
					t.Errorf("%s: %v", op.Name, err)
				}
				continue
			}
			if err == nil || !strings.Contains(err.Error(), "does not know operation") {
				t.Errorf("%s is reached without a certificate: %v", op.Name, err)
			}
		}
		for _, op := range []*rpc.Desc{ops.KVStream.Desc, ops.SnapshotSave.Desc, ops.SnapshotRestore.Desc} {
			if err := asks(op, op.NewRequest()); err == nil || !strings.Contains(err.Error(), "does not know operation") {
				t.Errorf("%s is reached without a certificate: %v", op.Name, err)
			}
		}
		elsewhere := &ops.AutoEncryptSignRequest{WriteOptions: rpc.WriteOptions{Datacenter: "dc2"}}
		if err := asks(ops.AutoEncryptSign.Desc, elsewhere); err == nil || !strings.Contains(err.Error(), "dc1") {
			t.Errorf("another datacenter is reached: %v", err)
		}
		if err := asks(ops.AutoEncryptSign.Desc, &ops.AutoEncryptSignRequest{CSR: strings.Repeat("a", 1<<17)}); fault.KindOf(err) != fault.TooLarge {
			t.Errorf("128 KiB without a certificate: %v", err)
		}
	})
	strict(t, false, func(s *lone, asks func(*rpc.Desc, rpc.Message) error) {
		if err := asks(ops.AutoEncryptSign.Desc, &ops.AutoEncryptSignRequest{}); err == nil {
			t.Error("a server that is not to give certificates lets somebody in without one")
		}
	})
}

// TestWhoGetsACertificate: an agent, with node:write on its name, under no name of a server.
func TestWhoGetsACertificate(t *testing.T) {
	strict(t, true, func(s *lone, asks func(*rpc.Desc, rpc.Message) error) {
		domain := caRoots(t, s).TrustDomain
		agent := pki.SPIFFE{Identity: pki.Agent, TrustDomain: domain, Datacenter: "dc1", Name: "a"}
		other, abroad := agent, agent
		other.TrustDomain, abroad.Datacenter = "other.consul", "dc2"
		for _, row := range []struct {
			name  string
			id    pki.SPIFFE
			names []string
			token string
			want  string // in the error; "" for a certificate
		}{
			{"an agent", agent, []string{"localhost", "a.example"}, "", ""},
			{"an agent without the right", agent, nil, "t", "node:write"},
			{"an unknown token", agent, nil, "unknown", "ACL not found"},
			{"a service", webIn(domain), nil, "", "must be an agent ID"},
			{"servers", pki.SPIFFE{Identity: pki.Servers, TrustDomain: domain, Datacenter: "dc1"}, nil, "", "must be an agent ID"},
			{"another trust domain", other, nil, "", "different trust domain"},
			{"another datacenter", abroad, nil, "", "different datacenter"},
			{"a server's name", agent, []string{"server.dc1.consul"}, "", "one of servers"},
			{"a server's name, elsewhere", agent, []string{"a", "Server.DC2.Consul."}, "", "one of servers"},
			{"all names", agent, []string{"*.dc1.consul"}, "", "one of servers"},
			{"a name like a server's", agent, []string{"server.dc1.consul.example", "client.dc1.consul"}, "", ""},
		} {
			key, err := pki.NewKey(pki.EC, 256)
			if err != nil {
				t.Fatal(err)
			}
			csr, err := pki.NewAgentCSR(key, row.id.URI(), row.names, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = asks(ops.AutoEncryptSign.Desc, &ops.AutoEncryptSignRequest{WriteOptions: rpc.WriteOptions{Token: row.token}, CSR: csr})
			if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
				t.Errorf("%s: %v, want %q", row.name, err, row.want)
			}
		}
	})
}
