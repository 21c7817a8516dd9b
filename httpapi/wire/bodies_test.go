package wire_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/httpapi/wire"
)

// read decodes a body as handlers do: keys that nobody knows are faults.
func read[T any](t *testing.T, text string) *T {
	t.Helper()
	body := new(T)
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(body); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return body
}

// TestQueriesComeBackAsTheyWereRead: clients read a query, change something and write it.
func TestQueriesComeBackAsTheyWereRead(t *testing.T) {
	q := filled[catalog.Query]()
	got := read[wire.Query](t, string(wire.AppendQuery(nil, q))).Row()
	want := *q
	want.CreateIndex, want.ModifyIndex = 0, 0
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

// TestRegistrationsComeBackAsTheyWereRead: a service and checks as the catalog shows them.
func TestRegistrationsComeBackAsTheyWereRead(t *testing.T) {
	inst := filled[catalog.InstanceHealth]()
	svc, check := inst.Service, inst.Checks[0]
	text := `{"Node":"n","ID":"id","Address":"a","Datacenter":"dc1","SkipNodeUpdate":true,"TaggedAddresses":{"lan":"l"},"NodeMeta":{"k":"v"},"Locality":{"Region":"r","Zone":"z"},"PeerName":"",
		"Service":` + string(wire.AppendNodeService(nil, svc)) + `,"Check":` + string(wire.AppendCheck(nil, check)) + `,"Checks":[` + string(wire.AppendCheck(nil, inst.Checks[1])) + `,null]}`
	got := read[wire.Register](t, text).Row()
	if got.Node != "n" || got.ID != "id" || got.Address != "a" || got.Datacenter != "dc1" || !got.SkipNodeUpdate || got.TaggedAddresses["lan"] != "l" || got.NodeMeta["k"] != "v" || got.Locality.Zone != "z" {
		t.Errorf("the node is %+v", got)
	}
	again := wire.AppendNodeService(nil, got.Service)
	want := *svc
	want.CreateIndex, want.ModifyIndex = 0, 0
	if text := string(wire.AppendNodeService(nil, &want)); string(again) != text {
		t.Errorf("the service comes back as\n%s\nwant\n%s", again, text)
	}
	if len(got.Checks) != 2 {
		t.Fatalf("%d checks", len(got.Checks))
	}
	for i, was := range []*catalog.Check{inst.Checks[1], check} { // the one that stands alone comes last
		want := *was
		want.CreateIndex, want.ModifyIndex = 0, 0
		if now, text := wire.AppendCheck(nil, got.Checks[i]), string(wire.AppendCheck(nil, &want)); string(now) != text {
			t.Errorf("check %d comes back as\n%s\nwant\n%s", i, now, text)
		}
	}
	if got := read[wire.Register](t, `{"Node":"n"}`).Row(); got.Service != nil || got.Checks != nil {
		t.Errorf("of a node alone: %+v", got)
	}
}

// TestDefinitionsOfChecksAreReadInTwoWays: durations are texts or nanoseconds, and in
// transactions have other names besides, which count first.
func TestDefinitionsOfChecksAreReadInTwoWays(t *testing.T) {
	const first = `"Interval":"1s","Timeout":2000000000,"DeregisterCriticalServiceAfter":"3m","TTL":"4s","HTTP":"h"`
	check := read[wire.Register](t, `{"Check":{"Name":"c","ModifyIndex":9,"Definition":{`+first+`,"Unknown":1,"SuccessBeforePassing":3}}}`).Row().Checks[0]
	want := catalog.CheckDefinition{Interval: time.Second, Timeout: 2 * time.Second, DeregisterCriticalServiceAfter: 3 * time.Minute, TTL: 4 * time.Second, HTTP: "h"}
	if !reflect.DeepEqual(check.Definition, want) || check.ModifyIndex != 0 {
		t.Errorf("registered: %+v, want %+v", check, want)
	}
	op := func(text string) *catalog.TxnCheck {
		row, given := read[wire.TxnOp](t, `{"Check":{"Verb":"cas","Check":`+text+`}}`).Row()
		if !given || row.Check == nil || row.Check.Verb != "cas" {
			t.Fatalf("%s is %+v", text, row)
		}
		return row.Check
	}
	if got := op(`{"Name":"c","ModifyIndex":9,"Namespace":"","Partition":"","Definition":{` + first + `}}`).Check; !reflect.DeepEqual(got.Definition, want) || got.ModifyIndex != 9 {
		t.Errorf("in a transaction: %+v, want %+v at 9", got, want)
	}
	want.Interval, want.Timeout, want.DeregisterCriticalServiceAfter = 5*time.Second, 6*time.Second, 7*time.Second
	if got := op(`{"Definition":{` + first + `,"IntervalDuration":"5s","TimeoutDuration":"6s","DeregisterCriticalServiceAfterDuration":7000000000}}`).Check; !reflect.DeepEqual(got.Definition, want) {
		t.Errorf("with the other names: %+v, want %+v", got.Definition, want)
	}
	if got := op(`{"Name":"c"}`).Check; !reflect.DeepEqual(got.Definition, catalog.CheckDefinition{}) {
		t.Errorf("without a definition: %+v", got.Definition)
	}
}

func TestOperationsOfTransactionsAreRead(t *testing.T) {
	for text, want := range map[string]catalog.TxnOp{
		`{"KV":{"Verb":"cas","Key":"k","Value":"dg==","Flags":3,"Index":4,"Session":"s","Namespace":"","Partition":""}}`:                           {KV: &catalog.TxnKV{Verb: "cas", Entry: catalog.KVEntry{Key: "k", Value: []byte("v"), Flags: 3, ModifyIndex: 4, Session: "s"}}},
		`{"Node":{"Verb":"set","Node":{"Node":"n","ID":"i","Datacenter":"dc9","CreateIndex":5,"ModifyIndex":6,"PeerName":"","Partition":""}}}`:     {Node: &catalog.TxnNode{Verb: "set", Node: catalog.Node{Node: "n", ID: "i", ModifyIndex: 6}}},
		`{"Service":{"Verb":"get","Node":"n","Service":{"ID":"s","Service":"web","ModifyIndex":7,"CreateIndex":8,"Namespace":"","Partition":""}}}`: {Service: &catalog.TxnService{Verb: "get", Service: catalog.Service{Node: "n", ID: "s", Service: "web", ModifyIndex: 7}}},
	} {
		if got, given := read[wire.TxnOp](t, text).Row(); !given || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %t", text, got, given)
		}
	}
	var none *wire.TxnOp
	for name, op := range map[string]*wire.TxnOp{"nothing": none, "an empty object": {}} {
		if got, given := op.Row(); given || got != (catalog.TxnOp{}) {
			t.Errorf("%s: %+v, %t", name, got, given)
		}
	}
}

