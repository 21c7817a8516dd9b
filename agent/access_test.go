package agent_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"praetor/agent"
	"praetor/agent/config"
	"praetor/internal/acl"
	"praetor/internal/pki"
	"praetor/internal/testcluster"
)

// TestAgentsAskServersAboutTokens: an agent's own endpoints decide by access rules on
// servers and clients alike. The recovery token needs no server, and the down policy says
// what else goes on without one.
func TestAgentsAskServersAboutTokens(t *testing.T) {
	t.Parallel()
	const root, rescue = "5ec2e7a0-0000-0000-0000-000000000001", "rescue"
	file := filepath.Join(t.TempDir(), "client.hcl")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for policy, later := range map[string]map[string]int{ // of what is asked when the server is gone
		"extend-cache": {root: 200, "unknown": 403},
		"deny":         {root: 403, "unknown": 403},
		"allow":        {root: 200, "unknown": 200},
	} {
		testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 1, Lazy: true, Config: fmt.Sprintf(
			`acl { enabled = true default_policy = "deny" down_policy = %q role_ttl = "5s" tokens { initial_management = %q agent_recovery = %q } }`, policy, root, rescue)},
			func(c *testcluster.Cluster) {
				server, client := c.Servers()[0], c.Clients()[0]
				write("")
				client.ConfigFile = file
				server.Start()
				client.Start()
				client.WaitForToken(root)
				for _, n := range []*testcluster.Node{server, client} {
					for _, row := range []struct {
						token, target string
						status        int
					}{
						{"", "/v1/agent/self", 403}, {root, "/v1/agent/self", 200}, {rescue, "/v1/agent/self", 200}, {"unknown", "/v1/agent/self", 403},
						{rescue, "/v1/kv/a?keys", 403}, {root, "/v1/kv/a?keys", 404},
					} {
						if got := n.Ask(row.token, "GET", row.target, ""); got.Status != row.status {
							t.Errorf("%s: %s as %q: %d %s, want %d", n.Name(), row.target, row.token, got.Status, got.Body, row.status)
						}
					}
				}
				for _, n := range []*testcluster.Node{server, client} {
					if got := n.Ask(root, "GET", "/v1/agent/self", ""); !strings.Contains(got.Body, `"acl":"enabled"`) {
						t.Errorf("%s does not tell that ACLs are on: %s", n.Name(), got.Body)
					}
				}
				for _, row := range []struct {
					hcl    string
					status int // of who shows no token
				}{{fmt.Sprintf(`acl { tokens { default = %q } }`, root), 200}, {``, 403}} {
					write(row.hcl)
					if err := client.Agent().Reload(context.Background()); err != nil {
						t.Error(err)
					}
					if got := client.Ask("", "GET", "/v1/agent/self", ""); got.Status != row.status {
						t.Errorf("after a reload with %q: %d %s, want %d", row.hcl, got.Status, got.Body, row.status)
					}
				}
				server.Crash()
				pass(c, 6*time.Second) // the shortest of the three TTLs, and more
				if got := client.Ask(rescue, "GET", "/v1/agent/self", ""); got.Status != 200 {
					t.Errorf("%s: the recovery token without a server: %d %s", policy, got.Status, got.Body)
				}
				for token, status := range later {
					if got := client.Ask(token, "GET", "/v1/agent/self", ""); got.Status != status {
						t.Errorf("%s: %q without a server: %d %s, want %d", policy, token, got.Status, got.Body, status)
					}
				}
			})
	}
}

