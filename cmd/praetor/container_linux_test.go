package main_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// emptyRoot is a root folder with nothing but the program, under
// two names, and what images have besides.
func emptyRoot(t *testing.T, folders ...string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root may change the root folder")
	}
	root := t.TempDir()
	for _, dir := range append(folders, "bin") {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"praetor", "consul"} {
		if err := os.Link(binary, filepath.Join(root, "bin", name)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// TestRunsAsTheFirstProcessOfAnEmptyRoot: no libc, no /proc, no /etc, no /tmp; alone, and as the
// entrypoint of an image, where root becomes user 100.
func TestRunsAsTheFirstProcessOfAnEmptyRoot(t *testing.T) {
	t.Parallel()
	root := emptyRoot(t, "data", "consul/data", "consul/config")
	for i, c := range []struct {
		name string
		env  []string
		args []string
	}{
		{"alone", nil, []string{"/bin/praetor", "agent", "-data-dir=/data"}},
		{"entrypoint", []string{"CONSUL_BIND_INTERFACE=lo", `CONSUL_LOCAL_CONFIG={"node_meta": {"said": "by the environment"}}`}, []string{"/bin/consul", "docker-entrypoint", "consul", "agent"}},
	} {
		n := newNode(t, c.name, fmt.Sprintf("127.77.113.%d", i+1))
		args := append(c.args[1:], "-server", "-bootstrap-expect=1", "-node="+c.name, "-bind="+n.ip, "-client="+n.ip)
		n.log = &bytes.Buffer{}
		n.cmd = &exec.Cmd{Path: c.args[0], Args: append(c.args[:1:1], args...), Env: append([]string{}, c.env...), Dir: "/", Stdout: n.log, Stderr: n.log,
			SysProcAttr: &syscall.SysProcAttr{Chroot: root, Cloneflags: syscall.CLONE_NEWPID}}
		if err := n.cmd.Start(); err != nil {
			t.Skipf("this system does not let us start a first process: %v", err)
		}
		n.done = make(chan struct{})
		go func() { n.cmd.Wait(); close(n.done) }() // signal waits for done
		waitFor(t, c.name+": a leader", 20*time.Second, n.hasLeader)
		waitFor(t, c.name+": an answer over DNS", 10*time.Second, func() error {
			m, err := n.dig("udp", "consul.service.consul.", dns.TypeA)
			if err == nil && len(m.Answer) != 1 {
				err = fmt.Errorf("DNS says %v", m)
			}
			return err
		})
		if c.name == "entrypoint" {
			var self struct{ Meta map[string]string }
			if err := n.get("/v1/agent/self", &self); err != nil || self.Meta["said"] != "by the environment" {
				t.Errorf("CONSUL_LOCAL_CONFIG is not in force: %v, %v", self, err)
			}
			for _, path := range []string{"data/node-id", "config/local.json"} {
				info, err := os.Stat(filepath.Join(root, "consul", path))
				if err != nil {
					t.Fatal(err)
				}
				if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 100 || owner.Gid != 1000 {
					t.Errorf("/consul/%s is of %d:%d", path, owner.Uid, owner.Gid)
				}
			}
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.cmd.Process.Pid))
			if err != nil || !strings.Contains(string(status), "\nUid:\t100\t100\t100\t100\n") || !strings.Contains(string(status), "\nGid:\t1000\t1000\t1000\t1000\n") {
				t.Errorf("it still is root: %v\n%s", err, status)
			}
		}
		if code := n.signal(syscall.SIGTERM); code != 1 {
			t.Errorf("%s: SIGTERM ends it with %d\n%s", c.name, code, n.tail())
		}
	}
}
