package catalog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/tinylib/msgp/msgp"
)

// Imported says what Import read.
type Imported struct {
	LastIndex uint64
	Foreign   bool           // it was a state of Consul's
	Skipped   map[string]int // its records that are not kept, by type
}

// Import is Restore for the state of an archive, which may be one of Consul 1.x
// (reference/internals.md §15) as well.
func (s *Store) Import(r io.Reader) (*Imported, error) {
	in := bufio.NewReaderSize(r, restoreBuffer)
	foreign, err := isForeign(in)
	if err != nil {
		return nil, err
	}
	if foreign {
		return s.importConsul(in)
	}
	if err := s.Restore(in); err != nil {
		return nil, err
	}
	return &Imported{LastIndex: s.Read().LastIndex()}, nil
}

// isForeign tells the two formats apart.
func isForeign(in *bufio.Reader) (bool, error) {
	start, err := in.Peek(len(snapshotMagic))
	if len(start) == 0 {
		return false, fmt.Errorf("the state is empty: %w", noEOF(err))
	}
	return !bytes.HasPrefix([]byte(snapshotMagic), start) && string(start) != snapshotMagic, nil
}

// Record is one record of a state as it lies in an archive.
type Record struct {
	Type string // as Consul names it
	Size int    // bytes in the file
	Body []byte // MessagePack; good until the next record
}

// Records reads the state of an archive, of Praetor's or Consul's, record by
// record. It checks checksums and that each record is MessagePack, but not that
// the rows fit together. It ends with each's first error.
func Records(r io.Reader, each func(Record) error) (lastIndex uint64, err error) {
	in := bufio.NewReaderSize(r, restoreBuffer)
	foreign, err := isForeign(in)
	switch {
	case err != nil:
		return 0, err
	case foreign:
		return consulRecords(in, func(t byte, size int, body []byte) error {
			return each(Record{consulName(t), size, body})
		})
	}
	f := &frames{in: in}
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

var errNotConsul = errors.New("the state is neither Praetor's nor Consul's")

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
