package ops_test

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// members takes the members of a message apart: a map of their names to their bytes, in order.
func members(t *testing.T, b []byte) (names []string, values [][]byte) {
	t.Helper()
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		var name string
		if name, b, err = msgp.ReadStringBytes(b); err != nil {
			t.Fatal(err)
		}
		rest, err := msgp.Skip(b)
		if err != nil {
			t.Fatal(err)
		}
		names, values = append(names, name), append(values, b[:len(b)-len(rest)])
		b = rest
	}
	return names, values
}

// messageOf puts members together but for one, -1 for none.
func messageOf(names []string, values [][]byte, without int) []byte {
	n := len(names)
	if without >= 0 {
		n--
	}
	b := msgp.AppendMapHeader(nil, uint32(n))
	for i, name := range names {
		if i != without {
			b = append(msgp.AppendString(b, name), values[i]...)
		}
	}
	return b
}

// TestMessagesOfOtherVersionsAreRead: while a cluster is upgraded, agents of neighbouring versions
// talk. What a later version adds is passed over, what an earlier one does not send is as if
// nobody had set it, and nothing else changes by it.
func TestMessagesOfOtherVersionsAreRead(t *testing.T) {
	for _, op := range operations {
		for _, m := range []rpc.Message{op.NewRequest(), op.NewReply()} {
			what := fmt.Sprintf("%T of %s", m, op.Name)
			new(filler).fill(reflect.ValueOf(m).Elem(), 0)
			b, err := m.MarshalMsg(nil)
			if err != nil {
				t.Fatal(err)
			}
			names, values := members(t, b)
			for _, added := range [][]byte{
				msgp.AppendNil(nil), msgp.AppendString(nil, "x"), msgp.AppendBytes(nil, make([]byte, 300)), msgp.AppendFloat64(nil, math.Pi),
				msgp.AppendInt(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "deep"), 1), msgp.AppendInt(msgp.AppendArrayHeader(nil, 1), 1),
			} {
				later := append(append([]string{"Added"}, names...), "added")
				got := fresh(m)
				rest, err := got.UnmarshalMsg(messageOf(later, append(append([][]byte{added}, values...), added), -1))
				if err != nil || len(rest) > 0 || !reflect.DeepEqual(got, m) {
					t.Errorf("%s with a member more (%x…): %v, %d bytes left\n%+v\nwant %+v", what, added[:1], err, len(rest), got, m)
				}
			}
			for i, name := range names {
				got := fresh(m)
				rest, err := got.UnmarshalMsg(messageOf(names, values, i))
				if err != nil || len(rest) > 0 {
					t.Errorf("%s without %s: %v, %d bytes left", what, name, err, len(rest))
					continue
				}
				// What was read, with that member put in, is the whole.
				again, err := got.MarshalMsg(nil)
				if err != nil {
					t.Errorf("%s without %s is not written: %v", what, name, err)
					continue
				}
				lessNames, less := members(t, again)
				for j, other := range lessNames {
					if at := indexOf(names, other); at >= 0 && at != i && !bytes.Equal(less[j], values[at]) {
						t.Errorf("%s without %s: %s is another", what, name, other)
					}
					if other == name && bytes.Equal(less[j], values[i]) {
						t.Errorf("%s without %s: it is there all the same", what, name)
					}
				}
			}
		}
	}
}

func indexOf(list []string, text string) int {
	for i, s := range list {
		if s == text {
			return i
		}
	}
	return -1
}

// TestMessagesOfWrongTypesAreRefused: a member that is of another type says so, and is not taken
// for nothing.
func TestMessagesOfWrongTypesAreRefused(t *testing.T) {
	wrong := map[msgp.Type][]byte{msgp.StrType: msgp.AppendFloat64(nil, 1.5), msgp.MapType: msgp.AppendString(nil, "x"), msgp.ArrayType: msgp.AppendString(nil, "x"), msgp.BoolType: msgp.AppendString(nil, "x"), msgp.IntType: msgp.AppendString(nil, "x"), msgp.UintType: msgp.AppendString(nil, "x")}
	refused := 0
	for _, op := range operations {
		for _, m := range []rpc.Message{op.NewRequest(), op.NewReply()} {
			new(filler).fill(reflect.ValueOf(m).Elem(), 0)
			b, err := m.MarshalMsg(nil)
			if err != nil {
				t.Fatal(err)
			}
			names, values := members(t, b)
			for i, name := range names {
				with, ok := wrong[msgp.NextType(values[i])]
				if !ok {
					continue
				}
				spoiled := append([][]byte{}, values...)
				spoiled[i] = with
				if _, err := fresh(m).UnmarshalMsg(messageOf(names, spoiled, -1)); err == nil {
					t.Errorf("%T of %s: %s, of type %s, is taken", m, op.Name, name, msgp.NextType(with))
				}
				refused++
			}
		}
	}
	if refused < 500 {
		t.Errorf("only %d members were of a wrong type", refused)
	}
}

// TestWordsThatTravelStay: they are in messages between agents of several versions, in the log,
// or in answers of the API.
func TestWordsThatTravelStay(t *testing.T) {
	for want, got := range map[string]string{
		"policies": string(ops.ACLPolicies), "roles": string(ops.ACLRoles), "tokens": string(ops.ACLTokens),
		"list": string(ops.KeyringList), "install": string(ops.KeyringInstall), "use": string(ops.KeyringUse), "remove": string(ops.KeyringRemove),
		"removed": string(ops.EvictDone), "unknown": string(ops.EvictUnknown), "refused": string(ops.EvictRefused),
		"removed-at-agent": ops.EvictedAtAgent, "removed-from-catalog": ops.EvictedFromCatalog, "not-found": ops.EvictedNothing,
		"praetor": ops.SnapshotPraetor, "consul": ops.SnapshotConsul,
		"not applied: the registration of its node was refused": ops.TextNodeRefused,
	} {
		if got != want {
			t.Errorf("%q was %q", got, want)
		}
	}
	for i, verb := range []ops.IntentionVerb{ops.IntentionSet, ops.IntentionDelete, ops.LegacyIntentionCreate, ops.LegacyIntentionUpdate, ops.LegacyIntentionDelete} {
		if verb != i {
			t.Errorf("verb %d of intentions was %d", verb, i)
		}
	}
	if ops.MaxTxnOps != 128 { // reference/http-kv-session-txn.md §3
		t.Errorf("a transaction may have %d operations", ops.MaxTxnOps)
	}
}
