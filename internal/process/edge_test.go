//go:build unix

package process_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"praetor/internal/process"
)

// TestCodesOfErrors: commands end with the code of what they ran (reference/cli.md §4).
func TestCodesOfErrors(t *testing.T) {
	ended := func(line string) error {
		return process.Run(t.Context(), process.Options{Args: []string{"/bin/sh", "-c", line}})
	}
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"none":              {nil, 0},
		"of a success":      {ended("exit 0"), 0},
		"of a failure":      {ended("exit 7"), 7},
		"the highest":       {ended("exit 255"), 255},
		"inside another":    {fmt.Errorf("job: %w", ended("exit 9")), 9},
		"of a signal":       {ended("kill -TERM $$"), 1},
		"of no program":     {errors.New("no such file"), 1},
		"nothing was to be": {process.ErrNoCommand, 1},
	} {
		if got := process.ExitCode(c.err); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestWordsOfACommandLine(t *testing.T) {
	for _, c := range []struct {
		words []string
		shell bool
		want  process.Options
	}{
		{[]string{"echo", "a b", "$HOME"}, false, process.Options{Args: []string{"echo", "a b", "$HOME"}}},
		{[]string{"echo", "a b", "$HOME"}, true, process.Options{Line: "echo a b $HOME"}},
		{[]string{"one line; another"}, true, process.Options{Line: "one line; another"}},
		{nil, true, process.Options{}},
		{nil, false, process.Options{}},
	} {
		if got := process.Words(c.words, c.shell); fmt.Sprintf("%q %q", got.Args, got.Line) != fmt.Sprintf("%q %q", c.want.Args, c.want.Line) {
			t.Errorf("%q with a shell %t: %q %q", c.words, c.shell, got.Args, got.Line)
		}
	}
}

// TestWhichShellReadsALine: the user's own, where he has one.
func TestWhichShellReadsALine(t *testing.T) {
	own := t.TempDir() + "/shell"
	if err := os.WriteFile(own, []byte("#!/bin/sh\necho own shell: \"$2\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for shell, want := range map[string]string{"": "hello\n", own: "own shell: echo hello\n"} {
		t.Setenv("SHELL", shell)
		var out bytes.Buffer
		if err := process.Run(t.Context(), process.Options{Line: "echo hello", Stdout: &out}); err != nil || out.String() != want {
			t.Errorf("SHELL=%s: %q, %v, want %q", shell, out.String(), err, want)
		}
	}
}

// TestWhatProgramsAreGiven: the caller's environment with more, and two ways to speak.
func TestWhatProgramsAreGiven(t *testing.T) {
	t.Setenv("INHERITED", "yes")
	t.Setenv("BOTH", "caller")
	var out, errs bytes.Buffer
	err := process.Run(t.Context(), process.Options{
		Args: []string{"/bin/sh", "-c", `echo "$INHERITED $BOTH $MORE"; echo oops >&2; cat`}, Env: []string{"BOTH=given", "MORE=x=y"},
		Stdin: strings.NewReader("in"), Stdout: &out, Stderr: &errs,
	})
	if err != nil || out.String() != "yes given x=y\nin" || errs.String() != "oops\n" {
		t.Errorf("%q, %q, %v", out.String(), errs.String(), err)
	}
	if err := process.Run(t.Context(), process.Options{Args: []string{"/bin/sh", "-c", "echo a; echo b >&2; ! read x"}}); err != nil {
		t.Errorf("with nothing to read and nobody to write to: %v", err)
	}
}

// TestSignalsToWhatHasEndedAreNoErrors, whatever its number is by now.
func TestSignalsToWhatHasEndedAreNoErrors(t *testing.T) {
	c, err := process.Start(process.Options{Args: []string{"/bin/sh", "-c", "exit 4"}})
	if err != nil {
		t.Fatal(err)
	}
	<-c.Done()
	for _, sig := range []os.Signal{syscall.SIGTERM, os.Kill, syscall.SIGHUP} {
		if err := c.Signal(sig); err != nil {
			t.Errorf("%v: %v", sig, err)
		}
	}
	c.Stop(0)
	var failed *exec.ExitError
	if err := c.Err(); !errors.As(err, &failed) || failed.ExitCode() != 4 || c.Err() != err {
		t.Errorf("its end was %v", err)
	}
}
