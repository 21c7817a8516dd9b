package cli_test

import (
	"errors"
	"testing"

	"praetor/internal/cli"
)

// TestHints: what a person is told beside an error, and scripts are not.
func TestHints(t *testing.T) {
	for _, row := range []struct{ err, want string }{
		{`Error querying agent: Get "http://127.0.0.1:8500/v1/agent/self": dial tcp 127.0.0.1:8500: connect: connection refused`,
			"Nothing listens there: is an agent running? 'praetor doctor' finds out what is wrong\n"},
		{`Error retrieving members: Get "http://127.0.0.1:8600/v1/agent/members?segment=_all": EOF`,
			"8600 is the agent's default port for DNS; HTTP is at 8500 (-http-addr, CONSUL_HTTP_ADDR)\n"},
		{`x: Put "http://[::1]:8300/v1/kv/a": connection reset by peer`,
			"8300 is the agent's default port for servers; HTTP is at 8500 (-http-addr, CONSUL_HTTP_ADDR)\n"},
		{`x: Get "http://127.0.0.1:8501/": net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x15\x03\x01\x00\x02\x02"`,
			"The agent speaks TLS there: use https:// in -http-addr, and -ca-file\n"},
		{`Unexpected response code: 400 (Client sent an HTTP request to an HTTPS server.)`,
			"The agent speaks TLS there: use https:// in -http-addr, and -ca-file\n"},
		{`x: Get "https://127.0.0.1:8500/": http: server gave HTTP response to HTTPS client`,
			"The agent speaks no TLS there: use http:// in -http-addr\n"},
		{`x: Get "https://127.0.0.1:8501/": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
			"Name the authority that the agent's certificate is from: -ca-file, CONSUL_CACERT\n"},
		{`Error! No key exists at: a`, ""},
		{`Unexpected response code: 500 (rpc error: dial tcp 10.0.0.1:8300: i/o timeout)`, ""},
	} {
		if got := cli.Hint([]string{"members"}, errors.New(row.err)); got != row.want {
			t.Errorf("%s\n got %q\nwant %q", row.err, got, row.want)
		}
	}
	want := "Usage: praetor kv get [options] [KEY_OR_PREFIX]\npraetor kv get -h for more\n"
	if got := cli.Hint([]string{"kv", "get"}, cli.Misused("Error! Missing KEY argument")); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
