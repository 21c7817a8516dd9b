package consulstate

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/tinylib/msgp/msgp"

	"praetor/catalog"
	"praetor/internal/configentry"
	"praetor/internal/shape"
)

// A config entry is in Consul's record as bytes: its kind, then a request whose member
// Entry it is. Its members have the names of the API's; spans of time are nanoseconds.

// maxEntryRecord is far past any entry that is kept.
const maxEntryRecord = 2 << 20

var errNoEntry = errors.New("no entry of a known form")

// configEntry takes an entry. One that is not understood is counted: all the others
// are worth more than to be refused for its sake.
func (im *importer) configEntry(body []byte) error {
	row, err := readEntry(body)
	if err != nil {
		im.skip("ConfigEntry (" + err.Error() + ")")
		_, err := msgp.Skip(body)
		return err
	}
	return im.AddConfigEntry(row)
}

func readEntry(body []byte) (*catalog.ConfigEntry, error) {
	if len(body) > maxEntryRecord {
		return nil, errors.New("too large")
	}
	kind, request, err := unwrapEntry(body)
	if err != nil {
		return nil, errNoEntry
	}
	size, rest, err := shape.Of(request)
	if err != nil || len(rest) > 0 || size.Dense(len(request)) {
		return nil, errNoEntry
	}
	text := msgp.Locate("Entry", request)
	if text == nil {
		return nil, errNoEntry
	}
	members, err := decodeFields(text)
	if err != nil {
		return nil, errNoEntry
	}
	entry, err := configentry.FromMembers(kind, members.flat())
	if err != nil {
		return nil, fmt.Errorf("%s that cannot be read", known(kind))
	}
	if err := configentry.Prepare(entry); err != nil {
		return nil, fmt.Errorf("%s that is not valid", kind)
	}
	row, err := catalog.NewConfigEntry(entry)
	if err != nil {
		return nil, fmt.Errorf("%s that cannot be kept", kind)
	}
	row.CreateIndex, _ = members.number("CreateIndex")
	row.ModifyIndex, _ = members.number("ModifyIndex")
	return row, nil
}

// known keeps names that are nobody's out of what is counted and logged.
func known(kind string) string {
	if slices.Contains(configentry.Kinds(), kind) {
		return kind
	}
	return "a kind"
}

func unwrapEntry(body []byte) (kind string, request []byte, err error) {
	inner := body
	switch msgp.NextType(body) {
	case msgp.StrType:
		inner, _, err = msgp.ReadStringZC(body)
	case msgp.BinType:
		inner, _, err = msgp.ReadBytesZC(body)
	default:
		err = errNoEntry
	}
	if err != nil {
		return "", nil, err
	}
	return msgp.ReadStringBytes(inner)
}

// newKinds are the kinds that no Consul 1.x has.
var newKinds = map[string]bool{configentry.KindRateLimit: true, configentry.KindAI: true, configentry.KindInferenceGateway: true}

func giveConfigEntry(ex *exporter, f fields) (any, error) {
	row, err := decodeRow[catalog.ConfigEntry](f)
	if err != nil {
		return nil, err
	}
	if newKinds[row.Kind] {
		ex.omit("config entries of kind " + row.Kind + ": Consul 1.x does not know them")
		return nil, nil
	}
	entry, err := row.Parsed()
	if err != nil {
		return nil, err
	}
	var body []byte
	if err := codec.NewEncoderBytes(&body, handle).Encode(entry); err != nil {
		return nil, err
	}
	members, err := decodeFields(body)
	if err != nil {
		return nil, err
	}
	members["CreateIndex"], members["ModifyIndex"], members["Hash"] = row.CreateIndex, row.ModifyIndex, configentry.Hash(entry)
	var record []byte
	out := codec.NewEncoderBytes(&record, handle)
	if err := out.Encode(row.Kind); err != nil {
		return nil, err
	}
	kind := record
	record = nil
	out.ResetBytes(&record)
	request := map[string]any{"Datacenter": "", "Op": "upsert", "Entry": map[string]any(members), "Token": ""}
	if err := out.Encode(request); err != nil {
		return nil, err
	}
	return append(kind, record...), nil
}
