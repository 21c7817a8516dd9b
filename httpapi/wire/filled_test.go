package wire_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/definition"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/userevent"
)

var update = flag.Bool("update", false, "write testdata anew")

// fill sets every field of what v points to, each to something else: n counts.
func fill(v reflect.Value, name string, n *int) {
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint(name, "-", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64, reflect.Int32:
		v.SetInt(int64(*n))
	case reflect.Uint8:
		v.SetUint(uint64(*n % 3))
	case reflect.Uint, reflect.Uint64, reflect.Uint32:
		v.SetUint(uint64(*n))
	case reflect.Float64:
		v.SetFloat(float64(*n) / 4)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name, n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), name, n)
		fill(v.Index(1), name, n)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		if v.Type().Elem().Kind() == reflect.Interface {
			v.SetMapIndex(reflect.ValueOf(name), reflect.ValueOf(*n))
			return
		}
		one := reflect.New(v.Type().Elem()).Elem()
		fill(one, name, n)
		v.SetMapIndex(reflect.ValueOf(name+"-key"), one)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(int64(*n), 0).UTC()))
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				fill(v.Field(i), f.Name, n)
			}
		}
	}
}

func filled[T any]() *T {
	row, n := new(T), 0
	fill(reflect.ValueOf(row).Elem(), "", &n)
	return row
}

// TestFilledRowsKeepTheirForm compares rows with something in every field, and empty ones, with
// what they were written as before: a member that is lost, or that takes another's
// value, is seen here.
func TestFilledRowsKeepTheirForm(t *testing.T) {
	inst := filled[catalog.InstanceHealth]()
	empty := &catalog.InstanceHealth{Node: &catalog.Node{}, Service: &catalog.Service{}}
	open := func(b []byte) []byte { return append(b, '}') } // what callers complete
	var got bytes.Buffer
	for _, c := range []struct {
		name string
		text []byte
	}{
		{"node", wire.AppendNode(nil, filled[catalog.Node]())},
		{"node, empty", wire.AppendNode(nil, &catalog.Node{})},
		{"service of a node", wire.AppendNodeService(nil, filled[catalog.Service]())},
		{"service of a node, empty", wire.AppendNodeService(nil, &catalog.Service{})},
		{"instance", wire.AppendServiceNode(nil, &catalog.Instance{Node: inst.Node, Service: inst.Service})},
		{"instance, empty", wire.AppendServiceNode(nil, &catalog.Instance{Node: empty.Node, Service: empty.Service})},
		{"service of the agent", wire.AppendAgentService(nil, filled[catalog.Service](), "dc1", "hash")},
		{"service of the agent, empty", wire.AppendAgentService(nil, &catalog.Service{}, "", "")},
		{"check", wire.AppendCheck(nil, filled[catalog.Check]())},
		{"check, empty", wire.AppendCheck(nil, &catalog.Check{})},
		{"check of the agent", wire.AppendAgentCheck(nil, filled[catalog.Check]())},
		{"check of local health", wire.AppendHealthCheck(nil, filled[catalog.Check]())},
		{"check of local health, empty", wire.AppendHealthCheck(nil, &catalog.Check{})},
		{"health", wire.AppendInstanceHealth(nil, inst)},
		{"health, empty", wire.AppendInstanceHealth(nil, empty)},
		{"key", wire.AppendKVEntry(nil, filled[catalog.KVEntry]())},
		{"key, empty", wire.AppendKVEntry(nil, &catalog.KVEntry{})},
		{"session", wire.AppendSession(nil, filled[catalog.Session]())},
		{"session, empty", wire.AppendSession(nil, &catalog.Session{})},
		{"query", wire.AppendQuery(nil, filled[catalog.Query]())},
		{"query, empty", wire.AppendQuery(nil, &catalog.Query{})},
		{"executed", open(wire.AppendExecuted(nil, &ops.QueryExecuteReply{Service: "s", DNSTTL: "10s", Datacenter: "dc2", PeerName: "p", Failovers: 2, Instances: []*catalog.InstanceHealth{inst, empty}}))},
		{"executed, empty", open(wire.AppendExecuted(nil, &ops.QueryExecuteReply{}))},
		{"transaction", open(wire.AppendTxnAnswer(nil, &catalog.TxnAnswer{Results: []catalog.TxnResult{
			{KV: filled[catalog.KVEntry]()}, {Node: filled[catalog.Node]()}, {Service: filled[catalog.Service]()}, {Check: filled[catalog.Check]()}, {Service: &catalog.Service{}}, {Check: &catalog.Check{}}}}))},
		{"transaction that failed", open(wire.AppendTxnAnswer(nil, &catalog.TxnAnswer{Errors: []catalog.TxnError{{OpIndex: 3, What: "why"}, {What: "also"}}}))},
		{"transaction, empty", open(wire.AppendTxnAnswer(nil, &catalog.TxnAnswer{}))},
		{"what a read says of itself", open(wire.AppendMeta([]byte(`{"A":0`), &rpc.ReadMeta{LastContact: 5 * time.Millisecond, KnownLeader: true}, 42, "stale", true))},
		{"coordinate", wire.AppendCoordinate(nil, filled[catalog.Coordinate]())},
		{"coordinates of a datacenter", wire.AppendDatacenterCoordinates(nil, ops.DatacenterCoordinates{Datacenter: "dc1", Coordinates: []*catalog.Coordinate{filled[catalog.Coordinate]()}})},
		{"coordinates of a datacenter, empty", wire.AppendDatacenterCoordinates(nil, ops.DatacenterCoordinates{})},
		{"event", wire.AppendEvent(nil, filled[userevent.Event]())},
		{"event, empty", wire.AppendEvent(nil, &userevent.Event{})},
		{"summary", wire.AppendSummary(nil, filled[catalog.ServiceSummary]())},
		{"summary, empty", wire.AppendSummary(nil, &catalog.ServiceSummary{})},
		{"overview", wire.AppendOverview(nil, filled[catalog.Overview]())},
		{"overview, empty", wire.AppendOverview(nil, &catalog.Overview{})},
	} {
		var text bytes.Buffer
		if err := json.Indent(&text, c.text, "", " "); err != nil {
			t.Errorf("%s: %v: %s", c.name, err, c.text)
		}
		fmt.Fprintf(&got, "# %s\n%s\n", c.name, text.Bytes())
	}
	const file = "testdata/filled.txt"
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	row := ""
	wanted := strings.Split(string(want), "\n")
	for i, line := range strings.Split(got.String(), "\n") {
		if strings.HasPrefix(line, "# ") {
			row = line[2:]
		}
		if i >= len(wanted) || line != wanted[i] {
			t.Fatalf("%s, line %d: %s\nwant the text of %s", row, i+1, line, file)
		}
	}
}

