package consulstate

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/tinylib/msgp/msgp"

	"praetor/catalog"
)

// readBuffer spares reads of single records.
const readBuffer = 64 << 10

var (
	errUnknown = errors.New("the state is neither Praetor's nor Consul's")
	errMore    = errors.New("bytes after the row")
)

// Records reads the state of an archive, Praetor's or Consul's, record by record.
// It checks that each record is MessagePack, and checksums where there are any,
// but not that the rows fit together. It ends with each's first error.
func Records(r io.Reader, each func(catalog.Record) error) (lastIndex uint64, err error) {
	in := bufio.NewReaderSize(r, readBuffer)
	native, err := isNative(in)
	switch {
	case err != nil:
		return 0, err
	case native:
		return catalog.Records(in, each)
	}
	return records(in, func(t byte, size int, body []byte) error {
		return each(catalog.Record{Type: typeName(t), Size: size, Body: body})
	})
}

// isNative reports whether a state is Praetor's own.
func isNative(in *bufio.Reader) (bool, error) {
	start, err := in.Peek(catalog.SnapshotMagicLen)
	if len(start) == 0 {
		return false, fmt.Errorf("the state is empty: %w", noEOF(err))
	}
	return catalog.IsSnapshot(start), nil
}

// noEOF keeps a file that was cut off from looking like a whole one.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// recordType is one type of Consul's records.
type recordType struct {
	name string
	take func(*importer, fields) error // nil: not kept
}

// recordTypes are the types by their numbers. Those that are not kept are counted.
// A record that has not what its type must have is refused, so that a number
// that means something else in some version changes nothing.
var recordTypes = map[byte]recordType{
	0:  {"Register", (*importer).register},
	2:  {"KVS", (*importer).key},
	3:  {"Session", (*importer).session},
	5:  {"Tombstone", (*importer).tombstone},
	6:  {"CoordinateBatchUpdate", nil}, // a list of rows: see importer.record
	7:  {"PreparedQuery", (*importer).query},
	9:  {"Autopilot", (*importer).autopilot},
	10: {"Area", nil},
	12: {"Intention", nil},
	13: {"ConnectCA", nil},
	14: {"ConnectCAProviderState", nil},
	15: {"ConnectCAConfig", nil},
	16: {"Index", (*importer).index},
	17: {"ACLToken", nil},
	19: {"ACLPolicy", nil},
	22: {"ConfigEntry", nil},
	23: {"ACLRole", nil},
	25: {"ACLBindingRule", nil},
	27: {"ACLAuthMethod", nil},
	29: {"ChunkingState", nil},
	30: {"FederationState", nil},
	31: {"SystemMetadata", nil},
	32: {"ServiceVirtualIP", nil},
	33: {"FreeVirtualIP", nil},
	34: {"KindServiceNames", nil},
	35: {"PeeringWrite", nil},
	38: {"PeeringTrustBundleWrite", nil},
	40: {"PeeringSecretsWrite", nil},
	42: {"ResourceOperation", nil},
}

// coordinatesType is the type whose value is a list.
const coordinatesType = 6

// ignorable is set in the number of a type that versions which do not know
// it may pass over.
const ignorable = 128

func typeName(t byte) string {
	if known, ok := recordTypes[t&^ignorable]; ok {
		return known.name
	}
	return fmt.Sprintf("Unknown(%d)", t)
}

// records reads header and records. Memory for one grows with the bytes
// that are there, not with what is claimed.
func records(in *bufio.Reader, each func(t byte, size int, body []byte) error) (last uint64, err error) {
	r := msgp.NewReaderSize(in, readBuffer)
	var body bytes.Buffer
	if _, err := r.CopyNext(&body); err != nil {
		return 0, fmt.Errorf("header: %w", noEOF(err))
	}
	header, err := decodeFields(body.Bytes())
	if err != nil {
		return 0, errUnknown
	}
	if _, ok := header["LastIndex"]; !ok {
		return 0, errUnknown
	}
	if last, err = header.number("LastIndex"); err != nil {
		return 0, fmt.Errorf("header: %w", err)
	}
	for n := 0; ; n++ {
		t, err := r.R.ReadByte()
		if err == io.EOF {
			return last, nil
		}
		if err != nil {
			return 0, fmt.Errorf("record %d: %w", n, err)
		}
		body.Reset()
		if _, err := r.CopyNext(&body); err != nil {
			return 0, fmt.Errorf("record %d of type %s: %w", n, typeName(t), noEOF(err))
		}
		if err := each(t, 1+body.Len(), body.Bytes()); err != nil {
			return 0, fmt.Errorf("record %d of type %s: %w", n, typeName(t), err)
		}
	}
}
