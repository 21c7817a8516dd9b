package durable_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"praetor/internal/durable"
)

// failing is a disk whose step of a label fails.
func failing(step string) *durable.Disk {
	return &durable.Disk{Before: func(label string) error {
		if label == "x:"+step {
			return errDisk
		}
		return nil
	}}
}

// TestEachOperationFailsWhereItsStepsDo: what it was about to do is not done then, and what was
// there is there.
func TestEachOperationFailsWhereItsStepsDo(t *testing.T) {
	operations := map[string]struct {
		do    func(d *durable.Disk, a, b string) error
		steps []string
		done  string // what is there afterwards
		half  map[string]string
	}{
		"move":   {func(d *durable.Disk, a, b string) error { return d.Move("x", a, b) }, []string{"rename", "syncdir"}, "b=A", map[string]string{"syncdir": "b=A"}},
		"rename": {func(d *durable.Disk, a, b string) error { return d.Rename("x", a, b) }, []string{"rename"}, "b=A", nil},
		"link":   {func(d *durable.Disk, a, b string) error { return d.Link("x", a, b) }, []string{"rename", "syncdir"}, "b=B", map[string]string{"syncdir": "b=B"}},
		"remove": {func(d *durable.Disk, a, _ string) error { return d.Remove("x", a) }, []string{"remove", "syncdir"}, "b=B", map[string]string{"syncdir": "b=B"}},
		"write new": {func(d *durable.Disk, a, _ string) error {
			return d.WriteNew("x", a, 0o600, func(f *os.File) error { _, err := f.WriteString("new"); return err })
		}, []string{"create", "write", "sync"}, "a=new b=B", map[string]string{"write": "a= b=B", "sync": "a=new b=B"}},
		"write": {func(d *durable.Disk, a, _ string) error { return d.WriteFile("x", a, []byte("new"), 0o644) }, []string{"create", "write", "sync", "rename", "syncdir"}, "a=new b=B", map[string]string{"syncdir": "a=new b=B"}},
	}
	for name, c := range operations {
		for _, step := range append(c.steps, "none") {
			dir := t.TempDir()
			a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
			for path, text := range map[string]string{a: "A", b: "B"} {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err := c.do(failing(step), a, b)
			want := "a=A b=B"
			if half, ok := c.half[step]; ok {
				want = half
			}
			if step == "none" {
				want = c.done
			}
			if (step == "none") != (err == nil) || err != nil && !errors.Is(err, errDisk) {
				t.Errorf("%s, with a fault of %s: %v", name, step, err)
			}
			var there []string
			for _, file := range names(t, dir) {
				there = append(there, file+"="+read(t, filepath.Join(dir, file)))
			}
			if got := strings.Join(there, " "); got != want {
				t.Errorf("%s, with a fault of %s: there is %s, want %s", name, step, got, want)
			}
		}
	}
}

// TestStepsComeInTheirOrder, each with the name of its caller.
func TestStepsComeInTheirOrder(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(d *durable.Disk, a, b string) error
		want string
	}{
		"move":           {func(d *durable.Disk, a, b string) error { return d.Move("m", a, b) }, "m:rename m:syncdir"},
		"link":           {func(d *durable.Disk, a, b string) error { return d.Link("l", a, b) }, "l:rename l:syncdir"},
		"remove":         {func(d *durable.Disk, a, _ string) error { return d.Remove("r", a) }, "r:remove r:syncdir"},
		"remove nothing": {func(d *durable.Disk, a, _ string) error { return d.Remove("r", a+"-none") }, "r:remove"},
		"write new": {func(d *durable.Disk, a, _ string) error {
			return d.WriteNew("n", a, 0o600, func(*os.File) error { return nil })
		}, "n:create n:write n:sync"},
		"write new badly": {func(d *durable.Disk, a, _ string) error {
			return d.WriteNew("n", a, 0o600, func(*os.File) error { return errDisk })
		}, "n:create n:write"},
		"sync a folder": {func(d *durable.Disk, a, _ string) error { return d.SyncFolder("f", filepath.Dir(a)) }, "f:syncdir"},
	} {
		dir := t.TempDir()
		a := filepath.Join(dir, "a")
		if err := os.WriteFile(a, []byte("A"), 0o600); err != nil {
			t.Fatal(err)
		}
		var steps []string
		d := &durable.Disk{Before: func(label string) error { steps = append(steps, label); return nil }}
		if err := c.do(d, a, filepath.Join(dir, "b")); err != nil && !errors.Is(err, errDisk) {
			t.Errorf("%s: %v", name, err)
		}
		if !slices.Equal(steps, strings.Fields(c.want)) {
			t.Errorf("%s: steps %q, want %s", name, steps, c.want)
		}
	}
}

// TestFoldersThatAreNotThere are named in errors.
func TestFoldersThatAreNotThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gone", "a")
	var d durable.Disk
	for name, err := range map[string]error{
		"write":     durable.WriteFile(path, nil, 0o600),
		"write new": d.WriteNew("x", path, 0o600, func(*os.File) error { return nil }),
		"move":      durable.Move(path, path+"b"),
		"link":      d.Link("x", path, path+"b"),
		"sync":      durable.SyncFolder(filepath.Dir(path)),
	} {
		if !errors.Is(err, os.ErrNotExist) || !strings.Contains(fmt.Sprint(err), filepath.Dir(path)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := d.Remove("x", path); err != nil {
		t.Errorf("removing what is not there: %v", err)
	}
}
