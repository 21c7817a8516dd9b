package gossip

import (
	"os"
	"path/filepath"

	"praetor/internal/durable"
)

// writePrivate makes a file whole or not at all, readable by its owner only, in a
// folder that is made if it is not there.
func writePrivate(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return durable.WriteFile(path, data, 0o600)
}
