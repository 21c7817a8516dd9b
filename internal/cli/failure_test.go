package cli_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// TestCommandsSayWhatFailed: each command's own words, followed by what was wrong
// (reference/cli.md §1.4): an agent that refuses everything, one that is not there,
// and one whose address is none.
func TestCommandsSayWhatFailed(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"e.hcl": `Kind = "mesh"`, "x.snap": "x"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "Permission denied", http.StatusForbidden)
	}))
	defer server.Close()
	for _, row := range []struct{ command, words string }{
		{"catalog datacenters", "Error listing datacenters"},
		{"catalog nodes", "Error listing nodes"},
		{"catalog nodes -service=x", "Error listing nodes"},
		{"catalog services", "Error listing services"},
		{"catalog services -node=x", "Error listing services"},
		{"config delete -kind=mesh -name=mesh", "Error deleting config entry mesh/mesh"},
		{"config delete -kind=mesh -name=mesh -cas", "Error deleting config entry mesh/mesh"},
		{"config list -kind=mesh", `Error listing config entries for kind "mesh"`},
		{"config read -kind=mesh -name=mesh", "Error reading config entry mesh/mesh"},
		{"config write e.hcl", "Error writing config entry mesh/mesh"},
		{"config write -cas e.hcl", "Error writing config entry mesh/mesh"},
		{"debug", "==> Capture validation failed: error querying target agent"},
		{"event -name=x", "Error firing event"},
		{"exec true", "Failed to create session"},
		{"force-leave x", "Error force leaving"},
		{"info", "Error querying agent"},
		{"join 127.0.0.1", "Error joining address '127.0.0.1'"},
		{"keyring -list", "error"},
		{"keyring -install=x", "error"},
		{"keyring -use=x", "error"},
		{"keyring -remove=x", "error"},
		{"kv delete a", "Error deleting key a"},
		{"kv delete -recurse a", "Error! Did not delete prefix a"},
		{"kv delete -cas -modify-index=1 a", "Error! Did not delete key a"},
		{"kv export", "Error querying Consul agent"},
		{"kv get a", "Error querying Consul agent"},
		{"kv get -keys", "Error querying Consul agent"},
		{"kv get -recurse", "Error querying Consul agent"},
		{"kv import [{\"key\":\"a\"}]", "Error! Failed writing data for key a"},
		{"kv put a", "Error! Failed writing data"},
		{"kv put -cas a", "Error! Failed writing data"},
		{"kv put -acquire -session=s a", "Error! Failed writing data"},
		{"kv put -release -session=s a", "Error! Failed writing data"},
		{"leave", "Error leaving"},
		{"lock p true", "Lock acquisition failed: failed to create session"},
		{"maint", "Error querying Consul agent"},
		{"maint -enable", "Error enabling node maintenance"},
		{"maint -disable", "Error disabling node maintenance"},
		{"maint -enable -service=x", "Error enabling service maintenance"},
		{"maint -disable -service=x", "Error disabling service maintenance"},
		{"members", "Error retrieving members"},
		{"monitor", "Error starting monitor"},
		{"operator autopilot get-config", "Error querying Autopilot configuration"},
		{"operator autopilot set-config", "Error querying Autopilot configuration"},
		{"operator autopilot state", "Error getting autopilot state from the API"},
		{"operator raft list-peers", "Error getting peers: Failed to retrieve raft configuration"},
		{"operator raft remove-peer -id=x", "Error removing peer"},
		{"operator raft remove-peer -address=x", "Error removing peer"},
		{"operator raft transfer-leader", "Error transfering leadership: Failed to transfer leadership "},
		{"operator usage instances", "Error fetching usage information"},
		{"reload", "Error reloading"},
		{"rtt a b", "Error getting coordinates"},
		{"rtt -wan a.x b.x", "Error getting coordinates"},
		{"rtt a", "Unable to look up agent info"},
		{"services deregister -id=x", `Error deregistering service ""`},
		{"services deregister -anywhere x", "Error looking through the catalog"},
		{"services export -name=x -consumer-peers=y", "Error reading config entry exported-services/default"},
		{"services exported-services", "Error listing exported services"},
		{"services register -name=x", `Error registering service "x"`},
		{"snapshot restore x.snap", "Error restoring snapshot"},
		{"snapshot save y.snap", "Error saving snapshot"},
		{"snapshot save -append-filename=version y.snap", "Error getting the leader's version"},
		{"snapshot save -append-filename=dc y.snap", "Error getting the datacenter"},
	} {
		colon := ": "
		if strings.HasSuffix(row.words, " ") {
			colon = ""
		}
		for address, reason := range map[string]string{
			server.Listener.Addr().String(): "Unexpected response code: 403 (Permission denied)", "127.0.0.1:1": "connect: connection refused", "ftp://x": "Unknown protocol scheme: ftp",
		} {
			t.Setenv("CONSUL_HTTP_ADDR", address)
			want := row.words + colon
			if address == "ftp://x" {
				want = "Error connecting to Consul agent: "
			}
			out, errs, code := run(t, strings.Fields(row.command)...)
			first, _, _ := strings.Cut(errs, "\n")
			if code != 1 || !strings.HasPrefix(first, want) || !strings.Contains(first, reason) || out != "" && !strings.HasPrefix(row.command, "keyring") {
				t.Errorf("%s at %s: %d\n%s%s\nwant %s… %s", row.command, address, code, out, errs, want, reason)
			}
		}
	}
	if left, err := os.ReadDir("."); err != nil || len(left) != 2 {
		t.Errorf("files are left: %v, %v", left, err)
	}
}
