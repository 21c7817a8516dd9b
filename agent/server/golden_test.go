package server_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/internal/msgreflect"
	"praetor/internal/rpc"
)

var update = flag.Bool("update", false, "write messages that are new or have changed to a file of today's in testdata/golden")

// golden is a message as a version encoded it.
type golden struct {
	Name  string          // of the operation or command, and what of it
	Bytes []byte          // MessagePack
	Means json.RawMessage // what the bytes said then
}

// commands are the types of the commands.
var commands = map[catalog.CommandType]func() rpc.Message{
	catalog.RegisterCommand:       func() rpc.Message { return new(catalog.Register) },
	catalog.DeregisterCommand:     func() rpc.Message { return new(catalog.Deregister) },
	catalog.KVWriteCommand:        func() rpc.Message { return new(catalog.KVWrite) },
	catalog.AutopilotCommand:      func() rpc.Message { return new(catalog.Autopilot) },
	catalog.SessionCommand:        func() rpc.Message { return new(catalog.SessionWrite) },
	catalog.ReapCommand:           func() rpc.Message { return new(catalog.Reap) },
	catalog.CoordinateCommand:     func() rpc.Message { return new(catalog.CoordinateBatch) },
	catalog.TxnCommand:            func() rpc.Message { return new(catalog.Txn) },
	catalog.QueryCommand:          func() rpc.Message { return new(catalog.QueryWrite) },
	catalog.ConfigCommand:         func() rpc.Message { return new(catalog.ConfigWrite) },
	catalog.ACLPolicyCommand:      func() rpc.Message { return new(catalog.ACLPolicyWrite) },
	catalog.ACLRoleCommand:        func() rpc.Message { return new(catalog.ACLRoleWrite) },
	catalog.ACLTokenCommand:       func() rpc.Message { return new(catalog.ACLTokenWrite) },
	catalog.ACLAuthMethodCommand:  func() rpc.Message { return new(catalog.ACLAuthMethodWrite) },
	catalog.ACLBindingRuleCommand: func() rpc.Message { return new(catalog.ACLBindingRuleWrite) },
	catalog.CACommand:             func() rpc.Message { return new(catalog.CAWrite) },
}

// messages are all that servers and agents send to each other, and all commands, by name.
func messages(t *testing.T) map[string]func() rpc.Message {
	all := map[string]func() rpc.Message{}
	for _, op := range server.Operations() {
		all[op.Name+" request"], all[op.Name+" reply"] = op.NewRequest, op.NewReply
	}
	for _, number := range catalog.CommandTypes() {
		if commands[number] == nil {
			t.Fatalf("command %d (%s) is missing in the test's list", number, number)
		}
		all[fmt.Sprintf("command %d", number)] = commands[number]
	}
	return all
}

// TestGoldenMessagesMeanTheSame reads what earlier versions wrote: servers of
// several versions work together, and logs outlive them.
func TestGoldenMessagesMeanTheSame(t *testing.T) {
	all := messages(t)
	if *update {
		writeGolden(t, filepath.Join("testdata/golden", time.Now().Format(time.DateOnly)+".jsonl.gz"), all)
	}
	seen := map[string]bool{}
	for file, list := range allGolden(t) {
		for _, g := range list {
			seen[g.Name] = true
			wantMeaning(t, file, g, all[g.Name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !seen[name] {
			t.Errorf("%s has no golden bytes: run go test ./agent/server -run Golden -update", name)
		}
	}
}

// TestEveryOperationEncodesAllItsMembers compares messages with what reflection
// makes of them: one without an encoding of its own would have that of the options
// it embeds.
func TestEveryOperationEncodesAllItsMembers(t *testing.T) {
	for name, make := range messages(t) {
		if strings.HasPrefix(name, "command ") {
			continue
		}
		m := make()
		fill(reflect.ValueOf(m).Elem(), 0)
		got, err := m.MarshalMsg(nil)
		want, errWant := msgreflect.Append(nil, m)
		if err != nil || errWant != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %x, %v\nwant %x, %v", name, got, err, want, errWant)
		}
	}
}

// wantMeaning decodes golden bytes and wants all that they said, maybe with more
// members beside.
func wantMeaning(t *testing.T, file string, g golden, make func() rpc.Message) {
	t.Helper()
	if make == nil {
		t.Errorf("%s: %s is not there any more: what do servers do that still send it?", file, g.Name)
		return
	}
	m := make()
	if rest, err := m.UnmarshalMsg(g.Bytes); err != nil || len(rest) > 0 {
		t.Errorf("%s: %s: %v, %d bytes left", file, g.Name, err, len(rest))
		return
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if json.Unmarshal(text, &got) != nil || json.Unmarshal(g.Means, &want) != nil {
		t.Fatalf("%s: %s: %s", file, g.Name, text)
	}
	if lost := missing("", got, want); lost != "" {
		t.Errorf("%s: %s: %s\n got %s\nthen %s", file, g.Name, lost, text, g.Means)
	}
}

// missing says where got lacks something of want, "" if nowhere.
func missing(at string, got, want any) string {
	switch want := want.(type) {
	case map[string]any:
		have, ok := got.(map[string]any)
		for key, value := range want {
			member, there := have[key]
			if !ok || !there {
				return at + "." + key + " is lost"
			}
			if lost := missing(at+"."+key, member, value); lost != "" {
				return lost
			}
		}
		return ""
	case []any:
		have, ok := got.([]any)
		if !ok || len(have) != len(want) {
			return at + " has another length"
		}
		for i, value := range want {
			if lost := missing(fmt.Sprintf("%s[%d]", at, i), have[i], value); lost != "" {
				return lost
			}
		}
		return ""
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Sprintf("%s is %v, was %v", at, got, want)
	}
	return ""
}

// allGolden reads all files.
func allGolden(t *testing.T) map[string][]golden {
	t.Helper()
	files, err := filepath.Glob("testdata/golden/*.jsonl.gz")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden messages: %v", err)
	}
	all := map[string][]golden{}
	for _, file := range files {
		all[file] = readGolden(t, file)
	}
	return all
}

// writeGolden writes the messages whose bytes are in no other file.
func writeGolden(t *testing.T, file string, all map[string]func() rpc.Message) {
	t.Helper()
	written := map[string]bool{}
	for of, list := range allGolden(t) {
		for _, g := range list {
			if of != file {
				written[g.Name+string(g.Bytes)] = true
			}
		}
	}
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		m := all[name]()
		fill(reflect.ValueOf(m).Elem(), 0)
		b, err := m.MarshalMsg(nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if written[name+string(b)] {
			continue
		}
		read := all[name]() // what is not sent is not meant
		if _, err := read.UnmarshalMsg(b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		means, err := json.Marshal(read)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		line, err := json.Marshal(golden{name, b, means})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(zip, "%s\n", line)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readGolden(t *testing.T, file string) (list []golden) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	lines := json.NewDecoder(bufio.NewReader(zip))
	for {
		var g golden
		if err := lines.Decode(&g); err == io.EOF {
			return list
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		list = append(list, g)
	}
}

// maxFill is how deep rows inside rows are filled.
const maxFill = 6

// fill gives every member a value that is not its zero.
func fill(v reflect.Value, depth int) {
	if depth > maxFill || !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("x" + strings.Repeat("y", depth))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(depth + 1))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(depth + 1))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(depth) + 0.5)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), depth+1)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, depth+1)
		fill(value, depth+1)
		v.SetMapIndex(key, value)
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), depth+1)
		}
	case reflect.Interface:
		v.Set(reflect.ValueOf("any"))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), depth+1)
		}
	}
}
