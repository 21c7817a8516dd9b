package wire_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/httpapi/wire"
)

// TestNumbersAreWrittenAsEncodingJSONDoes, at the edges of its two forms and at random.
func TestNumbersAreWrittenAsEncodingJSONDoes(t *testing.T) {
	numbers := []float64{0, math.Copysign(0, -1), 1, -1, 0.1, 1e-6, 9.99e-7, 1e-7, -1e-9, 1.5e-10, 1e-100, 1e20, 1e21, 1.25e21, -1e21, 1e100, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Pi}
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		if f := math.Float64frombits(r.Uint64()); !math.IsNaN(f) && !math.IsInf(f, 0) {
			numbers = append(numbers, f)
		}
	}
	for _, f := range numbers {
		sameJSON(t, f, wire.AppendFloat(nil, f))
		sameJSON(t, []float64{f, f}, append(wire.AppendFloat(append(wire.AppendFloat([]byte("["), f), ','), f), ']'))
	}
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if got := string(wire.AppendFloat(nil, f)); got != "null" {
			t.Errorf("%f is %s", f, got)
		}
	}
}

// TestWhatJSONCannotSayIsNull: a number of a proxy's configuration that is none costs that
// member, not the answer.
func TestWhatJSONCannotSayIsNull(t *testing.T) {
	for name, value := range map[string]any{"no number": math.NaN(), "a function": func() {}} {
		svc := &catalog.Service{ID: "p", Service: "p", Proxy: &catalog.Proxy{Config: map[string]any{"a": value}}}
		var shown struct{ Proxy struct{ Config any } }
		if err := json.Unmarshal(wire.AppendNodeService(nil, svc), &shown); err != nil || shown.Proxy.Config != nil {
			t.Errorf("%s: %+v, %v", name, shown, err)
		}
	}
}

// TestAbsentRowsAreNull, where an instance has no node.
func TestAbsentRowsAreNull(t *testing.T) {
	if got := string(wire.AppendNode(nil, nil)); got != "null" {
		t.Errorf("a node: %s", got)
	}
	if got := string(wire.AppendOverview(nil, nil)); got != `{"Nodes":null,"Services":null,"Checks":null}` {
		t.Errorf("an overview: %s", got)
	}
}

// TestChangesAreShownWithWhatIsKnownOfThem: what is not known is left out, but for the
// entries of a key, which are null.
func TestChangesAreShownWithWhatIsKnownOfThem(t *testing.T) {
	at := time.Date(2026, 11, 29, 9, 0, 0, 5, time.UTC)
	entry := &catalog.KVEntry{Key: "a", Value: []byte("v"), CreateIndex: 3, ModifyIndex: 4}
	const shown = `{"LockIndex":0,"Key":"a","Flags":0,"Value":"dg==","CreateIndex":3,"ModifyIndex":4}`
	for name, c := range map[string]struct {
		change any
		want   string
	}{
		"a key that was made":    {wire.NewKeyChange(&catalog.KeyChange{Index: 4, Time: at.UnixNano(), Op: "set", Accessor: "acc", Agent: "n", New: entry}), `{"Index":4,"Time":"2026-11-29T09:00:00.000000005Z","Op":"set","AccessorID":"acc","Agent":"n","Before":null,"After":` + shown + `}`},
		"a key that was deleted": {wire.NewKeyChange(&catalog.KeyChange{Index: 4, Op: "delete", Old: entry}), `{"Index":4,"Op":"delete","Before":` + shown + `,"After":null}`},
		"a check": {wire.NewCatalogChange(&catalog.CatalogChange{Index: 5, Time: at.UnixNano(), Kind: "check", Event: "status", Node: "n", Service: "web", ServiceID: "web-1", CheckID: "c", CheckName: "C", From: "passing", To: "critical", Output: "o", Address: "a", Accessor: "acc", Agent: "m"}),
			`{"Index":5,"Time":"2026-11-29T09:00:00.000000005Z","Kind":"check","Event":"status","Node":"n","ServiceName":"web","ServiceID":"web-1","CheckID":"c","CheckName":"C","From":"passing","To":"critical","Output":"o","Address":"a","AccessorID":"acc","Agent":"m"}`},
		"a node": {wire.NewCatalogChange(&catalog.CatalogChange{Index: 5, Kind: "node", Event: "register", Node: "n"}), `{"Index":5,"Kind":"node","Event":"register","Node":"n"}`},
	} {
		if got, err := json.Marshal(c.change); err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v\nwant %s", name, got, err, c.want)
		}
	}
}

// TestWrongTypesHaveConsulsNames where its errors name the type of a body, which tools
// compare.
func TestWrongTypesHaveConsulsNames(t *testing.T) {
	for _, c := range []struct {
		into       any
		text, want string
	}{
		{new(wire.TemplateVariables), `{"name":7}`, "json: cannot unmarshal number into Go struct field ACLTemplatedPolicyVariables.name of type string"},
		{new(wire.TemplateVariables), `7`, "json: cannot unmarshal number into Go value of type structs.ACLTemplatedPolicyVariables"},
		{new([]wire.ACLQuestion), `{"Resource":"key"}`, "json: cannot unmarshal object into Go value of type []structs.ACLAuthorizationRequest"},
		{new([]wire.ACLQuestion), `[{"Resource":7}]`, "json: cannot unmarshal number into Go struct field ACLAuthorizationRequest.Resource of type string"},
		{new(struct{ A *wire.Register }), `{"A":7}`, "json: cannot unmarshal number into Go struct field A of type struct"},
		{new(struct{ A []wire.Register }), `{"A":7}`, "json: cannot unmarshal number into Go struct field A of type slice"},
		{new(struct{ A map[string]wire.Register }), `{"A":7}`, "json: cannot unmarshal number into Go struct field A of type map"},
		{new(struct{ A []string }), `{"A":7}`, "json: cannot unmarshal number into Go struct field A of type []string"},
	} {
		if err := wire.NameKeys(json.Unmarshal([]byte(c.text), c.into)); err == nil || err.Error() != c.want {
			t.Errorf("%T of %s: %v, want %s", c.into, c.text, err, c.want)
		}
	}
}
