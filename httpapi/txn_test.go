package httpapi_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/httpapi"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// transactions lets a fixture answer transactions and keeps the last.
type transactions struct {
	ops  []catalog.TxnOp
	read bool
	opts rpc.ReadOptions
}

func transactionsOf(f *fixture, answer catalog.TxnAnswer) *transactions {
	got := new(transactions)
	on(f.caller, ops.TxnApply, func(_ context.Context, req *ops.TxnApplyRequest) (*ops.TxnApplyReply, error) {
		*got = transactions{ops: req.Ops}
		return &ops.TxnApplyReply{Answer: answer, Index: 9}, nil
	})
	on(f.caller, ops.TxnRead, func(_ context.Context, req *ops.TxnReadRequest) (*ops.TxnReadReply, error) {
		*got = transactions{ops: req.Ops, read: true, opts: req.ReadOptions}
		return &ops.TxnReadReply{ReadMeta: rpc.ReadMeta{Index: 1, KnownLeader: true, Filtered: true}, Answer: answer}, nil
	})
	return got
}

func TestTxnBodyBecomesOperations(t *testing.T) {
	f := newFixture(t, nil)
	got := transactionsOf(f, catalog.TxnAnswer{})
	kv := func(verb catalog.TxnVerb, e catalog.KVEntry) catalog.TxnOp {
		return catalog.TxnOp{KV: &catalog.TxnKV{Verb: verb, Entry: e}}
	}
	for _, tt := range []struct {
		body string
		want []catalog.TxnOp
		read bool
	}{
		{`null`, []catalog.TxnOp{}, true},
		{`[null,{},{"KV":null}] trailing`, []catalog.TxnOp{}, true},
		{`[{"KV":{"Verb":"get","Key":"a","Namespace":"x","Partition":"y"}}]`, []catalog.TxnOp{kv("get", catalog.KVEntry{Key: "a"})}, true},
		{`[{"KV":{"verb":"bogus"}}]`, []catalog.TxnOp{kv("bogus", catalog.KVEntry{})}, true},
		{
			`[{},{"KV":{"Verb":"cas","Key":"a","Value":"dg==","Flags":3,"Index":7,"Session":"s"}}]`,
			[]catalog.TxnOp{kv("cas", catalog.KVEntry{Key: "a", Value: []byte("v"), Flags: 3, ModifyIndex: 7, Session: "s"})}, false,
		},
		{
			`[{"Node":{"Verb":"set","Node":{"ID":"x","Node":"n","Address":"a","Datacenter":"dc9","TaggedAddresses":{"lan":"b"},"Meta":{"k":"v"},"Locality":{"Region":"r"},"ModifyIndex":5,"CreateIndex":1,"Partition":"","PeerName":""}}}]`,
			[]catalog.TxnOp{{Node: &catalog.TxnNode{Verb: "set", Node: catalog.Node{
				ID: "x", Node: "n", Address: "a", TaggedAddresses: map[string]string{"lan": "b"}, Meta: map[string]string{"k": "v"}, Locality: &catalog.Locality{Region: "r"}, ModifyIndex: 5,
			}}}}, false,
		},
		{
			`[{"Service":{"Verb":"get","Node":"n","Service":{"ID":"w","Service":"web","Tags":[],"Port":80,"ModifyIndex":5,"Namespace":"","ContentHash":"h"}}}]`,
			[]catalog.TxnOp{{Service: &catalog.TxnService{Verb: "get", Service: catalog.Service{Node: "n", ID: "w", Service: "web", Tags: []string{}, Port: 80, ModifyIndex: 5}}}}, true,
		},
		{
			`[{"Check":{"Verb":"delete","Check":{"Node":"n","CheckID":"c","ServiceTags":null,"ModifyIndex":5,"Definition":{"Interval":"5s","IntervalDuration":6000000000,"Timeout":"1s","DeregisterCriticalServiceAfterDuration":"2s","HTTP":"x","Odd":1}}}}]`,
			[]catalog.TxnOp{{Check: &catalog.TxnCheck{Verb: "delete", Check: catalog.Check{Node: "n", CheckID: "c", ModifyIndex: 5, Definition: catalog.CheckDefinition{
				Interval: 6 * time.Second, Timeout: time.Second, DeregisterCriticalServiceAfter: 2 * time.Second, HTTP: "x",
			}}}}}, false,
		},
	} {
		*got = transactions{}
		if res, body := f.do("PUT", "/v1/txn?ns=ignored", tt.body); res.StatusCode != 200 {
			t.Errorf("%s: %d %s", tt.body, res.StatusCode, body)
		}
		if !reflect.DeepEqual(got.ops, tt.want) || got.read != tt.read {
			t.Errorf("%s:\n got %s, read %v\nwant %s, read %v", tt.body, asJSON(t, got.ops), got.read, asJSON(t, tt.want), tt.read)
		}
	}
	f.do("PUT", "/v1/txn?stale&index=7&wait=1s&dc=dc2&token=t", `[]`)
	if o := got.opts; !o.Stale || o.MinIndex != 0 || o.MaxWait != 0 || o.Datacenter != "dc2" || o.Token != "t" {
		t.Errorf("options %+v, want a stale read in dc2 that does not block", o)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTxnShapes(t *testing.T) {
	const read, write = `[]`, `[{"KV":{"Verb":"set","Key":"a"}}]`
	const meta = `,"Index":1,"LastContact":0,"KnownLeader":true,"ConsistencyLevel":"","NotModified":false,"Backend":0,"ResultsFilteredByACLs":false}`
	f := newFixture(t, nil)
	transactionsOf(f, catalog.TxnAnswer{})
	f.want("PUT", "/v1/txn", write, 200, `{"Results":[],"Errors":null}`)
	res := f.want("PUT", "/v1/txn", read, 200, `{"Results":[],"Errors":null`+meta)
	for name, want := range map[string]string{"X-Consul-Index": "", "X-Consul-Knownleader": "true", "X-Consul-Lastcontact": "0", "X-Consul-Query-Backend": ""} {
		wantHeader(t, res, name, want)
	}
	f.want("PUT", "/v1/txn?token=t", read, 200, `{"Results":[],"Errors":null`+strings.Replace(meta, "ACLs\":false", "ACLs\":true", 1))
	transactionsOf(f, catalog.TxnAnswer{Errors: []catalog.TxnError{{OpIndex: 0, What: `key "x" exists`}, {OpIndex: 2, What: "y"}}})
	const errs = `{"Results":null,"Errors":[{"OpIndex":0,"What":"key \"x\" exists"},{"OpIndex":2,"What":"y"}]`
	f.want("PUT", "/v1/txn", write, 409, errs+"}")
	f.want("PUT", "/v1/txn", read, 409, errs+meta)
	transactionsOf(f, catalog.TxnAnswer{Results: []catalog.TxnResult{
		{KV: &catalog.KVEntry{Key: "a", Value: []byte("v")}}, {Node: &catalog.Node{Node: "n"}},
		{Service: &catalog.Service{ID: "w", Service: "web"}}, {Service: &catalog.Service{ID: "w", Tags: []string{}}}, {Check: &catalog.Check{Node: "n", CheckID: "c"}},
	}})
	_, body := f.do("PUT", "/v1/txn", write)
	for _, part := range []string{
		`{"Results":[{"KV":{"LockIndex":0,"Key":"a","Flags":0,"Value":"dg==","CreateIndex":0,"ModifyIndex":0}},`,
		`{"Node":{"ID":"","Node":"n","Address":"","Datacenter":"","TaggedAddresses":null,"Meta":null,"CreateIndex":0,"ModifyIndex":0}},`,
		`{"Service":{"ID":"w","Service":"web","Tags":null,`, `{"Service":{"ID":"w","Service":"","Tags":[],`, `{"Check":{"Node":"n","CheckID":"c",`, `"ServiceTags":null,`,
	} {
		if !strings.Contains(body, part) {
			t.Errorf("no %s in %s", part, body)
		}
	}
}

func TestTxnRefusals(t *testing.T) {
	f := newFixture(t, func(o *httpapi.Options) { o.KVMaxValueSize, o.TxnMaxBytes = 8, 5000 })
	transactionsOf(f, catalog.TxnAnswer{})
	const large = "Request body(6000 bytes) too large, max size: 5000 bytes. See https://developer.hashicorp.com/docs/agent/config/config-files#txn_max_req_len."
	for _, tt := range []struct {
		body   string
		status int
		text   string
	}{
		{"", 400, "Failed to parse body: EOF"},
		{`[{"KV":{"Value":"***"}}]`, 400, "Failed to parse body: illegal base64 data at input byte 0"},
		{`[{"Session":{}}]`, 400, `Failed to parse body: json: unknown field "Session"`},
		{`[{"KV":{"Bogus":1}}]`, 400, `Failed to parse body: json: unknown field "Bogus"`},
		{`[{"Node":{"Node":{"Bogus":1}}}]`, 400, `Failed to parse body: json: unknown field "Bogus"`},
		{"[" + strings.Repeat("{},", 128) + "{}]", 413, "Transaction contains too many operations (129 > 128)"},
		{`[{"KV":{"Verb":"set","Key":"a","Value":"MTIzNDU2Nzg="}},{"KV":{"Verb":"set","Key":"q","Value":"MTIzNDU2Nzg5"}}]`, 413, `Value for key "q" is too large (9 > 8 bytes)`},
		{strings.Repeat(" ", 6000), 413, large},
	} {
		f.want("PUT", "/v1/txn", tt.body, tt.status, tt.text)
	}
	f.want("PUT", "/v1/txn?stale&consistent", "[]", 400, "Cannot specify ?stale with ?consistent, conflicting semantics.")
	f.want("PUT", "/v1/txn", "["+strings.Repeat("{},", 127)+"{}]", 200, `{"Results":[],"Errors":null,"Index":1,"LastContact":0,"KnownLeader":true,`+
		`"ConsistencyLevel":"","NotModified":false,"Backend":0,"ResultsFilteredByACLs":false}`)
	rec := httptest.NewRecorder()
	f.api.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), "PUT", "/v1/txn", io.MultiReader(strings.NewReader(strings.Repeat(" ", 6000)))))
	if want := strings.Replace(large, "6000", "5001", 1); rec.Code != 413 || rec.Body.String() != want {
		t.Errorf("in chunks: %d %s, want 413 %s", rec.Code, rec.Body, want)
	}
}

func FuzzTxnBody(f *testing.F) {
	for _, seed := range []string{
		``, `[]`, `null`, `[{}]`, `[{"KV":{"Verb":"set","Key":"k","Value":"dg=="}}]`, `[{"Node":{"Verb":"get","Node":{"ID":"x"}}}]`,
		`[{"Service":{"Verb":"set","Node":"n","Service":{"Service":"web","Proxy":{"Upstreams":[{}]}}}}]`, `[{"KV":{},"Node":{}}]`,
		`[{"Check":{"Verb":"cas","Check":{"Definition":{"IntervalDuration":"1s","Interval":1e300}}}}]`, `[{"Check":{"Check":{"Definition":null}}}]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		x := newFixture(t, nil)
		got := transactionsOf(x, catalog.TxnAnswer{})
		res, text := x.do("PUT", "/v1/txn", body)
		switch res.StatusCode {
		case 200:
			for _, op := range got.ops {
				if op == (catalog.TxnOp{}) {
					t.Errorf("%q became an operation that does nothing", body)
				}
				_ = op.Prepare()
			}
		case 400, 413:
		default:
			t.Errorf("%q: %d %s", body, res.StatusCode, text)
		}
	})
}
