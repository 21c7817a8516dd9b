package catalog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/tinylib/msgp/msgp"
)

// Consul's state (reference/internals.md §15): a header {LastIndex}, then records
// of a type byte and one MessagePack value, without lengths or checksums.

// consulType is one type of records.
type consulType struct {
	name string
	take func(*importer, fields) error // nil: not kept
}

// consulTypes are the types by their numbers. Those that are not kept are counted.
// A record that has not what its type must have is refused, so that a number
// that means something else in some version changes nothing.
var consulTypes = map[byte]consulType{
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

// consulCoordinates is the type whose value is a list.
const consulCoordinates = 6

// consulIgnorable is set in the number of a type that versions which do not know
// it may pass over.
const consulIgnorable = 128

func consulName(t byte) string {
	if known, ok := consulTypes[t&^consulIgnorable]; ok {
		return known.name
	}
	return fmt.Sprintf("Unknown(%d)", t)
}

// consulRecords reads header and records. Memory for one grows with the bytes
// that are there, not with what is claimed.
func consulRecords(in *bufio.Reader, each func(t byte, size int, body []byte) error) (last uint64, err error) {
	r := msgp.NewReaderSize(in, restoreBuffer)
	var body bytes.Buffer
	if _, err := r.CopyNext(&body); err != nil {
		return 0, fmt.Errorf("header: %w", noEOF(err))
	}
	header, err := decodeFields(body.Bytes())
	if err != nil {
		return 0, errNotConsul
	}
	if _, ok := header["LastIndex"]; !ok {
		return 0, errNotConsul
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
			return 0, fmt.Errorf("record %d of type %s: %w", n, consulName(t), noEOF(err))
		}
		if err := each(t, 1+body.Len(), body.Bytes()); err != nil {
			return 0, fmt.Errorf("record %d of type %s: %w", n, consulName(t), err)
		}
	}
}

// importConsul is Restore for a state of Consul's.
func (s *Store) importConsul(in *bufio.Reader) (*Imported, error) {
	fresh := newState()
	im := &importer{restorer: newRestorer(in, fresh), skipped: map[string]int{}, tables: map[string]uint64{}}
	defer func() { im.w.txn.Abort() }() // does nothing after the commit
	// Rows are checked against the header's index, which comes with the first.
	last, err := consulRecords(in, im.record)
	if err != nil {
		return nil, fmt.Errorf("import Consul's state: %w", err)
	}
	im.finish(last)
	s.replace(fresh)
	return &Imported{LastIndex: im.last, Foreign: true, Skipped: im.skipped}, nil
}

// importer turns Consul's records into rows.
type importer struct {
	*restorer
	skipped map[string]int
	tables  map[string]uint64 // the indexes of tables, by our names
	highest uint64            // of the indexes seen
}

func (im *importer) record(t byte, _ int, body []byte) error {
	im.last = ^uint64(0) // what the rows' indexes may be at most is known in the end
	known := consulTypes[t&^consulIgnorable]
	var err error
	switch {
	case t == consulCoordinates:
		err = im.coordinates(body)
	case known.take == nil:
		im.skipped[consulName(t)]++
		_, err = msgp.Skip(body)
	default:
		var f fields
		if f, err = decodeFields(body); err == nil {
			err = known.take(im, f)
		}
	}
	im.read++
	im.commitSome(im.read)
	return err
}

func (im *importer) skip(why string) { im.skipped[why]++ }

// saw remembers the greatest index of any row.
func (im *importer) saw(modified uint64) { im.highest = max(im.highest, modified) }

// register takes a node, or a service or check of one that may be there.
func (im *importer) register(f fields) error {
	name, err := f.text("Node")
	if err != nil {
		return err
	}
	if peer, _ := f.text("PeerName"); peer != "" {
		im.skip("Register (of a peer)")
		return nil
	}
	if !im.holds(tableNode, byID, nodeKey(name)) {
		if err := im.newNode(f); err != nil {
			return err
		}
	}
	if svc := f.part("Service"); svc != nil {
		if err := im.newService(name, svc); err != nil {
			return err
		}
	}
	if c := f.part("Check"); c != nil {
		if err := im.newCheck(c); err != nil {
			return err
		}
	}
	list, _ := f["Checks"].([]any)
	for _, c := range list {
		if c, ok := c.(map[string]any); ok {
			if err := im.newCheck(c); err != nil {
				return err
			}
		}
	}
	return nil
}

func (im *importer) newNode(f fields) error {
	f = f.flat()
	n, err := decodeRow[Node](fields{
		"ID": f["ID"], "Node": f["Node"], "Address": f["Address"], "Datacenter": f["Datacenter"],
		"TaggedAddresses": f["TaggedAddresses"], "Meta": f["NodeMeta"], "Locality": f["Locality"],
		"CreateIndex": f["CreateIndex"], "ModifyIndex": f["ModifyIndex"],
	})
	if err != nil {
		return err
	}
	im.saw(n.ModifyIndex)
	return im.node(n)
}

