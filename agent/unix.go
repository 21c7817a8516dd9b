package agent

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"strconv"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/config"
)

// listenUnix listens on a Unix socket with the owner and mode asked for
// (reference/config.md §2.2). A socket left over from before is replaced.
func listenUnix(path string, want config.UnixSockets, logger hclog.Logger) (net.Listener, error) {
	if info, err := os.Stat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
		logger.Warn("Replacing socket", "path", path)
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("replace socket: %w", err)
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, bindFault(path, err)
	}
	if err := setSocketFile(path, want); err != nil {
		l.Close()
		return nil, fmt.Errorf("unix_sockets: %w", err)
	}
	return l, nil
}

func setSocketFile(path string, want config.UnixSockets) error {
	uid, gid := -1, -1
	if want.User != "" {
		u, err := user.Lookup(want.User)
		if err != nil {
			if u, err = user.LookupId(want.User); err != nil {
				return fmt.Errorf("user %q: no such user", want.User)
			}
		}
		uid, _ = strconv.Atoi(u.Uid)
	}
	if want.Group != "" {
		n, err := strconv.Atoi(want.Group)
		if err != nil {
			return fmt.Errorf("group %q: want a numeric group ID", want.Group)
		}
		gid = n
	}
	if uid >= 0 || gid >= 0 {
		if err := os.Chown(path, uid, gid); err != nil {
			return err
		}
	}
	if want.Mode == "" {
		return nil
	}
	mode, err := strconv.ParseUint(want.Mode, 8, 32)
	if err != nil {
		return fmt.Errorf("mode %q: want octal digits", want.Mode)
	}
	return os.Chmod(path, os.FileMode(mode))
}
