package regular

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Open opens a regular file for reading.
func Open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if pathErr, ok := err.(*fs.PathError); ok {
		pathErr.Op = "open" // what the caller asked for
	}
	if err == nil {
		err = check(path, info)
	}
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// check tells why what a path leads to is no regular file, nil if it is one.
func check(path string, info fs.FileInfo) error {
	if info.Mode().IsRegular() {
		return nil
	}
	return &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("it is %s, not a regular file", kind(info.Mode()))}
}

// Read returns what a regular file holds. One that exceeds maxBytes is an error.
func Read(path string, maxBytes int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	// Room for all of it at once, for large files: the size is a guess, it may grow.
	data := bytes.NewBuffer(make([]byte, 0, min(info.Size(), maxBytes)+bytes.MinRead))
	_, err = data.ReadFrom(io.LimitReader(f, maxBytes+1))
	if err == nil && int64(data.Len()) > maxBytes {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("it is larger than %d bytes", maxBytes)}
	}
	return data.Bytes(), err
}

func kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}
