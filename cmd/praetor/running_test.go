package main_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// running is a command of the program that goes on while the test does other
// things.
type running struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  output // both streams
	done chan struct{}
}

// begin starts the program against this node.
func (n *node) begin(args ...string) *running {
	n.t.Helper()
	r := &running{t: n.t, cmd: exec.Command(binary, args...), done: make(chan struct{})}
	r.cmd.Env = append(os.Environ(), "CONSUL_HTTP_ADDR="+n.ip+":8500", "SHELL=/bin/sh")
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.out
	r.cmd.WaitDelay = time.Second
	if err := r.cmd.Start(); err != nil {
		n.t.Fatalf("start %v: %v", args, err)
	}
	go func() { r.cmd.Wait(); close(r.done) }() // end waits for it
	n.t.Cleanup(func() { r.cmd.Process.Kill(); <-r.done })
	return r
}

// says waits until the command has written text.
func (r *running) says(text string) {
	r.t.Helper()
	waitFor(r.t, fmt.Sprintf("%q from %v", text, r.cmd.Args[1:]), 20*time.Second, func() error {
		if got := r.out.String(); !strings.Contains(got, text) {
			return fmt.Errorf("it said %q", got)
		}
		return nil
	})
}

// end waits for the end.
func (r *running) end() (said string, code int) {
	r.t.Helper()
	select {
	case <-r.done:
	case <-time.After(30 * time.Second):
		r.t.Fatalf("%v still runs after 30 s; it said %q", r.cmd.Args[1:], r.out.String())
	}
	return r.out.String(), r.cmd.ProcessState.ExitCode()
}

// output is a buffer that may be read while it is written.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
