package checks

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"praetor/catalog"
)

// killGrace is how long a script's pipes may stay open after the script ended
// or was killed, held by a process that left its group.
const killGrace = time.Second

// newScript builds a check that runs a program and judges its exit code.
func newScript(c *catalog.Check, o *Options) (Runner, error) {
	d := &c.Definition
	s := script{args: d.ScriptArgs, timeout: orDefault(d.Timeout, scriptTimeout), max: o.OutputMax}
	return newPeriodic(c, o, s.probe), nil
}

type script struct {
	args    []string
	timeout time.Duration
	max     int
}

func (s *script) probe(ctx context.Context) result {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	output := newTail(s.max)
	cmd := exec.CommandContext(ctx, s.args[0], s.args[1:]...)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.WaitDelay = killGrace
	ownGroup(cmd)
	err := cmd.Run()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && !finished(cmd, err) {
		text := fmt.Sprintf("Timed out (%s) running check", s.timeout)
		if output.total > 0 {
			text += "\n\n" + output.announced()
		}
		return result{status: catalog.Critical, output: text, final: true}
	}
	if cmd.ProcessState == nil { // it did not start
		return result{status: catalog.Critical, output: err.Error()}
	}
	return result{status: exitStatus(cmd.ProcessState.ExitCode()), output: output.announced()}
}

// finished reports whether a program ended by itself, if only just in time.
func finished(cmd *exec.Cmd, err error) bool {
	return cmd.ProcessState != nil && cmd.ProcessState.Exited() &&
		!errors.Is(err, context.DeadlineExceeded)
}

func exitStatus(code int) string {
	switch code {
	case 0:
		return catalog.Passing
	case 1:
		return catalog.Warning
	}
	return catalog.Critical
}
