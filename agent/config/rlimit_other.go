//go:build !unix

package config

// MaxOpenFiles is how many files this process may have open, false where that is not known.
func MaxOpenFiles() (uint64, bool) { return 0, false }
