//go:build unix

package process_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"praetor/internal/process"
)

func TestProgramsGetTheirInputAndGiveTheirCode(t *testing.T) {
	t.Setenv("SHELL", "")
	for _, row := range []struct {
		name, stdin, want string
		opts              process.Options
		code              int
	}{
		{"a line", "in", "in x\n", process.Options{Line: "cat; echo \" $A\"", Env: []string{"A=x"}}, 0},
		{"words for a shell", "", "a b\n", process.Words([]string{"echo", "a b"}, true), 0},
		{"words as they are", "", "a  b\n", process.Words([]string{"echo", "a  b"}, false), 0},
		{"a code", "", "", process.Options{Line: "exit 3"}, 3},
		{"a signal", "", "", process.Options{Line: "kill -9 $$"}, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			var out bytes.Buffer
			row.opts.Stdin, row.opts.Stdout = strings.NewReader(row.stdin), &out
			err := process.Run(context.Background(), row.opts)
			if process.ExitCode(err) != row.code || out.String() != row.want {
				t.Errorf("got %v %q, want %d %q", err, out.String(), row.code, row.want)
			}
		})
	}
}

func TestWhatCannotStartIsAnError(t *testing.T) {
	if _, err := process.Start(process.Options{}); err != process.ErrNoCommand {
		t.Errorf("nothing to run: %v", err)
	}
	if _, err := process.Start(process.Options{Args: []string{"/no/such/program"}}); !os.IsNotExist(err) {
		t.Errorf("no such program: %v", err)
	}
}

// start runs a line and waits until it says that it is ready.
func start(t *testing.T, line string, foreground bool) (*process.Child, *bufio.Reader) {
	t.Helper()
	t.Setenv("SHELL", "")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	c, err := process.Start(process.Options{Line: line, Stdout: w, Foreground: foreground})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Stop(0) })
	out := bufio.NewReader(r)
	if text, err := out.ReadString('\n'); text != "ready\n" {
		t.Fatalf("got %q, %v", text, err)
	}
	return c, out
}

func TestStoppingReachesWhatTheProgramStarted(t *testing.T) {
	c, out := start(t, "sleep 600 & echo ready; wait", false)
	c.Stop(time.Minute)
	// The pipe ends only when the last that holds it is gone.
	if rest, err := io.ReadAll(out); err != nil || len(rest) > 0 {
		t.Errorf("got %q, %v", rest, err)
	}
	if err := c.Err(); err == nil || err.Error() != "signal: terminated" {
		t.Errorf("got %v", err)
	}
}

func TestProgramsThatDoNotListenAreKilled(t *testing.T) {
	c, _ := start(t, "trap '' TERM; echo ready; while :; do sleep 600; done", false)
	c.Stop(10 * time.Millisecond)
	if err := c.Err(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("got %v", err)
	}
	c.Stop(time.Minute) // again is fine
}

func TestSignalsAreHandedOn(t *testing.T) {
	for _, foreground := range []bool{false, true} {
		c, out := start(t, "trap 'echo got; exit 0' USR1; echo ready; while :; do sleep 0.01; done", foreground)
		if err := c.Signal(syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		if text, err := out.ReadString('\n'); text != "got\n" {
			t.Errorf("got %q, %v", text, err)
		}
	}
}

func TestTheEndOfAContextStopsAProgram(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := process.Run(ctx, process.Options{Args: []string{"sleep", "600"}}); err == nil || err.Error() != "signal: terminated" {
		t.Errorf("got %v", err)
	}
}

func TestTailsKeepTheEnd(t *testing.T) {
	tail := process.Tail{Max: 4}
	for _, text := range []string{"ab", "cde", "", "f"} {
		tail.Write([]byte(text))
	}
	if tail.String() != "cdef" || tail.Total() != 6 {
		t.Errorf("got %q of %d", tail.String(), tail.Total())
	}
}
