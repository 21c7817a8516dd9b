package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"praetor/agent/config"
)

// host is a usual machine: one private address.
var host = config.Host{Name: "alpha", Eth: []string{"10.1.2.3", "fe80::1"}, Loopback: []string{"127.0.0.1", "::1"}}

func TestLaterSourcesWinMapsMergeAndListsJoin(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"z.json":       `{"datacenter": "file", "node_meta": {"k1": "z", "k2": "z", "k3": "z", "k4": "z"}, "retry_join": ["z"], "http_config": {"response_headers": {"X-A": "z", "X-B": "z"}}, "service": {"name": "s1"}, "leave_on_terminate": true}`,
		"d/10.hcl":     "node_meta { k1 = \"10\" }\nretry_join = [\"10\"]\nservice {\n name = \"s2\"\n port = 10\n}\n",
		"d/20.json":    `{"node_meta": {"k1": "20"}, "retry_join": ["20"], "service": {"name": "s2", "port": 20}, "leave_on_terminate": false}`,
		"d/skip.md":    "nonsense {{{",
		"d/sub/z.json": `{"service": {"name": "ignored"}}`,
		"a.hcl":        "node_meta {\n k2 = \"a\"\n}\nhttp_config {\n response_headers {\n  X-B = \"a\"\n  X-C = \"a\"\n }\n}\nservice {\n name = \"s3\"\n}\n",
	})
	f := parseFlags(t, "-dev", "-config-file", dir+"/z.json", "-config-dir", dir+"/d", "-config-file", dir+"/a.hcl",
		"-node-meta", "k3:flag", "-node-meta", "flagonly", "-retry-join", "flag", "-datacenter", "Flag", "-hcl", `node_meta { k4 = "hcl" } retry_join = ["hcl"]`)
	rt, warnings, err := config.LoadOn(host, f)
	ok(t, err)
	want(t, warnings, []string{"skipping file " + dir + "/d/skip.md, extension must be .hcl or .json, or config format must be set"})
	want(t, rt.Datacenter, "flag")
	want(t, rt.NodeMeta, map[string]string{"flagonly": "", "k1": "20", "k2": "a", "k3": "flag", "k4": "hcl"})
	want(t, rt.JoinLAN.Addresses, []string{"flag", "z", "10", "20", "hcl"})
	want(t, rt.HTTP.ResponseHeaders, map[string]string{"X-A": "z", "X-B": "a", "X-C": "a"})
	want(t, rt.LeaveOnTerm, false)
	var services []string
	for _, s := range rt.Services {
		services = append(services, s.Service.ID)
	}
	want(t, services, []string{"s1", "s2", "s2", "s3"})
	want(t, rt.Services[2].Service.Port, 20)
	want(t, rt.Watched, []string{dir + "/z.json", dir + "/d", dir + "/a.hcl"})
}

func TestSettingAValueToZeroCounts(t *testing.T) {
	rt := load(t, "-dev", "-hcl", "leave_on_terminate = true log_rotate_bytes = 7", "-hcl", "leave_on_terminate = false log_rotate_bytes = 0 ui_config { enabled = false }")
	want(t, rt.LeaveOnTerm, false)
	want(t, rt.Log.RotateBytes, 0)
	want(t, rt.UI.Enabled, false)
}

func TestNestedListsOfFlagsComeAfterThoseOfFiles(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a.hcl": `http_config { allow_write_http_from = ["10.0.0.0/8"] }`})
	rt := load(t, "-dev", "-allow-write-http-from", "127.0.0.0/8", "-config-file", dir+"/a.hcl")
	want(t, texts(rt.HTTP.AllowWriteFrom), []string{"10.0.0.0/8", "127.0.0.0/8"})
}

