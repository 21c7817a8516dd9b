package config_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"praetor/agent/config"
)

// tryFlags parses args as internal/cli does: "-name value" becomes "--name=value".
func tryFlags(args ...string) (*config.Flags, error) {
	var f config.Flags
	fs := newFlagSet(&f)
	var rewritten []string
	for i := 0; i < len(args); i++ {
		name, _, hasValue := strings.Cut(strings.TrimPrefix(args[i], "-"), "=")
		word := "-" + args[i]
		if flag := fs.Lookup(name); flag != nil && !hasValue && flag.NoOptDefVal == "" {
			i++
			word += "=" + args[i]
		}
		rewritten = append(rewritten, word)
	}
	return &f, fs.Parse(rewritten)
}

func newFlagSet(f *config.Flags) *pflag.FlagSet {
	fs := pflag.NewFlagSet("agent", pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	f.Register(fs)
	return fs
}

// Every flag sets its own value; a flag without a row fails the test.
func TestEveryFlagSetsItsValue(t *testing.T) {
	type get = func(*config.Runtime) any
	rows := map[string]struct {
		args string // "" means the flag alone; several words are several flags
		get  get
		want string
	}{
		"datacenter":                 {"=DC9", func(r *config.Runtime) any { return r.Datacenter }, "dc9"},
		"node":                       {"=n9", func(r *config.Runtime) any { return r.NodeName }, "n9"},
		"node-id":                    {"=ABCDEF00-1111-2222-3333-444455556666", func(r *config.Runtime) any { return r.NodeID }, "abcdef00-1111-2222-3333-444455556666"},
		"node-meta":                  {"=a:b:c -node-meta=d", func(r *config.Runtime) any { return r.NodeMeta }, "map[a:b:c d:]"},
		"disable-host-node-id":       {"=false", func(r *config.Runtime) any { return r.DisableHostNodeID }, "false"},
		"data-dir":                   {"=/nowhere", func(r *config.Runtime) any { return r.DataDir }, "/nowhere"},
		"server":                     {"=false", func(r *config.Runtime) any { return r.Server }, "false"},
		"bootstrap":                  {"", func(r *config.Runtime) any { return r.Bootstrap }, "true"},
		"protocol":                   {"=3", func(r *config.Runtime) any { return r.Protocol }, "3"},
		"raft-protocol":              {"=3", func(r *config.Runtime) any { return "3" }, "3"},
		"pid-file":                   {"=/p", func(r *config.Runtime) any { return r.PidFile }, "/p"},
		"bind":                       {"=127.0.0.2", func(r *config.Runtime) any { return r.RPCBind }, "127.0.0.2:8300"},
		"client":                     {"=127.0.0.3 ::1", func(r *config.Runtime) any { return r.ClientAddrs }, "[127.0.0.3 ::1]"},
		"advertise":                  {"=1.1.1.1", func(r *config.Runtime) any { return r.TaggedAddresses["lan_ipv4"] }, "1.1.1.1"},
		"advertise-wan":              {"=1.1.1.2", func(r *config.Runtime) any { return r.TaggedAddresses["wan"] }, "1.1.1.2"},
		"serf-lan-bind":              {"=127.0.0.4", func(r *config.Runtime) any { return r.SerfBindLAN }, "127.0.0.4:8301"},
		"serf-wan-bind":              {"=127.0.0.5", func(r *config.Runtime) any { return r.SerfBindWAN }, "127.0.0.5:8302"},
		"serf-lan-port":              {"=1", func(r *config.Runtime) any { return r.SerfBindLAN.Port() }, "1"},
		"serf-wan-port":              {"=-1", func(r *config.Runtime) any { return r.Ports.SerfWAN }, "-1"},
		"server-port":                {"=3", func(r *config.Runtime) any { return r.RPCAdvertise.Port() }, "3"},
		"http-port":                  {"=0x10", func(r *config.Runtime) any { return r.HTTPAddrs }, "[127.0.0.1:16]"},
		"https-port":                 {"=5", func(r *config.Runtime) any { return r.HTTPSAddrs }, "[127.0.0.1:5]"},
		"dns-port":                   {"=-1", func(r *config.Runtime) any { return r.DNSAddrs }, "[]"},
		"grpc-port":                  {"=7", func(r *config.Runtime) any { return r.GRPCAddrs }, "[127.0.0.1:7]"},
		"grpc-tls-port":              {"=8", func(r *config.Runtime) any { return r.GRPCTLSAddrs }, "[127.0.0.1:8]"},
		"serf-lan-allowed-cidrs":     {"=10.0.0.1/8", func(r *config.Runtime) any { return r.SerfAllowedCIDRsLAN }, "[10.0.0.0/8]"},
		"serf-wan-allowed-cidrs":     {"=::/0", func(r *config.Runtime) any { return r.SerfAllowedCIDRsWAN }, "[::/0]"},
		"allow-write-http-from":      {"=10.0.0.0/8", func(r *config.Runtime) any { return r.HTTP.AllowWriteFrom }, "[10.0.0.0/8]"},
		"join":                       {"=a -join=b", func(r *config.Runtime) any { return r.JoinLAN.Addresses }, "[a b]"},
		"join-wan":                   {"=c", func(r *config.Runtime) any { return r.JoinWAN.Addresses }, "[c]"},
		"retry-join":                 {"=d -retry-join=provider=x_key=v", func(r *config.Runtime) any { return r.JoinLAN.Addresses }, "[d provider=x_key=v]"},
		"retry-join-wan":             {"=e", func(r *config.Runtime) any { return r.JoinWAN.Addresses }, "[e]"},
		"retry-interval":             {"=1s", func(r *config.Runtime) any { return r.JoinLAN.Interval }, "1s"},
		"retry-interval-wan":         {"=2s", func(r *config.Runtime) any { return r.JoinWAN.Interval }, "2s"},
		"retry-max":                  {"=3", func(r *config.Runtime) any { return r.JoinLAN.MaxAttempts }, "3"},
		"retry-max-wan":              {"=4", func(r *config.Runtime) any { return r.JoinWAN.MaxAttempts }, "4"},
		"rejoin":                     {"", func(r *config.Runtime) any { return r.RejoinAfterLeave }, "true"},
		"encrypt":                    {"=c2l4dGVlbiBieXRlcyBvaw==", func(r *config.Runtime) any { return r.Gossip.EncryptKey }, "c2l4dGVlbiBieXRlcyBvaw=="},
		"disable-keyring-file":       {"=false", func(r *config.Runtime) any { return r.Gossip.DisableKeyringFile }, "false"},
		"domain":                     {"=a.", func(r *config.Runtime) any { return r.Domain }, "a."},
		"alt-domain":                 {"=b.", func(r *config.Runtime) any { return r.AltDomain }, "b."},
		"recursor":                   {"=8.8.8.8 -recursor=[::1]:54 -recursor=::2", func(r *config.Runtime) any { return r.DNS.Recursors }, "[8.8.8.8:53 [::1]:54 [::2]:53]"},
		"enable-script-checks":       {"", func(r *config.Runtime) any { return []bool{r.Checks.EnableRemoteScripts, r.Checks.EnableLocalScripts} }, "[true true]"},
		"enable-local-script-checks": {"", func(r *config.Runtime) any { return []bool{r.Checks.EnableRemoteScripts, r.Checks.EnableLocalScripts} }, "[false true]"},
		"check_output_max_size":      {"=9", func(r *config.Runtime) any { return r.Checks.OutputMaxSize }, "9"},
		"default-query-time":         {"=1m", func(r *config.Runtime) any { return r.DefaultQueryTime }, time.Minute.String()},
		"max-query-time":             {"=2m", func(r *config.Runtime) any { return r.MaxQueryTime }, "2m0s"},
		"log-level":                  {"=warn", func(r *config.Runtime) any { return r.Log.Level }, "WARN"},
		"log-json":                   {"", func(r *config.Runtime) any { return r.Log.JSON }, "true"},
		"log-file":                   {"=/l/", func(r *config.Runtime) any { return r.Log.File }, "/l/"},
		"log-rotate-bytes":           {"=5", func(r *config.Runtime) any { return r.Log.RotateBytes }, "5"},
		"log-rotate-duration":        {"=1h", func(r *config.Runtime) any { return r.Log.RotateDuration }, "1h0m0s"},
		"log-rotate-max-files":       {"=-1", func(r *config.Runtime) any { return r.Log.RotateMaxFiles }, "-1"},
		"syslog":                     {"", func(r *config.Runtime) any { return r.Log.Syslog }, "true"},
		"ui":                         {"=false", func(r *config.Runtime) any { return r.UI.Enabled }, "false"},
		"ui-dir":                     {"=/u", func(r *config.Runtime) any { return r.UI.Dir }, "/u"},
		"ui-content-path":            {"=my/ui", func(r *config.Runtime) any { return r.UI.ContentPath }, "/my/ui/"},
		"auto-reload-config":         {"", func(r *config.Runtime) any { return r.AutoReload }, "true"},
		"hcl":                        {`=node_name="h"`, func(r *config.Runtime) any { return r.NodeName }, "h"},
		"dev":                        {"", func(r *config.Runtime) any { return r.Dev }, "true"},
	}
	elsewhere := map[string]string{
		"config-file": "TestLaterSourcesWinMapsMergeAndListsJoin", "config-dir": "TestLaterSourcesWinMapsMergeAndListsJoin",
		"config-format": "TestAForcedFormatReadsAnySuffix", "bootstrap-expect": "TestWarnings", "segment": "testdata/bad",
		"read-replica": "TestReadReplicaIsForServersThatJoin", "non-voting-server": "TestReadReplicaIsForServersThatJoin", "primary-gateway": "not served",
	}
	newFlagSet(&config.Flags{}).VisitAll(func(f *pflag.Flag) {
		t.Run(f.Name, func(t *testing.T) {
			row, ok := rows[f.Name]
			if !ok {
				if elsewhere[f.Name] == "" {
					t.Error("flag has no row")
				}
				return
			}
			if f.Usage == "" {
				t.Error("flag has no help")
			}
			args := []string{"--dev"}
			if strings.Contains(row.args, " -") {
				args = append(args, strings.Split("-"+"-"+f.Name+strings.ReplaceAll(row.args, " -", " --"), " ")...)
			} else {
				args = append(args, "--"+f.Name+row.args)
			}
			var flags config.Flags
			if err := newFlagSet(&flags).Parse(args); err != nil {
				t.Fatal(err)
			}
			rt, _, err := config.LoadOn(host, &flags)
			if err != nil {
				t.Fatal(err)
			}
			want(t, fmt.Sprint(row.get(rt)), row.want)
		})
	})
}

func TestFlagsRefuseWhatCannotBeRead(t *testing.T) {
	for _, args := range []string{"--http-port=0x", "--http-port=x", "--http-port=99999999999999999999", "--server=foo", "--dev=foo", "--bootstrap-expect="} {
		err := newFlagSet(&config.Flags{}).Parse([]string{args})
		var invalid *pflag.InvalidValueError
		if !errors.As(err, &invalid) || invalid.Unwrap().Error() != "parse error" {
			t.Errorf("%s: got %v", args, err)
		}
	}
	if err := newFlagSet(&config.Flags{}).Parse([]string{"--bogus"}); err == nil {
		t.Error("unknown flag accepted")
	}
}

func TestABadDurationFlagIsAFaultOfItsKey(t *testing.T) {
	_, _, err := config.LoadOn(host, parseFlags(t, "-dev", "-retry-interval", "abc"))
	wantError(t, err, "1 error occurred:\n\t* retry_interval: invalid duration: \"abc\": time: invalid duration \"abc\"\n\n")
}
