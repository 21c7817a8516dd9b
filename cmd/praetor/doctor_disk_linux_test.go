package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDoctorNamesAFullDisk fills the disk of a data folder, with the agent up and down.
func TestDoctorNamesAFullDisk(t *testing.T) {
	t.Parallel()
	n := newNode(t, "full", "127.77.123.1", "-server", "-bootstrap")
	data := filepath.Join(n.dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", data, "tmpfs", 0, "size=256m"); err != nil {
		t.Skipf("needs the right to mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(data, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	n.start()
	waitFor(t, "leader", 30*time.Second, n.hasLeader)
	fill, err := os.Create(filepath.Join(data, "fill"))
	if err != nil {
		t.Fatal(err)
	}
	defer fill.Close()
	for block := make([]byte, 1<<20); err == nil; {
		_, err = fill.Write(block)
	}
	if err := examined(n, 2, "problem disk the disk cannot be written", "no space left on device -> make room"); err != nil {
		t.Error(err)
	}
	n.kill()
	out, errs, code := runCLI(t, nil, "doctor", "-data-dir="+data, "127.77.123.1:8500")
	if said := strings.Join(strings.Fields(out), " "); code != 2 || !strings.Contains(said, "problem data folder the disk of "+data+" is full") || !strings.Contains(said, "-> make room: the agent does not start") {
		t.Errorf("code %d:\n%s%s", code, out, errs)
	}
}
