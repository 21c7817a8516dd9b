//go:build unix

package disk

import "golang.org/x/sys/unix"

// Free is how much this user may still write to the disk of a folder.
func Free(dir string) (uint64, error) {
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err != nil {
		return 0, err
	}
	return uint64(disk.Bavail) * uint64(disk.Bsize), nil
}
