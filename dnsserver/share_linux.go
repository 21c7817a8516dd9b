package dnsserver

import (
	"syscall"

	"golang.org/x/sys/unix"
)

const canSharePort = true

// sharePort lets several sockets of this process have one address.
func sharePort(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
	if err != nil {
		return err
	}
	return failed
}
