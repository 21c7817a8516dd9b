package consulstate_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"praetor/catalog"
	"praetor/internal/archive"
	"praetor/internal/consulstate"
)

// TestRecordsThatMakeNoRowNameThemselves: whoever restores an archive learns which of its
// records is wrong, and nothing of it is taken.
func TestRecordsThatMakeNoRowNameThemselves(t *testing.T) {
	service := func(more row) row {
		s := consulService()
		for k, v := range more {
			s[k] = v
		}
		return consulNode(row{"Service": s})
	}
	check := func(more row) row {
		c := row{"Node": "n1", "CheckID": "c", "Name": "C", "Status": "passing"}
		for k, v := range more {
			c[k] = v
		}
		return consulNode(row{"Check": c})
	}
	with := func(of row, more row) row {
		for k, v := range more {
			of[k] = v
		}
		return of
	}
	key := func() row { return row{"Key": "k", "Value": "v", "CreateIndex": 1, "ModifyIndex": 1} }
	session := func() row {
		return row{"ID": "40404040-0000-0000-0000-0000000000aa", "Node": "n1", "CreateIndex": 12, "ModifyIndex": 12}
	}
	query := func() row {
		return row{"ID": "40404040-0000-0000-0000-0000000000bb", "Name": "q", "Service": row{"Service": "web"}, "CreateIndex": 17, "ModifyIndex": 18}
	}
	for name, c := range map[string]struct {
		number int
		record any
		kind   string
	}{
		"a node's name":               {consulRegister, consulNode(row{"Node": 5}), "Register"},
		"a node's address":            {consulRegister, consulNode(row{"Node": "n2", "Address": 5}), "Register"},
		"a node's metadata":           {consulRegister, consulNode(row{"Node": "n2", "NodeMeta": []any{"a"}}), "Register"},
		"a node's addresses":          {consulRegister, consulNode(row{"Node": "n2", "TaggedAddresses": row{"lan": 5}}), "Register"},
		"a node's index":              {consulRegister, consulNode(row{"Node": "n2", "CreateIndex": "x"}), "Register"},
		"a service's tags":            {consulRegister, service(row{"Tags": "v1"}), "Register"},
		"a tag":                       {consulRegister, service(row{"Tags": []any{1}}), "Register"},
		"a service's port":            {consulRegister, service(row{"Port": "80"}), "Register"},
		"a service's ports":           {consulRegister, service(row{"Ports": row{"http": 80}}), "Register"},
		"a service's weights":         {consulRegister, service(row{"Weights": 1}), "Register"},
		"a service's address":         {consulRegister, service(row{"TaggedAddresses": row{"lan": "10.0.0.1"}}), "Register"},
		"an upstream":                 {consulRegister, service(row{"Kind": "connect-proxy", "Proxy": row{"Upstreams": []any{row{"LocalBindPort": "x"}}}}), "Register"},
		"a check's name":              {consulRegister, check(row{"Name": 5}), "Register"},
		"a check's definition":        {consulRegister, check(row{"Definition": row{"Interval": "10s"}}), "Register"},
		"a check's header":            {consulRegister, check(row{"Definition": row{"Header": row{"A": "b"}}}), "Register"},
		"one of several checks":       {consulRegister, consulNode(row{"Checks": []any{row{"Node": "n1", "CheckID": 5}}}), "Register"},
		"a key":                       {consulKVS, with(key(), row{"Key": []any{}}), "KVS"},
		"flags":                       {consulKVS, with(key(), row{"Flags": "x"}), "KVS"},
		"flags below 0":               {consulKVS, with(key(), row{"Flags": -1}), "KVS"},
		"an index of a key":           {consulKVS, with(key(), row{"ModifyIndex": "x"}), "KVS"},
		"a value":                     {consulKVS, with(key(), row{"Value": 5}), "KVS"},
		"a session of a key":          {consulKVS, with(key(), row{"Session": "nobody's"}), "KVS"},
		"a deletion":                  {consulTomb, with(key(), row{"Key": 5}), "Tombstone"},
		"a deletion of nothing":       {consulTomb, row{"ModifyIndex": 4}, "Tombstone"},
		"a deletion's index":          {consulTomb, with(key(), row{"ModifyIndex": "x"}), "Tombstone"},
		"a session's node":            {consulSession, with(session(), row{"Node": "nobody"}), "Session"},
		"a session's checks":          {consulSession, with(session(), row{"NodeChecks": "c"}), "Session"},
		"a session's delay":           {consulSession, with(session(), row{"LockDelay": "15s"}), "Session"},
		"a session without ID":        {consulSession, with(session(), row{"ID": ""}), "Session"},
		"a query's service":           {consulQuery, with(query(), row{"Service": "web"}), "PreparedQuery"},
		"a query's tags":              {consulQuery, with(query(), row{"Service": row{"Service": "web", "Tags": "a"}}), "PreparedQuery"},
		"a query's TTL":               {consulQuery, with(query(), row{"DNS": row{"TTL": 5}}), "PreparedQuery"},
		"a query without ID":          {consulQuery, with(query(), row{"ID": ""}), "PreparedQuery"},
		"what autopilot does":         {consulPilot, row{"CleanupDeadServers": "yes"}, "Autopilot"},
		"autopilot's times":           {consulPilot, row{"LastContactThreshold": "200ms"}, "Autopilot"},
		"the index of no table":       {consulIndex, row{"Value": 20}, "Index"},
		"an index that is a text":     {consulIndex, row{"Key": "kvs", "Value": "20"}, "Index"},
		"an index below 0":            {consulIndex, row{"Key": "kvs", "Value": -1}, "Index"},
		"coordinates that are a map":  {consulCoords, row{"Node": "n1"}, "CoordinateBatchUpdate"},
		"a coordinate that is a text": {consulCoords, []any{"n1"}, "CoordinateBatchUpdate"},
		"a coordinate's node":         {consulCoords, []any{row{"Node": 5}}, "CoordinateBatchUpdate"},
		"a coordinate's place":        {consulCoords, []any{row{"Node": "n1", "Coord": row{"Vec": "x"}}}, "CoordinateBatchUpdate"},
		"a policy's rules":            {consulPolicy, row{"ID": aPolicy, "Name": "p", "Rules": 5}, "ACLPolicy"},
		"a policy's datacenters":      {consulPolicy, row{"ID": aPolicy, "Name": "p", "Datacenters": "dc1"}, "ACLPolicy"},
		"a role's name":               {consulRole, consulGrants(row{"ID": aRole, "Name": 5}), "ACLRole"},
		"a role's identities":         {consulRole, consulGrants(row{"ID": aRole, "Name": "r", "ServiceIdentities": []any{row{"ServiceName": 5}}}), "ACLRole"},
		"a method's TTL":              {consulMethod, row{"Name": "m", "Type": "jwt", "MaxTokenTTL": "1h"}, "ACLAuthMethod"},
		"a rule's method":             {consulRule, row{"ID": aRule, "AuthMethod": 5}, "ACLBindingRule"},
	} {
		s := native(t)
		want := snapshotOf(t, s)
		_, err := consulstate.Import(s, bytes.NewReader(consulState(t, 40, consulRegister, consulNode(nil), c.number, c.record)))
		if err == nil || !strings.HasPrefix(err.Error(), "import Consul's state: record ") || !strings.Contains(err.Error(), c.kind+": ") {
			t.Errorf("%s: %v, want a record of type %s", name, err, c.kind)
		}
		if !bytes.Equal(snapshotOf(t, s), want) {
			t.Errorf("%s: the store changed", name)
		}
	}
}

