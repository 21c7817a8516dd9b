package kernel_test

import (
	"testing"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/testkernel"
)

// nodeID is the ID of node n.
const nodeID = "40404040-0000-0000-0000-0000000000aa"

// stocked is a catalog with node n, its check alive, and service web, ID w1, with a check.
func stocked(t *testing.T) *catalog.Tx {
	t.Helper()
	return store(t, &catalog.Register{
		ID: nodeID, Node: "n", Address: "10.0.0.9", NodeMeta: map[string]string{"a": "b"},
		Service: &catalog.Service{ID: "w1", Service: "web"},
		Checks:  []*catalog.Check{{CheckID: "alive"}, {CheckID: "web", ServiceID: "w1"}},
	}).Read()
}

func wantText(t *testing.T, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestWithoutRulesEverythingIsAllowed but what makes no sense.
func TestWithoutRulesEverythingIsAllowed(t *testing.T) {
	wantText(t, kernel.MayRegister(acl.Unrestricted, stocked(t), &catalog.Register{Node: "n", Service: &catalog.Service{ID: "w1", Service: "db"}}), "")
	wantText(t, kernel.MayDeregister(acl.Unrestricted, stocked(t), &catalog.Deregister{Node: "n"}), "")
	wantText(t, kernel.MayDeregister(acl.Unrestricted, stocked(t), nil), "Must provide node")
}

func TestRegistrationsNeedTheRightsOfWhatTheyTouch(t *testing.T) {
	same := catalog.Register{ID: nodeID, Node: "n", Address: "10.0.0.9", NodeMeta: map[string]string{"a": "b"}}
	with := func(change func(r *catalog.Register)) *catalog.Register {
		r := same
		change(&r)
		return &r
	}
	const (
		needsNode = `Permission denied: token with AccessorID 'acc' lacks permission 'node:write' on "n"`
		needsWeb  = `Permission denied: token with AccessorID 'acc' lacks permission 'service:write' on "web"`
		needsDB   = `Permission denied: token with AccessorID 'acc' lacks permission 'service:write' on "db"`
	)
	web, db, node := testkernel.Rights{acl.Service.Write("web")}, testkernel.Rights{acl.Service.Write("db")}, testkernel.Rights{acl.Node.Write("n")}
	type row struct {
		name string
		who  testkernel.Rights
		reg  *catalog.Register
		want string
	}
	// A registration with the ID of node n under another name renames it: that takes the
	// right to both (reference/security.md §12, U6).
	renamed := &catalog.Register{ID: nodeID, Node: "m", Address: "10.0.0.9"}
	renames := []row{
		{"a node renamed", node, renamed, `Permission denied: token with AccessorID 'acc' lacks permission 'node:write' on "m"`},
		{"another's node renamed", testkernel.Rights{acl.Node.Write("m")}, renamed, needsNode},
		{"a node renamed, allowed", append(testkernel.Rights{acl.Node.Write("m")}, node...), renamed, ""},
	}
	rows := []row{
		{"an unchanged node", testkernel.Rights{}, &same, ""},
		{"another address", testkernel.Rights{}, with(func(r *catalog.Register) { r.Address = "10.0.0.8" }), needsNode},
		{"another address, kept out", testkernel.Rights{}, with(func(r *catalog.Register) { r.Address, r.SkipNodeUpdate = "10.0.0.8", true }), ""},
		{"metadata erased", testkernel.Rights{}, with(func(r *catalog.Register) { r.NodeMeta = nil }), needsNode},
		{"another locality", testkernel.Rights{}, with(func(r *catalog.Register) { r.Locality = &catalog.Locality{Region: "eu"} }), needsNode},
		{"a node check", testkernel.Rights{}, with(func(r *catalog.Register) { r.Checks = []*catalog.Check{{CheckID: "x"}} }), needsNode},
		{"a node check, allowed", node, with(func(r *catalog.Register) { r.Checks = []*catalog.Check{{CheckID: "x"}} }), ""},
		{"a new node", testkernel.Rights{}, &catalog.Register{Node: "new", Address: "x", SkipNodeUpdate: true}, `Permission denied: token with AccessorID 'acc' lacks permission 'node:write' on "new"`},
		{"a service", web, with(func(r *catalog.Register) { r.Service = &catalog.Service{ID: "w2", Service: "web"} }), ""},
		{"a service of others", db, with(func(r *catalog.Register) { r.Service = &catalog.Service{ID: "w2", Service: "web"} }), needsWeb},
		{"the ID of a service of others", db, with(func(r *catalog.Register) { r.Service = &catalog.Service{ID: "w1", Service: "db"} }), "Permission denied"},
		{"the ID of a service of others in another case", db, with(func(r *catalog.Register) { r.Service = &catalog.Service{ID: "W1", Service: "db"} }), "Permission denied"},
		{"a check of one's own service, with a node's ID", db, with(func(r *catalog.Register) {
			r.Service = &catalog.Service{ID: "d1", Service: "db"}
			r.Checks = []*catalog.Check{{CheckID: "alive", ServiceID: "D1"}}
		}), needsNode},
		{"a node check that calls itself a service's", db, with(func(r *catalog.Register) { r.Checks = []*catalog.Check{{CheckID: "x", ServiceName: "db"}} }), needsNode},
		{"a new service of others", web, with(func(r *catalog.Register) { r.Service = &catalog.Service{ID: "d1", Service: "db"} }), needsDB},
		{"a check of a service of others", db, with(func(r *catalog.Register) { r.Checks = []*catalog.Check{{CheckID: "x", ServiceID: "w1"}} }), needsWeb},
		{"a check of a service of others in another case", db, with(func(r *catalog.Register) { r.Checks = []*catalog.Check{{CheckID: "x", ServiceID: "W1"}} }), needsWeb},
		{"a check of a service", web, with(func(r *catalog.Register) { r.Checks = []*catalog.Check{{CheckID: "x", ServiceID: "w1"}} }), ""},
	}
	tx := stocked(t)
	for _, row := range append(rows, renames...) {
		t.Run(row.name, func(t *testing.T) { wantText(t, kernel.MayRegister(row.who.Authorizer(), tx, row.reg), row.want) })
	}
}

func TestRemovalsNeedTheRightsOfWhatGoes(t *testing.T) {
	web, db, node := testkernel.Rights{acl.Service.Write("web")}, testkernel.Rights{acl.Service.Write("db")}, testkernel.Rights{acl.Node.Write("n")}
	const (
		needsNode = `Permission denied: token with AccessorID 'acc' lacks permission 'node:write' on "n"`
		needsWeb  = `Permission denied: token with AccessorID 'acc' lacks permission 'service:write' on "web"`
	)
	rows := []struct {
		name string
		who  testkernel.Rights
		d    *catalog.Deregister
		want string
	}{
		{"nothing", node, nil, "Must provide node"},
		{"no node", node, &catalog.Deregister{}, "Must provide node"},
		{"a node", node, &catalog.Deregister{Node: "n"}, ""},
		{"a node, with a service's right", web, &catalog.Deregister{Node: "n"}, needsNode},
		{"a service", web, &catalog.Deregister{Node: "n", ServiceID: "w1"}, ""},
		{"a service of others", db, &catalog.Deregister{Node: "n", ServiceID: "w1"}, needsWeb},
		{"a service of others in another case", db, &catalog.Deregister{Node: "n", ServiceID: "W1"}, needsWeb},
		{"an unknown service", web, &catalog.Deregister{Node: "n", ServiceID: "x"}, "Unknown service ID 'x'"},
		{"an unknown service, with the node's right", node, &catalog.Deregister{Node: "n", ServiceID: "x"}, ""},
		{"a service's check", web, &catalog.Deregister{Node: "n", CheckID: "web"}, ""},
		{"a check of others", db, &catalog.Deregister{Node: "n", CheckID: "web"}, needsWeb},
		{"a node's check", web, &catalog.Deregister{Node: "n", CheckID: "alive"}, needsNode},
		{"an unknown check", web, &catalog.Deregister{Node: "n", CheckID: "x"}, "Unknown check ID 'x'"},
	}
	tx := stocked(t)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) { wantText(t, kernel.MayDeregister(row.who.Authorizer(), tx, row.d), row.want) })
	}
}
