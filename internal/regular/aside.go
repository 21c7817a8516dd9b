package regular

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	damagedInfix = ".damaged-"
	// maxDamaged bounds how many damaged files are kept of one name; the oldest goes
	// first.
	maxDamaged = 5
)

// Aside is the name under which the file at path, found damaged now, is kept.
func Aside(path string) string {
	return path + damagedInfix + time.Now().UTC().Format("20060102T150405.000Z")
}

// PutAside renames a damaged file, or whatever stands in its place, so that it can be
// looked at later, and returns its new name.
func PutAside(path string) (kept string, err error) {
	kept = Aside(path)
	if err := os.Rename(path, kept); err != nil {
		return "", err
	}
	Prune(path)
	return kept, nil
}

// Prune removes the oldest files kept of path beyond those that are kept. One that
// cannot be removed stays: it does no harm.
func Prune(path string) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), filepath.Base(path)+damagedInfix) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names) // by time
	for _, name := range names[:max(0, len(names)-maxDamaged)] {
		_ = os.Remove(filepath.Join(filepath.Dir(path), name))
	}
}
