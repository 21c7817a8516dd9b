//go:build unix

package process

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// terminate asks a program to end.
var terminate os.Signal = syscall.SIGTERM

func shell(line string) []string {
	name := os.Getenv("SHELL")
	if name == "" {
		name = "/bin/sh"
	}
	return []string{name, "-c", line}
}

func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func send(p *os.Process, sig os.Signal, group bool) error {
	number, ok := sig.(syscall.Signal)
	if !group || !ok {
		return p.Signal(sig)
	}
	if err := syscall.Kill(-p.Pid, number); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return os.ErrProcessDone
}
