package agent_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent"
	"praetor/agent/config"
)

func TestJoiningIsTriedAgainUntilItWorks(t *testing.T) {
	down := errors.New("nobody there")
	for _, row := range []struct {
		name    string
		addrs   []string
		max     int
		answers []int // members reached in each round
		stop    time.Duration
		rounds  int
		joined  bool
		took    time.Duration
		problem string
	}{
		{"nobody to join", nil, 3, nil, 0, 0, true, 0, ""},
		{"at once", []string{"a", "b"}, 0, []int{2}, 0, 1, true, 0, ""},
		{"soon", []string{"a"}, 1 << 30, []int{0, 0, 1}, 0, 3, true, 1500 * time.Millisecond, ""},
		{"in the third round", []string{"a"}, 0, []int{0, 0, 0, 0, 0, 0, 1}, 0, 7, true, 20 * time.Second, ""},
		{"in the last round", []string{"a"}, 2, []int{0, 0, 0, 0, 0, 1}, 0, 6, true, 10 * time.Second, ""},
		{"not in time", []string{"a"}, 2, []int{0, 0, 0, 0, 0, 0, 1}, 0, 6, false, 10 * time.Second, "agent: max join LAN retry exhausted, exiting"},
		{"an agent that stops", []string{"a"}, 0, make([]int, 9), 25 * time.Second, 7, false, 25 * time.Second, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if row.stop > 0 {
				ctx, cancel = context.WithTimeout(ctx, row.stop)
				defer cancel()
			}
			rounds, joined, begin := 0, false, time.Now()
			err := agent.RetryJoin(ctx, row.addrs, 10*time.Second, row.max, func(addrs []string) (int, error) {
				if fmt.Sprint(addrs) != fmt.Sprint(row.addrs) {
					t.Errorf("%s: asks %v", row.name, addrs)
				}
				rounds++
				if n := row.answers[rounds-1]; n > 0 {
					return n, nil
				}
				return 0, down
			}, func() { joined = true })
			if text := fmt.Sprint(err); (err != nil || row.problem != "") && text != row.problem {
				t.Errorf("%s: %v", row.name, err)
			}
			if took := time.Since(begin); rounds != row.rounds || joined != row.joined || took != row.took {
				t.Errorf("%s: %d rounds in %v, joined %t; want %d in %v, %t", row.name, rounds, took, joined, row.rounds, row.took, row.joined)
			}
		})
	}
}

func TestWhatKeepsAnAddressFromBeingBoundIsSaid(t *testing.T) {
	for _, row := range []struct {
		err  error
		want string
	}{
		{syscall.EADDRINUSE, "cannot listen on 10.0.0.1:80: address already in use; another process listens there: stop it, or choose another port or address (-http-port,"},
		{syscall.EADDRNOTAVAIL, "cannot listen on 10.0.0.1:80: this machine has no such address; give one of this machine's own addresses with -bind or -client"},
		{syscall.EACCES, "cannot listen on 10.0.0.1:80: permission denied; ports below 1024 need privileges: choose a higher port"},
		{errors.New("odd"), "cannot listen on 10.0.0.1:80: odd; check the address and the ports setting"},
	} {
		if err := agent.BindFault("10.0.0.1:80", &net.OpError{Op: "listen", Err: row.err}); !strings.HasPrefix(strings.Replace(err.Error(), "listen: odd", "odd", 1), row.want) || !errors.Is(err, row.err) {
			t.Errorf("got  %v\nwant %s", err, row.want)
		}
	}
}

