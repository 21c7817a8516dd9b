package process

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Grace is how long a program that is told to stop has before it is killed
// (reference/cli.md §4, lock).
const Grace = 5 * time.Second

// pipeGrace is how long pipes may stay open after a program ended, held by a
// process that it left behind.
const pipeGrace = time.Second

// ErrNoCommand tells that there is nothing to run.
var ErrNoCommand = errors.New("no command to run")

// Options says what to run.
type Options struct {
	Args       []string // program and arguments; else
	Line       string   // a line for the user's shell
	Env        []string // KEY=value, beside the caller's own
	Stdin      io.Reader
	Stdout     io.Writer // nil drops what is written
	Stderr     io.Writer
	Foreground bool // stay in the caller's process group
}

// Words are the options for the words of a command line: as they are, or
// joined for a shell.
func Words(words []string, shell bool) Options {
	if shell {
		return Options{Line: strings.Join(words, " ")}
	}
	return Options{Args: words}
}

// Child is a running program.
type Child struct {
	cmd   *exec.Cmd
	group bool
	done  chan struct{}
	err   error // set before done is closed
}

// Start starts a program; the error says why it cannot be.
func Start(opts Options) (*Child, error) {
	args := opts.Args
	if len(args) == 0 {
		if opts.Line == "" {
			return nil, ErrNoCommand
		}
		args = shell(opts.Line)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), opts.Env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = opts.Stdin, opts.Stdout, opts.Stderr
	cmd.WaitDelay = pipeGrace
	if !opts.Foreground {
		ownGroup(cmd)
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &Child{cmd: cmd, group: !opts.Foreground, done: make(chan struct{})}
	go c.wait() // ends with the program, which its owner stops
	return c, nil
}

func (c *Child) wait() {
	defer close(c.done)
	if err := c.cmd.Wait(); !errors.Is(err, exec.ErrWaitDelay) {
		c.err = err
	}
}

// Done is closed when the program has ended.
func (c *Child) Done() <-chan struct{} { return c.done }

// Err waits for the end and returns what went wrong: an *exec.ExitError if the
// program failed, nil if it did not.
func (c *Child) Err() error {
	<-c.done
	return c.err
}

// Signal sends a signal to the program and what it started. One that ended
// already is no error.
func (c *Child) Signal(sig os.Signal) error {
	select {
	case <-c.done: // its number may be another's by now
		return nil
	default:
	}
	err := send(c.cmd.Process, sig, c.group)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Stop asks the program to end, kills it after grace, and waits for its end.
func (c *Child) Stop(grace time.Duration) {
	if c.Signal(terminate) == nil {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-c.done:
			return
		case <-timer.C:
		}
	}
	if c.Signal(os.Kill) != nil {
		c.cmd.Process.Kill() // the group cannot be reached: at least its head
	}
	<-c.done
}

// Run runs a program to its end, or stops it when ctx ends.
func Run(ctx context.Context, opts Options) error {
	c, err := Start(opts)
	if err != nil {
		return err
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		c.Stop(Grace)
	}
	return c.Err()
}

// ExitCode is the code an error of Err stands for: 0 without one, the
// program's, or 1 where it has none, as when a signal ended it.
func ExitCode(err error) int {
	var failed *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &failed) && failed.ExitCode() > 0:
		return failed.ExitCode()
	}
	return 1
}
