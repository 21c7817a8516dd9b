package cli_test

import (
	"bytes"
	"strings"
	"testing"

	"praetor/internal/cli"
)

// TestHelpIsLaidOutAsConsuls: reference/cli.md §1.2: usage, text, the shared flags, then
// the command's own; flags by name, their texts five columns in and wrapped.
func TestHelpIsLaidOutAsConsuls(t *testing.T) {
	play(t, `
$ kv get -h
| Usage: praetor kv get [options] [KEY_OR_PREFIX]
|
|   Prints the value of a key, or lists what lies below a prefix.
|
|   praetor kv get app/color
|   praetor kv get -at=15m app/color
|   praetor kv get -recurse app/
|   praetor kv get -keys
|
| HTTP API Options
|
|   -ca-file=<value>
|      Path to a CA file to verify the agent with. Also CONSUL_CACERT.
|
|   -ca-path=<value>
|      Path to a directory of CA certificates to verify the agent with.
|      Also CONSUL_CAPATH.
|
|   -client-cert=<value>
|      Path to a client certificate, for agents that verify incoming
|      connections. Also CONSUL_CLIENT_CERT.
|
|   -client-key=<value>
|      Path to the client certificate's key. Also CONSUL_CLIENT_KEY.
|
|   -datacenter=<value>
|      Name of the datacenter to query; the agent's own if unspecified.
|
|   -http-addr=<value>
|      The address and port of the agent's HTTP API: an IP address, a DNS
|      name, or unix:///path. Also CONSUL_HTTP_ADDR; the default is
|      http://127.0.0.1:8500, or https:// with CONSUL_HTTP_SSL=true.
|
|   -namespace=<value>
|      Namespace to use. Also CONSUL_NAMESPACE.
|
|   -partition=<value>
|      Admin partition to use. Also CONSUL_PARTITION.
|
|   -stale
|      Permit any server (non-leader) to answer.
|
|   -tls-server-name=<value>
|      The server name to use as the SNI host over TLS. Also
|      CONSUL_TLS_SERVER_NAME.
|
|   -token=<value>
|      ACL token to use in the request. Also CONSUL_HTTP_TOKEN. If
|      unspecified, the agent's own token is used.
|
|   -token-file=<value>
|      File with the ACL token, instead of -token. Also
|      CONSUL_HTTP_TOKEN_FILE.
|
| Command Options
|
|   -at=<value>
|      What the key was at this index, at this time (RFC 3339), or so long
|      ago (15m); see kv history.
|
|   -base64
|      Print the value base64 encoded.
|
|   -detailed
|      Print flags, indexes and session beside the value.
|
|   -format=<value>
|      Output format: pretty or json.
|
|   -keys
|      Print only the keys that start with the prefix.
|
|   -recurse
|      Print every key that starts with the prefix.
|
|   -separator=<value>
|      With -keys: list keys only up to this separator.
$ kv -h
| Usage: praetor kv <subcommand> [options] [args]
|
|   Reads and writes the replicated key-value store.
|
|     praetor kv put app/color blue
|     praetor kv get app/color
|     praetor kv delete app/color
|
| Subcommands:
|
|     delete     Removes data from the KV store
|     export     Exports a tree from the KV store as JSON
|     get        Retrieves or lists data from the KV store
|     history    Lists what changed a key, when, and who did it
|     import     Imports a tree stored as JSON to the KV store
|     put        Sets or updates data in the KV store
|     undo       Gives a key the value back that it had before its last change
$ kv bogus
! Usage: praetor kv <subcommand> [options] [args]
…
= 1
$ keygen -h
| Usage: praetor keygen
|
|   Prints a new key for gossip encryption, for the agent's -encrypt flag.
|
|   praetor keygen
$ version -help
| Usage: praetor version [options]
…
| Command Options
|
|   -format=<value>
|      Output format: pretty or json.
|
|   -licenses
|      Print the licences of all linked modules instead.
|
|   -praetor
|      Print Praetor's own version and revision instead.
$ event -name=x -h
| Usage: praetor event [options] [PAYLOAD]
…
$ lock p -h
< GET /v1/agent/self
> {}
< PUT /v1/session/create {"Name":"Consul lock for '-h' at 'p'","TTL":"15s"}
> 403 no
! Lock acquisition failed: failed to create session: …
= 1
$ kv get -- -h
< GET /v1/kv/-h
> 404
! Error! No key exists at: -h
= 1
$ help
! Usage: praetor [--version] [--help] <command> [<args>]
…
= 127
`)
}

// TestProgramGoesByTheNameItIsCalled: as consul it speaks of consul.
func TestProgramGoesByTheNameItIsCalled(t *testing.T) {
	for path, name := range map[string]string{"/usr/bin/consul": "consul", "consul.exe": "consul", "praetor": "praetor", "/opt/consul-1.21": "praetor", "": "praetor"} {
		var out, errs bytes.Buffer
		code := cli.Main([]string{path, "kv", "get", "-h"}, strings.NewReader(""), &out, &errs)
		if code != 0 || !strings.HasPrefix(out.String(), "Usage: "+name+" kv get") || !strings.Contains(out.String(), "\n  "+name+" kv get -keys\n") {
			t.Errorf("%q: %d %s", path, code, out.String()[:60])
		}
	}
}
