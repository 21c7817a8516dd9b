//go:build !windows

package durable

import "os"

func rename(from, to string) error { return os.Rename(from, to) }

// isOwnDenial reports whether an error is this system's own way to say that it does not
// sync folders.
func isOwnDenial(error) bool { return false }
