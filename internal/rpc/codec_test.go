package rpc_test

import (
	"bytes"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"praetor/internal/rpc"
)

func TestMessagesSurviveTheCodec(t *testing.T) {
	want := &rpc.ReadOptions{Datacenter: "dc2", Token: "t", MinIndex: math.MaxUint64, MaxWait: time.Hour, Stale: true, MaxStale: -1}
	b, err := rpc.Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	for at := range len(b) + 1 {
		got := &rpc.ReadOptions{}
		if err := rpc.DecodeSplit(b, at, got); err != nil {
			t.Fatalf("split at %d: %v", at, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("split at %d: got %+v, want %+v", at, got, want)
		}
	}
}

func TestDecodedMessageKeepsNothingOfTheBuffer(t *testing.T) {
	b, err := rpc.Encode(&rpc.WriteOptions{Token: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	got := &rpc.WriteOptions{}
	if err := rpc.Decode(b, got); err != nil {
		t.Fatal(err)
	}
	for i := range b {
		b[i] = 'x'
	}
	if got.Token != "secret" {
		t.Errorf("token became %q when the buffer was used again", got.Token)
	}
}

func TestUnknownFieldsAreSkipped(t *testing.T) {
	b := msgp.AppendMapHeader(nil, 2)
	b = msgp.AppendString(b, "Newer")
	b = msgp.AppendMapHeader(b, 1)
	b = msgp.AppendString(b, "a")
	b = msgp.AppendNil(b)
	b = msgp.AppendString(b, "Token")
	b = msgp.AppendString(b, "t")
	got := &rpc.WriteOptions{}
	if err := rpc.Decode(b, got); err != nil || got.Token != "t" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestGarbageIsRefused(t *testing.T) {
	whole, err := rpc.Encode(&rpc.WriteOptions{Datacenter: "dc1", Token: "t"})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		b    []byte
	}{
		{"nothing", nil},
		{"cut short", whole[:len(whole)-1]},
		{"a byte too many", append(bytes.Clone(whole), 0)},
		{"not a map", msgp.AppendInt(nil, 7)},
		{"the reserved byte", []byte{0xc1}},
		{"a map of four billion entries", []byte{0xdf, 0xff, 0xff, 0xff, 0xff}},
		{"an array of four billion entries", []byte{0xdd, 0xff, 0xff, 0xff, 0xff}},
		{"wrong type of field", append(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "Token"), 0xc3)},
		{"nested a million deep", bytes.Repeat([]byte{0x91}, 1<<20)},
	}
	for _, test := range tests {
		if err := rpc.Decode(test.b, &rpc.WriteOptions{}); err == nil {
			t.Errorf("%s: accepted", test.name)
		}
	}
	if err := rpc.Decode(whole, 7); err == nil {
		t.Error("decoded into something that is not a message")
	}
	if _, err := rpc.Encode("text"); err == nil {
		t.Error("encoded something that is not a message")
	}
}

// list is a message whose decoder, like a generated one, allocates what the
// header claims.
type list struct{ items []int64 }

func (l *list) Msgsize() int                        { return 8 } // too small, on purpose
func (l *list) MarshalMsg(b []byte) ([]byte, error) { return append(b, make([]byte, 4096)...), nil }

func (l *list) UnmarshalMsg(b []byte) ([]byte, error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil {
		return b, err
	}
	l.items = make([]int64, n)
	for i := range l.items {
		if l.items[i], b, err = msgp.ReadInt64Bytes(b); err != nil {
			return b, err
		}
	}
	return b, nil
}

func TestArrayHeaderAloneAllocatesNothing(t *testing.T) {
	l := &list{}
	if err := rpc.Decode([]byte{0xdd, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3}, l); err == nil {
		t.Error("accepted")
	}
	if l.items != nil {
		t.Error("the decoder was asked to make room for two billion elements")
	}
}

// untouched is a message that no byte of is decoded.
type untouched struct{ decoded bool }

func (u *untouched) Msgsize() int                          { return 0 }
func (u *untouched) MarshalMsg(b []byte) ([]byte, error)   { return b, nil }
func (u *untouched) UnmarshalMsg(b []byte) ([]byte, error) { u.decoded = true; return nil, nil }

func repeat(n int, value ...byte) []byte {
	return append(msgp.AppendArrayHeader(nil, uint32(n)), bytes.Repeat(value, n)...)
}

func TestWhatExpandsIsRefusedBeforeItIsDecoded(t *testing.T) {
	record := append([]byte{0x81, 0xaf}, "fifteen letters"...) // of 18 bytes with its value
	record = append(record, 1)
	for name, row := range map[string]struct {
		message        []byte
		reply, request bool // taken
	}{
		"a thousand empty records":     {repeat(1024, 0x80), true, true},
		"two thousand":                 {repeat(2048, 0x80), false, false},
		"a megabyte of them":           {repeat(1<<20, 0x80), false, false},
		"as many records as may be":    {repeat(rpc.MaxRecords, record...), true, true},
		"one more":                     {repeat(rpc.MaxRecords+1, record...), true, false},
		"twice as many":                {repeat(2*rpc.MaxRecords, record...), true, false},
		"as many values as may be":     {repeat(rpc.MaxValues-1, 0xc0), true, true},
		"one value more":               {repeat(rpc.MaxValues, 0xc0), true, false},
		"twice as many values":         {repeat(2*rpc.MaxValues, 0xa0), true, false},
		"a large text":                 {msgp.AppendString(nil, string(make([]byte, 8<<20))), true, true},
		"records that are nested deep": {bytes.Repeat([]byte{0x91}, 1000), false, false}, // and cut off
	} {
		var m untouched
		if err := rpc.Decode(row.message, &m); (err == nil) != row.reply || m.decoded != row.reply {
			t.Errorf("%s: as a reply: %v", name, err)
		}
		m.decoded = false
		if err := rpc.DecodeRequest(row.message, &m); (err == nil) != row.request || m.decoded != row.request {
			t.Errorf("%s: as a request: %v", name, err)
		}
	}
}

func TestMessageLargerThanItsEstimateIsSentWhole(t *testing.T) {
	b, err := rpc.Encode(&list{})
	if err != nil || len(b) != 4096 {
		t.Errorf("%d bytes, %v; want 4096", len(b), err)
	}
}

func FuzzCodec(f *testing.F) {
	for _, m := range []any{
		&rpc.ReadOptions{}, &rpc.ReadOptions{Datacenter: "dc1", Token: "t", MinIndex: 9, Stale: true},
		&rpc.ReadMeta{Index: 1, LastContact: time.Second, Consistency: "stale"}, &rpc.WriteOptions{Token: "t"},
	} {
		b, err := rpc.Encode(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{0xdf, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0x91, 0x91, 0x91, 0xc1})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, m := range []rpc.Message{&rpc.ReadOptions{}, &rpc.WriteOptions{}, &rpc.ReadMeta{}, &list{}} {
			if err := rpc.Decode(b, m); err != nil {
				continue
			}
			if _, ok := m.(*list); ok {
				continue
			}
			again, err := rpc.Encode(m)
			if err != nil {
				t.Fatalf("accepted %x as %+v, which does not encode: %v", b, m, err)
			}
			twin := reflect.New(reflect.TypeOf(m).Elem()).Interface()
			if err := rpc.Decode(again, twin); err != nil || !reflect.DeepEqual(m, twin) {
				t.Fatalf("%+v came back as %+v, %v", m, twin, err)
			}
		}
	})
}
