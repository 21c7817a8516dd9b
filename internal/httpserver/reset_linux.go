package httpserver

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// isReset reports whether a socket has lost both its halves.
func isReset(socket syscall.Conn) bool {
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	gone := false
	err = raw.Control(func(fd uintptr) {
		look := []unix.PollFd{{Fd: int32(fd)}} // asks for nothing: both halves closed and errors are always told
		n, err := unix.Poll(look, 0)
		gone = err == nil && n > 0 && look[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
	})
	return gone || err != nil // an error: closed on our side
}