// TestChecksThatSayNothing are those that Consul ignores.
func TestChecksThatSayNothing(t *testing.T) {
	for _, c := range []struct {
		check catalog.Check
		want  bool
	}{
		{catalog.Check{}, true}, {catalog.Check{Node: "n", ServiceID: "s", Output: "o"}, true}, {catalog.Check{CheckID: "c"}, false}, {catalog.Check{Name: "c"}, false}, {catalog.Check{Notes: "c"}, false}, {catalog.Check{Status: "passing"}, false},
		{catalog.Check{Definition: catalog.CheckDefinition{TTL: 1}}, false}, {catalog.Check{Definition: catalog.CheckDefinition{HTTP: "h"}}, false}, {catalog.Check{Definition: catalog.CheckDefinition{SuccessBeforePassing: 1}}, false},
		{catalog.Check{Definition: catalog.CheckDefinition{FailuresBeforeWarning: 1}}, false}, {catalog.Check{Definition: catalog.CheckDefinition{FailuresBeforeCritical: 1}}, false},
	} {
		if got := wire.IsEmpty(&c.check); got != c.want {
			t.Errorf("%+v: %t", c.check, got)
		}
	}
}

// TestWrongTypesNameTheKeyThatWasSent, and none of our own types.
func TestWrongTypesNameTheKeyThatWasSent(t *testing.T) {
	for text, want := range map[string]string{
		`{"Node":7}`: "json: cannot unmarshal number into Go struct field Node of type string", `{"Service":{"Port":"x"}}`: "json: cannot unmarshal string into Go struct field Service.Port of type int",
		`{"Checks":[{"Name":[]}]}`: "json: cannot unmarshal array into Go struct field Checks.Name of type string", `{"Check":[]}`: "json: cannot unmarshal array into Go struct field Check of type struct",
		`{"NodeMeta":{"a":1}}`: "json: cannot unmarshal number into Go struct field NodeMeta of type string", `[]`: "json: cannot unmarshal array into Go value of type struct", `{"Service":{"Tags":"a"}}`: "json: cannot unmarshal string into Go struct field Service.Tags of type []string",
	} {
		err := wire.NameKeys(json.Unmarshal([]byte(text), new(wire.Register)))
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if wire.NameKeys(nil) != nil {
		t.Error("no error becomes one")
	}
}
