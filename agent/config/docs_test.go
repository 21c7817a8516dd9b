package config_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"praetor/agent/config"
)

const page = "../../docs/configuration.md"

// TestConfigurationPageListsEveryKeyAndFlag keeps the page what the code says.
func TestConfigurationPageListsEveryKeyAndFlag(t *testing.T) {
	got := configurationPage()
	if *update {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) != got {
		t.Error("docs/configuration.md is not what the code says: go test ./agent/config -run ConfigurationPage -update")
	}
}

func configurationPage() string {
	var b strings.Builder
	b.WriteString(`# Configuration

An agent reads built-in defaults, then flags that are lists, then each ` + "`-config-file` and `-config-dir`" + ` in the order given
(in a folder: every ` + "`*.hcl` and `*.json`" + `, by name), then the other flags, then ` + "`-hcl`" + ` fragments. Later values win; lists add up.
` + "`praetor validate PATH`" + ` reports every fault with its file and key. Unknown keys are faults.

Durations are text with a unit (` + "`\"90s\"`, `\"1h30m\"`" + `). Addresses may hold go-sockaddr templates (` + "`{{ GetPrivateIP }}`" + `). What Consul's
defaults are, Praetor's are, but for ` + "`performance.raft_multiplier`" + `, which is 1: a dead leader is replaced within a second.

Settings that ask for security that this version cannot enforce keep an agent from starting, with a line for each (` + "`praetor validate`" + ` warns):
` + "`acl.enabled` with `acl.default_policy = \"deny\"`; `verify_incoming`, `verify_outgoing` and `verify_server_hostname`" + ` where they reach
internal RPC or gRPC; ` + "`auto_encrypt`; `auto_config`. Those of `tls.https`" + ` are in force. An empty text is as if the key were not
there, but for ` + "`datacenter`, `bind_addr`, `data_dir`, `client_addr`" + ` (no listeners) and durations.

Marks: **R** applied by ` + "`praetor reload`" + ` and SIGHUP. **–** accepted, with a warning, but without effect in this version.

## Keys

| key | type | | meaning |
|---|---|---|---|
`)
	for _, k := range config.Keys() {
		mark := ""
		if k.Reloadable {
			mark = "R"
		}
		if !k.Served {
			mark = "–"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.Name, k.Type, mark, k.Help)
	}
	b.WriteString("\n## Flags of `praetor agent`\n\n| flag | meaning |\n|---|---|\n")
	fs := pflag.NewFlagSet("agent", pflag.ContinueOnError)
	(&config.Flags{}).Register(fs)
	fs.VisitAll(func(f *pflag.Flag) {
		fmt.Fprintf(&b, "| `-%s` | %s |\n", f.Name, strings.ReplaceAll(strings.Join(strings.Fields(f.Usage), " "), "|", "\\|"))
	})
	return b.String()
}
