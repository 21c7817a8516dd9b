package main_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSignalsEndAgents sends each kind of agent each signal: who leaves, and with
// what code the process ends (reference/cli.md §2.5).
func TestSignalsEndAgents(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		server bool
		conf   string
		sig    os.Signal
		leaves bool
	}{
		{name: "a client leaves on SIGINT", sig: syscall.SIGINT, leaves: true},
		{name: "a client leaves on SIGTERM", sig: syscall.SIGTERM, leaves: true},
		{name: "a client told to stay on SIGINT", conf: "skip_leave_on_interrupt = true", sig: syscall.SIGINT},
		{name: "a client told to stay on SIGTERM", conf: "leave_on_terminate = false", sig: syscall.SIGTERM},
		{name: "a server stays on SIGINT", server: true, sig: syscall.SIGINT},
		{name: "a server stays on SIGTERM", server: true, sig: syscall.SIGTERM},
		{name: "a server told to leave on SIGINT", server: true, conf: "skip_leave_on_interrupt = false", sig: syscall.SIGINT, leaves: true},
		{name: "a server told to leave on SIGTERM", server: true, conf: "leave_on_terminate = true", sig: syscall.SIGTERM, leaves: true},
	}
	for i, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			// A watcher for each: among members that just died, of whom gossip hopes
			// to hear again, a goodbye may reach nobody.
			watcher := newNode(t, "watcher", fmt.Sprintf("127.77.60.%d", 10*i+1), "-server", "-bootstrap-expect=1").start()
			waitFor(t, "leader", 20*time.Second, watcher.hasLeader)
			args := []string{"-retry-join=" + watcher.ip, "-hcl=" + row.conf + ` performance { leave_drain_time = "100ms" }`}
			if row.server {
				args = append(args, "-server")
			}
			name := fmt.Sprintf("n%d", i)
			n := newNode(t, name, fmt.Sprintf("127.77.60.%d", 10*i+2), args...).start()
			waitFor(t, "membership", 20*time.Second, func() error { return memberIs(watcher, name, 1) })
			if row.server {
				waitFor(t, "leader", 20*time.Second, n.hasLeader)
			}
			code, want := 1, "Graceful shutdown disabled. Exiting"
			if row.leaves {
				code, want = 0, "Graceful exit completed"
			}
			if got := n.signal(row.sig); got != code {
				t.Errorf("exit code %d, want %d", got, code)
			}
			if log := n.log.String(); !strings.Contains(log, want) {
				t.Errorf("no %q in the log:\n%s", want, n.tail())
			}
			if row.leaves {
				waitFor(t, "the end of membership", 20*time.Second, func() error { return memberIs(watcher, name, 3) })
			} else if memberIs(watcher, name, 3) == nil {
				t.Error("left the cluster")
			}
		})
	}
}

// TestSecondSignalEndsALeaveAtOnce wants no patience after the second one.
func TestSecondSignalEndsALeaveAtOnce(t *testing.T) {
	t.Parallel()
	n := startLeader(t, "127.77.37.1", `-hcl=leave_on_terminate = true performance { leave_drain_time = "20s" }`)
	n.cmd.Process.Signal(syscall.SIGTERM)
	waitFor(t, "leave", 10*time.Second, func() error {
		var self struct{ Member struct{ Status int } }
		if err := n.get("/v1/agent/self", &self); err == nil && self.Member.Status == 1 {
			return fmt.Errorf("still a member")
		}
		return nil
	})
	began := time.Now()
	if code := n.signal(syscall.SIGTERM); code != 1 || time.Since(began) > 5*time.Second {
		t.Errorf("code %d after %s", code, time.Since(began))
	}
	if !strings.Contains(n.log.String(), "Caught second signal, Exiting") {
		t.Errorf("log:\n%s", n.tail())
	}
}

// TestServiceManagerHearsOfStates plays systemd: sd_notify(3), notify-reload.
func TestServiceManagerHearsOfStates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	hear := func() string {
		t.Helper()
		buf := make([]byte, 200)
		if err := l.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := l.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
	t.Setenv("NOTIFY_SOCKET", path)
	n := newNode(t, "a", "127.77.37.2", "-dev").start()
	if got := hear(); got != "READY=1" {
		t.Fatalf("first %q", got)
	}
	waitFor(t, "leader", 20*time.Second, n.hasLeader)
	n.cmd.Process.Signal(syscall.SIGHUP)
	var began int64
	if got := hear(); !strings.HasPrefix(got, "RELOADING=1\nMONOTONIC_USEC=") {
		t.Errorf("then %q", got)
	} else if _, err := fmt.Sscanf(got, "RELOADING=1\nMONOTONIC_USEC=%d", &began); err != nil || began <= 0 {
		t.Errorf("%q: %v", got, err)
	}
	if got := hear(); got != "READY=1" {
		t.Errorf("after the reload %q", got)
	}
	n.cmd.Process.Signal(syscall.SIGTERM)
	if got := hear(); got != "STOPPING=1" {
		t.Errorf("at the end %q", got)
	}
}

// memberIs wants a member with a status: 1 alive, 3 left.
func memberIs(n *node, name string, status int) error {
	var members []struct {
		Name   string
		Status int
	}
	if err := n.get("/v1/agent/members", &members); err != nil {
		return err
	}
	for _, m := range members {
		if m.Name == name && m.Status == status {
			return nil
		}
	}
	return fmt.Errorf("%s is not %d in %v", name, status, members)
}
