package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
)

// isTerminal reports whether a person reads what is written to w. Scripts get Consul's
// texts and nothing besides, since they compare them.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// hint is what a person may do about an error, in lines of their own; "" for nothing.
func hint(cmd *cobra.Command, err error) string {
	var e exit
	if errors.As(err, &e) && e.misused {
		return fmt.Sprintf("Usage: %s %s\n%s -h for more\n", cmd.Parent().CommandPath(), cmd.Use, cmd.CommandPath())
	}
	text := err.Error()
	port := ""
	if asked := askedPort.FindStringSubmatch(text); asked != nil {
		port = asked[1]
	}
	switch {
	case otherPorts[port] != "":
		return fmt.Sprintf("%s is the agent's default port for %s; HTTP is at 8500 (-http-addr, CONSUL_HTTP_ADDR)\n", port, otherPorts[port])
	case strings.Contains(text, "connection refused"):
		return "Nothing listens there: is an agent running? 'praetor doctor' finds out what is wrong\n"
	case strings.Contains(text, `malformed HTTP response "\x15\x03`), strings.Contains(text, "Client sent an HTTP request to an HTTPS server"):
		return "The agent speaks TLS there: use https:// in -http-addr, and -ca-file\n"
	case strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return "The agent speaks no TLS there: use http:// in -http-addr\n"
	case strings.Contains(text, "certificate signed by unknown authority"):
		return "Name the authority that the agent's certificate is from: -ca-file, CONSUL_CACERT\n"
	}
	return ""
}

// askedPort finds the port in the error of a request.
var askedPort = regexp.MustCompile(`^[^"]*"https?://[^/"]*:(\d+)/`)

// otherPorts are the agent's other default ports, which people take for the API's.
var otherPorts = map[string]string{
	"8300": "servers", "8301": "gossip", "8302": "gossip between datacenters", "8502": "gRPC", "8503": "gRPC over TLS", "8600": "DNS",
}
