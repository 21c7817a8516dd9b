package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"praetor/internal/regular"
)

// source is one text of configuration and where it came from.
type source struct {
	name   string // as messages name it
	format string
	text   string
}

// readSources reads the files and folders that paths name, in order; a folder
// gives its files by name. Nothing is parsed yet.
func readSources(paths []string, format string) (sources []source, warnings []string, err error) {
	var faults []error
	for _, path := range paths {
		found, skipped, err := readPath(path, format)
		sources, warnings = append(sources, found...), append(warnings, skipped...)
		if err != nil {
			faults = append(faults, err)
		}
	}
	return sources, warnings, joinLines(faults)
}

func readPath(path, format string) ([]source, []string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, fmt.Errorf("config: Open failed on %s. %w", path, openError(path, err))
	}
	if info.IsDir() {
		return readDir(path, format)
	}
	if format == "" && formatOf(path) == "" {
		return nil, nil, fmt.Errorf("file %s has unknown extension; must be .hcl or .json, or config format must be set", path)
	}
	src, err := readFile(path, format)
	if err != nil {
		return nil, nil, err
	}
	return []source{src}, nil, nil
}

func readDir(dir, format string) (sources []source, warnings []string, err error) {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return nil, nil, fmt.Errorf("config: Readdir failed on %s. %w", dir, err)
	}
	for _, entry := range entries {
		path, err := resolve(filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, nil, err
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, nil, fmt.Errorf("config: Open failed on %s. %w", path, openError(path, err))
		}
		if info.IsDir() {
			continue
		}
		if format == "" && formatOf(path) == "" {
			warnings = append(warnings, fmt.Sprintf("skipping file %s, extension must be .hcl or .json, or config format must be set", path))
			continue
		}
		src, err := readFile(path, format)
		if err != nil {
			return nil, nil, err
		}
		sources = append(sources, src)
	}
	if len(sources) == 0 && len(warnings) > 0 {
		warnings = append(warnings, fmt.Sprintf("nothing of %s was read: configuration is HCL or JSON, in files named .hcl or .json; YAML is not read", dir))
	}
	return sources, warnings, nil
}

// resolve follows a symbolic link: its target's name decides about the format.
func resolve(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", fmt.Errorf("config: Open failed on %s. %w", path, err)
	}
	if info.Mode()&os.ModeSymlink == 0 {
		return path, nil
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", fmt.Errorf("config: Open failed on %s. %w", path, err)
	}
	return target, nil
}

// readFile reads at most what parse accepts, and a byte more so that it notices.
func readFile(path, format string) (source, error) {
	open := regular.Open
	if isDescriptor(path) {
		open = os.Open
	}
	f, err := open(path)
	if err != nil {
		return source{}, fmt.Errorf("config: Open failed on %s. %w", path, openError(path, err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSourceBytes+1))
	if err != nil {
		return source{}, fmt.Errorf("config: ReadFile failed on %s: %w", path, err)
	}
	if format == "" {
		format = formatOf(path)
	}
	return source{path, format, string(stripBOM(data))}, nil
}

// isDescriptor reports whether path is a file that the shell has opened for us, such as
// <(command): it may be a pipe, since somebody is at its other end.
func isDescriptor(path string) bool {
	return path == "/dev/stdin" || strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/")
}

func formatOf(path string) string {
	switch {
	case strings.HasSuffix(path, ".json"):
		return formatJSON
	case strings.HasSuffix(path, ".hcl"):
		return formatHCL
	}
	return ""
}

// openError words a failure to look at path as a failure to open it, which is
// what Consul does first.
func openError(path string, err error) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return &os.PathError{Op: "open", Path: path, Err: pathErr.Err}
	}
	return err
}

// joinLines joins errors one per line; a single one stays as it is.
func joinLines(faults []error) error {
	if len(faults) == 1 {
		return faults[0]
	}
	return errors.Join(faults...)
}
