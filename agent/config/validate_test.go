package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"praetor/agent/config"
)

// TestValidateSaysWhatTheAgentWouldSay of every file in testdata/bad, but for what Consul
// leaves to the start (reference/cli.md §3, validate).
func TestValidateSaysWhatTheAgentWouldSay(t *testing.T) {
	passes := map[string]string{ // what validate says instead, after "!" as a warning
		"acl_policy.json": "", "check_script.json": "", "encrypt_length.hcl": "", "log_level.hcl": "", "node_id.json": "", "service_script.json": "", "watches.json": "",
		"os_service.hcl":      "!the agent will not start: Failed to register check \"service:web\": os_service \"web.service\": not implemented",
		"telemetry_sinks.hcl": "data_dir cannot be empty",
		"service_values.hcl":  "6 errors occurred:\n\t* Invalid weight definition for service a",
	}
	files, err := filepath.Glob("testdata/bad/*")
	ok(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, ".want") {
			continue
		}
		_, _, atStart := config.LoadOn(host, &config.Flags{Files: []string{file}})
		warnings, err := config.ValidateOn(host, []string{file}, "")
		said := fmt.Sprint(err)
		if err == nil {
			said = strings.Join(append([]string{""}, served(warnings)...), "!")
		}
		wanted, lenient := passes[filepath.Base(file)]
		switch {
		case !lenient && said != atStart.Error():
			t.Errorf("%s: validate says %s\nthe agent says %s", file, said, atStart)
		case lenient && (!strings.HasPrefix(said, wanted) || wanted == "" && said != ""):
			t.Errorf("%s: validate says %s\nwant %s", file, said, wanted)
		}
	}
}

// TestThisMachineIsAskedWhatItHas: the machine is pretended elsewhere. Here a template
// and the reading of interfaces agree, and all three ways in lead to the same.
func TestThisMachineIsAskedWhatItHas(t *testing.T) {
	const hcl = `bind_addr = "{{ GetAllInterfaces | include \"flags\" \"loopback\" | include \"type\" \"IPv4\" | limit 1 | join \"address\" \" \" }}"`
	dir := writeFiles(t, map[string]string{"a.hcl": "data_dir = \"/x\"\n" + hcl, "bad.hcl": "data_dir = \"/x\"\nbogus = 1"})
	rt, _, err := config.Load(&config.Flags{Files: []string{dir + "/a.hcl"}})
	ok(t, err)
	if !rt.BindAddr.IsLoopback() {
		t.Errorf("bound to %s", rt.BindAddr)
	}
	name, err := os.Hostname()
	ok(t, err)
	want(t, rt.NodeName, name)
	addresses, up, err := config.LoopbackOfThisMachine()
	ok(t, err)
	if !up || !strings.Contains(" "+strings.Join(addresses, " ")+" ", " "+rt.BindAddr.String()+" ") {
		t.Errorf("its loopback addresses are %v, up: %t; without %s", addresses, up, rt.BindAddr)
	}
	again, _, err := rt.Reload()
	ok(t, err)
	want(t, again.FixedChanges(rt), nil)
	want(t, changed("", flat(rt), flat(again)), nil)
	_, err = config.Validate([]string{dir + "/a.hcl"}, "")
	ok(t, err)
	_, err = config.Validate([]string{dir + "/bad.hcl"}, "")
	wantError(t, err, "failed to parse "+dir+"/bad.hcl: 1 error occurred:\n\t* invalid config key bogus\n\n")
}

