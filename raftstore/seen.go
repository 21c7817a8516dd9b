package raftstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/internal/regular"
)

const (
	// seenPause is how often what was seen of other servers goes to its file, with no
	// sync: one that is older, or that a power cut has emptied, only proves less.
	seenPause = time.Second
	// maxSeenBytes bounds the file: thousands of servers.
	maxSeenBytes = 1 << 20
)

// seenFile is where a Witness keeps what it has seen across restarts.
type seenFile struct {
	folder   *folder
	witness  *Witness
	logger   hclog.Logger
	stopping chan struct{}
	stopped  chan struct{}
}

func keepSeen(f *folder, w *Witness, logger hclog.Logger) *seenFile {
	s := &seenFile{f, w, logger, make(chan struct{}), make(chan struct{})}
	go s.run() // stop waits
	return s
}

func (s *seenFile) run() {
	defer close(s.stopped)
	tick := time.NewTicker(seenPause)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.save()
		case <-s.stopping:
			s.save()
			return
		}
	}
}

func (s *seenFile) stop() {
	close(s.stopping)
	<-s.stopped
}

func (s *seenFile) save() {
	text, changed := s.witness.encodeSeen()
	if s.folder.dir == "" || !changed {
		return
	}
	path := s.folder.path(seenName)
	err := os.WriteFile(path+".tmp", text, fileMode)
	if err == nil {
		err = os.Rename(path+".tmp", path)
	}
	if err != nil {
		s.logger.Debug("cannot note what was seen of other servers", "error", err)
	}
}

// encodeSeen gives the file's content: a line with the checksum of the rest, and JSON.
func (w *Witness) encodeSeen() (text []byte, changed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.saved {
		return nil, false
	}
	w.saved = true
	body, _ := json.Marshal(w.seen) // a map of numbers
	return append(fmt.Appendf(nil, "%08x\n", crc32.Checksum(body, castagnoli)), body...), true
}

// readSeen begins with what an earlier process has seen. A file that is not what was
// written proves nothing.
func (w *Witness) readSeen(f *folder, logger hclog.Logger) {
	if f.dir == "" {
		return
	}
	text, err := regular.Read(f.path(seenName), maxSeenBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	seen := map[string]Mark{}
	if err == nil {
		err = decodeSeen(text, &seen)
	}
	if err != nil {
		logger.Warn("the note of what was seen of other servers is not what was written: beginning a new one", "path", f.path(seenName), "error", err)
		return
	}
	for id, m := range seen {
		w.note(id, m)
	}
}

func decodeSeen(text []byte, into *map[string]Mark) error {
	const head = 9 // the checksum and the end of its line
	if len(text) < head || string(text[:head]) != fmt.Sprintf("%08x\n", crc32.Checksum(text[head:], castagnoli)) {
		return errors.New("it does not have its checksum")
	}
	return json.Unmarshal(text[head:], into)
}

// forgetSeen drops what is known of this server and of others: an operator has said
// who the servers are and that what they have counts.
func (f *folder) forgetSeen() error {
	if err := f.stable.Set(gapKey, nil); err != nil {
		return err
	}
	if _, err := os.Lstat(f.path(seenName)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return f.disk.Remove(seenName, f.path(seenName))
}
