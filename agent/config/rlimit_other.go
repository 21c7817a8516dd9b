//go:build !unix

package config

func maxOpenFiles() (uint64, bool) { return 0, false }
