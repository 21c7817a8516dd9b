package dnsserver

import (
	"strings"

	"github.com/miekg/dns"
)

// noPath is how operations name a datacenter nobody knows (reference/http-api.md §2.3).
const noPath = "No path to datacenter"

// rcode translates an operation's error (reference/dns.md §4).
func rcode(err error) int {
	if strings.Contains(err.Error(), noPath) {
		return dns.RcodeNameError
	}
	return dns.RcodeServerFailure
}
