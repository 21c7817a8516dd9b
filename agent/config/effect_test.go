package config_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"praetor/agent/config"
)

// TestEveryKeyHasItsEffect sets each key to what is not its default, and compares with
// testdata/effects.txt what changed in the Runtime and in what agent/self shows of it.
func TestEveryKeyHasItsEffect(t *testing.T) {
	var page strings.Builder
	without := map[string]*config.Runtime{} // by context
	keys, err := config.Reference()
	ok(t, err)
	for _, k := range keys {
		if k.Type == "object" || strings.HasPrefix(k.Name, "services.") || strings.HasPrefix(k.Name, "checks.") {
			continue // definitions have tests of their own
		}
		s, own := samples[k.Name]
		if !own {
			s = samples[k.Name[strings.LastIndexByte(k.Name, '.')+1:]]
		}
		if s.value == "refused" {
			continue
		}
		if s.value == "" {
			s.value = map[string]string{"bool": "true", "int": "7", "float": "0.7", "string": `"7s"`, "list": `["a"]`, "map": `{ a = "b" }`}[k.Type]
			if k.Default == "true" {
				s.value = "false"
			}
		}
		before := without[s.context]
		if before == nil {
			before = load(t, "-data-dir", "/x", "-hcl", s.context)
			without[s.context] = before
		}
		hcl := setting(k.Name, s.value)
		after, _, err := config.LoadOn(enforcing(), &config.Flags{HCL: []string{`data_dir = "/x"`, s.context, hcl}})
		if err != nil {
			t.Errorf("%s: %v", hcl, err)
			continue
		}
		changes := append(changed("", flat(before), flat(after)), changed("self: ", shown(before), shown(after))...)
		fmt.Fprintf(&page, "%s\n", hcl)
		for _, c := range changes {
			fmt.Fprintf(&page, "\t%s\n", c)
		}
		unused := !k.Served || strings.HasPrefix(k.Help, "accepted and ignored") || strings.HasPrefix(k.Help, "legacy")
		if len(changes) == 0 && !unused {
			t.Errorf("%s changes nothing", hcl)
		}
		fixed := before.FixedChanges(after)
		names := slices.Contains(fixed, k.Name) || slices.Contains(fixed, strings.Split(k.Name, ".")[0]) // all of locality is one value
		if names == (k.Reloadable || !k.Served) || len(fixed) > 0 && !names {
			t.Errorf("%s: a reload says of %q that they need a restart; reloadable: %t", hcl, fixed, k.Reloadable)
		}
	}
	wantFile(t, "testdata/effects.txt", page.String())
}

