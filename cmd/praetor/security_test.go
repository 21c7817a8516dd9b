package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// asked sends a request with a token and returns status and body.
func asked(t *testing.T, n *node, token, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, "http://"+n.ip+":8500"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Consul-Token", token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// newToken makes a token and returns its secret and accessor.
func newToken(t *testing.T, n *node, management, body string) (secret, accessor string) {
	t.Helper()
	code, text := asked(t, n, management, "PUT", "/v1/acl/token", body)
	var made struct{ SecretID, AccessorID string }
	if err := json.Unmarshal([]byte(text), &made); code != 200 || err != nil {
		t.Fatalf("%d %s", code, text)
	}
	return made.SecretID, made.AccessorID
}

// TestGuideLocksACluster does what docs/security.md says, on a server and a client
// agent.
func TestGuideLocksACluster(t *testing.T) {
	t.Parallel()
	const rules = `-hcl=acl { enabled = true default_policy = "deny" down_policy = "extend-cache" }`
	server := newNode(t, "server", "127.77.36.1", "-server", "-bootstrap-expect=1", rules).start()
	client := newNode(t, "client", "127.77.36.2", "-retry-join=127.77.36.1", rules).start()

	waitFor(t, "leader", 20*time.Second, server.hasLeader)
	waitFor(t, "leader, seen from the client", 20*time.Second, client.hasLeader)
	var management string
	waitFor(t, "bootstrap", 20*time.Second, func() error {
		var made struct{ SecretID string }
		_, text := asked(t, server, "", "PUT", "/v1/acl/bootstrap", "")
		err := json.Unmarshal([]byte(text), &made)
		management = made.SecretID
		return err
	})
	if code, text := asked(t, server, "", "PUT", "/v1/acl/bootstrap", ""); code != 403 || !strings.Contains(text, "no longer allowed (reset index: ") {
		t.Errorf("a second bootstrap: %d %s", code, text)
	}
	agent, _ := newToken(t, server, management, `{"NodeIdentities": [{"NodeName": "client", "Datacenter": "dc1"}]}`)
	if code, text := asked(t, client, management, "PUT", "/v1/agent/token/agent", `{"Token": "`+agent+`"}`); code != 200 {
		t.Fatalf("agent token: %d %s", code, text)
	}
	web, accessor := newToken(t, server, management, `{"ServiceIdentities": [{"ServiceName": "web"}]}`)
	for _, row := range []struct {
		token, method, path, body string
		code                      int
	}{
		{"", "GET", "/v1/kv/a", "", 403},
		{"", "PUT", "/v1/agent/service/register", `{"Name": "web"}`, 403},
		{"no such token", "GET", "/v1/catalog/nodes", "", 403},
		{web, "PUT", "/v1/agent/service/register", `{"Name": "db"}`, 403},
		{web, "PUT", "/v1/agent/service/register", `{"Name": "web", "Port": 80}`, 200},
		{web, "GET", "/v1/acl/tokens", "", 403},
		{web, "PUT", "/v1/agent/leave", "", 403},
		{management, "PUT", "/v1/kv/a", "x", 200},
	} {
		if code, text := asked(t, client, row.token, row.method, row.path, row.body); code != row.code {
			t.Errorf("%s %s: %d %s, want %d", row.method, row.path, code, text, row.code)
		}
	}
	waitFor(t, "the service in the catalog", 20*time.Second, func() error {
		_, text := asked(t, server, web, "GET", "/v1/catalog/service/web", "")
		var found []any
		if err := json.Unmarshal([]byte(text), &found); err != nil || len(found) != 1 {
			return io.EOF
		}
		return nil
	})
	if code, text := asked(t, server, management, "DELETE", "/v1/acl/token/"+accessor, ""); code != 200 {
		t.Errorf("delete: %d %s", code, text)
	}
	if code, text := asked(t, server, web, "GET", "/v1/catalog/service/web", ""); code != 403 || !strings.Contains(text, "ACL not found") {
		t.Errorf("a deleted token: %d %s", code, text)
	}
}
