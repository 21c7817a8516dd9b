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
		if _, request, err := unwrapEntry(body); err == nil && t == configEntryType {
			body = request // what people want to see
		}
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

// recordType is one type of Consul's records, both ways.
type recordType struct {
	name string
	take func(*importer, []byte) error // nil: not kept
	give map[string]giver              // by the tables whose rows become such records
}

// giver makes the value of a record of a row of ours, nil for a row that is none.
type giver func(*exporter, fields) (any, error)

// recordTypes are the types by their numbers. Those that are not kept are counted.
// A record that has not what its type must have is refused, so that a number
// that means something else in some version changes nothing.
var recordTypes = map[byte]recordType{
	0:  {"Register", taking((*importer).register), map[string]giver{"node": giveNode, "service": giveService, "check": giveCheck}},
	2:  {"KVS", taking((*importer).key), map[string]giver{"kv": giveSame}},
	3:  {"Session", taking((*importer).session), map[string]giver{"session": giveSame}},
	5:  {"Tombstone", taking((*importer).tombstone), map[string]giver{"tombstone": giveTombstone}},
	6:  {"CoordinateBatchUpdate", (*importer).coordinates, map[string]giver{"coordinate": giveCoordinate}},
	7:  {"PreparedQuery", taking((*importer).query), map[string]giver{"query": giveQuery}},
	9:  {"Autopilot", taking((*importer).autopilot), map[string]giver{"autopilot": giveSame}},
	10: {name: "Area"},
	12: {name: "Intention"},
	13: {"ConnectCA", taking((*importer).caRoot), map[string]giver{"ca_root": giveCARoot}},
	14: {"ConnectCAProviderState", taking((*importer).caState), map[string]giver{"ca_state": giveCAState}},
	15: {"ConnectCAConfig", taking((*importer).caConfig), map[string]giver{"ca_config": giveConfigText}},
	16: {"Index", taking((*importer).index), map[string]giver{"index": giveIndex}},
	17: {"ACLToken", taking((*importer).aclToken), map[string]giver{"acl_token": giveACLToken}},
	19: {"ACLPolicy", taking((*importer).aclPolicy), map[string]giver{"acl_policy": giveSame}},
	22: {"ConfigEntry", (*importer).configEntry, map[string]giver{"config": giveConfigEntry}},
	23: {"ACLRole", taking((*importer).aclRole), map[string]giver{"acl_role": giveGrants}},
	25: {"ACLBindingRule", taking((*importer).aclBindingRule), map[string]giver{"acl_binding_rule": giveBindingRule}},
	27: {"ACLAuthMethod", taking((*importer).aclAuthMethod), map[string]giver{"acl_auth_method": giveConfigText}},
	29: {name: "ChunkingState"},
	30: {name: "FederationState"},
	31: {name: "SystemMetadata", take: taking((*importer).metadata)},
	32: {"ServiceVirtualIP", taking((*importer).virtualAddress), map[string]giver{"virtual": giveVirtualAddress}},
	33: {"FreeVirtualIP", taking((*importer).freeAddress), map[string]giver{"virtual": giveFreeAddress}},
	34: {name: "KindServiceNames", take: taking((*importer).derived)},
	35: {name: "PeeringWrite"},
	38: {name: "PeeringTrustBundleWrite"},
	40: {name: "PeeringSecretsWrite"},
	42: {name: "ResourceOperation"},
}

// The types of records that are told apart by more than their line.
const (
	configEntryType    = 22
	systemMetadataType = 31
	freeVirtualIPType  = 33
)

// taking makes of what takes a map what takes its bytes.
func taking(take func(*importer, fields) error) func(*importer, []byte) error {
	return func(im *importer, body []byte) error {
		f, err := decodeFields(body)
		if err != nil {
			return err
		}
		return take(im, f)
	}
}

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
