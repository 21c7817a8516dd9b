package agent_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"praetor/agent"
	"praetor/raftstore"
)

// golden unpacks a folder that an earlier version left.
func golden(t *testing.T, name string) string {
	t.Helper()
	archives, err := filepath.Glob("../cmd/praetor/testdata/golden/*/" + name + ".tar.gz")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no %s: %v", name, err)
	}
	f, err := os.Open(archives[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for in := tar.NewReader(z); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return filepath.Join(dir, "data")
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err == nil && h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o700)
		} else if err == nil {
			var text []byte
			text, err = io.ReadAll(in)
			err = errors.Join(err, os.WriteFile(path, text, 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// contents is all files of a folder in one text.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all.WriteString(path + "\x00" + string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// TestFormsOfFoldersAreReadAndNothingIsChanged.
func TestFormsOfFoldersAreReadAndNothingIsChanged(t *testing.T) {
	for name, want := range map[string]string{
		"wal":    "log: wal, entries of version 1; snapshot: state up to index 196; commands: 18 entries up to index 214; services and checks: journal PRLJ0001",
		"bolt":   "log: boltdb, entries of version 1; snapshot: state up to index 190; commands: 10 entries up to index 200; services and checks: journal PRLJ0001",
		"client": "services and checks: journal PRLJ0001",
	} {
		dir := golden(t, name)
		before := contents(t, dir)
		forms, err := agent.ReadForms(dir)
		var got []string
		for _, f := range forms {
			got = append(got, f.Part+": "+f.Is)
			if f.Newer != nil || f.Since != "0.1.0" {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if said := strings.Join(got, "; "); err != nil || said != want {
			t.Errorf("%s: %s, %v", name, said, err)
		}
		if contents(t, dir) != before {
			t.Errorf("%s was changed", name)
		}
	}
}

// accepts is a machine of a version that knows every command.
type accepts struct{}

func (accepts) Apply(entries []raftstore.Entry) ([]any, error) { return make([]any, len(entries)), nil }
func (accepts) Snapshot() (raftstore.Snapshot, error)          { return nil, errors.New("none") }
func (accepts) Restore(io.Reader) error                        { return nil }

// TestFoldersThatANewerVersionWroteAreTold: by the entry that this one does not know.
func TestFoldersThatANewerVersionWroteAreTold(t *testing.T) {
	dir := golden(t, "wal")
	id, err := os.ReadFile(filepath.Join(dir, "node-id"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	newer, err := raftstore.Open(raftstore.Options{
		ID: strings.TrimSpace(string(id)), Address: l.Addr().String(), Dir: filepath.Join(dir, "raft"), Listener: l, Machine: accepts{},
		Dial: func(context.Context, raftstore.Peer) (net.Conn, error) { return nil, net.ErrClosed },
	})
	if err != nil {
		t.Fatal(err)
	}
	for leads := range newer.Leadership() {
		if leads {
			break
		}
	}
	_, _, err = newer.Apply(t.Context(), []byte{250, 1})
	if err := errors.Join(err, newer.Close()); err != nil {
		t.Fatal(err)
	}
	holding, err := agent.OpenRecovery(dir, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := agent.ReadForms(dir); err == nil || !strings.Contains(err.Error(), "an agent runs on") {
		t.Errorf("in use: %v", err)
	}
	if err := holding.Close(); err != nil {
		t.Fatal(err)
	}
	forms, err := agent.ReadForms(dir)
	if err != nil || len(forms) != 4 || forms[2].Newer == nil || !strings.Contains(forms[2].Newer.Error(), "command 250") {
		t.Errorf("%+v, %v", forms, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "local.journal"), []byte("PRLJ0002 and more"), 0o600); err != nil {
		t.Fatal(err)
	}
	if forms, err = agent.ReadForms(dir); err != nil || forms[3].Newer == nil {
		t.Errorf("%+v, %v", forms, err)
	}
	if _, err := agent.ReadForms(t.TempDir()); err == nil || !strings.Contains(err.Error(), "holds no data of an agent") {
		t.Errorf("an empty folder: %v", err)
	}
}
