package catalog_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"praetor/catalog"
)

// fixture is a store and the log index of its latest command.
type fixture struct {
	t     testing.TB
	store *catalog.Store
	index uint64
}

func newFixture(t testing.TB) *fixture {
	return &fixture{t: t, store: catalog.New()}
}

// apply runs one command at the next index and returns its result.
func (f *fixture) apply(kind catalog.CommandType, cmd msgp.Marshaler) any {
	f.t.Helper()
	data, err := catalog.Encode(kind, cmd)
	if err != nil {
		f.t.Fatal(err)
	}
	f.index++
	return f.store.Apply([]catalog.Entry{{Index: f.index, Data: data}})[0]
}

// must runs a command that has to succeed.
func (f *fixture) must(kind catalog.CommandType, cmd msgp.Marshaler) {
	f.t.Helper()
	if result := f.apply(kind, cmd); result != nil && result != true {
		f.t.Fatalf("command %d: got %v, want success", kind, result)
	}
}

func (f *fixture) register(r *catalog.Register) {
	f.t.Helper()
	if r.Address == "" {
		r.Address = "10.0.0.1"
	}
	f.must(catalog.RegisterCommand, r)
}

func (f *fixture) deregister(d *catalog.Deregister) {
	f.t.Helper()
	f.must(catalog.DeregisterCommand, d)
}

func (f *fixture) put(key, value string) {
	f.t.Helper()
	f.must(catalog.KVWriteCommand, &catalog.KVWrite{Entry: catalog.KVEntry{Key: key, Value: []byte(value)}})
}

// lock locks a key for a session that has to get it.
func (f *fixture) lock(key, session string) {
	f.t.Helper()
	f.must(catalog.KVWriteCommand, &catalog.KVWrite{Verb: catalog.KVLock, Entry: catalog.KVEntry{Key: key, Session: session}})
}

func (f *fixture) snapshot() []byte {
	f.t.Helper()
	return snapshotOf(f.t, f.store)
}

func snapshotOf(t testing.TB, s *catalog.Store) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Read().WriteSnapshot(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRegisteredInstanceIsHealthyWithItsChecks(t *testing.T) {
	f := newFixture(t)
	f.register(&catalog.Register{
		Node: "N1", Service: &catalog.Service{ID: "w1", Service: "Web", Tags: []string{"v1"}},
		Checks: []*catalog.Check{{CheckID: "c", ServiceID: "w1"}, {CheckID: "z"}},
	})
	index, got := f.store.Read().ServiceHealth(nil, "web")
	if index != 1 || len(got) != 1 {
		t.Fatalf("got index %d and %d instances, want 1 and 1", index, len(got))
	}
	checks := got[0].Checks
	if len(checks) != 2 || checks[0].CheckID != "z" || checks[1].CheckID != "c" || checks[1].ServiceName != "Web" {
		t.Errorf("got checks %+v, want z of the node, then c of the service Web", checks)
	}
	f.deregister(&catalog.Deregister{Node: "n1"})
	if index, got := f.store.Read().ServiceHealth(nil, "web"); index != 2 || got == nil || len(got) != 0 {
		t.Errorf("got index %d, instances %v; want 2 and []", index, got)
	}
	f.put("a/b", "1")
	f.must(catalog.KVWriteCommand, &catalog.KVWrite{Verb: catalog.KVDeleteTree, Entry: catalog.KVEntry{Key: "a"}})
	if index, got := f.store.Read().KVList(nil, "a/"); index != 4 || len(got) != 0 {
		t.Errorf("got index %d, entries %v; want 4 and []", index, got)
	}
}

func TestRestoredStoreIsTheSameStore(t *testing.T) {
	f := newFixture(t)
	f.register(&catalog.Register{Node: "n1", Service: &catalog.Service{Service: "web"}})
	f.put("k", "v")
	want := f.snapshot()
	other := catalog.New()
	replaced := other.Replaced()
	if err := other.Restore(bytes.NewReader(want)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-replaced:
	default:
		t.Error("Replaced did not close")
	}
	if got := snapshotOf(t, other); !bytes.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func readerOf(b []byte) *bytes.Reader { return bytes.NewReader(b) }

// TestTransactionSeesOneMoment reads beside a writer and restores: two keys
// written by one batch are equal in every transaction.
func TestTransactionSeesOneMoment(t *testing.T) {
	f := newFixture(t)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				tx := f.store.Read()
				_, a := tx.KVGet(nil, "a")
				_, b := tx.KVGet(nil, "b")
				_, services := tx.Services(nil)
				if a != nil && (b == nil || !bytes.Equal(a.Value, b.Value)) || len(services) > 1 {
					t.Errorf("got %v and %v, and services %v", a, b, services)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range 200 {
		var batch []catalog.Entry
		for _, key := range []string{"a", "b"} {
			f.index++
			batch = append(batch, catalog.Entry{Index: f.index, Data: encode(t, catalog.KVWriteCommand,
				&catalog.KVWrite{Entry: catalog.KVEntry{Key: key, Value: fmt.Append(nil, i)}})})
		}
		f.store.Apply(batch)
		f.register(&catalog.Register{Node: "n", Service: &catalog.Service{Service: "web", Port: i}})
		if i%50 == 0 {
			if err := f.store.Restore(readerOf(f.snapshot())); err != nil {
				t.Error(err)
			}
		}
	}
	close(done)
	readers.Wait()
}
