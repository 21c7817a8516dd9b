package consulstate

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/tinylib/msgp/msgp"

	"praetor/catalog"
)

// Export writes the state that tx sees as Consul writes it. It returns what Consul
// has no place for, a line each; such rows are not in it.
func Export(tx *catalog.Tx, w io.Writer) (omitted []string, err error) {
	ex := &exporter{tx: tx, w: w, out: codec.NewEncoder(w, handle), omitted: map[string]int{}}
	if err := ex.export(); err != nil {
		return nil, fmt.Errorf("export to Consul's form: %w", err)
	}
	for _, what := range slices.Sorted(maps.Keys(ex.omitted)) {
		if n := ex.omitted[what]; n > 1 {
			what = fmt.Sprintf("%s (%d)", what, n)
		}
		omitted = append(omitted, what)
	}
	return omitted, nil
}

// handle is how Consul's codec writes: texts and bytes alike, in the forms that were
// there before there was one for bytes, and times in Go's own binary form. Members have
// the names of Go, and are written though they are zero: a reader may put the values of
// a map one after the other into the same place.
var handle = func() *codec.MsgpackHandle {
	h := &codec.MsgpackHandle{}
	h.Canonical, h.TimeNotBuiltin = true, true
	h.TypeInfos = codec.NewTypeInfos([]string{"codec"})
	return h
}()

// exporter turns rows into Consul's records, one at a time.
type exporter struct {
	tx      *catalog.Tx
	w       io.Writer
	out     *codec.Encoder // to w
	omitted map[string]int
	virtual uint64 // the highest number of a virtual address
}

func (ex *exporter) export() error {
	if err := ex.out.Encode(map[string]any{"LastIndex": ex.tx.LastIndex()}); err != nil {
		return err
	}
	if err := ex.tx.Rows(ex.row); err != nil {
		return err
	}
	if ex.virtual > 0 { // the next one is above it
		if err := ex.write(freeVirtualIPType, map[string]any{"IP": addressBytes(ex.virtual), "IsCounter": true}); err != nil {
			return err
		}
	}
	// Intentions are config entries: Consul need not look for older ones.
	return ex.write(systemMetadataType, map[string]any{"Key": "intention-format", "Value": "config-entry"})
}

// givers are the ways of a table's rows, by the number of the type.
var givers = func() map[string]map[byte]giver {
	all := map[string]map[byte]giver{}
	for number, known := range recordTypes {
		for table, give := range known.give {
			if all[table] == nil {
				all[table] = map[byte]giver{}
			}
			all[table][number] = give
		}
	}
	return all
}()

func (ex *exporter) row(table string, row []byte) error {
	if givers[table] == nil {
		ex.omit(table + ": Consul has no such table")
	}
	for number, give := range givers[table] {
		f, err := decodeFields(row)
		if err != nil {
			return fmt.Errorf("row of %s: %w", table, err)
		}
		value, err := give(ex, f)
		if err != nil {
			return fmt.Errorf("row of %s: %w", table, err)
		}
		if value == nil {
			continue
		}
		if err := ex.write(number, value); err != nil {
			return fmt.Errorf("row of %s: %w", table, err)
		}
	}
	return nil
}

func (ex *exporter) write(number byte, value any) error {
	if f, ok := value.(fields); ok {
		value = map[string]any(f.withoutNil())
	}
	if _, err := ex.w.Write([]byte{number}); err != nil {
		return err
	}
	return ex.out.Encode(value)
}

// omit counts what Consul does not get.
func (ex *exporter) omit(what string) { ex.omitted[what]++ }

// giveSame is for rows that are Consul's to the letter.
func giveSame(_ *exporter, f fields) (any, error) { return f, nil }

// onNode is a registration of the row's node as it is, so that Consul sees no change of it.
func (ex *exporter) onNode(f fields) (fields, error) {
	name, err := f.text("Node")
	if err != nil {
		return nil, err
	}
	_, node := ex.tx.Node(nil, name)
	if node == nil {
		return nil, fmt.Errorf("unknown node %q", name)
	}
	return encodeRow(node)
}

func encodeRow(row msgp.Marshaler) (fields, error) {
	body, err := row.MarshalMsg(nil)
	if err != nil {
		return nil, err
	}
	return decodeFields(body)
}

func asRegistration(node fields) fields {
	node["NodeMeta"] = node["Meta"]
	delete(node, "Meta")
	return node
}

func giveNode(_ *exporter, f fields) (any, error) { return asRegistration(f), nil }

func giveService(ex *exporter, f fields) (any, error) {
	node, err := ex.onNode(f)
	if err != nil {
		return nil, err
	}
	delete(f, "Node")
	f.dropZero("Weights")
	if c := f.part("Connect"); c["Native"] != true {
		delete(f, "Connect")
	}
	if p := f.part("Proxy"); p != nil {
		p.sinkMode()
		p.maps("Upstreams", fields.sinkMode)
		p.dropZero("Expose", "TransparentProxy")
	}
	node = asRegistration(node)
	node["Service"] = map[string]any(f)
	return node, nil
}

func giveCheck(ex *exporter, f fields) (any, error) {
	node, err := ex.onNode(f)
	if err != nil {
		return nil, err
	}
	node = asRegistration(node)
	node["Check"] = map[string]any(f)
	return node, nil
}

// giveTombstone makes of a deletion a key without a value.
func giveTombstone(_ *exporter, f fields) (any, error) {
	return fields{"Key": f["Key"], "ModifyIndex": f["Index"]}, nil
}

// giveCoordinate makes a list of one: a list of all would have to be held in memory.
func giveCoordinate(_ *exporter, f fields) (any, error) {
	return []any{map[string]any(f.withoutNil())}, nil
}

func giveQuery(_ *exporter, f fields) (any, error) {
	f["DNS"] = map[string]any{"TTL": f["DNSTTL"]}
	delete(f, "DNSTTL")
	return f, nil
}

// ourIndexes is the way back of tableIndexes.
var ourIndexes = func() map[string]string {
	names := make(map[string]string, len(tableIndexes))
	for theirs, ours := range tableIndexes {
		names[ours] = theirs
	}
	return names
}()

// giveIndex passes over indexes that Consul makes of its rows.
func giveIndex(_ *exporter, f fields) (any, error) {
	name, _ := f.text("Key")
	theirs := ourIndexes[name]
	if theirs == "" {
		return nil, nil
	}
	f["Key"] = theirs
	return f, nil
}
