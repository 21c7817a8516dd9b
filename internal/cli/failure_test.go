package cli_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"praetor/internal/cli"
)

// whole is an ID that need not be looked up.
const whole = "aaaaaaaa-0000-0000-0000-00000000000a"

// failures are commands and what they say when their request fails.
var failures = []struct{ command, words string }{
	{"acl auth-method create -type=jwt -name=j", "Failed to create new auth method"},
	{"acl auth-method delete -name=j", `Error deleting auth method "j"`},
	{"acl auth-method list", "Failed to retrieve the auth method list"},
	{"acl auth-method read -name=j", `Error reading auth method "j"`},
	{"acl auth-method update -name=j", "Error when retrieving current auth method"},
	{"acl binding-rule create -method=j -bind-name=x", "Failed to create new binding rule"},
	{"acl binding-rule delete -id=" + whole, `Error deleting binding rule "` + whole + `"`},
	{"acl binding-rule list", "Failed to retrieve the binding rule list"},
	{"acl binding-rule read -id=" + whole, `Error reading binding rule "` + whole + `"`},
	{"acl binding-rule update -id=" + whole, "Error when retrieving current binding rule"},
	{"acl binding-rule update -id=x", "Error determining binding rule ID"},
	{"acl bootstrap", "Failed ACL bootstrapping"},
	{"acl explain key:read a", "Error explaining"},
	{"acl explain -accessor-id=x key:read a", "Error determining token ID"},
	{"acl policy create -name=p", "Failed to create new policy"},
	{"acl policy delete -id=" + whole, `Error deleting policy "` + whole + `"`},
	{"acl policy delete -name=p", "Error determining policy ID"},
	{"acl policy list", "Failed to retrieve the policy list"},
	{"acl policy read -name=p", `Error reading policy "name:p": Failed to find policy with name p`},
	{"acl policy read -id=" + whole, `Error reading policy "id:` + whole + `"`},
	{"acl policy update -id=" + whole, "Error when retrieving current policy"},
	{"acl policy update -no-merge -id=" + whole, `Error updating policy "` + whole + `"`},
	{"acl role create -name=r -policy-name=p", "Failed to create new role"},
	{"acl role create -name=r -policy-id=p", "Error resolving policy ID "},
	{"acl role delete -id=" + whole, `Error deleting role "` + whole + `"`},
	{"acl role list", "Failed to retrieve the role list"},
	{"acl role read -name=r", `Error reading role "r"`},
	{"acl role update -id=x", "Error determining role ID"},
	{"acl role update -no-merge -id=x", `Error updating role "x"`},
	{"acl set-agent-token dns x", `Failed to set ACL token "dns"`},
	{"acl templated-policy list", "Failed to retrieve the templated policies list"},
	{"acl templated-policy preview -name=t", "Failed to generate the templated policy preview"},
	{"acl templated-policy read -name=t", `Error reading templated policy "t"`},
	{"acl token clone -accessor-id=" + whole, "Error cloning token"},
	{"acl token create -policy-name=p", "Failed to create new token"},
	{"acl token create -role-id=p", "Error resolving role ID "},
	{"acl token delete -accessor-id=" + whole, `Error deleting token "` + whole + `"`},
	{"acl token list", "Failed to retrieve the token list"},
	{"acl token read -self", "Error reading token"},
	{"acl token read -accessor-id=" + whole, `Error reading token "` + whole + `"`},
	{"acl token update -accessor-id=" + whole, "Error when retrieving current token"},
	{"catalog datacenters", "Error listing datacenters"},
	{"catalog history", "Error asking for the history"},
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
	{"connect ca get-config", "Error querying CA configuration"},
	{"connect ca set-config -config-file=ca.json", "Error setting CA configuration"},
	{"debug", "==> Capture validation failed: error querying target agent"},
	{"event -name=x", "Error querying Consul agent"},
	{"exec true", "Error querying Consul agent"},
	{"force-leave x", "Error force leaving"},
	{"info", "Error querying agent"},
	{"intention create a b", `Error creating intention "a => b (allow)"`},
	{"intention delete a b", "Error deleting the intention"},
	{"intention list", "Failed to retrieve the intentions list"},
	{"intention match a", "Error matching the connection"},
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
	{"kv get -at=1 x", "Error querying Consul agent"},
	{"kv history x", "Error asking for the history of x"},
	{"kv import [{\"key\":\"a\"}]", "Error! Failed writing data for key a"},
	{"kv put a", "Error! Failed writing data"},
	{"kv put -cas a", "Error! Did not write to a"},
	{"kv put -acquire -session=s a", "Error! Failed writing data"},
	{"kv put -release -session=s a", "Error! Failed writing data"},
	{"kv undo x", "Error asking for the history of x"},
	{"kv undo -at=1 x", "Error querying Consul agent"},
	{"leave", "Error leaving"},
	{"lock p true", "Error querying Consul agent"},
	{"login -method=m -token-sink-file=s -bearer-token-file=b", "Error logging in"},
	{"logout", "Error destroying token"},
	{"maint", "Error querying Consul agent"},
	{"maint -enable", "Error enabling node maintenance"},
	{"maint -disable", "Error disabling node maintenance"},
	{"maint -enable -service=x", "Error enabling service maintenance"},
	{"maint -disable -service=x", "Error disabling service maintenance"},
	{"members", "Error retrieving members"},
	{"monitor", "Error starting monitor"},
	{"operator autopilot get-config", "Error querying Autopilot configuration"},
	{"operator autopilot set-config", "Error querying Autopilot configuration"},
	{"operator autopilot state", "Error querying Autopilot state"},
	{"operator backup now", "Error asking for the backups"},
	{"operator backup status", "Error asking for the backups"},
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
	{"services exported-services", "Error reading exported services"},
	{"services register -name=x", `Error registering service "x"`},
	{"snapshot restore x.snap", "Error restoring snapshot"},
	{"snapshot save y.snap", "Error saving snapshot"},
	{"snapshot save -append-filename=version y.snap", "Error getting the leader's version"},
	{"snapshot save -append-filename=dc y.snap", "Error getting the datacenter"},
	{"top -once", "Error querying Consul agent"},
}

