package config_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"praetor/agent/config"
	"praetor/catalog"
)

// TestBlocksMergeKeyByKey has two sources, and what they make together.
func TestBlocksMergeKeyByKey(t *testing.T) {
	for _, c := range []struct {
		name, first, second string
		got                 func(rt *config.Runtime) any
		want                any
	}{
		{"one key each", `ports { http = 1 }`, `ports { dns = 2 }`, func(rt *config.Runtime) any { return []int{rt.Ports.HTTP, rt.Ports.DNS, rt.Ports.Server} }, []int{1, 2, 8300}},
		{"the same key", `ports { http = 1 dns = 3 }`, `ports { http = 2 }`, func(rt *config.Runtime) any { return []int{rt.Ports.HTTP, rt.Ports.DNS} }, []int{2, 3}},
		{"a block that may be absent", `locality { region = "a" }`, `locality { zone = "b" }`, func(rt *config.Runtime) any { return *rt.Locality }, catalog.Locality{Region: "a", Zone: "b"}},
		{"its other half", `locality { region = "a" zone = "b" }`, `locality { region = "c" }`, func(rt *config.Runtime) any { return *rt.Locality }, catalog.Locality{Region: "c", Zone: "b"}},
		{"blocks in blocks", `raft_logstore { wal { segment_size_mb = 2 } }`, `raft_logstore { verification { interval = "3s" } }`,
			func(rt *config.Runtime) any { return []any{rt.Raft.SegmentSizeMB, rt.Raft.VerifyInterval} }, []any{2, 3 * time.Second}},
		{"maps", `dns_config { service_ttl { a = "1s" b = "1s" } }`, `dns_config { service_ttl { b = "2s" c = "2s" } }`, func(rt *config.Runtime) any { return rt.DNS.ServiceTTL },
			map[string]time.Duration{"a": time.Second, "b": 2 * time.Second, "c": 2 * time.Second}},
		{"lists", `recursors = ["1.1.1.1"]`, `recursors = ["2.2.2.2", "1.1.1.1"]`, func(rt *config.Runtime) any { return rt.DNS.Recursors }, []string{"1.1.1.1:53", "2.2.2.2:53", "1.1.1.1:53"}},
		{"lists in blocks", `telemetry { prefix_filter = ["+a"] }`, `telemetry { prefix_filter = ["+b"] }`, func(rt *config.Runtime) any { return rt.Telemetry.AllowedPrefixes }, []string{"a", "b"}},
		{"lists of blocks", `ui_config { metrics_proxy { add_headers { name = "a" value = "1" } } }`, `ui_config { metrics_proxy { add_headers = [{ name = "b" value = "2" }] } }`,
			func(rt *config.Runtime) any { return rt.UI.MetricsProxyHeaders }, []config.Header{{Name: "a", Value: "1"}, {Name: "b", Value: "2"}}},
		{"watches", `watches = [{ type = "nodes" args = ["a"] }]`, `watches { type = "services" args = ["b"] }`, func(rt *config.Runtime) any { return []string{rt.Watches[0].Type, rt.Watches[1].Type} }, []string{"nodes", "services"}},
		{"an empty list adds nothing", `recursors = ["1.1.1.1"]`, `recursors = []`, func(rt *config.Runtime) any { return rt.DNS.Recursors }, []string{"1.1.1.1:53"}},
		{"an empty text is a value", `domain = "a."`, `domain = ""`, func(rt *config.Runtime) any { return rt.Domain }, ""},
		{"a later check with the same ID", `check { id = "c" name = "one" ttl = "1s" }`, `check { id = "c" name = "two" ttl = "1s" }`,
			func(rt *config.Runtime) any {
				return []any{len(rt.NodeChecks), rt.NodeChecks[0].Check.Name, rt.NodeChecks[0].Origin}
			}, []any{1, "two", "flags-2.hcl"}},
	} {
		rt, _, err := config.LoadOn(host, &config.Flags{HCL: []string{`data_dir = "/x"`, c.first, c.second}})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := c.got(rt); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestFaultsSayWhereTheValueWasSet: in the last source that set it. What flags and
// defaults say stands in no file.
func TestFaultsSayWhereTheValueWasSet(t *testing.T) {
	for _, c := range []struct {
		name     string
		a, b     string // two files
		flags    string
		fragment string
		fault    string
		where    string // "" for none
	}{
		{"a file", `datacenter = "a b"`, ``, "", "", `datacenter can only contain`, "a.hcl"},
		{"the later file", `datacenter = "a b"`, `datacenter = "a c"`, "", "", `received: "a c"`, "b.hcl"},
		{"a flag", `datacenter = "a b"`, ``, "-datacenter=x.y", "", `received: "x.y"`, ""},
		{"a fragment", `datacenter = "a b"`, ``, "-datacenter=x.y", `datacenter = "z z"`, `received: "z z"`, "flags-0.hcl"},
		{"a default", `server = true ports { server = 8301 }`, ``, "", "", "Serf Advertise LAN address 10.1.2.3:8301 already configured for RPC Advertise", ""},
		{"one of a map", `dns_config { service_ttl { a = "1x" } }`, `dns_config { service_ttl { b = "1s" } }`, "", "", `dns_config.service_ttl.a: invalid duration: "1x"`, "a.hcl"},
		{"half of a block", `locality { zone = "z" }`, `node_name = "n"`, "", "", "zone cannot be set without region", "a.hcl"},
		{"an old key", `acl_ttl = "1x"`, `node_name = "n"`, "", "", `acl.token_ttl: invalid duration: "1x"`, "a.hcl"},
		{"a service", `service { name = "a" }`, `service { name = "b" weights { passing = 0 } }`, "", "", "Invalid weight definition for service b", "b.hcl"},
		{"a check", `check { name = "c" tcp = "x:1" }`, `check { name = "d" ttl = "1s" }`, "", "", `check "c": Interval must be > 0`, "a.hcl"},
		{"a check without a name", `check { id = "c" tcp = "x:1" }`, ``, "", "", `check "c": `, "a.hcl"},
		{"a watch", `watches { type = "nodes" args = ["x"] }`, `watches { type = "moon" args = ["x"] }`, "", "", "watches[1]: Unsupported watch type: moon", "b.hcl"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := writeFiles(t, map[string]string{"a.hcl": "data_dir = \"/x\"\n" + c.a, "b.hcl": c.b})
			args := append([]string{"-config-dir", dir}, strings.Fields(c.flags)...)
			if c.fragment != "" {
				args = append(args, "-hcl", c.fragment)
			}
			_, _, err := config.LoadOn(host, parseFlags(t, args...))
			if err == nil {
				t.Fatal("accepted")
			}
			said, where, _ := strings.Cut(err.Error(), "\n\t  set in ")
			where, _, _ = strings.Cut(where, "\n")
			if !strings.Contains(said, c.fault) || strings.TrimPrefix(where, dir+"/") != c.where {
				t.Errorf("%q in %q, want %q in %q", said, where, c.fault, c.where)
			}
		})
	}
}

// TestLoadsKeepOutOfEachOthersWay: they share the parsed defaults. Each file of the
// corpus is loaded beside the others, and none changes what the next one gets.
func TestLoadsKeepOutOfEachOthersWay(t *testing.T) {
	before := flat(load(t, "-dev"))
	files, err := filepath.Glob("testdata/corpus/*[^t]")
	ok(t, err)
	var (
		all  sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	for _, file := range files {
		flags := &config.Flags{Dev: true, Files: []string{file}}
		alone, _, err := config.LoadOn(host, flags)
		if err != nil {
			continue // what is refused is refused elsewhere
		}
		kept := flat(alone)
		for range 3 {
			all.Go(func() {
				rt, _, err := config.LoadOn(host, flags)
				if err == nil {
					if diff := changed("", kept, flat(rt)); diff != nil {
						err = fmt.Errorf("%s beside others: %s", file, diff)
					}
				}
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			})
		}
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil || len(errs) < 30 {
		t.Errorf("%d loads: %v", len(errs), err)
	}
	want(t, changed("", before, flat(load(t, "-dev"))), nil)
}

// TestFixedChangesAreNamedTogether, in the order of the reference, by whatever name they
// were written.
func TestFixedChangesAreNamedTogether(t *testing.T) {
	base := load(t, "-dev", "-hcl", `datacenter = "a" ports { http = 1 } node_meta { a = "b" }`)
	for hcl, keys := range map[string]string{
		`datacenter = "a" ports { http = 1 } node_meta { a = "b" }`:                                       "",
		`datacenter = "a" ports { http = 1 } node_meta { a = "c" } log_level = "WARN"`:                    "",
		`datacenter = "b" ports { http = 2 dns = 3 } node_meta { a = "b" }`:                               "datacenter ports.dns ports.http",
		`datacenter = "A" ports { http = 1 } node_meta { a = "b" }`:                                       "datacenter", // as it is written
		`datacenter = "a" ports { http = 1 } node_meta { a = "b" } start_join = ["x"]`:                    "retry_join start_join",
		`datacenter = "a" node_meta { a = "b" } service { name = "s" } xds { update_max_per_second = 1 }`: "ports.http",
	} {
		if got := strings.Join(base.FixedChanges(load(t, "-dev", "-hcl", hcl)), " "); got != keys {
			t.Errorf("%s: %q, want %q", hcl, got, keys)
		}
	}
	want(t, base.FixedChanges(&config.Runtime{}), nil) // one that was not read
	want(t, new(config.Runtime).FixedChanges(base), nil)
}

// TestWatchedFilesAreNamedOnce: the sources as they were given, and what is shown and its
// keys. Authorities do not change by themselves (reference/config.md §2.10).
func TestWatchedFilesAreNamedOnce(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a.hcl": `tls { defaults { ca_file = "ca" cert_file = "c" key_file = "k" } grpc { cert_file = "g" key_file = "k" } }`, "d/b.hcl": ""})
	rt := load(t, "-dev", "-config-file", dir+"/a.hcl", "-config-dir", dir+"/d", "-hcl", `tls { https { cert_file = "`+dir+`/a.hcl" } }`)
	want(t, rt.Watched, []string{dir + "/a.hcl", dir + "/d", "c", "k", "g"})
	want(t, load(t, "-dev").Watched, nil)
}

func TestOneExpectedServerBootstraps(t *testing.T) {
	for hcl, wanted := range map[string]string{
		"bootstrap_expect = 0": "false 0", "bootstrap_expect = 1": "true 0", "bootstrap_expect = 2": "false 2", "bootstrap_expect = 3": "false 3", "bootstrap = true": "true 0",
	} {
		rt := load(t, "-data-dir", "/x", "-server", "-hcl", hcl)
		want(t, fmt.Sprint(rt.Bootstrap, " ", rt.BootstrapExpect), wanted)
	}
}

// TestConnectionsOfAllClientsLeaveFilesForTheRest: half of what the system lets open.
func TestConnectionsOfAllClientsLeaveFilesForTheRest(t *testing.T) {
	for _, c := range []struct {
		files uint64 // 0: not known
		hcl   string
		want  int
	}{
		{0, ``, 16384}, {1 << 20, ``, 16384}, {32768, ``, 16384}, {32766, ``, 16383}, {1024, ``, 512},
		{1024, `limits { http_max_conns = 100 }`, 100}, {1024, `limits { http_max_conns = 0 }`, 0},
		{1, `limits { http_max_conns_per_client = 0 }`, 1},
	} {
		machine := host
		machine.MaxFiles = c.files
		want(t, loadOn(t, machine, "-dev", "-hcl", c.hcl).Limits.HTTPMaxConns, c.want)
	}
}

// TestServicesAreReadForTheCommands: services register and deregister take what can be
// read. What else is wrong, the agent says.
func TestServicesAreReadForTheCommands(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a service", `{"service": {"name": "a", "port": 1, "check": {"ttl": "1s"}}}`, "a 1 [service:a]"},
		{"several", `{"services": [{"name": "a"}, {"name": "b", "id": "c"}]}`, "a 0 [] c 0 []"},
		{"an ID alone", `{"service": {"id": "c"}}`, "c 0 []"},
		{"a proxy without its service", `{"service": {"name": "p", "kind": "connect-proxy", "port": 1}}`, "p 1 []"},
		{"beside what an agent has", `{"datacenter": "a b", "service": {"name": "a"}, "bind_addr": "0.0.0.0"}`, "a 0 []"},
		{"none", `{}`, ""},
		{"a check that cannot be", `{"service": {"name": "a", "check": {"tcp": "x:1"}}}`, `service "a": check "": Interval must be > 0 for Script, HTTP, H2PING, TCP, UDP or OSService checks`},
		{"a duration that cannot be read", `{"service": {"name": "a", "check": {"ttl": "1x"}}}`, "1 error occurred:\n\t* check[service:a].ttl: invalid duration: "},
		{"an unknown key", `{"service": {"name": "a", "prot": 1}}`, "failed to parse DIR/a.json: 1 error occurred:\n\t* invalid config key service.prot\n\t  did you mean \"port\"?"},
	} {
		dir := writeFiles(t, map[string]string{"a.json": c.text})
		services, err := config.ReadServices([]string{dir + "/a.json"})
		var list []string
		for _, s := range services {
			var checks []string
			for _, check := range s.Checks {
				checks = append(checks, check.CheckID)
			}
			list = append(list, fmt.Sprint(s.Service.ID, " ", s.Service.Port, " ", checks))
		}
		got := strings.Join(list, " ")
		if err != nil {
			got = err.Error()
		}
		if wanted := strings.ReplaceAll(c.want, "DIR", dir); !strings.HasPrefix(got, wanted) || wanted == "" && got != "" {
			t.Errorf("%s: %s, want %s", c.name, got, wanted)
		}
	}
}

// TestTheLastSourceThatSaysItWins: of every choice of sources, in the order of
// reference/config.md §1.1, for a text, a number in a block and a switch.
func TestTheLastSourceThatSaysItWins(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"1.hcl": `log_level = "WARN" ports { http = 1 } ui_config { enabled = false }`, "2.json": `{"log_level": "ERROR", "ports": {"http": 2}, "ui_config": {"enabled": true}}`,
	})
	sources := []struct {
		args []string
		want string // the level, the port, and whether there is a UI
	}{
		{[]string{"-dev"}, "DEBUG 8500 true"},
		{[]string{"-config-file", dir + "/1.hcl"}, "WARN 1 false"},
		{[]string{"-config-file", dir + "/2.json"}, "ERROR 2 true"},
		{[]string{"-log-level", "trace", "-http-port", "3", "-ui=false"}, "TRACE 3 false"},
		{[]string{"-hcl", `log_level = "info" ports { http = 4 } ui_config { enabled = true }`}, "INFO 4 true"},
		{[]string{"-hcl", `log_level = "err" ports { http = 5 } ui_config { enabled = false }`}, "ERR 5 false"},
	}
	for chosen := range 1 << len(sources) {
		args, wanted := []string{"-data-dir", "/x"}, "INFO 8500 false"
		for i, s := range sources {
			if chosen>>i&1 == 1 {
				args, wanted = append(args, s.args...), s.want
			}
		}
		rt := load(t, args...)
		if got := fmt.Sprint(rt.Log.Level, " ", rt.Ports.HTTP, " ", rt.UI.Enabled); got != wanted {
			t.Errorf("%q: %s, want %s", args, got, wanted)
		}
	}
	// Where flags stand among the others does not matter.
	rt := load(t, "-log-level", "trace", "-hcl", `ports { http = 4 }`, "-config-file", dir+"/2.json", "-http-port", "3", "-data-dir", "/x")
	want(t, fmt.Sprint(rt.Log.Level, " ", rt.Ports.HTTP), "TRACE 4")
}
