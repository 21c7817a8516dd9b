//go:build !linux

package dnsserver

import "syscall"

// Elsewhere the option is missing, or does not spread clients over sockets.
const canSharePort = false

func sharePort(_, _ string, _ syscall.RawConn) error { return nil }
