//go:build unix

package cli

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// dropRoot makes the whole process an ordinary user's, for good.
func dropRoot(uid, gid int) error {
	for _, step := range []func() error{
		func() error { return syscall.Setgroups([]int{gid}) },
		func() error { return syscall.Setgid(gid) },
		func() error { return syscall.Setuid(uid) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("becoming user %d, group %d: %w", uid, gid, err)
		}
	}
	return nil
}

// replaceProcess goes on as another program.
func replaceProcess(args []string) error {
	program, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	return syscall.Exec(program, args, os.Environ())
}
