package raftstore

import (
	"os"

	"github.com/hashicorp/go-hclog"

	"praetor/internal/durable"
)

// disk does the file operations that must last, with a place for warnings.
type disk struct {
	durable.Disk
	logger hclog.Logger // nil: none
}

// Modes of what is in the raft folder: all keys and values, and later tokens.
const (
	folderMode os.FileMode = 0o700
	fileMode   os.FileMode = 0o600
)

func (d *disk) warn(text string, args ...any) {
	if d.logger != nil {
		d.logger.Warn(text, args...)
	}
}