// samples are values for keys, or for all of a name, that do not take any of their type,
// and what must be set beside them.
var samples = map[string]struct{ value, context string }{
	"acl.default_policy":                      {`"deny"`, ""},
	"acl.down_policy":                         {`"deny"`, ""},
	"acl_replication_token":                   {`"7s"`, "acl { enable_token_replication = true }"},
	"acl_default_policy":                      {`"deny"`, ""},
	"acl_down_policy":                         {`"deny"`, ""},
	"addresses.dns":                           {`"127.0.0.7"`, ""},
	"addresses.grpc":                          {`"127.0.0.7"`, "ports { grpc = 7 }"},
	"addresses.grpc_tls":                      {`"127.0.0.7"`, "ports { grpc_tls = 7 }"},
	"addresses.http":                          {`"127.0.0.7"`, ""},
	"addresses.https":                         {`"127.0.0.7"`, "ports { https = 7 }"},
	"advertise_addr":                          {`"10.0.0.7"`, ""},
	"advertise_addr_ipv4":                     {`"10.0.0.7"`, ""},
	"advertise_addr_ipv6":                     {`"2001:db8::7"`, ""},
	"advertise_addr_wan":                      {`"10.0.0.7"`, ""},
	"advertise_addr_wan_ipv4":                 {`"10.0.0.7"`, ""},
	"advertise_addr_wan_ipv6":                 {`"2001:db8::7"`, ""},
	"auto_config.authorization.enabled":       {"true", "server = true"},
	"auto_config.enabled":                     {"true", `auto_config { intro_token = "a" server_addresses = ["a"] } tls { internal_rpc { verify_outgoing = true } }`},
	"auto_encrypt.allow_tls":                  {"true", "server = true connect { enabled = false }"},
	"auto_encrypt.ip_san":                     {`["10.0.0.7"]`, ""},
	"backups.encrypt_to":                      {`["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]`, `backups { local_path = "/b" }`},
	"backups.interval":                        {`"17s"`, ""},
	"backups.s3.bucket":                       {`"a"`, `backups { s3 { region = "a" } }`},
	"bind_addr":                               {`"10.0.0.7"`, ""},
	"bootstrap":                               {"true", "server = true"},
	"bootstrap_expect":                        {"7", "server = true"},
	"check":                                   {`{ name = "a" ttl = "7s" }`, ""},
	"checks":                                  {`[{ name = "a" ttl = "7s" }]`, ""},
	"client_addr":                             {`"127.0.0.7 ::1"`, ""},
	"config_entries.bootstrap":                {`[{ Kind = "proxy-defaults" Name = "global" }]`, ""},
	"connect.ca_provider":                     {`"vault"`, ""},
	"datacenter":                              {`"DC7"`, ""},
	"default_intention_policy":                {`"deny"`, ""},
	"dns_config.recursor_strategy":            {`"random"`, ""},
	"dns_config.service_ttl":                  {`{ a = "7s" }`, ""},
	"dns_config.udp_max_size":                 {"512", ""},
	"enable_script_checks":                    {"true", "acl { enabled = true }"},
	"encrypt":                                 {`"AAAAAAAAAAAAAAAAAAAAAA=="`, ""},
	"http_config.allow_write_http_from":       {`["10.0.0.7/8"]`, ""},
	"leave_on_terminate":                      {"false", ""},
	"limits.request_limits.mode":              {`"permissive"`, ""},
	"locality.zone":                           {`"a"`, `locality { region = "a" }`},
	"log_level":                               {`"warn"`, ""},
	"managed_service_provider":                {`[{ a = "b" }]`, ""},
	"node_id":                                 {`"ADF4238A-882B-9DDC-4A9D-5B6758E4159E"`, ""},
	"performance.rpc_hold_timeout":            {`"8s"`, ""},
	"ports.dns_tls":                           {"7", `tls { https { cert_file = "c" key_file = "k" } }`},
	"ports.expose_max_port":                   {"21600", ""},
	"ports.proxy_max_port":                    {"20100", ""},
	"ports.serf_lan":                          {"7", ""},
	"ports.serf_wan":                          {"7", ""},
	"ports.sidecar_max_port":                  {"21100", ""},
	"primary_gateways":                        {`["a"]`, `server = true primary_datacenter = "dc2"`},
	"protocol":                                {"3", ""},
	"raft_logstore.backend":                   {`"wal"`, "server = true"},
	"raft_logstore.verification.enabled":      {"false", ""},
	"raft_protocol":                           {"refused", ""},
	"read_replica":                            {"true", "server = true"},
	"recursors":                               {`["10.0.0.7"]`, ""},
	"segment":                                 {"refused", ""},
	"segments":                                {"refused", ""},
	"serf_lan":                                {`"127.0.0.7"`, ""},
	"serf_lan_allowed_cidrs":                  {`["10.0.0.7/8"]`, ""},
	"serf_wan":                                {`"127.0.0.7"`, ""},
	"serf_wan_allowed_cidrs":                  {`["10.0.0.7/8"]`, ""},
	"server_rejoin_age_max":                   {`"7h"`, ""},
	"service":                                 {`{ name = "a" }`, ""},
	"services":                                {`[{ name = "a" }]`, ""},
	"skip_leave_on_interrupt":                 {"true", ""},
	"telemetry.dogstatsd_addr":                {`"a:7"`, ""},
	"telemetry.prefix_filter":                 {`["+a", "-b"]`, ""},
	"telemetry.statsd_address":                {`"a:7"`, ""},
	"telemetry.statsite_address":              {`"a:7"`, ""},
	"tls.defaults.use_auto_cert":              {"refused", ""},
	"tls.grpc.verify_outgoing":                {"refused", ""},
	"tls.grpc.verify_server_hostname":         {"refused", ""},
	"tls.https.use_auto_cert":                 {"refused", ""},
	"tls.https.verify_server_hostname":        {"refused", ""},
	"tls.internal_rpc.use_auto_cert":          {"refused", ""},
	"tls_cipher_suites":                       {`"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"`, ""},
	"tls_ecdh_curves":                         {`"X25519"`, ""},
	"tls_min_version":                         {`"TLSv1_3"`, ""},
	"ui_config.dashboard_url_templates":       {`{ a = "http://a" }`, ""},
	"ui_config.metrics_provider":              {`"prometheus"`, ""},
	"ui_config.metrics_provider_options_json": {`"{}"`, ""},
	"ui_config.metrics_proxy.add_headers":     {`[{ name = "a" value = "b" }]`, ""},
	"ui_config.metrics_proxy.base_url":        {`"http://a"`, ""},
	"ui_config.metrics_proxy.path_allowlist":  {`["/a"]`, ""},
	"ui_content_path":                         {`"a"`, ""},
	"watches":                                 {`[{ type = "nodes" args = ["a"] }]`, ""},
}