func (im *importer) newService(node string, f fields) error {
	f = f.flat()
	f["Node"] = node
	if p := f.part("Proxy"); p != nil {
		f["Proxy"] = proxyFields(p)
		if kind, _ := f.text("Kind"); kind == "" {
			delete(f, "Proxy") // Consul stores an empty one with each
		}
	}
	if c := f.part("Connect"); c == nil || c["Native"] != true {
		delete(f, "Connect")
	}
	svc, err := decodeRow[Service](f)
	if err != nil {
		return err
	}
	im.saw(svc.ModifyIndex)
	return im.service(svc)
}

// proxyFields brings a proxy into our shape: mesh gateways have nothing but a mode,
// and empty parts are not there.
func proxyFields(p fields) fields {
	p.liftMode()
	upstreams, _ := p["Upstreams"].([]any)
	for _, u := range upstreams {
		if u, ok := u.(map[string]any); ok {
			fields(u).liftMode()
		}
	}
	for _, name := range []string{"Expose", "TransparentProxy"} {
		if p.part(name).isZero() {
			delete(p, name)
		}
	}
	return p
}

func (im *importer) newCheck(f fields) error {
	c, err := decodeRow[Check](f.flat())
	if err != nil {
		return err
	}
	im.saw(c.ModifyIndex)
	return im.check(c)
}

func (im *importer) key(f fields) error {
	e, err := decodeRow[KVEntry](f.flat().binary("Value"))
	if err != nil {
		return err
	}
	im.saw(e.ModifyIndex)
	return im.kv(e)
}

// tombstone takes a deletion, which Consul writes as a key without a value.
func (im *importer) tombstone(f fields) error {
	f = f.flat()
	t, err := decodeRow[tombstone](fields{"Key": f["Key"], "Index": f["ModifyIndex"]})
	if err != nil {
		return err
	}
	im.saw(t.Index)
	return im.restorer.tombstone(t)
}

func (im *importer) session(f fields) error {
	session, err := decodeRow[Session](f.flat())
	if err != nil {
		return err
	}
	im.saw(session.ModifyIndex)
	if session.Behavior == "" {
		session.Behavior = SessionRelease
	}
	return im.restorer.session(session)
}

func (im *importer) query(f fields) error {
	f = f.flat()
	f["DNSTTL"] = f.part("DNS")["TTL"]
	q, err := decodeRow[Query](f)
	if err != nil {
		return err
	}
	im.saw(q.ModifyIndex)
	return im.restorer.query(q)
}

func (im *importer) autopilot(f fields) error {
	a, err := decodeRow[Autopilot](f.flat())
	if err != nil {
		return err
	}
	im.saw(a.ModifyIndex)
	return im.restorer.autopilot(a)
}

// coordinates takes all of them: they are one record.
func (im *importer) coordinates(body []byte) error {
	value, err := decodeValue(body)
	if err != nil {
		return err
	}
	list, ok := value.([]any)
	if !ok {
		return fmt.Errorf("a list is wanted, not %T", value)
	}
	for _, entry := range list {
		f, ok := entry.(map[string]any)
		if !ok {
			return errors.New("a coordinate is no map")
		}
		c, err := decodeRow[Coordinate](f)
		if err != nil {
			return err
		}
		if !im.holds(tableNode, byID, nodeKey(c.Node)) || c.Coord.Check() != nil {
			im.skip("CoordinateBatchUpdate (unusable)")
			continue
		}
		if err := im.restorer.coordinate(c); err != nil {
			return err
		}
	}
	return nil
}

// tableIndexes are the rows of Consul's that have one of ours.
var tableIndexes = map[string]string{
	"nodes": indexNodes, "services": indexServices, "checks": indexChecks, "kvs": indexKVs,
	"tombstones": indexTombstones, "sessions": indexSessions, "coordinates": indexCoordinates,
	"prepared-queries": indexQueries,
}

func (im *importer) index(f fields) error {
	key, err := f.text("Key")
	if err != nil {
		return err
	}
	value, err := f.number("Value")
	if err != nil {
		return err
	}
	im.saw(value)
	if ours := tableIndexes[key]; ours != "" {
		im.tables[ours] = value
	}
	return nil
}

// finish makes the rows that Consul's state does not have. What has no index
// there gets the last one: nobody who waits can miss anything then.
func (im *importer) finish(last uint64) {
	im.last = max(last, im.highest, 1)
	im.begin()
	im.w.index = im.last
	for _, name := range tableIndexes {
		if value := im.tables[name]; value != 0 {
			must(im.w.txn.Insert(tableIndex, &indexRow{Key: name, Value: value}))
		} else {
			im.w.bump(name)
		}
	}
	for n := range rows[*Node](im.w.txn, nil, tableNode, byIDPrefix, nil) {
		im.w.bump(prefixNode + fold(n.Node))
	}
	for svc := range rows[*Service](im.w.txn, nil, tableService, byIDPrefix, nil) {
		im.w.bumpService(svc.Service, true)
	}
	im.w.flushIndexes()
	clear(im.w.bumps)
	im.join()
	im.w.flushCounts()
	im.w.txn.Commit()
}