// TestWhatConsulLeavesOutIsNothing: records of several versions, in which members are missing or
// nil, are taken.
func TestWhatConsulLeavesOutIsNothing(t *testing.T) {
	for name, records := range map[string][]any{
		"a node alone":                {consulRegister, row{"Node": "n2"}},
		"a node of nils":              {consulRegister, row{"Node": "n2", "ID": nil, "Address": nil, "TaggedAddresses": nil, "NodeMeta": nil, "CreateIndex": nil}},
		"nested indexes":              {consulRegister, row{"Node": "n2", "RaftIndex": row{"CreateIndex": 3, "ModifyIndex": 4}}},
		"a service of little":         {consulRegister, consulNode(row{"Service": row{"ID": "s", "Service": "s"}})},
		"a service of nils":           {consulRegister, consulNode(row{"Service": row{"ID": "s", "Service": "s", "Tags": nil, "Meta": nil, "Proxy": nil, "Connect": nil, "Weights": nil, "TaggedAddresses": nil}})},
		"a check of little":           {consulRegister, consulNode(row{"Check": row{"Node": "n1", "CheckID": "c"}})},
		"a check that is no map":      {consulRegister, consulNode(row{"Checks": []any{nil, "x"}})},
		"a key of little":             {consulKVS, row{"Key": "k"}},
		"a session of little":         {consulRegister, consulNode(nil), consulSession, row{"ID": "40404040-0000-0000-0000-0000000000aa", "Node": "n1"}},
		"an autopilot of nothing":     {consulPilot, row{}},
		"coordinates of nothing":      {consulCoords, []any{}},
		"an index of another table":   {consulIndex, row{"Key": "peering", "Value": 7}},
		"a token without an accessor": {consulToken, row{"SecretID": "old"}},
		"what a later version adds":   {consulKVS, row{"Key": "k", "Later": row{"deep": []any{1, nil}}}},
	} {
		s := catalog.New()
		if _, err := consulstate.Import(s, bytes.NewReader(consulState(t, 40, records...))); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		restoresToItself(t, s)
	}
	s := imported(t, consulState(t, 40, consulRegister, row{"Node": "n2", "RaftIndex": row{"CreateIndex": 3, "ModifyIndex": 4}},
		consulSession, row{"ID": "40404040-0000-0000-0000-0000000000aa", "Node": "n2"}))
	if _, n := s.Read().Node(nil, "n2"); n == nil || n.CreateIndex != 3 || n.ModifyIndex != 4 {
		t.Errorf("nested indexes became %+v", n)
	}
	if _, session := s.Read().Session(nil, "40404040-0000-0000-0000-0000000000aa"); session == nil || session.Behavior != catalog.SessionRelease {
		t.Errorf("a session without a behavior is %+v", session)
	}
}

