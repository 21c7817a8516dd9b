package raftstore

import (
	"errors"
	"os"
)

// probeBytes must find room on the disk of a server whose log could not be written,
// before it stands for election: a few batches of the largest values.
const probeBytes = 1 << 20

// stands reports whether this server may stand for election: if it cannot write its log it
// would win, fail to write the first entry of its term, and step down, again and again.
func (s *Store) stands() bool {
	err := s.folder.writable()
	switch lacked := s.noRoom.Swap(err != nil); {
	case err != nil && !lacked:
		s.logger.Warn("this server stands for no election until its log can be written (praetor help disk)", "error", err)
	case err == nil && lacked:
		s.logger.Info("the log of this server can be written again: it stands for election")
	}
	return err == nil
}

// writable is nil unless the log could not be written, and still cannot be.
func (f *folder) writable() error {
	if f.watched == nil || !f.watched.failed.Load() {
		return nil
	}
	if log, ok := f.watched.closableLog.(*walLog); ok {
		if err := log.mend(); err != nil { // the next segment may be what had no room
			return err
		}
	}
	path := f.path(probeFile)
	err := f.disk.WriteNew("probe", path, fileMode, func(to *os.File) error {
		_, err := to.Write(make([]byte, probeBytes))
		return err
	})
	if gone := os.Remove(path); !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}
