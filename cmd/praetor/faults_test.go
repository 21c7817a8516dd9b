package main_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestStartFaults wants one clear line, exit code 1, and nothing changed on disk.
func TestStartFaults(t *testing.T) {
	t.Parallel()
	const ip = "127.77.4.1"
	running := newNode(t, "first", ip, "-server", "-bootstrap-expect=1").start()
	waitFor(t, "leader", 20*time.Second, running.hasLeader)
	unreadable := filepath.Join(t.TempDir(), "file")
	writeFile(t, unreadable, "")
	rows := []struct {
		name string
		args []string
		want string
	}{
		{"port in use", []string{"-server", "-bind=" + ip, "-client=" + ip, "-data-dir=NEW"}, "address already in use"},
		{"address of another machine", []string{"-bind=192.0.2.1", "-client=127.77.4.2", "-data-dir=NEW"}, "no interface of this machine has this address"},
		{"no data folder", []string{"-bind=127.77.4.2"}, "data_dir cannot be empty"},
		{"data folder is a file", []string{"-bind=127.77.4.2", "-client=127.77.4.2", "-data-dir=" + unreadable}, "is not a directory"},
		{"data folder locked", []string{"-bind=127.77.4.2", "-client=127.77.4.2", "-data-dir=" + filepath.Join(running.dir, "data")}, "used by another agent"},
		{"bootstrap without server", []string{"-bootstrap-expect=3", "-bind=127.77.4.2", "-data-dir=NEW"}, "'bootstrap_expect > 0' requires 'server = true'"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			fresh := filepath.Join(t.TempDir(), "data")
			args := []string{"agent", "-node=second"}
			for _, a := range row.args {
				args = append(args, strings.ReplaceAll(a, "NEW", fresh))
			}
			_, errs, code := runCLI(t, nil, args...)
			if code != 1 || !strings.HasPrefix(errs, "==> ") || !strings.Contains(errs, row.want) {
				t.Errorf("code %d, stderr %q; want 1 and %q", code, errs, row.want)
			}
			if _, err := os.Stat(fresh); !os.IsNotExist(err) {
				t.Errorf("data folder was made: %v", err)
			}
		})
	}
}

// TestMembersOfOthersAreRefused wants a node name already taken and a foreign
// datacenter to be told in one line.
func TestMembersOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	s1 := newNode(t, "s1", "127.77.5.1", "-server", "-bootstrap-expect=1").start()
	waitFor(t, "leader", 20*time.Second, s1.hasLeader)
	foreign := newNode(t, "c1", "127.77.5.2", "-datacenter=dc9").start()
	waitFor(t, "HTTP", 10*time.Second, func() error {
		c, err := net.Dial("tcp", foreign.ip+":8500")
		if err == nil {
			c.Close()
		}
		return err
	})
	twin := newNode(t, "s1", "127.77.5.3").start()
	waitFor(t, "HTTP", 10*time.Second, func() error { _, _, err := twin.request("GET", "/v1/agent/members", ""); return err })
	if _, errs, code := twin.cli("join", s1.ip); code != 1 || !strings.Contains(errs, "Node name 's1' is taken by a living agent at 127.77.5.1") {
		t.Errorf("join under a name that is taken: %d %q", code, errs)
	}
	_, errs, code := foreign.cli("join", s1.ip)
	if code != 1 || !strings.Contains(errs, "part of wrong datacenter") {
		t.Errorf("join across datacenters: %d %q", code, errs)
	}
}
