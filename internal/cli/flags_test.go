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
		{"acl auth-method create", "CST", "config description display-name format=pretty kubernetes-ca-cert kubernetes-host kubernetes-service-account-jwt max-token-ttl=0s meta name token-locality type"},
		{"acl auth-method delete", "CST", "name"},
		{"acl auth-method list", "CST", "format=pretty meta"},
		{"acl auth-method read", "CST", "format=pretty meta name"},
		{"acl auth-method update", "CST", "config description display-name format=pretty kubernetes-ca-cert kubernetes-host kubernetes-service-account-jwt max-token-ttl=0s meta name no-merge token-locality"},
		{"acl binding-rule create", "CST", "bind-name bind-type=service bind-vars description format=pretty meta method selector"},
		{"acl binding-rule delete", "CST", "id"},
		{"acl binding-rule list", "CST", "format=pretty meta method"},
		{"acl binding-rule read", "CST", "format=pretty id meta"},
		{"acl binding-rule update", "CST", "bind-name bind-type=service bind-vars description format=pretty id meta no-merge selector"},
		{"acl bootstrap", "CST", "format=pretty meta"},
		{"acl explain", "CST", "accessor-id format=pretty recurse"},
		{"acl policy create", "CST", "description format=pretty meta name rules valid-datacenter"},
		{"acl policy delete", "CST", "id name"},
		{"acl policy list", "CST", "format=pretty meta"},
		{"acl policy read", "CST", "format=pretty id meta name"},
		{"acl policy update", "CST", "description format=pretty id meta name no-merge rules valid-datacenter"},
		{"acl role create", "CST", "description format=pretty meta name node-identity policy-id policy-name service-identity templated-policy templated-policy-file var"},
		{"acl role delete", "CST", "id name"},
		{"acl role list", "CST", "format=pretty meta"},
		{"acl role read", "CST", "format=pretty id meta name"},
		{"acl role update", "CST", "append-templated-policy append-templated-policy-file description format=pretty id meta name no-merge node-identity policy-id policy-name replace-templated-policy replace-templated-policy-file service-identity var"},
		{"acl set-agent-token", "CST", ""},
		{"acl templated-policy list", "CST", "format=pretty meta"},
		{"acl templated-policy preview", "CST", "file format=pretty meta name var"},
		{"acl templated-policy read", "CST", "format=pretty meta name"},
		{"acl token clone", "CST", "accessor-id description format=pretty id meta"},
		{"acl token create", "CST", "accessor description expires-ttl=0s format=pretty local meta node-identity policy-id policy-name role-id role-name secret service-identity templated-policy templated-policy-file var"},
		{"acl token delete", "CST", "accessor-id id"},
		{"acl token list", "CST", "format=pretty meta"},
		{"acl token read", "CST", "accessor-id expanded format=pretty id meta self"},
		{"acl token update", "CST", "accessor-id append-node-identity append-policy-id append-policy-name append-role-id append-role-name append-service-identity append-templated-policy append-templated-policy-file description format=pretty id " +
			"merge-node-identities merge-policies merge-roles merge-service-identities meta node-identity policy-id policy-name replace-templated-policy replace-templated-policy-file role-id role-name service-identity var"},
		{"catalog datacenters", "CS", "format=pretty"},
		{"catalog history", "CSP", "format=pretty kind limit=100 node service since"},
		{"catalog nodes", "CSP", "detailed filter format=pretty near node-meta service"},
		{"catalog services", "CST", "format=pretty node node-meta tags"},
		{"config delete", "CST", "cas filename kind modify-index=0 name"},
		{"config list", "CST", "filter format=pretty kind"},
		{"config read", "CST", "kind name"},
		{"config write", "CST", "cas modify-index=0"},
		{"debug", "C", "archive=true capture duration=5m0s interval=30s output since=0s"},
		{"event", "C", "name node service tag"},
		{"exec", "CS", "node prefix=_rexec service shell=true tag verbose wait=2s wait-repl=200ms"},
		{"force-leave", "CP", "prune wan"},
		{"info", "CP", "format=pretty"},
		{"join", "CP", "wan"},
		{"keygen", "", ""},
		{"keyring", "C", "format=pretty install list list-primary local-only relay-factor=0 remove use"},
		{"kv delete", "CST", "cas modify-index=0 recurse"},
		{"kv export", "CST", ""},
		{"kv get", "CST", "at base64 detailed format=pretty keys recurse separator=/"},
		{"kv history", "CST", "format=pretty limit=100"},
		{"kv import", "CST", "prefix"},
		{"kv put", "CST", "acquire base64 cas flags=0 modify-index=0 release session"},
		{"kv undo", "CST", "at"},
		{"leave", "CP", ""},
		{"lock", "CS", "child-exit-code monitor-retry=3 n=1 name pass-stdin shell=true timeout=0s try=0s verbose"},
		{"login", "CST", "aws-auto-bearer-token bearer-token-file meta method token-sink-file type"},
		{"logout", "CST", ""},
		{"maint", "C", "disable enable reason service"},
		{"members", "CP", "detailed filter format=pretty segment=_all status=.* wan"},
		{"monitor", "CP", "log-json log-level=INFO"},
		{"operator autopilot get-config", "CS", ""},
		{"operator autopilot set-config", "CS", "cleanup-dead-servers disable-upgrade-migration last-contact-threshold=0s max-trailing-logs=0 min-quorum=0 redundancy-zone-tag server-stabilization-time=0s upgrade-version-tag"},
		{"operator autopilot state", "CS", "format=pretty"},
		{"connect ca get-config", "CS", ""},
		{"connect ca set-config", "CS", "config-file force-without-cross-signing"},
		{"operator raft list-peers", "CS", "format=pretty"},
		{"operator raft remove-peer", "CS", "address id"},
		{"operator raft transfer-leader", "CS", "id"},
		{"operator usage instances", "CS", "all-datacenters billable connect format=pretty"},
		{"reload", "CP", ""},
		{"rtt", "C", "wan"},
		{"services deregister", "CST", "anywhere id"},
		{"services export", "CT", "consumer-partitions consumer-peers name"},
		{"services exported-services", "CSP", "filter format=pretty"},
		{"services register", "CST", "address id kind meta name port=0 socket tag tagged-address"},
		{"snapshot decode", "", "identity"},
		{"snapshot inspect", "", "format=pretty identity kvdepth=2 kvdetails kvfilter"},
		{"snapshot restore", "CS", "identity"},
		{"snapshot save", "CS", "append-filename format=praetor"},
		{"tls ca create", "", "additional-name-constraint cluster-id common-name days=1825 domain=consul name-constraint"},
		{"tls cert create", "", "additional-dnsname additional-ipaddress ca=#DOMAIN#-agent-ca.pem cli client days=365 dc=dc1 domain=consul key=#DOMAIN#-agent-ca-key.pem node server"},
		{"top", "CS", "log-level=INFO once"},
		{"troubleshoot ports", "", "host ports"},
		{"upgrade check", "", "data-dir"},
		{"validate", "", "config-format quiet"},
		{"version", "", "format=pretty licenses praetor"},
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
