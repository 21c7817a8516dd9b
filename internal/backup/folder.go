package backup

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"praetor/internal/durable"
)

// folder is a Store in a file system.
type folder string

// String implements Store.
func (f folder) String() string { return string(f) }

// suffixUnread ends the name of a file that was not read back yet.
const suffixUnread = ".unverified"

// Put implements Store.
func (f folder) Put(ctx context.Context, name string, fill func(io.Writer) error) error {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return err
	}
	path := filepath.Join(string(f), name)
	unread := path + suffixUnread
	f.tidy()
	sum := sha256.New()
	err := durable.Write(unread, 0o600, func(w io.Writer) error {
		return fill(io.MultiWriter(w, sum, ending{ctx}))
	})
	if err != nil {
		return err
	}
	file, err := os.Open(unread)
	if err != nil {
		return err
	}
	err = compare(file, sum)
	file.Close()
	if err != nil {
		return errors.Join(err, os.Remove(unread))
	}
	return durable.Move(unread, path)
}

// ending ends a copy with a context.
type ending struct{ ctx context.Context }

// Write implements io.Writer.
func (e ending) Write(b []byte) (int, error) { return len(b), context.Cause(e.ctx) }

var errChanged = errors.New("what was read back is not what was written: the disk, or the store, damages what it is given")

// compare reads what was written, and compares its sum.
func compare(r io.Reader, want hash.Hash) error {
	got := sha256.New()
	if _, err := io.Copy(got, r); err != nil {
		return err
	}
	if string(got.Sum(nil)) != string(want.Sum(nil)) {
		return errChanged
	}
	return nil
}

// abandonedAfter is how old a half of a backup is that nobody writes any more.
const abandonedAfter = 24 * time.Hour

// tidy removes what a process left that was killed while it wrote.
func (f folder) tidy() {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return // Put will say it
	}
	for _, e := range entries {
		if !strings.Contains(e.Name(), suffix+suffixUnread) && !strings.Contains(e.Name(), suffix+suffixEncrypted+suffixUnread) {
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > abandonedAfter {
			_ = os.Remove(filepath.Join(string(f), e.Name())) // the next backup tries again
		}
	}
}

// List implements Store.
func (f folder) List(_ context.Context, prefix string) ([]string, error) {
	entries, err := os.ReadDir(string(f))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // Put makes it
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Remove implements Store.
func (f folder) Remove(_ context.Context, name string) error {
	return os.Remove(filepath.Join(string(f), name))
}

var _ Store = folder("")
