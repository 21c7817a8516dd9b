package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"praetor/agent/config"
)

// TestSecurityThatIsNotThereYetIsRefused: an agent started open, with one line among
// many, though its configuration said that it is not.
func TestSecurityThatIsNotThereYetIsRefused(t *testing.T) {
	for _, c := range []struct {
		name, hcl string
		keys      string // that lines name, in order; "" where the agent starts
	}{
		{"acl that denies", `acl { enabled = true default_policy = "deny" }`, ""},
		{"acl that allows", `acl { enabled = true default_policy = "allow" }`, ""},
		{"acl that is off", `acl { enabled = false default_policy = "deny" }`, ""},
		{"incoming everywhere", `tls { defaults { verify_incoming = true } }`, ""},
		{"incoming, old key", `verify_incoming = true`, ""},
		{"incoming of RPC, old key", `verify_incoming_rpc = true`, ""},
		{"incoming of both", `tls { internal_rpc { verify_incoming = true } grpc { verify_incoming = true } }`, ""},
		{"incoming of gRPC", `tls { grpc { verify_incoming = true } }`, ""},
		{"incoming but for RPC and gRPC", `tls { defaults { verify_incoming = true } internal_rpc { verify_incoming = false } grpc { verify_incoming = false } }`, ""},
		{"incoming of HTTPS", `tls { https { verify_incoming = true verify_outgoing = true } }`, ""},
		{"incoming of HTTPS, old key", `verify_incoming_https = true`, ""},
		{"outgoing", `tls { defaults { verify_outgoing = true } }`, ""},
		{"outgoing, old key", `verify_outgoing = true`, ""},
		{"outgoing of RPC", `tls { internal_rpc { verify_outgoing = true } }`, ""},
		{"outgoing but for RPC", `tls { defaults { verify_outgoing = true } internal_rpc { verify_outgoing = false } }`, ""},
		{"names", `tls { internal_rpc { verify_server_hostname = true } }`, ""},
		{"names by default", `tls { defaults { verify_server_hostname = true } }`, ""},
		{"names, old key", `verify_server_hostname = true`, ""},
		{"auto_encrypt", `auto_encrypt { tls = true }`, ""},
		{"auto_encrypt of a server", `server = true auto_encrypt { allow_tls = true }`, ""},
		{"auto_config", `tls { internal_rpc { verify_outgoing = true } } auto_config { enabled = true intro_token = "secret" server_addresses = ["10.0.0.1"] }`, "auto_config.enabled"},
		{"auto_config of a server", `server = true auto_config { authorization { enabled = true } }`, "auto_config.authorization.enabled"},
		{"all off", `verify_incoming = false verify_outgoing = false verify_server_hostname = false auto_encrypt { tls = false } auto_config { enabled = false }`, ""},
		{"files alone", `tls { defaults { ca_file = "ca" cert_file = "c" key_file = "k" } }`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "agent.hcl")
			write(t, file, "data_dir = \"/x\"\n"+c.hcl)
			_, _, err := config.LoadOn(host, &config.Flags{Files: []string{file}})
			text := ""
			if err != nil {
				text = err.Error()
			}
			want(t, keysOf(text), c.keys)
			if c.keys != "" && (!strings.Contains(text, "set in "+file) || strings.Contains(text, "secret")) {
				t.Errorf("the text does not say where, or too much: %s", text)
			}
			warnings, err := config.ValidateOn(host, []string{file}, "")
			ok(t, err)
			want(t, keysOf(strings.Join(warnings, "\n")), c.keys)
		})
	}
}

// keysOf lists the keys whose lines say that they cannot be enforced.
func keysOf(text string) string {
	var keys []string
	for _, line := range strings.Split(text, "\n") {
		if strings.Contains(line, "cannot enforce") {
			key, _, _ := strings.Cut(strings.TrimPrefix(line, "\t* "), " ")
			keys = append(keys, key)
		}
	}
	return strings.Join(keys, " ")
}

