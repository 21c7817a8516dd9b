package testcluster_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"praetor/internal/testcluster"
)

// gives is a server that gives certificates.
func gives(dir string) string {
	return stanza(dir, "server.dc1.consul", in, out, named) + "auto_encrypt { allow_tls = true }\n"
}

// gets is a client that has the authority and nothing else.
func gets(dir string) string {
	return fmt.Sprintf("auto_encrypt { tls = true }\ntls { defaults {\nca_file = %q\n%s\n} }\n", filepath.Join(dir, "ca.pem"), named)
}

// TestAClientWithTheAuthorityAloneJoins: every server asks for certificates and verifies
// names, and the client has none before it starts.
func TestAClientWithTheAuthorityAloneJoins(t *testing.T) {
	for _, encrypt := range []bool{false, true} {
		t.Run(fmt.Sprint("gossip key ", encrypt), func(t *testing.T) {
			dir := t.TempDir()
			testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1, Lazy: true, Encrypt: encrypt}, func(c *testcluster.Cluster) {
				certified(t, dir, "server.dc1.consul")
				for _, n := range c.Servers() {
					n.Config = gives(dir)
					n.Start()
				}
				leader := c.Leader()
				client := c.Clients()[0]
				client.Config = gets(dir)
				client.Start()
				c.WaitFor("a write of the client", func() error { return c.TryPutKV(client, "k", "v") })
				leader.Crash()
				c.WaitFor("a write by another leader", func() error { return c.TryPutKV(client, "k", "w") })
				client.Crash()
				client.Start() // asks again: nothing was kept
				c.WaitFor("a write after a restart", func() error { return c.TryPutKV(client, "k", "x") })
				leader.Start()
				c.WaitFor("all of them", c.HasLeader)
			})
		})
	}
}

// TestTheCertificateOfAClientIsRenewed: a certificate lives an hour, and two hours later
// new connections are let in.
func TestTheCertificateOfAClientIsRenewed(t *testing.T) {
	dir := t.TempDir()
	testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 1, Lazy: true,
		Config: "gossip_lan { gossip_interval = \"10s\" probe_interval = \"60s\" }\nconnect { ca_config { leaf_cert_ttl = \"1h\" } }\n"}, func(c *testcluster.Cluster) {
		certified(t, dir, "server.dc1.consul")
		srv, client := c.Servers()[0], c.Clients()[0]
		srv.Config, client.Config = gives(dir), gets(dir)
		srv.Start()
		c.Leader()
		client.Start()
		c.WaitFor("a write", func() error { return c.TryPutKV(client, "k", "v") })
		pass(2 * time.Hour)
		srv.Crash()
		srv.Start()
		c.WaitFor("a write over a new connection", func() error { return c.TryPutKV(client, "k", "w") })
	})
}