// TestUnixSocketsAreMadeAsConfigured: reference/config.md §2.2.
func TestUnixSocketsAreMadeAsConfigured(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("owners and modes are those of Unix")
	}
	me, err := user.Current()
	if err != nil {
		t.Skip(err)
	}
	for _, row := range []struct {
		name  string
		want  config.UnixSockets
		there string // what stands at the path before
		mode  os.FileMode
		fault string
	}{
		{"as it comes", config.UnixSockets{}, "", 0, ""},
		{"with a mode", config.UnixSockets{Mode: "640"}, "", 0o640, ""},
		{"of a user by name", config.UnixSockets{User: me.Username, Mode: "0600"}, "", 0o600, ""},
		{"of a user by ID", config.UnixSockets{User: me.Uid, Group: me.Gid}, "", 0, ""},
		{"left over", config.UnixSockets{Mode: "666"}, "socket", 0o666, ""},
		{"of nobody known", config.UnixSockets{User: "no-such-user"}, "", 0, `unix_sockets: user "no-such-user": no such user`},
		{"of a group by name", config.UnixSockets{Group: "wheel"}, "", 0, `unix_sockets: group "wheel": want a numeric group ID`},
		{"with a mode that is none", config.UnixSockets{Mode: "rw"}, "", 0, `unix_sockets: mode "rw": want octal digits`},
		{"where a file is", config.UnixSockets{}, "file", 0, "cannot listen on PATH: address already in use;"},
	} {
		path := filepath.Join(t.TempDir(), "x.sock")
		switch row.there {
		case "file":
			err = os.WriteFile(path, []byte("precious"), 0o600)
		case "socket":
			var old *net.UnixListener
			old, err = net.ListenUnix("unix", &net.UnixAddr{Name: path})
			if err == nil {
				old.SetUnlinkOnClose(false)
				err = old.Close()
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		l, err := agent.ListenUnix(path, row.want)
		if text := strings.ReplaceAll(fmt.Sprint(err), path, "PATH"); (err != nil || row.fault != "") && !strings.HasPrefix(text, row.fault) || err != nil && row.fault == "" {
			t.Errorf("%s: %s", row.name, text)
		}
		if err != nil {
			if text, _ := os.ReadFile(path); row.there == "file" && string(text) != "precious" {
				t.Errorf("%s: the file is gone", row.name)
			}
			continue
		}
		if info, err := os.Stat(path); err != nil || row.mode != 0 && info.Mode().Perm() != row.mode {
			t.Errorf("%s: mode %v, %v", row.name, info.Mode(), err)
		}
		l.Close()
	}
}

func TestDataFolderIsMadeAndIsForOneAgent(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "a", "b")
	shut, join, err := agent.OpenDataDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := join("serf", "x"); got != filepath.Join(path, "serf", "x") {
		t.Errorf("join: %s", got)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o755 {
		t.Errorf("folder: %v, %v", info, err)
	}
	_, _, err = agent.OpenDataDir(path)
	if want := fmt.Sprintf("data_dir %q is used by another agent; stop that agent, or give this one another -data-dir", path); err == nil || err.Error() != want {
		t.Errorf("a second agent: %v\nwant %s", err, want)
	}
	if err := shut(); err != nil {
		t.Error(err)
	}
	again, _, err := agent.OpenDataDir(path)
	if err != nil {
		t.Fatalf("after the first has gone: %v", err)
	}
	again()
	file := filepath.Join(root, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := agent.OpenDataDir(file); err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("cannot use data_dir %q: ", file)) || !strings.Contains(err.Error(), "choose another -data-dir") {
		t.Errorf("a file: %v", err)
	}
	shut, join, err = agent.OpenDataDir("")
	if err != nil || join("serf") != "" || shut() != nil {
		t.Errorf("no folder: %v", err)
	}
}

func TestFingerprintChangesWithWhatFilesHold(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	single := filepath.Join(t.TempDir(), "single.hcl")
	paths := []string{dir, single}
	last := agent.Fingerprint(paths)
	for _, step := range []struct {
		name    string
		do      func()
		changes bool
	}{
		{"nothing", func() {}, false},
		{"a new file", func() { write("a.hcl", "x") }, true},
		{"an empty file", func() { write("b.hcl", "") }, true},
		{"other content", func() { write("a.hcl", "y") }, true},
		{"the same again", func() { write("a.hcl", "y") }, false},
		{"content in the other file", func() { write("a.hcl", ""); write("b.hcl", "y") }, true},
		{"a folder", func() { _ = os.Mkdir(filepath.Join(dir, "sub"), 0o700) }, false},
		{"a file that was not there", func() { _ = os.WriteFile(single, []byte("x"), 0o600) }, true},
		{"a file that is gone", func() { _ = os.Remove(single) }, true},
		{"one of the folder that is gone", func() { _ = os.Remove(filepath.Join(dir, "b.hcl")) }, true},
	} {
		step.do()
		now := agent.Fingerprint(paths)
		if changed := now != last; changed != step.changes {
			t.Errorf("%s: changed %t, want %t", step.name, changed, step.changes)
		}
		last = now
	}
}

// TestServiceManagerIsToldOfStates: sd_notify(3).
func TestServiceManagerIsToldOfStates(t *testing.T) {
	agent.Notify("READY=1") // nobody listens
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path})
	if err != nil {
		t.Skipf("no datagrams over Unix sockets here: %v", err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	for _, state := range []string{"READY=1", "STOPPING=1", agent.StateReloading()} {
		agent.Notify(state)
		text := make([]byte, 100)
		n, err := conn.Read(text)
		if err != nil || string(text[:n]) != state {
			t.Errorf("%q, %v, want %q", text[:n], err, state)
		}
	}
	if state := agent.StateReloading(); !regexp.MustCompile(`^RELOADING=1\nMONOTONIC_USEC=\d+$`).MatchString(state) && runtime.GOOS == "linux" {
		t.Errorf("a reload is told as %q", state)
	}
	t.Setenv("NOTIFY_SOCKET", path+"-gone")
	agent.Notify("READY=1") // not an error
}

// TestFaultsOfJoiningStandOnOneLine, without the bullets and the count of a list.
func TestFaultsOfJoiningStandOnOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"connection refused":                                "connection refused",
		"1 error occurred:\n\t* no route\n\n":               "no route",
		"2 errors occurred:\n\t* a: no route\n\t* b\n\n":    "a: no route; b",
		"an error that occurred:\n\nlast week":              "last week",
		"the fault occurred:\nhere":                         "the fault occurred:; here",
		"an error occurred: it is told on the same line":    "an error occurred: it is told on the same line",
		"  indented  \n\n* of a list\n** of a list in that": "indented; of a list; ** of a list in that",
	} {
		if got := agent.Flat(errors.New(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := agent.Flat(nil); got != "nobody answered" {
		t.Errorf("without a fault: %q", got)
	}
}
