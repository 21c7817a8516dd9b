//go:build unix

package cli

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/config"
)

// TestDemoSaysWhatToLookAt: only what is there, at the addresses where it is.
func TestDemoSaysWhatToLookAt(t *testing.T) {
	at := func(text string) []config.Addr { return []config.Addr{{AddrPort: netip.MustParseAddrPort(text)}} }
	d := &demo{dir: "/tmp/x", rt: &config.Runtime{HTTPAddrs: at("127.0.0.1:8500"), DNSAddrs: at("127.0.0.1:8600")}}
	var with, without bytes.Buffer
	d.guide(&with, "consul")
	d.rt.DNSAddrs = nil
	d.guide(&without, "consul")
	const dig = "    dig @127.0.0.1 -p 8600 web.service.consul SRV   # where web answers; billing is broken and has no answer\n"
	for _, line := range []string{"    http://127.0.0.1:8500/ui/\n", dig, "    consul members\n", "    curl 'http://127.0.0.1:8500/v1/health/service/web?passing'\n", "Data and log: /tmp/x\n"} {
		if !strings.Contains(with.String(), line) {
			t.Errorf("no %q in\n%s", line, &with)
		}
	}
	if without.String() != strings.Replace(with.String(), dig, "", 1) {
		t.Errorf("without DNS:\n%s", &without)
	}
}

// TestDemoWaitsForItsFourAgents, and says how many came, why none answered, or which ended.
func TestDemoWaitsForItsFourAgents(t *testing.T) {
	for _, c := range []struct {
		name  string
		nodes []string // what the catalog answers each time, and then for ever
		ends  error    // of an agent, after 3 seconds
		took  time.Duration
		want  string
	}{
		{"they come one by one", []string{"", "{}", "{},{}", "{},{},{},{}"}, nil, 150 * time.Millisecond, "<nil>"},
		{"one does not come", []string{"{},{},{}"}, nil, 5 * time.Second, "3 of 4 agents are there"},
		{"none answers", []string{"!"}, nil, 5 * time.Second, "Unexpected response code: 500 (no leader)"},
		{"one ends", []string{"{}"}, errAskedToLeave, 3 * time.Second, "it was asked to leave"},
	} {
		synctest.Test(t, func(t *testing.T) {
			begin, asked := time.Now(), 0
			d := &demo{ended: make(chan error, 1), client: inMemory(t, func(*http.Request) (int, string) {
				asked++
				if nodes := c.nodes[min(asked, len(c.nodes))-1]; nodes != "!" {
					return http.StatusOK, "[" + nodes + "]"
				}
				return http.StatusInternalServerError, "no leader"
			})}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if c.ends != nil {
				time.AfterFunc(3*time.Second-time.Millisecond, func() { d.ended <- c.ends })
			}
			err := d.complete(ctx)
			if took := time.Since(begin); fmt.Sprint(err) != c.want || took > c.took || took < c.took-time.Millisecond {
				t.Errorf("%s: %v after %s, want %s after %s", c.name, err, took, c.want, c.took)
			}
		})
	}
}
