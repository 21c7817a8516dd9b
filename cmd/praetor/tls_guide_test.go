package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestGuideRollsTLSOut does what docs/security.md says, with its commands and its
// configuration, on a server and a client agent.
func TestGuideRollsTLSOut(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, guide, found := strings.Cut(string(page), "\n## TLS between agents\n")
	guide, _, _ = strings.Cut(guide, "\n## ")
	commands := regexp.MustCompile(`(?m)^    praetor (tls .*)$`).FindAllStringSubmatch(guide, -1)
	stanza := regexp.MustCompile(`(?ms)^   (tls \{.*?^   \})$`).FindStringSubmatch(guide)
	if !found || len(commands) != 3 || stanza == nil {
		t.Fatalf("the guide has %d commands, and a stanza: %t", len(commands), stanza != nil)
	}
	server := newNode(t, "server", "127.77.93.1", "-server", "-bootstrap-expect=1")
	for _, c := range commands {
		cmd := exec.Command(binary, strings.Fields(c[1])...)
		cmd.Dir = server.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", c[0], err, out)
		}
	}
	client := newNode(t, "client", "127.77.93.2", "-retry-join=127.77.93.1")
	configure := func(n *node, changes ...string) {
		t.Helper()
		text := strings.ReplaceAll(stanza[1], `= "`, `= "`+server.dir+"/")
		if n == client {
			text = strings.ReplaceAll(text, "dc1-server-", "dc1-client-")
		}
		if len(changes) > 0 && changes[0] == "" {
			text = ""
		}
		for i, text := range append([]string{text}, changes...) {
			if err := os.WriteFile(filepath.Join(n.dir, "conf", fmt.Sprint(i, ".hcl")), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, n := range []*node{server, client} {
		if err := os.Mkdir(filepath.Join(n.dir, "conf"), 0o700); err != nil {
			t.Fatal(err)
		}
		configure(n, "")
		n.args = append(n.args, "-config-dir", filepath.Join(n.dir, "conf"))
		n.start()
	}
	waitFor(t, "leader", 20*time.Second, server.hasLeader)
	waitFor(t, "leader, seen from the client", 20*time.Second, client.hasLeader)
	const out, in, named = "tls { defaults { verify_outgoing = true } }", "tls { internal_rpc { verify_incoming = true } }", "tls { internal_rpc { verify_server_hostname = true } }"
	for i, step := range []struct {
		n       *node
		changes []string
	}{
		{server, nil}, {server, []string{out}}, {client, []string{out}}, {server, []string{out, in}}, {server, []string{out, in, named}}, {client, []string{out, named}},
	} {
		configure(step.n, step.changes...)
		if _, stderr, code := step.n.cli("reload"); code != 0 {
			t.Fatalf("reload %d: %s", i, stderr)
		}
		for _, n := range []*node{server, client} {
			if err := n.put("/v1/kv/a", "v"); err != nil {
				t.Errorf("step %d, write through %s: %v", i, n.name, err)
			}
		}
	}
	configure(client, "", "", "")
	if _, stderr, code := client.cli("reload"); code != 0 {
		t.Fatal(stderr)
	}
	if err := client.put("/v1/kv/a", "v"); err == nil {
		t.Error("a client agent without TLS is served at the end")
	}
}