// TestCommandsSayWhatFailed: each command's own words, followed by what was wrong
// (reference/cli.md §1.4): an agent that refuses everything, one that is not there,
// and one whose address is none.
func TestCommandsSayWhatFailed(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"e.hcl": `Kind = "mesh"`, "x.snap": "x", "b": "eyJ", "ca.json": "{}"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "Permission denied", http.StatusForbidden)
	}))
	defer server.Close()
	for _, row := range failures {
		colon := ": "
		switch {
		case strings.HasSuffix(row.words, " ID "):
			colon = ": "
		case strings.HasSuffix(row.words, " "):
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
	if left, err := os.ReadDir("."); err != nil || len(left) != 4 {
		t.Errorf("files are left: %v, %v", left, err)
	}
}

// TestEveryCommandThatAsksIsSeenToFail walks over all commands.
func TestEveryCommandThatAsksIsSeenToFail(t *testing.T) {
	elsewhere := map[string]string{
		"doctor": "names it as a finding", "watch": "asks again for ever", "snapshot agent": "logs it",
		"intention check": "has an exit code of its own", "intention get": "has the library's words",
	}
	var walk func(cmd *cobra.Command, words ...string)
	walk = func(cmd *cobra.Command, words ...string) {
		for _, c := range cmd.Commands() {
			walk(c, append(slices.Clone(words), c.Name())...)
		}
		name := strings.Join(words, " ")
		fails := func(row struct{ command, words string }) bool { return strings.HasPrefix(row.command+" ", name+" ") }
		if cmd.Runnable() && cmd.Flags().Lookup("http-addr") != nil && elsewhere[name] == "" && !slices.ContainsFunc(failures, fails) {
			t.Errorf("%s has no row in failures", name)
		}
	}
	walk(cli.FindCommand())
}

// TestDenialsNameThePermissionAndNeverTheSecret: what agents refuse is told as it is, and
// no error says with which secret it was asked, wherever that came from.
func TestDenialsNameThePermissionAndNeverTheSecret(t *testing.T) {
	t.Chdir(t.TempDir())
	const (
		secret  = "5ec2e7a0-dead-beef-0000-000000000001"
		refusal = "Permission denied: token with AccessorID 'aaaaaaaa-0000-0000-0000-00000000000a' lacks permission 'acl:read'"
	)
	for name, text := range map[string]string{"e.hcl": `Kind = "mesh"`, "x.snap": "x", "ca.json": "{}", "b": secret, "secret": secret} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Consul-Token") == secret {
			asked++
		}
		http.Error(w, refusal, http.StatusForbidden)
	}))
	defer server.Close()
	for address, reason := range map[string]string{server.Listener.Addr().String(): refusal, "127.0.0.1:1": "connection refused"} {
		t.Setenv("CONSUL_HTTP_ADDR", address)
		for i, row := range failures {
			words := strings.Fields(row.command)
			commands := 0
			for cli.FindCommand(words[:commands+1]...).CommandPath() != cli.FindCommand(words[:commands]...).CommandPath() {
				if commands++; commands == len(words) {
					break
				}
			}
			source := [][]string{{"-token=" + secret}, {"-token-file=secret"}, nil}[i%3]
			t.Setenv("CONSUL_HTTP_TOKEN", map[bool]string{true: secret}[source == nil])
			out, errs, _ := run(t, slices.Concat(words[:commands], source, words[commands:])...)
			if strings.Contains(out+errs, secret) || !strings.Contains(errs, reason) {
				t.Errorf("%s at %s: %s%s", row.command, address, out, errs)
			}
		}
	}
	if asked < len(failures)-5 {
		t.Errorf("the secret was sent %d times only", asked)
	}
}
