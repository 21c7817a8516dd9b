//go:build faults

package durable

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"strings"
	"syscall"
	"time"
)

// outside runs before each step of a program that was built with -tags faults, and does what
// the file says that EnvFaults names. A line that it cannot read ends the program: a test whose
// faults never happen passes.
func outside(label string) error {
	text, err := os.ReadFile(os.Getenv(EnvFaults))
	if err != nil {
		return nil // no fault for now
	}
	for line := range strings.Lines(string(text)) {
		var pattern, what string
		var often float64
		if _, err := fmt.Sscan(line, &pattern, &often, &what); err != nil {
			panic(fmt.Sprintf("%s: %q: %v", EnvFaults, line, err))
		}
		hit, err := path.Match(pattern, label)
		if err != nil {
			panic(fmt.Sprintf("%s: %q: %v", EnvFaults, line, err))
		}
		if !hit || rand.Float64() >= often {
			continue
		}
		if what == "fail" {
			return &os.PathError{Op: "fault", Path: label, Err: syscall.EIO}
		}
		longest, err := time.ParseDuration(what)
		if err != nil {
			panic(fmt.Sprintf("%s: %q: %v", EnvFaults, line, err))
		}
		time.Sleep(rand.N(longest))
	}
	return nil
}
