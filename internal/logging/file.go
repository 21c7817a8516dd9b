package logging

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const defaultRotateDuration = 24 * time.Hour

// File is a log file that renames itself to BASE-UNIXNANO.EXT when it has
// become too old or too large, and starts a new one.
type File struct {
	path           string
	rotateDuration time.Duration
	rotateBytes    int
	rotateMaxFiles int

	mu     sync.Mutex
	f      *os.File
	opened time.Time
	size   int64
}

// OpenFile opens opts.File for appending; its folder must exist or be creatable.
func OpenFile(opts Options) (*File, error) {
	path := opts.File
	if strings.HasSuffix(path, string(os.PathSeparator)) || strings.HasSuffix(path, "/") {
		path = filepath.Join(path, "consul.log")
	}
	l := &File{path: path, rotateDuration: opts.RotateDuration, rotateBytes: opts.RotateBytes, rotateMaxFiles: opts.RotateMaxFiles}
	if l.rotateDuration == 0 {
		l.rotateDuration = defaultRotateDuration
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("open log file: %w", err)
	}
	return l, l.open()
}

func (l *File) open() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("open log file: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return fmt.Errorf("open log file: %w", err)
	}
	l.f, l.size, l.opened = f, info.Size(), time.Now()
	return nil
}

// Write appends p, rotating first if it is time.
func (l *File) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.due(len(p)) {
		if err := l.rotate(); err != nil {
			return 0, err
		}
	}
	n, err := l.f.Write(p)
	l.size += int64(n)
	return n, err
}

func (l *File) due(n int) bool {
	tooLarge := l.rotateBytes > 0 && l.size > 0 && l.size+int64(n) > int64(l.rotateBytes)
	return tooLarge || time.Since(l.opened) >= l.rotateDuration
}

// rotate begins a new file. A log that cannot be renamed, or whose file somebody else has
// taken away, goes on under its name: too long a log is better than none.
func (l *File) rotate() error {
	l.f.Close()
	base, ext := l.split()
	if os.Rename(l.path, fmt.Sprintf("%s-%d%s", base, time.Now().UnixNano(), ext)) == nil {
		l.prune()
	}
	return l.open()
}

// prune removes the oldest archives beyond rotateMaxFiles. One that cannot be removed
// stays until the next time.
func (l *File) prune() {
	if l.rotateMaxFiles == 0 {
		return
	}
	archives := l.archives()
	for _, path := range archives[:max(0, len(archives)-max(l.rotateMaxFiles, 0))] {
		_ = os.Remove(path)
	}
}

// archives are the files that rotate made, the oldest first. Others may begin alike: the
// log of another agent, such as consul-server.log beside consul.log.
func (l *File) archives() (paths []string) {
	base, ext := l.split()
	files, _ := os.ReadDir(filepath.Dir(l.path)) // of none nothing is removed
	for _, f := range files {
		middle, ok := strings.CutPrefix(f.Name(), filepath.Base(base)+"-")
		number, named := strings.CutSuffix(middle, ext)
		if _, err := strconv.ParseUint(number, 10, 64); ok && named && err == nil {
			paths = append(paths, filepath.Join(filepath.Dir(l.path), f.Name()))
		}
	}
	slices.Sort(paths)
	return paths
}

func (l *File) split() (base, ext string) {
	ext = filepath.Ext(l.path)
	base = strings.TrimSuffix(l.path, ext)
	if ext == "" {
		ext = ".log"
	}
	return base, ext
}

// Close closes the file.
func (l *File) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f.Close()
}
