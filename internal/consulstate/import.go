package consulstate

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/tinylib/msgp/msgp"

	"praetor/catalog"
)

// Imported says what Import read.
type Imported struct {
	LastIndex uint64
	Foreign   bool           // it was a state of Consul's
	Skipped   map[string]int // its records that are not kept, by type
}

// Import replaces the whole of s with the state of an archive, Praetor's or
// Consul's, all or nothing.
func Import(s *catalog.Store, r io.Reader) (*Imported, error) {
	in := bufio.NewReaderSize(r, readBuffer)
	native, err := isNative(in)
	switch {
	case err != nil:
		return nil, err
	case !native:
		return importForeign(s, in)
	}
	if err := s.Restore(in); err != nil {
		return nil, err
	}
	return &Imported{LastIndex: s.Read().LastIndex()}, nil
}

func importForeign(s *catalog.Store, in *bufio.Reader) (*Imported, error) {
	im := &importer{Loader: catalog.NewLoader(), skipped: map[string]int{}, tables: map[string]uint64{}}
	defer im.Close()
	last, err := records(in, im.record)
	if err != nil {
		return nil, fmt.Errorf("import Consul's state: %w", err)
	}
	if im.tokens && im.tables["acl_bootstrap"] == 0 {
		im.tables["acl_bootstrap"] = max(last, 1) // who has tokens is past it
	}
	if err := im.finishCA(last); err != nil {
		return nil, fmt.Errorf("import Consul's state: %w", err)
	}
	last = im.Finish(s, last, im.tables)
	return &Imported{LastIndex: last, Foreign: true, Skipped: im.skipped}, nil
}

// importer turns Consul's records into rows.
type importer struct {
	*catalog.Loader
	skipped map[string]int
	tables  map[string]uint64 // the indexes of tables, by our names
	tokens  bool              // there is one
	ca      caRecords
}

func (im *importer) record(t byte, _ int, body []byte) error {
	known := recordTypes[t&^ignorable]
	if known.take == nil {
		im.skip(typeName(t))
		_, err := msgp.Skip(body)
		return err
	}
	return known.take(im, body)
}

func (im *importer) skip(why string) { im.skipped[why]++ }

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
	if !im.HasNode(name) {
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
	n, err := decodeRow[catalog.Node](fields{
		"ID": f["ID"], "Node": f["Node"], "Address": f["Address"], "Datacenter": f["Datacenter"],
		"TaggedAddresses": f["TaggedAddresses"], "Meta": f["NodeMeta"], "Locality": f["Locality"],
		"CreateIndex": f["CreateIndex"], "ModifyIndex": f["ModifyIndex"],
	})
	if err != nil {
		return err
	}
	return im.AddNode(n)
}

func (im *importer) newService(node string, f fields) error {
	f = f.flat()
	f["Node"] = node
	if p := f.part("Proxy"); p != nil {
		f["Proxy"] = proxyFields(p)
		if kind, _ := f.text("Kind"); kind == "" && p.isZero() {
			delete(f, "Proxy") // Consul stores an empty one with each
		}
	}
	if c := f.part("Connect"); c == nil || c["Native"] != true {
		delete(f, "Connect")
	}
	svc, err := decodeRow[catalog.Service](f)
	if err != nil {
		return err
	}
	svc.FillPort()
	return im.AddService(svc)
}

// proxyFields brings a proxy into our shape: mesh gateways have nothing but a mode,
// and empty parts are not there.
func proxyFields(p fields) fields {
	p.liftMode()
	p.maps("Upstreams", fields.liftMode)
	p.dropZero("Expose", "TransparentProxy")
	return p
}

func (im *importer) newCheck(f fields) error {
	c, err := decodeRow[catalog.Check](f.flat())
	if err != nil {
		return err
	}
	return im.AddCheck(c)
}

func (im *importer) key(f fields) error {
	e, err := decodeRow[catalog.KVEntry](f.flat().binary("Value"))
	if err != nil {
		return err
	}
	return im.AddKey(e)
}

// tombstone takes a deletion, which Consul writes as a key without a value.
func (im *importer) tombstone(f fields) error {
	e, err := decodeRow[catalog.KVEntry](f.flat().binary("Value"))
	if err != nil {
		return err
	}
	return im.AddDeletion(e.Key, e.ModifyIndex)
}

func (im *importer) session(f fields) error {
	session, err := decodeRow[catalog.Session](f.flat())
	if err != nil {
		return err
	}
	if session.Behavior == "" {
		session.Behavior = catalog.SessionRelease
	}
	return im.AddSession(session)
}

func (im *importer) query(f fields) error {
	f = f.flat()
	f["DNSTTL"] = f.part("DNS")["TTL"]
	q, err := decodeRow[catalog.Query](f)
	if err != nil {
		return err
	}
	return im.AddQuery(q)
}

func (im *importer) autopilot(f fields) error {
	a, err := decodeRow[catalog.Autopilot](f.flat())
	if err != nil {
		return err
	}
	return im.SetAutopilot(a)
}

// metadata passes over what Consul notes of its own migrations, derived what follows
// from other records.
func (im *importer) metadata(fields) error { return nil }
func (im *importer) derived(fields) error  { return nil }

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
		c, err := decodeRow[catalog.Coordinate](f)
		if err != nil {
			return err
		}
		if !im.HasNode(c.Node) || c.Coord.Check() != nil {
			im.skip("CoordinateBatchUpdate (unusable)")
			continue
		}
		if err := im.AddCoordinate(c); err != nil {
			return err
		}
	}
	return nil
}

// tableIndexes are Consul's names of the tables that have an index here.
var tableIndexes = map[string]string{
	"nodes": "nodes", "services": "services", "checks": "checks", "kvs": "kvs", "tombstones": "tombstones",
	"sessions": "sessions", "coordinates": "coordinates", "prepared-queries": "queries",
	"acl-policies": "acl_policies", "acl-roles": "acl_roles", "acl-tokens": "acl_tokens", "acl-token-bootstrap": "acl_bootstrap",
	"config-entries": "configs", "acl-auth-methods": "acl_auth_methods", "acl-binding-rules": "acl_binding_rules",
	"connect-ca-roots": "ca_roots", "connect-ca-config": "ca_config",
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
	if ours := tableIndexes[key]; ours != "" {
		im.tables[ours] = value
	}
	return nil
}
