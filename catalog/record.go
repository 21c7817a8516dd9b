package catalog

import (
	"bufio"
	"bytes"
	"encoding/json"
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

// hidden stands for a secret.
const hidden = "<hidden>"

// secretParts are the members that are shown to nobody, by the type of the record: who
// may read a snapshot need not be able to sign for every service.
var secretParts = map[string][]string{
	caStateTable.consul:  {"PrivateKey"},
	caConfigTable.consul: {"Config"},
	caRootTable.consul:   {"SigningKey"}, // Consul's have it
}

// JSON returns the row as a JSON object; bytes in it are base64. The keys of the mesh's
// authority are left out.
func (r Record) JSON() ([]byte, error) {
	body := r.Body
	if secrets := secretParts[r.Type]; secrets != nil {
		value, _, err := msgp.ReadMapStrIntfBytes(body, nil)
		if err != nil {
			return nil, err
		}
		for _, name := range secrets {
			if _, has := value[name]; has {
				value[name] = hidden
			}
		}
		return json.Marshal(value)
	}
	var out bytes.Buffer
	if _, err := msgp.UnmarshalAsJSON(&out, body); err != nil {
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
