package durable_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"praetor/internal/durable"
)

var errDisk = errors.New("disk says no")

func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestFileIsReplacedInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	var steps []string
	d := durable.Disk{Before: func(label string) error { steps = append(steps, label); return nil }}
	for _, text := range []string{"one", "two, which is longer", ""} {
		steps = nil
		if err := d.WriteFile("a", path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); got != text {
			t.Errorf("holds %q, want %q", got, text)
		}
	}
	if got, want := strings.Join(steps, " "), "a:create a:write a:sync a:rename a:syncdir"; got != want {
		t.Errorf("steps %s, want %s", got, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestWriteThatFailsLeavesTheOldFile fails each step in turn.
func TestWriteThatFailsLeavesTheOldFile(t *testing.T) {
	for _, step := range []string{"create", "write", "sync", "rename", "syncdir"} {
		dir := t.TempDir()
		path := filepath.Join(dir, "a")
		if err := durable.WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		d := durable.Disk{Before: func(label string) error {
			if label == "a:"+step {
				return errDisk
			}
			return nil
		}}
		if err := d.WriteFile("a", path, []byte("new"), 0o600); !errors.Is(err, errDisk) || step != "create" && !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", step, err)
		}
		want := "old"
		if step == "syncdir" {
			want = "new" // perhaps: that is what the error says
		}
		if got := read(t, path); got != want || !slices.Equal(names(t, dir), []string{"a"}) {
			t.Errorf("%s: holds %q beside %q, want %q", step, got, names(t, dir), want)
		}
	}
	dir := t.TempDir()
	err := durable.Write(filepath.Join(dir, "a"), 0o600, func(w io.Writer) error {
		_, err := io.WriteString(w, "half")
		return errors.Join(err, errDisk)
	})
	if !errors.Is(err, errDisk) || len(names(t, dir)) != 0 {
		t.Errorf("half a file: %v, %q", err, names(t, dir))
	}
}

// TestFolderThatCannotBeSyncedIsNoError says what systems answer that cannot.
func TestFolderThatCannotBeSyncedIsNoError(t *testing.T) {
	for _, row := range []struct {
		said error
		fine bool
	}{
		{nil, true},
		{&os.PathError{Op: "sync", Path: "d", Err: syscall.EINVAL}, true},
		{&os.PathError{Op: "sync", Path: "d", Err: syscall.EPERM}, true},
		{&os.PathError{Op: "open", Path: "d", Err: syscall.EACCES}, true},
		{&os.PathError{Op: "sync", Path: "d", Err: syscall.ENOSYS}, true},
		{&os.PathError{Op: "sync", Path: "d", Err: syscall.EOPNOTSUPP}, true},
		{&os.PathError{Op: "sync", Path: "d", Err: syscall.EIO}, false},
		{&os.PathError{Op: "sync", Path: "d", Err: syscall.ENOSPC}, false},
		{&os.PathError{Op: "open", Path: "d", Err: syscall.ENOENT}, false},
	} {
		path := filepath.Join(t.TempDir(), "a")
		d := durable.Disk{Folder: func(dir string) error {
			if dir != filepath.Dir(path) {
				t.Errorf("synced %s", dir)
			}
			return row.said
		}}
		if err := d.WriteFile("a", path, []byte("text"), 0o600); (err == nil) != row.fine || !row.fine && !errors.Is(err, row.said) {
			t.Errorf("%v: %v, want fine %v", row.said, err, row.fine)
		}
	}
	// A fault of a test is one, whatever it is.
	d := durable.Disk{Before: func(string) error { return syscall.EPERM }}
	if err := d.SyncFolder("a", t.TempDir()); !errors.Is(err, syscall.EPERM) {
		t.Error(err)
	}
}

func TestMoveLinkAndRemove(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	var d durable.Disk
	write := func(path, text string) {
		t.Helper()
		if err := d.WriteNew("new", path, 0o600, func(f *os.File) error { _, err := f.WriteString(text); return err }); err != nil {
			t.Fatal(err)
		}
	}
	write(a, "one")
	write(b, "two")
	if err := durable.Move(a, b); err != nil || read(t, b) != "one" {
		t.Errorf("moved: %v", err)
	}
	write(a, "three")
	if err := d.Link("l", a, b); err != nil || read(t, b) != "one" || len(names(t, dir)) != 1 {
		t.Errorf("linked to a name that is taken: %v, %q", err, names(t, dir))
	}
	if err := errors.Join(d.Remove("r", b), d.Remove("r", b)); err != nil || len(names(t, dir)) != 0 {
		t.Errorf("removed: %v", err)
	}
	write(a, "four")
	if err := d.Link("l", a, b); err != nil || read(t, b) != "four" {
		t.Errorf("linked: %v", err)
	}
	if err := durable.Move(a, b); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("moved what is not there: %v", err)
	}
	if err := durable.SyncFolder(a); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("synced what is not there: %v", err)
	}
}

func TestSyncDataSyncsFilesThatAreOpenOnly(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("text"); err != nil {
		t.Fatal(err)
	}
	if err := durable.SyncData(f); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := durable.SyncData(f); err == nil {
		t.Error("nothing was wrong with a file that is closed")
	}
}
