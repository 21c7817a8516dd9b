package catalog

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/tinylib/msgp/msgp"
)

// Record is one row as it lies in a snapshot.
type Record struct {
	Type string // as Consul names it
	Size int    // bytes in the file
	Body []byte // MessagePack; good until the next record
}

// IsSnapshot reports whether a file that starts with these bytes, at least
// SnapshotMagicLen of them if it is so long, may be a snapshot of a Store.
func IsSnapshot(start []byte) bool {
	return len(start) > 0 && strings.HasPrefix(snapshotMagic, string(start[:min(len(start), len(snapshotMagic))]))
}

// SnapshotMagicLen is how many bytes tell a snapshot from other files.
const SnapshotMagicLen = len(snapshotMagic)

// Records reads a snapshot record by record. It checks checksums and that each
// record is MessagePack, but not that the rows fit together. It ends with each's
// first error.
func Records(r io.Reader, each func(Record) error) (lastIndex uint64, err error) {
	f := &frames{in: bufio.NewReaderSize(r, restoreBuffer)}
	if err := f.header(); err != nil {
		return 0, err
	}
	for {
		t, body, err := f.record()
		switch {
		case err != nil:
			return 0, fmt.Errorf("record %d: %w", f.read, noEOF(err))
		case t == recordEnd:
			return f.last, f.end(body)
		}
		if err := each(Record{t.String(), frameLen + 1 + len(body), body}); err != nil {
			return 0, err
		}
		f.read++
	}
}

// String returns Consul's name for what such records hold: people know it from
// `snapshot inspect`.
func (t recordType) String() string {
	if of := tableOf(t); of != nil {
		return of.consul
	}
	return fmt.Sprintf("Unknown(%d)", uint8(t))
}

// JSON returns the row as a JSON object; bytes in it are base64.
func (r Record) JSON() ([]byte, error) {
	var out bytes.Buffer
	if _, err := msgp.UnmarshalAsJSON(&out, r.Body); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Key returns the name of the key whose record r is, "" if it is none.
func (r Record) Key() string {
	if r.Type != keyTable.consul {
		return ""
	}
	key, _ := decodeKey(r.Body)
	return key
}

// decodeKey reads the member Key alone.
func decodeKey(body []byte) (string, error) {
	value := msgp.Locate("Key", body)
	if value == nil {
		return "", errNoKey
	}
	key, _, err := msgp.ReadStringBytes(value)
	return key, err
}
