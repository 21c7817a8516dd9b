package process

import (
	"os"
	"os/exec"
)

// terminate ends a program: Windows has no way to ask.
var terminate = os.Kill

func shell(line string) []string {
	name := os.Getenv("COMSPEC")
	if name == "" {
		name = "cmd"
	}
	return []string{name, "/C", line}
}

func ownGroup(*exec.Cmd) {}

// send kills whatever the signal: there is no other.
func send(p *os.Process, _ os.Signal, _ bool) error { return p.Kill() }
