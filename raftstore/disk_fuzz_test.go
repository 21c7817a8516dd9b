package raftstore_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"praetor/raftstore"
)

// FuzzFilesOnDisk: nothing that lies on a disk ends in a panic, or takes more than
// a moment; and a note that is taken is written as it was read.
func FuzzFilesOnDisk(f *testing.F) {
	f.Add([]byte(`{"Version":1,"ID":"1-2-3","Index":2,"Term":1,"Checksum":"00000000"}` + "\n"))
	f.Add([]byte(`{"Checksum":"x"}`))
	f.Add(make([]byte, 4096))
	f.Add(bytes.Repeat([]byte{1, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f}, 64)) // entries that claim 2 GiB
	f.Add(bytes.Repeat([]byte{3, 0, 0, 0, 0, 0, 0, 0}, 64))             // commits of nothing
	for _, seed := range seedFiles(f) {
		f.Add(seed)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		path := filepath.Join(dir, "segment")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if again := raftstore.ReadFiles(b, path); again != nil && !bytes.HasPrefix(b, again) {
			t.Errorf("a note of\n%x\nbecame\n%x", b, again)
		}
	})
}

// seedFiles are those of a log with an entry.
func seedFiles(f *testing.F) (files [][]byte) {
	dir := f.TempDir()
	log, err := raftstore.OpenTestLog("wal", dir, 1<<16, func(string) error { return nil })
	if err != nil {
		f.Fatal(err)
	}
	if err := log.Close(); err != nil {
		f.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files = append(files, data[:min(len(data), 8192)])
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	return files
}
