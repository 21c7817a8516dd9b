package logging

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

func (l *File) rotate() error {
	l.f.Close()
	base, ext := l.split()
	archive := fmt.Sprintf("%s-%d%s", base, time.Now().UnixNano(), ext)
	if err := os.Rename(l.path, archive); err != nil {
		return fmt.Errorf("rotate log file: %w", err)
	}
	if err := l.prune(); err != nil {
		return err
	}
	return l.open()
}

// prune removes the oldest archives beyond rotateMaxFiles.
func (l *File) prune() error {
	if l.rotateMaxFiles == 0 {
		return nil
	}
	base, ext := l.split()
	archives, err := filepath.Glob(base + "-*" + ext)
	if err != nil {
		return err
	}
	slices.Sort(archives)
	for excess := len(archives) - max(l.rotateMaxFiles, 0); excess > 0; excess-- {
		if err := os.Remove(archives[excess-1]); err != nil {
			return fmt.Errorf("remove old log file: %w", err)
		}
	}
	return nil
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