// packed is an archive of a state.
func packed(t testing.TB, state []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	meta := &archive.Meta{Version: 1, ID: "2-40-1700000000000", Index: 40, Term: 2, Size: int64(len(state))}
	err := archive.Write(&b, meta, func(w io.Writer) error {
		_, err := w.Write(state)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestArchivesAreReadToTheirEnd: `snapshot inspect` and backups go by it.
func TestArchivesAreReadToTheirEnd(t *testing.T) {
	mine := snapshotOf(t, native(t))
	for name, c := range map[string]struct {
		text []byte
		want string // of the error
	}{
		"Praetor's":         {packed(t, mine), ""},
		"Consul's":          {packed(t, consulWhole(t)), ""},
		"no archive":        {[]byte("hello"), "failed to decompress snapshot: "},
		"nothing":           {nil, "failed to decompress snapshot: "},
		"cut":               {packed(t, mine)[:200], "failed to read snapshot file: "},
		"of nothing":        {packed(t, nil), "failed to read snapshot file: "},
		"of something else": {packed(t, []byte("something else")), "failed to read snapshot file: "},
		"of half a state":   {packed(t, mine[:len(mine)-3]), "failed to read snapshot file: "},
		"with more behind":  {append(packed(t, mine), "more"...), "failed to read snapshot file: "},
	} {
		err := consulstate.Verify(bytes.NewReader(c.text))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %s…", name, err, c.want)
		}
	}
	n := 0
	meta, err := consulstate.ReadArchive(bytes.NewReader(packed(t, mine)), func(catalog.Record) error { n++; return nil })
	if err != nil || meta.Index != 40 || meta.ID != "2-40-1700000000000" || n == 0 {
		t.Errorf("%+v, %d records, %v", meta, n, err)
	}
	stop := errors.New("enough")
	if _, err := consulstate.ReadArchive(bytes.NewReader(packed(t, mine)), func(catalog.Record) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("a reader that has enough: %v", err)
	}
}

// fullDisk fails once so many bytes are written.
type fullDisk struct{ left int }

var errFull = errors.New("no space left")

func (f *fullDisk) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// TestAnExportThatCannotBeWrittenSaysSo wherever the disk is full.
func TestAnExportThatCannotBeWrittenSaysSo(t *testing.T) {
	s := full(t)
	whole, _ := exported(t, s)
	for room := 0; room < len(whole); room += max(1, len(whole)/60) {
		omitted, err := consulstate.Export(s.Read(), &fullDisk{room})
		if text := fmt.Sprint(err); omitted != nil || !strings.HasPrefix(text, "export to Consul's form: ") || !strings.HasSuffix(text, errFull.Error()) {
			t.Errorf("with room for %d of %d bytes: %v", room, len(whole), err)
		}
	}
	if _, err := consulstate.Export(s.Read(), &fullDisk{len(whole)}); err != nil {
		t.Errorf("with room for all: %v", err)
	}
}
