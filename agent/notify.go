package agent

import (
	"net"
	"os"
)

// The states that a service manager is told of (sd_notify(3)).
const (
	stateReady    = "READY=1"
	stateStopping = "STOPPING=1"
)

// stateReloading says when the reload began, which Type=notify-reload wants to
// know; stateReady ends it.
func stateReloading() string { return "RELOADING=1\nMONOTONIC_USEC=" + monotonicMicroseconds() }

// notify tells a service manager that listens on NOTIFY_SOCKET (systemd) of the
// agent's state. Nobody listening is not an error.
func notify(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	conn.Write([]byte(state))
}