func TestSourceErrors(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"x.conf": "{}", "good.hcl": "", "bad.hcl": "bogus = 1", "worse.json": `{"worse": 1}`, "links/z": "",
	})
	if err := os.Symlink(dir+"/nowhere.hcl", dir+"/links/dangling.hcl"); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		flags config.Flags
		want  string
	}{
		"missing":   {config.Flags{Files: []string{dir + "/none.json"}}, "config: Open failed on DIR/none.json. open DIR/none.json: no such file or directory"},
		"extension": {config.Flags{Files: []string{dir + "/x.conf"}}, "file DIR/x.conf has unknown extension; must be .hcl or .json, or config format must be set"},
		"format":    {config.Flags{Files: []string{dir + "/x.conf"}, Format: "toml"}, "config: -config-format must be either 'hcl' or 'json'"},
		"fragment":  {config.Flags{HCL: []string{"", "bogus = 1"}}, "failed to parse flags-1.hcl: 1 error occurred:\n\t* invalid config key bogus\n\n"},
		"dangling":  {config.Flags{Files: []string{dir + "/links"}}, "config: Open failed on DIR/links/dangling.hcl. lstat DIR/nowhere.hcl: no such file or directory"},
		"all at once": {config.Flags{Files: []string{dir + "/bad.hcl", dir + "/none.json", dir + "/good.hcl", dir + "/worse.json"}},
			"config: Open failed on DIR/none.json. open DIR/none.json: no such file or directory\n" +
				"failed to parse DIR/bad.hcl: 1 error occurred:\n\t* invalid config key bogus\n\n\n" +
				"failed to parse DIR/worse.json: 1 error occurred:\n\t* invalid config key worse\n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			c.flags.Dev = true
			_, _, err := config.LoadOn(host, &c.flags)
			wantError(t, err, strings.ReplaceAll(c.want, "DIR", dir))
		})
	}
}

func TestSymbolicLinksAreKnownByTheirTarget(t *testing.T) {
	dir := writeFiles(t, map[string]string{"real.hcl": `node_name = "linked"`, "sub/x.hcl": "bogus = 1", "d/a.json": "", "other.txt": ""})
	for link, target := range map[string]string{"d/plain": dir + "/real.hcl", "d/folder.hcl": dir + "/sub", "d/wrong.hcl": dir + "/other.txt"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	rt, warnings, err := config.LoadOn(host, &config.Flags{Dev: true, Files: []string{dir + "/d"}})
	ok(t, err)
	want(t, rt.NodeName, "linked")
	want(t, warnings, []string{"skipping file " + dir + "/other.txt, extension must be .hcl or .json, or config format must be set"})
}

func TestAFolderOfNothingToReadSaysSo(t *testing.T) {
	dir := writeFiles(t, map[string]string{"agent.yaml": "node_name: a"})
	_, warnings, err := config.LoadOn(host, &config.Flags{Dev: true, Files: []string{dir}})
	ok(t, err)
	want(t, warnings, []string{
		"skipping file " + dir + "/agent.yaml, extension must be .hcl or .json, or config format must be set",
		"nothing of " + dir + " was read: configuration is HCL or JSON, in files named .hcl or .json; YAML is not read",
	})
}

func TestAForcedFormatReadsAnySuffix(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a.txt": `data_dir = "x"`, "b.json": `node_name = "hcl-in-json"`})
	rt, _, err := config.LoadOn(host, &config.Flags{Files: []string{dir}, Format: "hcl"})
	ok(t, err)
	want(t, rt.NodeName, "hcl-in-json")
}

// The rows are those of the conformance cases for `validate`.
func TestValidateAcceptsWhatOnlyAStartCanRefuse(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"ok.json": `{"data_dir": "/x", "service": {"name": "web", "port": 1}}`, "ok.hcl": "data_dir = \"/x\"\nservice { name = \"web\" }\n",
		"id.json": `{"data_dir": "/x", "node_id": "zz"}`, "expect.hcl": "data_dir = \"/x\"\nserver = true\nbootstrap_expect = 3\n",
		"script.json": `{"data_dir": "/x", "check": {"name": "c", "args": ["x"], "interval": "1s"}}`,
		"policy.json": `{"data_dir": "/x", "acl": {"default_policy": "maybe"}}`, "level.json": `{"data_dir": "/x", "log_level": "loud"}`,
		"watch.json": `{"data_dir": "/x", "watches": [{"type": "nope"}]}`, "key.json": `{"data_dir": "/x", "encrypt": "c2hvcnQ="}`,
		"d/a.json": `{"data_dir": "/x"}`, "d/b.hcl": "server = false", "d/c.txt": "junk",
	})
	for file, warning := range map[string]string{
		"ok.json": "", "ok.hcl": "", "id.json": "", "script.json": "", "policy.json": "", "level.json": "", "watch.json": "", "key.json": "",
		"expect.hcl": "bootstrap_expect > 0: expecting 3 servers",
		"d":          "skipping file " + dir + "/d/c.txt, extension must be .hcl or .json, or config format must be set",
	} {
		t.Run(file, func(t *testing.T) {
			// A machine on which no address can be advertised.
			warnings, err := config.ValidateOn(config.Host{Name: "a", Eth: []string{"10.0.0.1", "10.0.0.2"}}, []string{filepath.Join(dir, file)}, "")
			ok(t, err)
			want(t, strings.Join(served(warnings), "\n"), warning)
		})
	}
	_, err := config.ValidateOn(host, []string{dir + "/ok.json", dir + "/nope.json"}, "")
	wantError(t, err, "config: Open failed on "+dir+"/nope.json. open "+dir+"/nope.json: no such file or directory")
}

