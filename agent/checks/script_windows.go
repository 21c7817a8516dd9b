package checks

import "os/exec"

// ownGroup leaves a program as it is: its end is that of its context.
func ownGroup(*exec.Cmd) {}
