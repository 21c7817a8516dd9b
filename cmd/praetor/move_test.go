package main_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestServersThatComeBackWithOtherAddressesElectALeader stops three servers and
// starts them on their data folders with addresses that they did not have before,
// as pods and cloud machines do. A foreign server sits at an old one.
func TestServersThatComeBackWithOtherAddressesElectALeader(t *testing.T) {
	for _, row := range []struct {
		name, network string
		args          []string
	}{
		{"plain", "127.77.65", nil},
		{"encrypted", "127.77.64", []string{"-encrypt", "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var servers []*node
			at := func(i int) string { return fmt.Sprintf("%s.%d", row.network, i) }
			start := func(i int, n *node, first int) {
				n.ip = at(first + i)
				n.args = append([]string{"-server", "-bootstrap-expect=3"}, row.args...)
				for j := range 3 {
					n.args = append(n.args, "-retry-join", at(first+j))
				}
				n.start()
			}
			for i := range 3 {
				n := newNode(t, fmt.Sprint("s", i+1), at(i+1))
				servers = append(servers, n)
				start(i, n, 1)
			}
			waitFor(t, "first write", 30*time.Second, func() error { return servers[0].put("/v1/kv/a", "1") })
			for i, n := range servers {
				if i == 0 {
					n.kill()
				} else {
					n.signal(syscall.SIGTERM)
				}
			}
			foreign := newNode(t, "foreign", at(1), append([]string{"-server", "-bootstrap-expect=1"}, row.args...)...).start()
			for i, n := range servers {
				start(i, n, 11)
			}
			took := waitFor(t, "write after the move", 30*time.Second, func() error { return servers[0].put("/v1/kv/b", "2") })
			t.Logf("first write %s after the start", took)
			for _, n := range servers {
				waitFor(t, "value written before", 20*time.Second, func() error {
					if _, got, err := n.request("GET", "/v1/kv/a?raw", ""); err != nil || got != "1" {
						return fmt.Errorf("got %q, %v", got, err)
					}
					return nil
				})
			}
			waitFor(t, "present addresses of the peers", 20*time.Second, func() error {
				out, errs, _ := servers[0].cli("operator", "raft", "list-peers")
				for i := range 3 {
					if !strings.Contains(out, at(11+i)+":8300") || strings.Contains(out, at(1+i)+":8300") {
						return fmt.Errorf("%s%s", out, errs)
					}
				}
				return nil
			})
			if _, got, err := foreign.request("GET", "/v1/kv/a?raw", ""); err != nil || got != "" {
				t.Errorf("the foreign server has %q, %v", got, err)
			}
		})
	}
}