// Consul's validate lets it pass, and the agent then does not start.
func TestValidateRefusesAServiceWithoutAName(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a.json": `{"data_dir": "/x", "services": [{"name": "web"}, {"id": "w2", "port": 1}]}`})
	_, err := config.ValidateOn(host, []string{dir + "/a.json"}, "")
	wantError(t, err, "Failed to register service \"w2\": Service name missing\n\t  set in "+dir+"/a.json")
	services, err := config.ReadServices([]string{dir + "/a.json"}) // to deregister, the ID is enough
	ok(t, err)
	want(t, services[1].Service.ID, "w2")
	_, err = config.ReadServices([]string{dir + "/none.json"})
	wantError(t, err, "config: Open failed on "+dir+"/none.json. open "+dir+"/none.json: no such file or directory")
}

// TestOneFaultIsToldOnce: of a value that is bad by itself the rules about it say no more,
// and what several keys lead to is one line.
func TestOneFaultIsToldOnce(t *testing.T) {
	for hcl, text := range map[string]string{
		`backups { local_path = "/b" interval = "soon" }`: "1 error occurred:\n\t* backups.interval: invalid duration: \"soon\": time: invalid duration \"soon\"\n\t  set in flags-1.hcl\n\n",
		`serf_lan_allowed_cidrs = ["x", "x"]`:             "1 error occurred:\n\t* serf_lan_allowed_cidrs: invalid cidr: x\n\t  set in flags-1.hcl\n\n",
		`recursors = ["[::]", "0.0.0.0"]`:                 "DNS recursor address cannot be 0.0.0.0, :: or [::]\n\t  set in flags-1.hcl",
		`node_name = " " check { name = "c" }`: "2 errors occurred:\n\t* check \"c\": TTL must be > 0 for TTL checks\n\t  set in flags-1.hcl\n" +
			"\t* node_name cannot be empty\n\t  set in flags-1.hcl\n\n",
	} {
		_, _, err := config.LoadOn(host, fragment(hcl))
		if err == nil || err.Error() != text {
			t.Errorf("%s: %q\nwant %q", hcl, err, text)
		}
	}
}

// TestChecksThatAreNullAreNone, and are told so as others that ask nothing.
func TestChecksThatAreNullAreNone(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a.json": `{"data_dir": "/x", "service": {"name": "web", "checks": [null]}}`})
	_, err := config.ValidateOn(host, []string{dir + "/a.json"}, "")
	if err == nil || !strings.HasPrefix(err.Error(), `service "web": check "": `) || !strings.HasSuffix(err.Error(), "set in "+dir+"/a.json") {
		t.Errorf("got %v", err)
	}
}

func TestEmptySourcesSayNothing(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a.json": "", "b.hcl": " \n", "c.json": "{}", "d.hcl": "# nothing\n", "e.hcl": "\xef\xbb\xbf// with a mark\n"})
	rt := load(t, "-dev", "-config-dir", dir)
	want(t, len(rt.Services), 0)
}

func TestReloadReadsTheSameSourcesAgain(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a.hcl": `node_meta { v = "1" } log_level = "WARN"`})
	rt, _, err := config.LoadOn(host, parseFlags(t, "-dev", "-config-file", dir+"/a.hcl", "-node", "n1", "-retry-join", "a"))
	ok(t, err)

	write(t, dir+"/a.hcl", `node_meta { v = "2" } log_level = "loud"`)
	next, warnings, err := config.ReloadOn(host, rt)
	ok(t, err)
	want(t, next.NodeMeta["v"], "2")
	want(t, next.NodeName, "n1")
	want(t, next.Log.Level, "WARN")
	want(t, next.JoinLAN.Addresses, []string{"a"})
	want(t, warnings, []string{"Invalid log level in new configuration: loud; keeping WARN"})
	want(t, rt.NodeMeta["v"], "1")

	for hcl, level := range map[string]string{`log_level = "error"`: "ERROR", `log_level = ""`: "INFO", ``: "DEBUG"} { // of -dev, where nothing is said
		write(t, dir+"/a.hcl", hcl)
		now, warnings, err := config.ReloadOn(host, rt)
		ok(t, err)
		want(t, now.Log.Level, level)
		want(t, len(warnings), 0)
	}

	write(t, dir+"/a.hcl", "bogus_key = 1")
	if _, _, err = config.ReloadOn(host, next); err == nil || err.Error() != "failed to parse "+dir+"/a.hcl: 1 error occurred:\n\t* invalid config key bogus_key\n\n" {
		t.Fatalf("got %v", err)
	}
}