// setting is HCL that sets a key in its blocks.
func setting(key, value string) string {
	path := strings.Split(key, ".")
	last := len(path) - 1
	return strings.Join(append(path[:last:last], path[last]+" = "+value), " { ") + strings.Repeat(" }", last)
}

// flat lists the fields of a Runtime and of the structs in it.
func flat(rt *config.Runtime) map[string]string {
	out := map[string]string{}
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		if _, ok := v.Interface().(fmt.Stringer); !ok && v.Kind() == reflect.Struct {
			for i := range v.NumField() {
				if f := v.Type().Field(i); f.IsExported() {
					walk(strings.TrimPrefix(path+"."+f.Name, "."), v.Field(i))
				}
			}
			return
		}
		out[path] = fmt.Sprint(v)
		if kind := v.Kind(); kind == reflect.Slice || kind == reflect.Map || kind == reflect.Pointer {
			text, err := json.Marshal(v.Interface())
			if err != nil {
				panic(err)
			}
			out[path] = string(text)
		}
	}
	walk("", reflect.ValueOf(rt).Elem())
	return out
}

// shown lists what agent/self shows.
func shown(rt *config.Runtime) map[string]string {
	out := map[string]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		if block, ok := v.(map[string]any); ok {
			for name, v := range block {
				walk(path+"."+name, v)
			}
			return
		}
		out[strings.TrimPrefix(path, ".")] = fmt.Sprint(v)
	}
	walk("", rt.Sanitized())
	return out
}

func changed(prefix string, before, after map[string]string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if before[name] != after[name] {
			out = append(out, prefix+name+" = "+after[name])
		}
	}
	return out
}

// TestNoSecretIsShown goes over the keys that may hold one, by their names.
func TestNoSecretIsShown(t *testing.T) {
	const secret = "hush-hush"
	tried := 0
	for _, k := range config.Keys() {
		name := strings.ToLower(k.Name)
		if k.Type != "string" || !strings.Contains(name, "token") && !strings.Contains(name, "secret") && !strings.Contains(name, "access_key") && !strings.Contains(name, "key_file") ||
			strings.HasSuffix(name, "_ttl") || strings.HasPrefix(name, "services.") || strings.HasPrefix(name, "checks.") {
			continue
		}
		tried++
		rt, warnings, err := config.LoadOn(enforcing(), fragment(setting(k.Name, `"`+secret+`"`)))
		if err != nil {
			t.Errorf("%s: %v", k.Name, err)
			continue
		}
		if text := fmt.Sprint(rt.Sanitized(), warnings); strings.Contains(text, secret) {
			t.Errorf("%s shows: %s", k.Name, text)
		}
	}
	if tried < 20 {
		t.Errorf("%d keys were tried only", tried)
	}
}
