//go:build faults

package durable_test

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"praetor/internal/durable"
)

// TestFaultsComeFromOutside: a build for tests does what the file says, for as long as it says so.
func TestFaultsComeFromOutside(t *testing.T) {
	faults := filepath.Join(t.TempDir(), "faults")
	t.Setenv(durable.EnvFaults, faults)
	say := func(lines string) {
		t.Helper()
		disk := durable.Disk{Before: func(string) error { return nil }}
		if err := disk.WriteFile("faults", faults, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var disk durable.Disk
	for _, row := range []struct {
		lines, label string
		fails        bool
	}{
		{"", "wal:sync", false},
		{"wal:sync 1 fail\n", "wal:sync", true},
		{"wal:sync 0 fail\n", "wal:sync", false},
		{"wal:sync 1 fail\n", "wal:write", false},
		{"snapshot:* 1 1ms\n*:sync 1 1ns\n*:sync 1 fail\n", "snapshot:sync", true},
	} {
		say(row.lines)
		if err := disk.Step(row.label); errors.Is(err, syscall.EIO) != row.fails {
			t.Errorf("%q, %s: %v", row.lines, row.label, err)
		}
	}
	say("*:sync 1 soon\n")
	defer func() {
		if recover() == nil {
			t.Error("a line that says nothing is passed over")
		}
	}()
	disk.Step("wal:sync")
}