func TestLoadWritesNothing(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	rt := load(t, "-data-dir", data, "-pid-file", dir+"/pid", "-log-file", dir+"/log/")
	want(t, rt.DataDir, data)
	entries, err := os.ReadDir(dir)
	ok(t, err)
	want(t, len(entries), 0)
}

func TestADataFolderMustBeAFolderOfThisVersion(t *testing.T) {
	dir := writeFiles(t, map[string]string{"file": "", "old/mdb/x": ""})
	_, _, err := config.LoadOn(host, parseFlags(t, "-data-dir", dir+"/file"))
	wantError(t, err, `data_dir "`+dir+`/file" is not a directory`)
	_, _, err = config.LoadOn(host, parseFlags(t, "-data-dir", dir+"/old", "-server"))
	if err == nil || !strings.HasPrefix(err.Error(), `CRITICAL: Deprecated data folder found at "`+dir+`/old/mdb"!`) {
		t.Fatalf("got %v", err)
	}
	load(t, "-data-dir", dir+"/old") // clients never used it
}

func TestOpenFilesMustSufficeForHTTP(t *testing.T) {
	small := host
	small.MaxFiles = 219
	_, _, err := config.LoadOn(small, parseFlags(t, "-dev"))
	wantError(t, err, "system allows a max of 219 file descriptors, but limits.http_max_conns_per_client: 200 needs at least 220")
	small.MaxFiles = 220
	_, _, err = config.LoadOn(small, parseFlags(t, "-dev"))
	ok(t, err)
}

func TestWarnings(t *testing.T) {
	for name, c := range map[string]struct {
		hcl  string
		want string
	}{
		"none":        {"", ""},
		"expect 1":    {"server = true bootstrap_expect = 1", "BootstrapExpect is set to 1; this is the same as Bootstrap mode.\nbootstrap = true: do not enable unless necessary"},
		"expect 2":    {"server = true bootstrap_expect = 2", "bootstrap_expect = 2: A cluster with 2 servers will provide no failure tolerance. See https://developer.hashicorp.com/docs/internals/consensus#deployment-table\nbootstrap_expect > 0: expecting 2 servers"},
		"expect even": {"server = true bootstrap_expect = 4", "bootstrap_expect is even number: A cluster with an even number of servers does not achieve optimum fault tolerance. See https://developer.hashicorp.com/docs/internals/consensus#deployment-table\nbootstrap_expect > 0: expecting 4 servers"},
		"bootstrap":   {"server = true bootstrap = true", "bootstrap = true: do not enable unless necessary"},
		"node name":   {`node_name = "a.b"`, `Node name "a.b" will not be discoverable via DNS due to invalid characters. Valid characters include all alpha-numerics and dashes.`},
		"long name":   {`node_name = "` + strings.Repeat("a", 64) + `"`, `Node name "` + strings.Repeat("a", 64) + `" will not be discoverable via DNS due to it being too long. Valid lengths are between 1 and 63 bytes.`},
		"datacenter":  {`datacenter = "a_b"`, `Datacenter "a_b" will not be discoverable via DNS: it is not a DNS label`},
		"scripts":     {"enable_script_checks = true", "using enable-script-checks without ACLs and without allow_write_http_from is DANGEROUS, use enable-local-script-checks instead, see https://www.hashicorp.com/blog/protecting-consul-from-rce-risk-in-specific-configurations/"},
		"guarded":     {"enable_script_checks = true acl { enabled = true }", ""},
		"no clients":  {`client_addr = ""`, "client_addr is empty, client services (DNS, HTTP, HTTPS, GRPC) will not be listening for connections"},
		"prefix":      {`telemetry { prefix_filter = ["x", ""] }`, "Filter rule must begin with either '+' or '-': \"x\"\nCannot have empty filter rule in prefix_filter"},
		"unserved":    {`cloud { hostname = "x" } connect { enable_serverless_plugin = true } audit { enabled = true } services { name = "a" proxy { access_logs { enabled = true } } } services { name = "b" proxy { access_logs {} } }`, "\"audit\" is a Consul Enterprise configuration and will have no effect\nthese settings are accepted, but this version of Praetor does not act on them: services.proxy.access_logs, connect.enable_serverless_plugin, cloud.hostname"},
		"deprecated":  {`tls_prefer_server_cipher_suites = true acl_enforce_version_8 = true`, "The 'tls_prefer_server_cipher_suites' field is deprecated and will be ignored.\nThe 'acl_enforce_version_8' field is deprecated and will be ignored."},
		"circonus":    {`telemetry { circonus_api_token = "x" circonus_check_id = "y" }`, "Praetor sends no metrics to Circonus: telemetry.circonus_api_token, telemetry.circonus_check_id have no effect; see telemetry.statsd_address and telemetry.prometheus_retention_time"},
		"intentions":  {`default_intention_policy = "maybe"`, `default_intention_policy is "maybe", neither allow nor deny: it does not count`},
		"streaming":   {"rpc { enable_streaming = true }", "rpc.enable_streaming = true has no effect when not running in server mode"},
	} {
		t.Run(name, func(t *testing.T) {
			_, warnings, err := config.LoadOn(host, &config.Flags{HCL: []string{`data_dir = "/x"`, c.hcl}})
			ok(t, err)
			if !strings.Contains(c.want, "these settings are accepted") {
				warnings = served(warnings)
			}
			want(t, strings.Join(warnings, "\n"), c.want)
		})
	}
}

