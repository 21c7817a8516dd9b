package disk_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"praetor/internal/disk"
)

// TestRoomIsThatOfTheDiskOfAFolder, or of a file; what is not there has none.
func TestRoomIsThatOfTheDiskOfAFolder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, file} {
		if room, err := disk.Free(path); err != nil || room < 1<<20 { // less, and no test could run
			t.Errorf("%s: %d bytes, %v", path, room, err)
		}
	}
	if room, err := disk.Free(filepath.Join(dir, "gone")); room != 0 || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of what is not there: %d bytes, %v", room, err)
	}
}
