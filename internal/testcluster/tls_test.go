package testcluster_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"praetor/internal/ops"
	"praetor/internal/pki"
	"praetor/internal/testcluster"
)

// certified writes an authority and certificates for names into a folder.
func certified(t *testing.T, dir string, names ...string) {
	t.Helper()
	ca, err := pki.NewAuthority(pki.Subject{}, pki.Days(1))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "ca.pem"), string(ca.Cert))
	for _, name := range names {
		pair, err := ca.Issue(pki.Subject{CommonName: name, DNSNames: []string{name, "localhost"}}, pki.Server|pki.Client, pki.Days(1))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name+".pem"), string(pair.Cert))
		write(t, filepath.Join(dir, name+"-key.pem"), string(pair.Key))
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// stanza is what tls.defaults says of an agent that shows a certificate.
func stanza(dir, name string, more ...string) string {
	return fmt.Sprintf("tls { defaults {\nca_file = %q\ncert_file = %q\nkey_file = %q\n%s\n} }\n",
		filepath.Join(dir, "ca.pem"), filepath.Join(dir, name+".pem"), filepath.Join(dir, name+"-key.pem"), strings.Join(more, "\n"))
}

const (
	out   = "verify_outgoing = true"
	in    = "verify_incoming = true"
	named = "verify_server_hostname = true"
)

// TestTLSIsRolledOutWithoutACut takes a plain cluster to a verified one and back, one
// agent after the other by reloads, and writes through every agent after each. No write
// fails, and no leader is elected.
func TestTLSIsRolledOutWithoutACut(t *testing.T) {
	dir := t.TempDir()
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1, Lazy: true}, func(c *testcluster.Cluster) {
		certified(t, dir, "server.dc1.consul", "client.dc1.consul")
		nodes := append(append([]*testcluster.Node{}, c.Servers()...), c.Clients()...)
		for _, n := range nodes {
			n.ConfigFile = filepath.Join(dir, n.Name()+".hcl")
			write(t, n.ConfigFile, "")
			n.Start()
		}
		leader := c.Leader()
		c.PutKV("begin", "v")
		written := 0
		step := func(list []*testcluster.Node, name string, more ...string) {
			for _, n := range list {
				text := ""
				if name != "" {
					text = stanza(dir, name, more...)
				}
				write(t, n.ConfigFile, text)
				if err := n.Agent().Reload(context.Background()); err != nil {
					t.Fatalf("%s: %v", n.Name(), err)
				}
				for range 30 {
					for _, by := range nodes {
						written++
						if err := c.TryPutKV(by, fmt.Sprint("k", written), "v"); err != nil {
							t.Errorf("%v on %s, write through %s: %v", more, n.Name(), by.Name(), err)
						}
					}
					pass(50 * time.Millisecond)
				}
			}
		}
		step(c.Servers(), "server.dc1.consul")
		step(c.Servers(), "server.dc1.consul", out)
		step(c.Clients(), "client.dc1.consul", out)
		step(c.Servers(), "server.dc1.consul", out, in)
		step(c.Clients(), "client.dc1.consul", out, in)
		step(nodes[:3], "server.dc1.consul", out, in, named)
		step(nodes[3:], "client.dc1.consul", out, in, named)
		members, err := nodes[3].Agent().Members(false)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range members {
			if m.Tags["role"] == "consul" && m.Tags["use_tls"] != "1" {
				t.Errorf("%s does not say that it speaks TLS", m.Name)
			}
		}
		if now := c.Leader(); now != leader {
			t.Errorf("%s leads after %s", now.Name(), leader.Name())
		}
	})
}

// TestAServerWithAClientsCertificateIsNoPeer: it is a member, which anybody may be, and
// gets no place in Raft, no log, and is not believed.
func TestAServerWithAClientsCertificateIsNoPeer(t *testing.T) {
	dir := t.TempDir()
	testcluster.Virtual(t, testcluster.Options{Servers: 4, Lazy: true, Expect: func(i int) int { return 3 * min(1, 3-i) }}, func(c *testcluster.Cluster) {
		certified(t, dir, "server.dc1.consul", "client.dc1.consul", "server.dc2.consul")
		for _, n := range c.Servers()[:3] {
			n.Config = stanza(dir, "server.dc1.consul", in, out, named)
			n.Start()
		}
		c.PutKV("a", "1")
		for _, name := range []string{"client.dc1.consul", "server.dc2.consul"} {
			rogue := c.Node(3)
			rogue.Config = stanza(dir, name, in, out, named)
			rogue.Start()
			pass(time.Minute)
			if _, entry := rogue.Agent().Server().Store().Read().KVGet(nil, "a"); entry != nil {
				t.Errorf("%s: it has the log", name)
			}
			peers, err := ops.OperatorRaft.Call(context.Background(), c.Node(0).Agent().Router(), &ops.OperatorRaftRequest{})
			if err != nil || len(peers.Servers) != 3 {
				t.Errorf("%s: peers %+v, %v", name, peers, err)
			}
			rogue.Crash()
			c.PutKV("b"+name, "1")
		}
	})
}
