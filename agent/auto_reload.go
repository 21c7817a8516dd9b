package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"

	"praetor/internal/regular"
)

// autoReloadPause is how long files must stay unchanged before they are read, so
// that an editor, or a tool that writes several files, has finished.
const autoReloadPause = time.Second

// runAutoReload reloads the configuration when one of its files changed, until ctx
// ends (auto_reload_config).
func (a *Agent) runAutoReload(ctx context.Context) error {
	rt := a.runtime.Load()
	if !rt.AutoReload {
		<-ctx.Done()
		return nil
	}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		// The agent is of use without it.
		a.logger.Error("Configuration files are not watched: reload by hand", "error", err)
		<-ctx.Done()
		return nil
	}
	defer watcher.Close()
	a.watchFolders(watcher, rt.Watched)
	known := fingerprint(rt.Watched)
	settled := time.NewTimer(0)
	settled.Stop()
	defer settled.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-watcher.Errors:
			a.logger.Warn("A change of configuration files may have been missed", "error", err)
			settled.Reset(autoReloadPause)
		case <-watcher.Events:
			settled.Reset(autoReloadPause)
		case <-settled.C:
			paths := a.runtime.Load().Watched
			now := fingerprint(paths)
			if now == known {
				continue
			}
			known = now
			a.logger.Info("Configuration files changed: reloading")
			if err := a.reload(true); err != nil {
				a.logger.Error("Reload failed, nothing was changed", "error", err)
				continue
			}
			// What changed while it was read is another change: the digest is from before.
			if next := a.runtime.Load().Watched; !slices.Equal(next, paths) {
				a.watchFolders(watcher, next)
				known = [sha256.Size]byte{} // read once more, now that all are watched
				settled.Reset(autoReloadPause)
			}
		}
	}
}

// watchFolders has a watcher report changes in the folders of paths, and no others.
// Files are watched through their folders, because most tools replace them.
func (a *Agent) watchFolders(watcher *fsnotify.Watcher, paths []string) {
	var folders []string
	for _, path := range paths {
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			path = filepath.Dir(path)
		}
		if path = filepath.Clean(path); !slices.Contains(folders, path) {
			folders = append(folders, path)
		}
	}
	for _, old := range watcher.WatchList() {
		if !slices.Contains(folders, old) {
			_ = watcher.Remove(old) // it may be gone already
		}
	}
	for _, folder := range folders {
		if err := watcher.Add(folder); err != nil {
			a.logger.Warn("Folder is not watched: reload by hand", "folder", folder, "error", err)
		}
	}
}

// maxWatched is past what the configuration takes of a file, in bytes.
const maxWatched = 32 << 20

// fingerprint is a digest of what the files and folders hold that paths name. What cannot
// be read counts by its error.
func fingerprint(paths []string) [sha256.Size]byte {
	h := sha256.New()
	add := func(path string) {
		text, err := regular.Read(path, maxWatched)
		fmt.Fprintf(h, "%q %d %t\n", path, len(text), errors.Is(err, fs.ErrNotExist))
		h.Write(text)
	}
	for _, path := range paths {
		entries, err := os.ReadDir(path)
		if err != nil {
			add(path)
			continue
		}
		for _, entry := range entries {
			if file := filepath.Join(path, entry.Name()); !isFolder(file) {
				add(file)
			}
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