func TestReloadThatAsksForUnenforcedSecurityIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "agent.hcl")
	write(t, file, `data_dir = "/x" log_level = "INFO"`)
	rt, _, err := config.LoadOn(host, &config.Flags{Files: []string{file}})
	ok(t, err)
	write(t, file, `data_dir = "/x" log_level = "DEBUG" auto_config { enabled = true }`)
	if _, _, err := config.ReloadOn(host, rt); err == nil || !strings.Contains(err.Error(), "auto_config.enabled") {
		t.Errorf("got %v", err)
	}
}

// TestEmptyTextIsUnset: templates render what they have nothing for as "".
func TestEmptyTextIsUnset(t *testing.T) {
	for _, c := range []struct {
		key  string
		get  func(*config.Runtime) any
		want any
	}{
		{`node_name = ""`, func(r *config.Runtime) any { return r.NodeName }, "alpha"},
		{`log_level = ""`, func(r *config.Runtime) any { return r.Log.Level }, "INFO"},
		{`syslog_facility = ""`, func(r *config.Runtime) any { return r.Log.SyslogFacility }, "LOCAL0"},
		{`node_id = ""`, func(r *config.Runtime) any { return r.NodeID }, ""},
		{`encrypt = ""`, func(r *config.Runtime) any { return r.Gossip.EncryptKey }, ""},
		{`advertise_addr = ""`, func(r *config.Runtime) any { return r.AdvertiseAddrLAN.String() }, "10.1.2.3"},
		{`advertise_addr_wan = ""`, func(r *config.Runtime) any { return r.AdvertiseAddrWAN.String() }, "10.1.2.3"},
		{`advertise_addr_ipv4 = ""`, func(r *config.Runtime) any { return r.TaggedAddresses["lan_ipv4"] }, "10.1.2.3"},
		{`serf_lan = ""`, func(r *config.Runtime) any { return r.SerfBindLAN.Addr().String() }, "0.0.0.0"},
		{`addresses { http = "" }`, func(r *config.Runtime) any { return r.HTTPAddrs[0].String() }, "127.0.0.1:8500"},
		{`primary_datacenter = ""`, func(r *config.Runtime) any { return r.PrimaryDatacenter }, "dc1"},
		{`retry_join = [""]`, func(r *config.Runtime) any { return len(r.JoinLAN.Addresses) }, 0},
		{`ui_config { content_path = "" }`, func(r *config.Runtime) any { return r.UI.ContentPath }, "/ui/"},
		{`ui_content_path = ""`, func(r *config.Runtime) any { return r.UI.ContentPath }, "/ui/"},
		{`dns_config { recursor_strategy = "" }`, func(r *config.Runtime) any { return r.DNS.RecursorStrategy }, "sequential"},
		{`limits { request_limits { mode = "" } }`, func(r *config.Runtime) any { return r.Limits.RequestMode }, "disabled"},
		{`tls { defaults { tls_min_version = "TLSv1_3" } https { tls_min_version = "" } }`, func(r *config.Runtime) any { return r.TLS.HTTPS.MinVersion }, "TLSv1_3"},
		{`service { name = "web" id = "" }`, func(r *config.Runtime) any { return r.Services[0].Service.ID }, "web"},
		{`check { name = "c" id = "" status = "" ttl = "1s" }`, func(r *config.Runtime) any { return r.NodeChecks[0].Check.CheckID + " " + r.NodeChecks[0].Check.Status }, "c critical"},
	} {
		rt, _, err := config.LoadOn(host, &config.Flags{HCL: []string{`data_dir = "/x"`, c.key}})
		if err != nil {
			t.Errorf("%s: %v", c.key, err)
			continue
		}
		if got := c.get(rt); got != c.want {
			t.Errorf("%s: got %v, want %v", c.key, got, c.want)
		}
	}
	want(t, load(t, "-data-dir", "/x", "-node", "", "-log-level", "").NodeName, "alpha")
	// These are not: they are refused in Consul too (reference/config.md §2).
	for _, key := range []string{`datacenter = ""`, `bind_addr = ""`, `retry_interval = ""`, `acl { default_policy = "" }`, `node_name = "  "`} {
		if _, _, err := config.LoadOn(host, &config.Flags{HCL: []string{`data_dir = "/x"`, key}}); err == nil {
			t.Errorf("%s: accepted", key)
		}
	}
}
