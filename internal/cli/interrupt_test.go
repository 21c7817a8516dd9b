package cli_test

import (
	"strings"
	"testing"
)

func TestLongRunningCommandsRefuseWhatTheyCannotDo(t *testing.T) {
	for _, row := range []struct {
		args, want string
		help       bool
	}{
		{"maint -enable -disable", "Only one of -enable or -disable may be provided", false},
		{"maint -reason=x", "Reason may only be provided with -enable", false},
		{"maint -service=x", "Service requires either -enable or -disable", false},
		{"lock p", "Key prefix and child command must be specified", false},
		{"lock -n=0 p true", "Lock holder limit must be positive", false},
		{"lock -try=-1s p true", "Timeout must be positive", false},
		{"watch", "Watch type must be specified", true},
		{"watch -type=agent_service", "Type agent_service is not supported in the CLI tool", false},
		{"watch -type=connect_roots", "Type connect_roots is not supported in the CLI tool", false},
		{"watch -type=x", "Unsupported watch type: x", false},
		{"watch -type=checks -service=a -state=critical", "Cannot specify service and state", false},
		{"watch -type=key -key=a -tag=b", "Invalid parameters: [tag]", false},
		{"exec", "Must specify a command to execute", true},
		{"exec -", "Must specify a command to execute", true}, // nothing on standard input
		{"exec -shell=false -", "Cannot configure -shell=false when reading from stdin", false},
		{"exec -prefix= true", "The prefix must not be empty", false},
		{"exec -tag=x true", "Cannot provide tag filter without service filter.", false},
	} {
		out, errs, code := run(t, strings.Fields(row.args)...)
		text, rest, _ := strings.Cut(strings.TrimSuffix(errs, "\n"), "\n\n")
		name, _, _ := strings.Cut(row.args, " ")
		if code != 1 || out != "" || text != row.want || strings.HasPrefix(rest, "Usage: praetor "+name) != row.help {
			t.Errorf("%s: %d %s%s\nwant %s", row.args, code, out, errs, row.want)
		}
	}
}

func TestMonitorTellsWhenTheAgentEnds(t *testing.T) {
	answer(t, map[string]string{
		"GET /v1/agent/monitor?loglevel=INFO":               "one\n\ntwo\n",
		"GET /v1/agent/monitor?logjson=true&loglevel=debug": "{}\n",
		"GET /v1/agent/monitor?loglevel=bogus":              "!Unknown log level: bogus",
	})
	const ended = "\nRemote side ended the monitor! This usually means that the\nremote side has exited or crashed.\n"
	want(t, 1, "one\n \ntwo\n", ended, "monitor")
	want(t, 1, "{}\n", ended, "monitor", "-log-json", "-log-level=debug")
	want(t, 1, "", "Error starting monitor: Unexpected response code: 500 (Unknown log level: bogus)\n", "monitor", "-log-level=bogus")
}
