package httpserver

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// unsentBytes is how much the system takes beyond what is on its way. Without that
// bound it takes 4 MB of an answer for a client that reads nothing, and a slow reader
// must read a third of them before more can be written: it would look as if it
// had stopped.
const unsentBytes = 128 << 10

// keepUnsentShort bounds what the system holds for a connection.
func keepUnsentShort(conn net.Conn) {
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return
	}
	if c, err := raw.SyscallConn(); err == nil {
		_ = c.Control(func(fd uintptr) { // a system that cannot goes on as before
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentBytes)
		})
	}
}
