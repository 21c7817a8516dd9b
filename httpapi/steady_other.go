//go:build !linux

package httpapi

import "net"

// keepUnsentShort bounds what the system holds for a connection, on Linux.
func keepUnsentShort(net.Conn) {}
