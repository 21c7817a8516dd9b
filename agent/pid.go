package agent

import (
	"fmt"
	"os"
	"strconv"

	"praetor/agent/config"
)

// writePID writes the process ID to the file configured and removes it at the end.
func (a *Agent) writePID(rt *config.Runtime) error {
	if rt.PidFile == "" {
		return nil
	}
	if err := os.WriteFile(rt.PidFile, []byte(strconv.Itoa(os.Getpid())), 0o666); err != nil {
		return fmt.Errorf("write pid_file: %w", err)
	}
	a.own(pidFile(rt.PidFile))
	return nil
}

type pidFile string

func (p pidFile) Close() error { return os.Remove(string(p)) }