// TestWhatIsReadCanBeSentBack: a client that registers what it has read changes nothing.
func TestWhatIsReadCanBeSentBack(t *testing.T) {
	node := filled[catalog.Node]()
	svc, check := filled[catalog.Service](), filled[catalog.Check]()
	for name, c := range map[string]struct {
		op   string
		text []byte
		got  func(op catalog.TxnOp) (read any)
		want any
	}{
		"key": {`{"KV":{"Verb":"set","Key":"k","Value":"dg==","Flags":3,"Index":4,"Session":"s"}}`, nil,
			func(op catalog.TxnOp) any { return op.KV.Entry }, catalog.KVEntry{Key: "k", Value: []byte("v"), Flags: 3, ModifyIndex: 4, Session: "s"}},
		"node": {`{"Node":{"Verb":"set","Node":`, wire.AppendNode(nil, node),
			func(op catalog.TxnOp) any { return op.Node.Node.Meta["Meta-key"] }, node.Meta["Meta-key"]},
		"node's indexes": {`{"Node":{"Verb":"cas","Node":`, wire.AppendNode(nil, node),
			func(op catalog.TxnOp) any {
				return []uint64{op.Node.Node.CreateIndex, op.Node.Node.ModifyIndex}
			}, []uint64{0, node.ModifyIndex}},
		"service": {`{"Service":{"Verb":"set","Node":"n","Service":`, wire.AppendNodeService(nil, svc),
			func(op catalog.TxnOp) any {
				s := op.Service.Service
				return []any{s.Node, s.ID, s.Service, s.Port, s.Tags[1], s.ModifyIndex}
			}, []any{"n", svc.ID, svc.Service, svc.Port, svc.Tags[1], svc.ModifyIndex}},
		"check": {`{"Check":{"Verb":"set","Check":`, wire.AppendCheck(nil, check),
			func(op catalog.TxnOp) any {
				c := op.Check.Check
				return []any{c.Node, c.CheckID, c.Status, c.Output, c.Definition.HTTP, c.Definition.TTL, c.ServiceName, c.CreateIndex, c.ModifyIndex}
			}, []any{check.Node, check.CheckID, check.Status, check.Output, check.Definition.HTTP, check.Definition.TTL, check.ServiceName, uint64(0), check.ModifyIndex}},
	} {
		body := c.op
		if c.text != nil {
			body += string(c.text) + "}}"
		}
		var op wire.TxnOp
		if err := definition.Decode(strings.NewReader(body), &op); err != nil {
			t.Errorf("%s: %v: %s", name, err, body)
			continue
		}
		row, given := op.Row()
		if !given {
			t.Errorf("%s: not given", name)
			continue
		}
		if got := c.got(row); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	var none *wire.TxnOp
	if _, given := none.Row(); given {
		t.Error("null is an operation")
	}
	if _, given := (&wire.TxnOp{}).Row(); given {
		t.Error("an empty object is an operation")
	}
}

func TestAQueryIsReadMemberByMember(t *testing.T) {
	q := filled[catalog.Query]()
	q.CreateIndex, q.ModifyIndex = 0, 0 // clients do not set them
	var body wire.Query
	if err := definition.Decode(bytes.NewReader(wire.AppendQuery(nil, q)), &body); err != nil {
		t.Fatal(err)
	}
	if got := body.Row(); !reflect.DeepEqual(&got, q) {
		t.Errorf("%+v\nwant %+v", got, *q)
	}
}

func TestEmptyChecksSayNothing(t *testing.T) {
	if !wire.IsEmpty(&catalog.Check{Node: "n", ServiceID: "s", Type: "http"}) {
		t.Error("where it belongs makes a check say something")
	}
	v := reflect.ValueOf(catalog.CheckDefinition{})
	for i := range v.NumField() {
		c := &catalog.Check{}
		n := 0
		fill(reflect.ValueOf(&c.Definition).Elem().Field(i), "x", &n)
		if wire.IsEmpty(c) {
			t.Errorf("a check with %s is empty", v.Type().Field(i).Name)
		}
	}
	for name, c := range map[string]catalog.Check{"CheckID": {CheckID: "x"}, "Name": {Name: "x"}, "Notes": {Notes: "x"}, "Status": {Status: "x"}} {
		if wire.IsEmpty(&c) {
			t.Errorf("a check with %s is empty", name)
		}
	}
}

func TestWrongTypesNameTheKeys(t *testing.T) {
	for body, want := range map[string]string{
		`{"KV":{"Flags":"x"}}`:                          "json: cannot unmarshal string into Go struct field KV.Flags of type uint64",
		`{"Check":{"Check":{"Definition":{"HTTP":5}}}}`: "json: cannot unmarshal number into Go struct field Check.Check.Definition.HTTP of type string",
		`{"Service":{"Service":{"Port":"80"}}}`:         "json: cannot unmarshal string into Go struct field Service.Service.Port of type int",
		`{"Node":[]}`:                                   "json: cannot unmarshal array into Go struct field Node of type struct",
		`[]`:                                            "json: cannot unmarshal array into Go value of type struct",
		`{"Service":{"Service":{"TaggedAddresses":["x"]}}}`: "json: cannot unmarshal array into Go struct field Service.Service.TaggedAddresses of type map",
	} {
		var op wire.TxnOp
		err := wire.NameKeys(definition.Decode(strings.NewReader(body), &op))
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", body, err, want)
		}
	}
	if err := wire.NameKeys(nil); err != nil {
		t.Errorf("no error became %v", err)
	}
	if err := wire.NameKeys(os.ErrNotExist); err != os.ErrNotExist {
		t.Errorf("another error became %v", err)
	}
}
