package ops_test

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/internal/msgreflect"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/shape"
)

// generated are messages whose generated code reflection is measured against,
// with something of every kind of field.
func generated() []rpc.Message {
	options := rpc.ReadOptions{Datacenter: "dc2", Token: "t", MinIndex: 1 << 40, MaxWait: time.Minute, Stale: true, MaxStale: -1}
	return []rpc.Message{
		&options, &ops.KVGetRequest{ReadOptions: options, Key: "a"}, &ops.KVGetReply{}, &ops.HealthServiceRequest{ReadOptions: options},
		&ops.KVKeysReply{Keys: []string{"a", "", "b"}}, &ops.CatalogServicesReply{}, &ops.SessionsReply{}, &ops.CoordinateNodesReply{},
		&ops.KVGetReply{ReadMeta: rpc.ReadMeta{Index: 7, LastContact: -time.Second}, Entry: &catalog.KVEntry{Key: "a", Value: []byte{0}}},
	}
}

// cold are messages that are encoded by reflection.
func cold() []rpc.Message {
	return []rpc.Message{
		&ops.OperatorKeyringReply{Pools: []ops.KeyringPool{{WAN: true, Messages: map[string]string{"a": "b"}, Keys: map[string]int{"k": -1}, Members: 1 << 20}}},
		&ops.OperatorAutopilotStateReply{Voters: []string{"a"}, Servers: []ops.AutopilotServer{{LastContact: time.Hour, StableSince: time.Unix(5, 6).UTC(), Meta: map[string]string{"a": "b"}}}},
		&ops.OperatorUsageReply{Usage: map[string]ops.Usage{"dc1": {Nodes: 1, Connect: map[string]int{"api": 2}}}},
		&ops.OperatorAutopilotReply{Config: &catalog.Autopilot{CleanupDeadServers: true}}, &ops.OperatorAutopilotReply{},
		&ops.QueryExecuteRequest{Near: ops.Near{NearNode: "n"}, Limit: -3}, &ops.QueryExecuteReply{Instances: []*catalog.InstanceHealth{nil, {}}},
		&ops.TxnApplyRequest{Ops: []catalog.TxnOp{{}}}, &ops.EvictReportRequest{Outcome: ops.EvictDone}, &ops.EvictReportReply{}, &ops.StatusRaftReply{LastContact: -1},
	}
}

func fresh(m rpc.Message) rpc.Message {
	return reflect.New(reflect.TypeOf(m).Elem()).Interface().(rpc.Message)
}

func TestReflectionWritesWhatGeneratedCodeWrites(t *testing.T) {
	for _, m := range generated() {
		want, err := m.MarshalMsg(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := msgreflect.Append(nil, m)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%T: %x, %v\nwant %x", m, got, err, want)
		}
	}
}

func TestColdMessagesComeBackWhole(t *testing.T) {
	for _, m := range cold() {
		b, err := m.MarshalMsg(nil)
		if err != nil {
			t.Fatal(err)
		}
		if size := m.Msgsize(); size < len(b) {
			t.Errorf("%T: %d bytes, of %d at most", m, len(b), size)
		}
		for n := range b {
			if _, err := fresh(m).UnmarshalMsg(b[:n]); err == nil {
				t.Errorf("%T: %d of %d bytes were taken for a message", m, n, len(b))
			}
		}
		got := fresh(m)
		rest, err := got.UnmarshalMsg(b)
		if again, _ := got.MarshalMsg(nil); err != nil || len(rest) > 0 || !bytes.Equal(again, b) {
			t.Errorf("%T: came back as %+v with %d bytes left, %v", m, got, len(rest), err)
		}
	}
}

func TestHeaderOfAColdMessageAllocatesNothing(t *testing.T) {
	claim := append([]byte{0x81, 0xa6}, "Voters\xdd\x7f\xff\xff\xff"...)
	if _, err := new(ops.OperatorAutopilotStateReply).UnmarshalMsg(claim); err == nil {
		t.Error("a list of two billion elements was taken, of which there is none")
	}
	claim = append([]byte{0x81, 0xa5}, "Usage\xdf\x7f\xff\xff\xff"...)
	if _, err := new(ops.OperatorUsageReply).UnmarshalMsg(claim); err == nil {
		t.Error("a map of two billion elements was taken, of which there is none")
	}
}

func BenchmarkQueryExecuteReply(b *testing.B) {
	m := &ops.QueryExecuteReply{Service: "web"}
	for range 10 {
		m.Instances = append(m.Instances, &catalog.InstanceHealth{})
	}
	text, err := m.MarshalMsg(nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if text, err = m.MarshalMsg(text[:0]); err != nil {
			b.Fatal(err)
		}
		if _, err := new(ops.QueryExecuteReply).UnmarshalMsg(text); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzReflection decodes what the codec lets through: as generated code does where
// there is any, and whole where there is none.
func FuzzReflection(f *testing.F) {
	for _, m := range append(generated(), cold()...) {
		b, err := m.MarshalMsg(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if size, _, err := shape.Of(b); err != nil || size.Dense(len(b)) {
			return
		}
		for _, m := range generated() {
			wanted, got := fresh(m), fresh(m)
			_, errWanted := wanted.UnmarshalMsg(b)
			_, err := msgreflect.Decode(b, got)
			if (err == nil) != (errWanted == nil) {
				t.Fatalf("%T: %v, generated code said %v", m, err, errWanted)
			}
			a, _ := msgreflect.Append(nil, got)
			if w, _ := wanted.MarshalMsg(nil); err == nil && !bytes.Equal(a, w) {
				t.Fatalf("%T: %+v, generated code read %+v", m, got, wanted)
			}
		}
		for _, m := range cold() {
			got := fresh(m)
			if _, err := got.UnmarshalMsg(b); err != nil {
				continue
			}
			again, err := got.MarshalMsg(nil)
			if err != nil || len(again) > got.Msgsize() {
				t.Fatalf("%T: %d bytes of at most %d, %v", m, len(again), got.Msgsize(), err)
			}
			if _, err := fresh(m).UnmarshalMsg(again); err != nil {
				t.Fatalf("%T: what it wrote is refused: %v", m, err)
			}
		}
	})
}
