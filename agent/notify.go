package agent

import (
	"net"
	"os"
)

// notifyReady tells a service manager that listens on NOTIFY_SOCKET (systemd's
// sd_notify) that the agent is up. Nobody listening is not an error.
func notifyReady() {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	conn.Write([]byte("READY=1"))
}
