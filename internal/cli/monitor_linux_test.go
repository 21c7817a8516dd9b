package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheMonitorGetsSlackOnce(t *testing.T) {
	if !calmMonitor() {
		t.Skip("it takes CAP_SYS_NICE to set the slack of another thread, which must be the usual one")
	}
	if calmMonitor() {
		t.Error("what was set was set again")
	}
	threads, err := filepath.Glob("/proc/self/task/*")
	if err != nil {
		t.Fatal(err)
	}
	calm := 0
	for _, thread := range threads {
		value, err := os.ReadFile("/proc/" + filepath.Base(thread) + "/timerslack_ns")
		if err == nil && strings.TrimSpace(string(value)) == monitorSlack {
			calm++
		}
	}
	if calm != 1 {
		t.Errorf("%d threads have slack, want one", calm)
	}
}
