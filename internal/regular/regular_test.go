//go:build unix

package regular_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"praetor/internal/regular"
)

// TestOnlyRegularFilesAreRead would wait for ever at the pipe, and grow for ever at the
// device.
func TestOnlyRegularFilesAreRead(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("file"), "text")
	write(t, at("long"), strings.Repeat("x", 17))
	if err := syscall.Mkfifo(at("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", at("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for link, to := range map[string]string{"link": "file", "pipe-link": "pipe", "zero-link": "/dev/zero"} {
		if err := os.Symlink(to, at(link)); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"file": "", "link": "",
		"long":      "larger than 16 bytes",
		"pipe":      "it is a named pipe, not a regular file",
		"pipe-link": "it is a named pipe, not a regular file",
		"zero-link": "it is a device, not a regular file",
		"socket":    "it is a socket, not a regular file",
		".":         "it is a folder, not a regular file",
		"none":      "no such file",
	} {
		data, err := regular.Read(at(name), 16)
		switch {
		case want == "" && (err != nil || string(data) != "text"):
			t.Errorf("%s: got %q, %v", name, data, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), at(name))):
			t.Errorf("%s: got %v, want %q and the path", name, err, want)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