// TestAgentWaitsForItsCertificate: it starts before the server that signs it, asks again,
// and shows the certificate at its own ports.
func TestAgentWaitsForItsCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 1, Lazy: true}, func(c *testcluster.Cluster) {
		ca, err := pki.NewAuthority(pki.Subject{}, pki.Days(1))
		if err != nil {
			t.Fatal(err)
		}
		pair, err := ca.Issue(pki.Subject{CommonName: "server.dc1.consul", DNSNames: []string{"server.dc1.consul"}}, pki.Server|pki.Client, pki.Days(1))
		if err != nil {
			t.Fatal(err)
		}
		file := func(name string) string { return filepath.Join(dir, name) }
		for name, text := range map[string][]byte{"ca": ca.Cert, "cert": pair.Cert, "key": pair.Key} {
			if err := os.WriteFile(file(name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		server, client := c.Servers()[0], c.Clients()[0]
		server.Config = fmt.Sprintf(`auto_encrypt { allow_tls = true } tls { defaults { ca_file = %q cert_file = %q key_file = %q verify_incoming = true verify_outgoing = true } }`, file("ca"), file("cert"), file("key"))
		client.Config = fmt.Sprintf(`auto_encrypt { tls = true dns_san = ["web.example"] ip_san = ["10.9.9.9"] } ports { https = 8501 } tls { defaults { ca_file = %q verify_server_hostname = true } }`, file("ca"))

		begin, there := time.Now(), make(chan struct{})
		go func() {
			defer close(there)
			time.Sleep(20 * time.Second)
			server.Start()
		}()
		client.Start()
		<-there
		if took := time.Since(begin); took < 20*time.Second || took > 2*time.Minute {
			t.Errorf("its certificate took %s", took)
		}
		c.WaitFor("a write of the client", func() error { return c.TryPutKV(client, "k", "v") })

		conn, err := client.Dial(context.Background(), 8501)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
		if err := secure.Handshake(); err != nil {
			t.Fatal(err)
		}
		cert := secure.ConnectionState().PeerCertificates[0]
		var mesh struct {
			TrustDomain string
			Roots       []struct{ RootCert string }
		}
		if err := json.Unmarshal([]byte(get(server, "/v1/connect/ca/roots")), &mesh); err != nil || len(mesh.Roots) != 1 {
			t.Fatalf("%+v, %v", mesh, err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM([]byte(mesh.Roots[0].RootCert))
		for _, name := range []string{"localhost", "127.0.0.1", "::1", "web.example", "10.9.9.9"} {
			if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
				t.Errorf("for %s: %v", name, err)
			}
		}
		if uri := "spiffe://" + mesh.TrustDomain + "/agent/client/dc/dc1/id/client-1"; len(cert.URIs) != 1 || cert.URIs[0].String() != uri {
			t.Errorf("the certificate is for %v, want %s", cert.URIs, uri)
		}

		// Whom it asks next time: who is known, and then who it was told to join.
		rt := &config.Runtime{Datacenter: "dc1", Ports: config.Ports{Server: 8300}, JoinLAN: config.Join{Addresses: []string{"10.0.0.1", "10.0.0.2:8301", "[::1]", "[::2]:8301", "host"}}}
		want := server.IP() + ":8300 10.0.0.1:8300 10.0.0.2:8300 [::1]:8300 [::2]:8300 host:8300"
		if got := strings.Join(agent.Signers(client.Agent(), rt), " "); got != want {
			t.Errorf("asks %s, want %s", got, want)
		}
		if rt.Datacenter = "dc2"; strings.Contains(strings.Join(agent.Signers(client.Agent(), rt), " "), server.IP()) {
			t.Error("a server of another datacenter is asked")
		}
	})
}

// resolver resolves some tokens, each to an accessor.
type resolver map[string]string

func (r resolver) Resolve(_ context.Context, token string) (*acl.Authorizer, error) {
	accessor, known := r[token]
	if !known {
		return nil, errors.New("ACL not found")
	}
	return acl.New(accessor, func(acl.Need) bool { return false }), nil
}

// TestTokensAreNamedInTheLogByTheirAccessor, and never shown.
func TestTokensAreNamedInTheLogByTheirAccessor(t *testing.T) {
	known := resolver{"": "x", "secret": "accessor", "none": acl.AnonymousAccessor}
	for token, want := range map[string]string{"": "anonymous token", "none": "anonymous token", "secret": "accessor", "unknown": ""} {
		if got := agent.AccessorOf(known, token); got != want {
			t.Errorf("%q is named %q, want %q", token, got, want)
		}
	}
}

func TestTheDefaultPolicyCountsOnlyWithACLs(t *testing.T) {
	for hcl, want := range map[string]string{
		`acl { default_policy = "deny" }`:                 "allow",
		`acl { enabled = true default_policy = "deny" }`:  "deny",
		`acl { enabled = true default_policy = "allow" }`: "allow",
	} {
		if got := agent.DefaultPolicy(load(t, true, hcl)); got != want {
			t.Errorf("%s: %s, want %s", hcl, got, want)
		}
	}
}
