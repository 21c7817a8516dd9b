//go:build !linux

package httpserver

import "net"

// keepUnsentShort bounds what the system holds for a connection, on Linux.
func keepUnsentShort(net.Conn) {}
