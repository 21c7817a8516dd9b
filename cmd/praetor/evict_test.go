package main_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDeregisterAnywhere removes services at the agent that owns them, from the
// command line of another.
func TestDeregisterAnywhere(t *testing.T) {
	t.Parallel()
	server := newNode(t, "s1", "127.77.16.1", "-server", "-bootstrap-expect=1").start()
	dir := t.TempDir()
	file := filepath.Join(dir, "db.hcl")
	writeFile(t, file, `service { name = "db" port = 3 }`)
	owner := newNode(t, "c1", "127.77.16.2", "-retry-join=127.77.16.1", "-config-dir="+dir).start()
	waitFor(t, "c1 in the catalog", 20*time.Second, func() error { return wantSerfHealth(server, "c1", "passing") })
	for i := range 3 {
		body := fmt.Sprintf(`{"Name":"web","ID":"web-%d","Port":%d}`, i, i+1)
		if err := owner.put("/v1/agent/service/register", body); err != nil {
			t.Fatal(err)
		}
	}
	has := func(name string, want int) func() error {
		return func() error {
			var list []any
			if err := server.get("/v1/catalog/service/"+name, &list); err != nil {
				return err
			}
			if len(list) != want {
				return fmt.Errorf("%d instances of %s, want %d", len(list), name, want)
			}
			return nil
		}
	}
	waitFor(t, "web in the catalog", 20*time.Second, has("web", 3))
	waitFor(t, "db in the catalog", 20*time.Second, has("db", 1))

	out, errs, code := server.cli("services", "deregister", "-anywhere", "web-1")
	want := `Found 1 instance:
Node  ID     Service  Address
c1    web-1  web      127.77.16.2:2

web-1 on c1: removed service "web-1" at the agent of node "c1", from its data folder too, and from the catalog.
`
	if code != 0 || out != want || errs != "" {
		t.Errorf("by ID: %d %s\n%s\nwant %s", code, errs, out, want)
	}
	out, _, code = server.cli("services", "deregister", "-anywhere", "web")
	if code != 0 || !strings.Contains(out, "Found 2 instances:\n") || !strings.Contains(out, "\nweb-2 on c1: removed ") {
		t.Errorf("by name: %d %s", code, out)
	}
	out, _, code = server.cli("services", "deregister", "-anywhere", "db")
	if code != 0 || !strings.Contains(out, "until that agent starts or reloads: "+file+" on its machine defines it") {
		t.Errorf("of a file: %d %s", code, out)
	}
	if err := has("web", 0)(); err != nil {
		t.Error(err)
	}
	if err := has("db", 0)(); err != nil {
		t.Error(err)
	}
	if err := owner.put("/v1/agent/service/register", `{"Name":"backend","Port":9}`); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "backend in the catalog", 20*time.Second, has("backend", 1))
	_, errs, code = server.cli("services", "deregister", "-anywhere", "backnd")
	if code != 1 || errs != "No service in the catalog has the ID or the name \"backnd\". Did you mean \"backend\"?\n" {
		t.Errorf("a near miss: %d %s", code, errs)
	}

	owner.kill()
	owner.start()
	waitFor(t, "db after a restart", 30*time.Second, has("db", 1)) // from its file, by a sync that would bring web too
	if err := has("web", 0)(); err != nil {
		t.Errorf("after a restart: %v", err)
	}
}