func TestReadReplicaIsForServersThatJoin(t *testing.T) {
	for args, is := range map[string]bool{
		"-server -read-replica": true, "-server -non-voting-server": true, "-server -bootstrap-expect=3 -read-replica": true,
		"-read-replica": false, "-server -bootstrap -read-replica": false, "-server -bootstrap-expect=1 -read-replica": false, "-dev -read-replica": false,
	} {
		want(t, load(t, append(strings.Fields(args), "-data-dir=/x")...).ReadReplica, is)
	}
}

func TestKeysMatchInAnyCaseAndByAlias(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a.json": `{"SERVICE": {"Name": "web", "PORT": 7, "Check": {"TTL": "1h", "DeregisterCriticalServiceAfter": "2h"}}, "Check": {"ID": "n", "NAME": "n", "scriptargs": ["x"], "Interval": "1s", "DockerContainerID": "d", "TLSSkipVerify": true, "ServiceID": "web", "Status": "passing"}, "non_voting_server": true, "enable_local_script_checks": true}`})
	rt := load(t, "-dev", "-config-file", dir+"/a.json")
	svc := rt.Services[0]
	want(t, svc.Service.Port, 7)
	want(t, svc.Checks[0].Definition.DeregisterCriticalServiceAfter, 2*time.Hour)
	c := rt.NodeChecks[0].Check
	want(t, c.Definition.ScriptArgs, []string{"x"})
	want(t, c.Definition.DockerContainerID, "d")
	want(t, c.Definition.TLSSkipVerify, true)
	want(t, c.ServiceID, "web")
	want(t, c.Status, "passing")
}

func TestFieldsOfOursAreNoKeys(t *testing.T) {
	for _, text := range []string{`service { origin = "x" }`, `"-" = "x"`, `deprecatedSettings {}`} {
		if err := config.ParseText(text, "hcl"); err == nil || !strings.Contains(err.Error(), "invalid config key") {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func parseFlags(t *testing.T, args ...string) *config.Flags {
	t.Helper()
	f, err := tryFlags(args...)
	ok(t, err)
	return f
}

func load(t *testing.T, args ...string) *config.Runtime {
	t.Helper()
	return loadOn(t, host, args...)
}

func loadOn(t *testing.T, h config.Host, args ...string) *config.Runtime {
	t.Helper()
	rt, _, err := config.LoadOn(h, parseFlags(t, args...))
	ok(t, err)
	return rt
}

func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	ok(t, os.MkdirAll(filepath.Dir(path), 0o755))
	ok(t, os.WriteFile(path, []byte(text), 0o644))
}

func texts[T interface{ String() string }](values []T) []string {
	var out []string
	for _, v := range values {
		out = append(out, v.String())
	}
	return out
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want[T any](t *testing.T, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func wantError(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", text)
	}
	want(t, err.Error(), text)
}

// served leaves out the warning about settings without effect, for tests of
// other warnings.
func served(warnings []string) []string {
	return slices.DeleteFunc(warnings, func(w string) bool { return strings.HasPrefix(w, "these settings are accepted") })
}
