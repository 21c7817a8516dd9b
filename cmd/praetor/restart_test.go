package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestRestartAndReloadNeverShowHealthyServicesCritical watches two services, of a
// server and of a client, through blocking queries while their agents are
// reloaded and restarted: none of their checks may turn critical, not for one
// index.
func TestRestartAndReloadNeverShowHealthyServicesCritical(t *testing.T) {
	t.Parallel()
	healthy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer healthy.Close()
	configure := func(service string) (dir, runs string) {
		dir, runs = t.TempDir(), filepath.Join(t.TempDir(), "runs")
		writeFile(t, filepath.Join(dir, "a.hcl"), fmt.Sprintf(`
			enable_local_script_checks = true
			leave_on_terminate = false
			services {
				name = %[1]q
				checks = [
					{ id = "%[1]s-ttl", ttl = "10m" },
					{ id = "%[1]s-http", http = %[2]q, interval = "2s" },
					{ id = "%[1]s-script", args = ["/bin/sh", "-c", "echo >> %[3]s"], interval = "2s" },
				]
			}
			services {
				name = "%[1]s-mirror"
				check { id = "%[1]s-alias", alias_service = %[1]q }
			}`, service, healthy.URL, runs))
		return dir, runs
	}
	serverDir, _ := configure("store")
	clientDir, runs := configure("web")
	watcher := newNode(t, "watcher", "127.77.67.1", "-server", "-bootstrap-expect=2").start()
	server := newNode(t, "server", "127.77.67.2", "-server", "-bootstrap-expect=2", "-retry-join="+watcher.ip, "-config-dir="+serverDir).start()
	client := newNode(t, "client", "127.77.67.3", "-retry-join="+watcher.ip, "-config-dir="+clientDir).start()
	waitFor(t, "leader", 30*time.Second, watcher.hasLeader)
	waitFor(t, "TTL reports", 20*time.Second, func() error { return server.put("/v1/agent/check/pass/store-ttl", "") })
	waitFor(t, "TTL reports", 20*time.Second, func() error { return client.put("/v1/agent/check/pass/web-ttl", "") })
	services := map[string]int{"store": 4, "store-mirror": 2, "web": 4, "web-mirror": 2} // checks, serfHealth among them
	passing := func() error {
		for service, checks := range services {
			if _, _, err := healthOf(watcher, service, checks, 0); err != nil {
				return err
			}
		}
		return nil
	}
	waitFor(t, "all checks to pass", 30*time.Second, passing)

	stop := make(chan struct{})
	var watching sync.WaitGroup
	for service, checks := range services {
		watching.Go(func() { // waited for below
			for index := uint64(0); ; {
				select {
				case <-stop:
					return
				default:
				}
				next, seen, err := healthOf(watcher, service, checks, index)
				if seen && err != nil {
					t.Errorf("index %d: %v", next, err)
				}
				index = next
			}
		})
	}
	for _, n := range []*node{client, server} {
		n.cmd.Process.Signal(syscall.SIGHUP)
		before := lines(runs)
		if n == client {
			waitFor(t, "the script to go on", 10*time.Second, func() error {
				if lines(runs) < before+2 {
					return fmt.Errorf("%d runs, %d before", lines(runs), before)
				}
				return nil
			})
		}
		n.signal(syscall.SIGTERM)
		n.start()
		waitFor(t, "the agent's return", 60*time.Second, func() error {
			var checks map[string]struct{ Status string }
			if err := n.get("/v1/agent/checks", &checks); err != nil {
				return err
			}
			for id, c := range checks {
				if c.Status != "passing" {
					return fmt.Errorf("%s is %s", id, c.Status)
				}
			}
			return nil
		})
	}
	waitFor(t, "all checks to pass", 20*time.Second, passing)
	close(stop)
	for service := range services { // wakes its watcher
		if err := watcher.put("/v1/catalog/register", fmt.Sprintf(`{"Node": "x", "Address": "10.9.9.9", "Service": {"Service": %q}}`, service)); err != nil {
			t.Error(err)
		}
	}
	watching.Wait()
}

// healthOf asks for a service's health once it is past an index. seen is false
// if the watcher could not answer; the error tells of checks that are missing or
// do not pass.
func healthOf(n *node, service string, want int, index uint64) (next uint64, seen bool, err error) {
	var instances []struct {
		Node   struct{ Node string }
		Checks []struct{ CheckID, Status string }
	}
	res, err := httpClient.Get(fmt.Sprintf("http://%s:8500/v1/health/service/%s?wait=5s&index=%d", n.ip, service, index))
	if err != nil {
		return 0, false, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return 0, false, fmt.Errorf("status %d", res.StatusCode)
	}
	if err := json.NewDecoder(res.Body).Decode(&instances); err != nil {
		return 0, false, err
	}
	if _, err := fmt.Sscan(res.Header.Get("X-Consul-Index"), &next); err != nil {
		return 0, false, err
	}
	for _, i := range instances {
		if i.Node.Node == "x" {
			continue
		}
		if len(i.Checks) != want {
			return next, true, fmt.Errorf("%s has checks %v, want %d", service, i.Checks, want)
		}
		for _, c := range i.Checks {
			if c.Status != "passing" {
				return next, true, fmt.Errorf("%s of %s is %s", c.CheckID, service, c.Status)
			}
		}
		return next, true, nil
	}
	return next, true, fmt.Errorf("%s has no instance", service)
}

func lines(file string) int {
	text, _ := os.ReadFile(file) // none: no line
	return strings.Count(string(text), "\n")
}
