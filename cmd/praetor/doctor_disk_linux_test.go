package main_test

import (
	"strings"
	"testing"
	"time"
)

// TestDoctorNamesAFullDisk fills the disk of a data folder, with the agent up and down.
func TestDoctorNamesAFullDisk(t *testing.T) {
	t.Parallel()
	n := newNode(t, "full", "127.77.123.1", "-server", "-bootstrap")
	data := smallDisk(t, n, 256)
	n.start()
	waitFor(t, "leader", 30*time.Second, n.hasLeader)
	fillDisk(t, data)
	if err := examined(n, 2, "problem disk the disk cannot be written", "no space left on device -> make room"); err != nil {
		t.Error(err)
	}
	n.kill()
	out, errs, code := runCLI(t, nil, "doctor", "-data-dir="+data, "127.77.123.1:8500")
	if said := strings.Join(strings.Fields(out), " "); code != 2 || !strings.Contains(said, "problem data folder the disk of "+data+" is full") || !strings.Contains(said, "-> make room: the agent does not start") {
		t.Errorf("code %d:\n%s%s", code, out, errs)
	}
}
