package userevent_test

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/consul/api"

	"praetor/internal/fault"
	"praetor/internal/userevent"
)

func newEvent(t testing.TB, name string) *userevent.Event {
	t.Helper()
	e, err := userevent.New(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// filters are those of an event that arrives.
func filters(t testing.TB, e *userevent.Event) *userevent.Filters {
	t.Helper()
	payload, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	_, meant, err := userevent.Decode(userevent.Prefix+e.Name, 1, payload)
	if err != nil {
		t.Fatal(err)
	}
	return meant
}

func TestDecodedEventIsTheOneEncoded(t *testing.T) {
	e := newEvent(t, "deploy")
	e.Payload, e.NodeFilter, e.ServiceFilter, e.TagFilter = []byte("v2"), "^a$", "web", "v1"
	payload, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := userevent.Decode(userevent.Prefix+"deploy", 7, payload)
	if err != nil {
		t.Fatal(err)
	}
	want := *e
	want.LTime = 7
	if !reflect.DeepEqual(got, &want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// costly took each agent 34 ms to compile.
var costly = strings.Repeat("a{1000}", 40)

func TestMalformedEventsAreNotDecoded(t *testing.T) {
	tests := []struct {
		name string
		edit func(e *userevent.Event)
		wire string
	}{
		{"ID that is no UUID", func(e *userevent.Event) { e.ID = "7" }, "x"},
		{"version of the future", func(e *userevent.Event) { e.Version = 2 }, "x"},
		{"another name than gossip's", func(e *userevent.Event) {}, "y"},
		{"filter that does not compile", func(e *userevent.Event) { e.NodeFilter = "(" }, "x"},
		{"node filter that costs too much", func(e *userevent.Event) { e.NodeFilter = costly }, "x"},
		{"service filter that costs too much", func(e *userevent.Event) { e.ServiceFilter = costly }, "x"},
		{"tag filter that costs too much", func(e *userevent.Event) { e.ServiceFilter, e.TagFilter = "a", costly }, "x"},
	}
	for _, test := range tests {
		e := newEvent(t, "x")
		test.edit(e)
		payload, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := userevent.Decode(userevent.Prefix+test.wire, 1, payload); err == nil {
			t.Errorf("%s: got %+v, want an error", test.name, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	e := newEvent(f, "x")
	e.Payload, e.ServiceFilter = []byte("p"), "web"
	whole, err := e.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add("x", whole)
	f.Add("x", whole[:len(whole)/2])
	f.Add("", []byte{})
	f.Add("x", append(bytes.Clone(whole), 0))
	f.Add("x", []byte{0x81, 0xa1, 'p', 0xc6, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, name string, payload []byte) {
		e, meant, err := userevent.Decode(userevent.Prefix+name, 1, payload)
		if err != nil {
			return
		}
		if e.Name != name || e.Index() == 0 || e.Check() != nil {
			t.Fatalf("decoded %+v", e)
		}
		meant.Match("n", maps.All(map[string][]string{"web": {"v1"}}))
		again, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := userevent.Decode(userevent.Prefix+name, 1, again); err != nil {
			t.Fatalf("encoded again: %v", err)
		}
	})
}

func TestFiltersChooseReceivers(t *testing.T) {
	services := map[string][]string{"web-1": {"v1", "blue"}, "db": nil}
	tests := []struct {
		node, service, tag string
		want               bool
	}{
		{"", "", "", true},
		{"^n1$", "", "", true},
		{"n", "", "", true}, // not anchored
		{"^n2$", "", "", false},
		{"", "^web-1$", "", true}, // IDs, not names
		{"", "^web$", "", false},
		{"", "web", "^v1$", true},
		{"", "web", "^v2$", false},
		{"", "db", "v1", false}, // the tag of another service
		{"", "nothing", "", false},
		{"n2", "web", "", false},
	}
	for _, test := range tests {
		e := newEvent(t, "x")
		e.NodeFilter, e.ServiceFilter, e.TagFilter = test.node, test.service, test.tag
		if got := filters(t, e).Match("n1", maps.All(services)); got != test.want {
			t.Errorf("node %q, service %q, tag %q: got %v, want %v", test.node, test.service, test.tag, got, test.want)
		}
	}
}

// The texts are those of event/filters and event/fire_filters.
func TestBadFiltersAreRefusedWithConsulsTexts(t *testing.T) {
	tests := []struct {
		e    userevent.Event
		want string
	}{
		{userevent.Event{}, ""},
		{userevent.Event{TagFilter: "x"}, "Cannot provide tag filter without service filter"},
		{userevent.Event{NodeFilter: "("}, "Invalid node filter: error parsing regexp: missing closing ): `(`"},
		{userevent.Event{ServiceFilter: "["}, "Invalid service filter: error parsing regexp: missing closing ]: `[`"},
		{userevent.Event{ServiceFilter: "a", TagFilter: "*"}, "Invalid tag filter: error parsing regexp: missing argument to repetition operator: `*`"},
	}
	for _, test := range tests {
		err := test.e.Check()
		if test.want == "" && err != nil || test.want != "" && (err == nil || err.Error() != test.want || fault.KindOf(err) != fault.Rejected) {
			t.Errorf("%+v: got %v, want %q", test.e, err, test.want)
		}
	}
}

func TestIndexIsWhatThePublicClientMakesOfTheID(t *testing.T) {
	e := &userevent.Event{ID: "6cf94586-029f-bd9b-b521-6ab396a146e9"}
	if got, want := e.Index(), uint64(15697348408366791538); got != want {
		t.Errorf("got %d, want the reference's %d", got, want)
	}
	for range 100 {
		e := newEvent(t, "x")
		if got, want := e.Index(), new(api.Event).IDToIndex(e.ID); got != want {
			t.Errorf("%s: got %d, want %d", e.ID, got, want)
		}
	}
	if got := (&userevent.Event{ID: "00000000-0000-0000-0000-000000000000"}).Index(); got != 1 {
		t.Errorf("halves that cancel out: got %d, want 1", got)
	}
}

func TestReservedNamesAreTold(t *testing.T) {
	for name, want := range map[string]bool{"_rexec": true, "_rexec2": true, "rexec": false, "x_rexec": false} {
		if got := (&userevent.Event{Name: name}).IsReserved(); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func names(list []*userevent.Event) string {
	var all []string
	for _, e := range list {
		all = append(all, e.Name)
	}
	return strings.Join(all, " ")
}

func TestRingKeepsTheLast256InOrder(t *testing.T) {
	r := userevent.NewRing()
	var want []string
	for i := range 300 {
		r.Add(newEvent(t, fmt.Sprint(i)))
		want = append(want, fmt.Sprint(i))
	}
	list, _ := r.Events()
	if got, want := names(list), strings.Join(want[300-256:], " "); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestRingKeepsAnEventOnceAndWakesForNewOnesOnly(t *testing.T) {
	r := userevent.NewRing()
	e := newEvent(t, "a")
	empty, woken := r.Events()
	r.Add(e)
	<-woken
	before, asleep := r.Events()
	r.Add(e)
	select {
	case <-asleep:
		t.Error("a duplicate wakes")
	default:
	}
	r.Add(newEvent(t, "b"))
	<-asleep
	after, _ := r.Events()
	if len(empty) != 0 || names(before) != "a" || names(after) != "a b" {
		t.Errorf("got %q, %q, %q; lists given out must stay", names(empty), names(before), names(after))
	}
}

func TestRingIsForManyAtOnce(t *testing.T) {
	r := userevent.NewRing()
	var all sync.WaitGroup
	for range 1000 { // waiters: each sees all ten events at last
		all.Go(func() {
			for {
				list, next := r.Events()
				if len(list) == 10 {
					return
				}
				<-next
			}
		})
	}
	for range 10 {
		all.Go(func() { r.Add(newEvent(t, "x")) })
	}
	all.Wait()
	list, _ := r.Events()
	slices.SortFunc(list, func(a, b *userevent.Event) int { return strings.Compare(a.ID, b.ID) })
	if got := len(slices.CompactFunc(list, func(a, b *userevent.Event) bool { return a.ID == b.ID })); got != 10 {
		t.Errorf("got %d events, want 10", got)
	}
}

func TestFiltersThatCostTooMuchAreRefused(t *testing.T) {
	for what, e := range map[string]userevent.Event{
		"node": {NodeFilter: costly}, "service": {ServiceFilter: costly}, "tag": {ServiceFilter: "a", TagFilter: costly},
	} {
		err := e.Check()
		if want := "Invalid " + what + " filter: it is too complex: 40000 instructions, at most 2000 are allowed"; fault.KindOf(err) != fault.Rejected || err.Error() != want {
			t.Errorf("%s: got %v, want %s", what, err, want)
		}
	}
	if err := (&userevent.Event{NodeFilter: "^(web|db)-[0-9]{1,3}\\.dc1$"}).Check(); err != nil {
		t.Errorf("a common filter: %v", err)
	}
}

// TestMatchingIsBounded counts the bytes that filters of most instructions are
// matched with.
func TestMatchingIsBounded(t *testing.T) {
	e := newEvent(t, "x")
	e.ServiceFilter = "(a|b){600}c$"
	meant, asked := filters(t, e), 0
	long := strings.Repeat("ab", 1000)
	if meant.Match("n", func(yield func(string, []string) bool) {
		for range 10_000 {
			if asked++; !yield(long, nil) {
				return
			}
		}
	}) || asked != 1 {
		t.Errorf("matched, or %d texts of 2,000 bytes were tried", asked)
	}
}