// TestFilesAreReadAsTheyAreWritten has what the parsers say, and where.
func TestFilesAreReadAsTheyAreWritten(t *testing.T) {
	many := func(text string) string { return strings.Repeat(text, 501) }
	for _, c := range []struct{ format, text, want string }{
		{"json", "{", "unexpected end of JSON input"},
		{"json", "{\"a\":\n1,}", "line 2: invalid character '}' looking for beginning of object key string"},
		{"json", "\n\n{\"node_name\": tru}", "line 3: invalid character '}' in literal true (expecting 'e')"},
		{"json", "{\n}\n\nx", "line 4: text after the top-level object"},
		{"json", "{} {}", "line 1: text after the top-level object"},
		{"json", "[]", "line 1: json: cannot unmarshal array into Go value of type map[string]interface {}"},
		{"json", `{"node_name": 1}`, "1 error(s) decoding:\n\n* 'node_name' expected type 'string', got unconvertible type 'float64', value: '1'"},
		{"json", many("["), "nested deeper than 500 levels"},
		{"json", strings.Repeat(" ", 16<<20+1), "larger than 16777216 bytes"},
		{"json", strings.Repeat(" ", 16<<20), ""},
		{"json", "null", ""},
		{"hcl", "ports {", "At 1:9: object expected closing RBRACE got: EOF"},
		{"hcl", "\nnode_name = \"x", "At 2:15: literal not terminated"},
		{"hcl", "node_name = <<X\n", "At 2:1: heredoc not terminated"},
		{"hcl", "ports = 1", "1 error(s) decoding:\n\n* 'ports' expected a map, got 'int'"},
		{"hcl", "server = 1", "1 error(s) decoding:\n\n* 'server' expected type 'bool', got unconvertible type 'int', value: '1'"},
		{"hcl", "retry_join = 1", "1 error(s) decoding:\n\n* 'retry_join': source data must be an array or slice, got int"},
		{"hcl", "node_meta = { a = 1 }", "1 error(s) decoding:\n\n* 'node_meta[a]' expected type 'string', got unconvertible type 'int', value: '1'"},
		{"hcl", "limits { kv_max_value_size = -1 }", "1 error(s) decoding:\n\n* cannot parse 'limits.kv_max_value_size', -1 overflows uint"},
		{"hcl", "server = 1 bogus = 2", "2 errors occurred:\n\t* 'server' expected type 'bool', got unconvertible type 'int', value: '1'\n\t* invalid config key bogus\n\n"},
		{"hcl", many("a = ["), "nested deeper than 500 levels"},
		{"hcl", "# no key\n// nor here\n/* nor here */", ""},
	} {
		err := config.ParseText(c.text, c.format)
		if text := fmt.Sprint(err); text != c.want && (err != nil || c.want != "") {
			t.Errorf("%s %.40q:\n got %s\nwant %s", c.format, c.text, text, c.want)
		}
	}
}

// TestConfigEntriesAreReadInBothLanguages, which the first byte tells apart.
func TestConfigEntriesAreReadInBothLanguages(t *testing.T) {
	for text, wanted := range map[string]string{
		`Kind = "mesh"`:            "*configentry.Mesh",
		"\n\t{\"kind\": \"mesh\"}": "*configentry.Mesh",
		`kind = "service-defaults" name = "a" protocol = "http"`:       "*configentry.ServiceDefaults",
		`{"Kind": "proxy-defaults", "Name": "global", "Config": null}`: "*configentry.ProxyDefaults",
		``:                          "Payload does not contain a kind/Kind key at the top level",
		`{}`:                        "Payload does not contain a kind/Kind key at the top level",
		`Kind = "moon"`:             "invalid config entry kind: moon",
		` {`:                        "Failed to decode config entry input: unexpected end of JSON input",
		`Kind = "mesh`:              "Failed to decode config entry input: At 1:13: literal not terminated",
		`Kind = "mesh" bogus = "x"`: "1 error occurred:\n\t* invalid config key \"bogus\"\n\n",
	} {
		entry, err := config.ParseEntry(text)
		got := fmt.Sprintf("%T", entry)
		if err != nil {
			got = err.Error()
		}
		if got != wanted {
			t.Errorf("%s: %s, want %s", text, got, wanted)
		}
	}
}

// TestEntriesOfTheFirstLeader: each that cannot be kept is named by its place.
func TestEntriesOfTheFirstLeader(t *testing.T) {
	rt := load(t, "-dev", "-hcl", `config_entries { bootstrap = [{ Kind = "proxy-defaults" Name = "global" Config { a = { b = 1 } } }, { kind = "mesh" }] }`)
	want(t, len(rt.Entries), 2)
	_, _, err := config.LoadOn(host, parseFlags(t, "-dev", "-hcl", `config_entries { bootstrap = [{ kind = "mesh" }, { kind = "moon" }, { name = "a" }, { kind = "proxy-defaults" name = "other" }] }`))
	if err == nil {
		t.Fatal("accepted")
	}
	for _, line := range []string{
		"* config_entries.bootstrap[1]: invalid config entry kind: moon\n\t  set in flags-0.hcl",
		"* config_entries.bootstrap[2]: Payload does not contain a kind/Kind key at the top level\n\t  set in flags-0.hcl",
		"* config_entries.bootstrap[3]: ",
	} {
		if !strings.Contains(err.Error(), line) {
			t.Errorf("no %q in %v", line, err)
		}
	}
	if strings.Contains(err.Error(), "bootstrap[0]") {
		t.Errorf("the good one is refused: %v", err)
	}
}
