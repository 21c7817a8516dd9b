package cli_test

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"praetor/internal/cli"
)

// shared are the flags of reference/cli.md §1.4, by their letters there.
var shared = map[string]string{
	"C": "http-addr token token-file ca-file ca-path client-cert client-key tls-server-name",
	"S": "datacenter stale", "T": "namespace partition", "P": "partition",
}

// TestFlagsOfCommands: reference/cli.md, the letters of shared flags and each
// command's own with their defaults. (Where the reference has no P it is accepted.)
func TestFlagsOfCommands(t *testing.T) {
	for _, row := range []struct{ command, shared, own string }{
		{"catalog datacenters", "CS", ""},
		{"catalog nodes", "CSP", "detailed filter near node-meta service"},
		{"catalog services", "CST", "node node-meta tags"},
		{"config delete", "CST", "cas filename kind modify-index=0 name"},
		{"config list", "CST", "filter kind"},
		{"config read", "CST", "kind name"},
		{"config write", "CST", "cas modify-index=0"},
		{"debug", "C", "archive=true capture duration=5m0s interval=30s output since=0s"},
		{"event", "C", "name node service tag"},
		{"exec", "CS", "node prefix=_rexec service shell=true tag verbose wait=2s wait-repl=200ms"},
		{"force-leave", "CP", "prune wan"},
		{"info", "CP", ""},
		{"join", "CP", "wan"},
		{"keygen", "", ""},
		{"keyring", "C", "install list list-primary local-only relay-factor=0 remove use"},
		{"kv delete", "CST", "cas modify-index=0 recurse"},
		{"kv export", "CST", ""},
		{"kv get", "CST", "base64 detailed keys recurse separator=/"},
		{"kv import", "CST", "prefix"},
		{"kv put", "CST", "acquire base64 cas flags=0 modify-index=0 release session"},
		{"leave", "CP", ""},
		{"lock", "CS", "child-exit-code monitor-retry=3 n=1 name pass-stdin shell=true timeout=0s try=0s verbose"},
		{"maint", "CP", "disable enable reason service"},
		{"members", "CP", "detailed filter segment=_all status=.* wan"},
		{"monitor", "CP", "log-json log-level=INFO"},
		{"operator autopilot get-config", "CS", ""},
		{"operator autopilot set-config", "CS", "cleanup-dead-servers disable-upgrade-migration last-contact-threshold=0s max-trailing-logs=0 min-quorum=0 redundancy-zone-tag server-stabilization-time=0s upgrade-version-tag"},
		{"operator autopilot state", "CS", "format=pretty"},
		{"operator raft list-peers", "CS", ""},
		{"operator raft remove-peer", "CS", "address id"},
		{"operator raft transfer-leader", "CS", "id"},
		{"operator usage instances", "CS", "all-datacenters billable connect"},
		{"reload", "CP", ""},
		{"rtt", "C", "wan"},
		{"services deregister", "CST", "anywhere id"},
		{"services export", "CT", "consumer-partitions consumer-peers name"},
		{"services exported-services", "CSP", "filter format=pretty"},
		{"services register", "CST", "address id kind meta name port=0 socket tag tagged-address"},
		{"snapshot decode", "", ""},
		{"snapshot inspect", "", "format=pretty kvdepth=2 kvdetails kvfilter"},
		{"snapshot restore", "CS", ""},
		{"snapshot save", "CS", "append-filename"},
		{"tls ca create", "", "additional-name-constraint cluster-id common-name days=1825 domain=consul name-constraint"},
		{"tls cert create", "", "additional-dnsname additional-ipaddress ca=#DOMAIN#-agent-ca.pem cli client days=365 dc=dc1 domain=consul key=#DOMAIN#-agent-ca-key.pem node server"},
		{"troubleshoot ports", "", "host ports"},
		{"validate", "", "config-format quiet"},
		{"version", "", "format=pretty praetor"},
		{"watch", "CS", "filter key name passingonly prefix service shell=true state tag type"},
	} {
		want := map[string]string{}
		for _, letter := range strings.Split(row.shared, "") {
			for _, name := range strings.Fields(shared[letter]) {
				want[name] = ""
			}
		}
		for _, flag := range strings.Fields(row.own) {
			name, value, _ := strings.Cut(flag, "=")
			want[name] = value
		}
		cmd := cli.FindCommand(strings.Fields(row.command)...)
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			value, ok := want[f.Name]
			if got := f.DefValue; !ok && f.Name != "help" || got != value && !(value == "" && (got == "false" || got == "[]")) {
				t.Errorf("%s: -%s=%s, want %q, %t", row.command, f.Name, got, value, ok)
			}
			if f.Usage == "" {
				t.Errorf("%s: -%s is not explained", row.command, f.Name)
			}
			delete(want, f.Name)
		})
		for name := range want {
			t.Errorf("%s has no -%s", row.command, name)
		}
	}
}
