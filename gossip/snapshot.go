package gossip

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"

	"praetor/internal/regular"
)

// maxSnapshotBytes bounds what is read of a snapshot: serf compacts it at 128 KiB
// or some 128 bytes a member.
const maxSnapshotBytes = 64 << 20

// prepareSnapshot makes the snapshot's folder, finishes a compaction that was cut
// between serf's removal of the old file and its rename of the new, and leaves only
// lines that can be read. A snapshot says whom to look for after a restart and no
// more, so one that is damaged never keeps an agent down.
func prepareSnapshot(path string, logger hclog.Logger) error {
	if path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make folder of gossip snapshot: %w", err)
	}
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		if err := os.Rename(path+".compact", path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("recover gossip snapshot: %w", err)
		}
	}
	return mendSnapshot(path, logger)
}

func mendSnapshot(path string, logger hclog.Logger) error {
	text, err := regular.Read(path, maxSnapshotBytes)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(text) == 0 {
		logger.Info("no members in the gossip snapshot: beginning a new one", "file", path)
		return nil
	}
	var good []byte
	bad, first := 0, 0
	if err == nil {
		if good, bad, first = readableLines(text); bad == 0 {
			return nil
		}
		err = fmt.Errorf("%d lines cannot be read, the first is line %d", bad, first)
	}
	kept, asideErr := regular.PutAside(path)
	if asideErr != nil {
		return fmt.Errorf("gossip snapshot %s is damaged (%w) and cannot be put aside: %w", path, err, asideErr)
	}
	logger.Warn("gossip snapshot is damaged: using the lines that can be read; members it does not name are found through retry_join or by the others",
		"file", path, "error", err, "kept", kept)
	if err := writePrivate(path, good); err != nil {
		return fmt.Errorf("repair gossip snapshot: %w", err)
	}
	return nil
}

// readableLines returns the lines that serf can read, how many others there are, and
// the number of the first of them. A letter or digit that became another cannot be
// told, since serf appends lines without a checksum: that costs at most the rejoin of
// a member, or user events until the clocks of the pool agree again.
func readableLines(text []byte) (good []byte, bad, first int) {
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if body, whole := bytes.CutSuffix(line, []byte("\n")); whole && isSnapshotLine(string(body)) {
			good = append(good, line...)
			continue
		}
		if bad++; bad == 1 {
			first = n
		}
	}
	return good, bad, first
}

// isSnapshotLine reports whether serf understands a line.
func isSnapshotLine(line string) bool {
	if !utf8.ValidString(line) || strings.ContainsFunc(line, unicode.IsControl) {
		return false
	}
	word, rest, _ := strings.Cut(line, ": ")
	switch word {
	case "alive":
		at := strings.LastIndexByte(rest, ' ')
		_, err := netip.ParseAddrPort(rest[at+1:])
		return at > 0 && err == nil
	case "not-alive":
		return rest != ""
	case "clock", "event-clock", "query-clock":
		_, err := strconv.ParseUint(rest, 10, 64)
		return err == nil
	case "coordinate":
		return true
	}
	return line == "leave" || strings.HasPrefix(line, "#")
}
