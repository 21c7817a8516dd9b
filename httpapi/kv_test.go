package httpapi_test

import (
	"context"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"praetor/catalog"
	"praetor/httpapi"
	"praetor/internal/ops"
)

func TestKVGetShapes(t *testing.T) {
	f := newFixture(t, nil)
	on(f.caller, ops.KVGet, func(_ context.Context, req *ops.KVGetRequest) (*ops.KVGetReply, error) {
		switch req.Key {
		case "none":
			return &ops.KVGetReply{ReadMeta: leaderMeta}, nil
		case "empty":
			return kvReply("empty", ""), nil
		case "locked":
			rep := kvReply("locked", "v")
			rep.Entry.Session, rep.Entry.LockIndex, rep.Entry.Flags = "s", 3, 1<<64-1
			return rep, nil
		}
		return kvReply(req.Key, "hello"), nil
	})
	f.want("GET", "/v1/kv/a/b", "", 200, `[{"LockIndex":0,"Key":"a/b","Flags":0,"Value":"aGVsbG8=","CreateIndex":5,"ModifyIndex":7}]`)
	f.want("GET", "/v1/kv/empty", "", 200, `[{"LockIndex":0,"Key":"empty","Flags":0,"Value":null,"CreateIndex":5,"ModifyIndex":7}]`)
	f.want("GET", "/v1/kv/locked", "", 200,
		`[{"LockIndex":3,"Key":"locked","Flags":18446744073709551615,"Value":"dg==","Session":"s","CreateIndex":5,"ModifyIndex":7}]`)
	res := f.want("GET", "/v1/kv/none", "", 404, "")
	wantHeader(t, res, "Content-Type", "")
	wantHeader(t, res, "X-Consul-Index", "7")
	res = f.want("GET", "/v1/kv/none?raw", "", 404, "")
	wantHeader(t, res, "X-Content-Type-Options", "")
	f.want("GET", "/v1/kv/", "", 400, "Missing key name")
	res = f.want("GET", "/v1/kv/a?raw=false", "", 200, "hello")
	for name, want := range map[string]string{
		"Content-Type": "text/plain", "Content-Length": "5", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox", "X-Consul-Index": "7",
	} {
		wantHeader(t, res, name, want)
	}
}

func TestKVLists(t *testing.T) {
	f := newFixture(t, nil)
	on(f.caller, ops.KVList, func(_ context.Context, req *ops.KVListRequest) (*ops.KVListReply, error) {
		rep := &ops.KVListReply{ReadMeta: leaderMeta}
		if req.Prefix == "a" {
			rep.Entries = []*catalog.KVEntry{{Key: "a/b"}, {Key: "a/c"}}
		}
		return rep, nil
	})
	separator := ""
	on(f.caller, ops.KVKeys, func(_ context.Context, req *ops.KVKeysRequest) (*ops.KVKeysReply, error) {
		separator = req.Separator
		rep := &ops.KVKeysReply{ReadMeta: leaderMeta}
		if req.Prefix == "a" {
			rep.Keys = []string{"a/b", "a/<"}
		}
		return rep, nil
	})
	entry := func(key string) string {
		return `{"LockIndex":0,"Key":"` + key + `","Flags":0,"Value":null,"CreateIndex":0,"ModifyIndex":0}`
	}
	f.want("GET", "/v1/kv/a?recurse&raw", "", 200, "["+entry("a/b")+","+entry("a/c")+"]")
	f.want("GET", "/v1/kv/?recurse", "", 404, "")
	f.want("GET", "/v1/kv/a?keys&recurse&raw", "", 200, `["a/b","a/\u003c"]`)
	f.want("GET", "/v1/kv/none?keys", "", 404, "")
	f.want("GET", "/v1/kv/?keys", "", 200, "[]")
	for query, want := range map[string]string{"separator=/": "/", "seperator=b": "b", "separator=/&seperator=b": "/", "": ""} {
		if f.do("GET", "/v1/kv/a?keys&"+query, ""); separator != want {
			t.Errorf("%q: separator %q, want %q", query, separator, want)
		}
	}
}

func TestKVWritesBecomeVerbs(t *testing.T) {
	f := newFixture(t, nil)
	var got ops.KVApplyRequest
	on(f.caller, ops.KVApply, func(_ context.Context, req *ops.KVApplyRequest) (*ops.KVApplyReply, error) {
		got = *req
		return &ops.KVApplyReply{Done: req.Write.Verb != catalog.KVCAS}, nil
	})
	for _, tt := range []struct {
		method, target, body, answer string
		want                         catalog.KVWrite
	}{
		{"PUT", "/v1/kv/a", "v", "true", catalog.KVWrite{Verb: catalog.KVSet, Entry: catalog.KVEntry{Key: "a", Value: []byte("v")}}},
		{"PUT", "/v1/kv/a?flags=42", "", "true", catalog.KVWrite{Verb: catalog.KVSet, Entry: catalog.KVEntry{Key: "a", Flags: 42}}},
		{"PUT", "/v1/kv/a?cas=0", "v", "false", catalog.KVWrite{Verb: catalog.KVCAS, Entry: catalog.KVEntry{Key: "a", Value: []byte("v")}}},
		{"PUT", "/v1/kv/a?cas=9", "v", "false", catalog.KVWrite{Verb: catalog.KVCAS, Entry: catalog.KVEntry{Key: "a", Value: []byte("v"), ModifyIndex: 9}}},
		{"PUT", "/v1/kv/a?acquire=s&flags=3", "v", "true", catalog.KVWrite{Verb: catalog.KVLock, Entry: catalog.KVEntry{Key: "a", Value: []byte("v"), Session: "s", Flags: 3}}},
		{"PUT", "/v1/kv/a?release=s", "", "true", catalog.KVWrite{Verb: catalog.KVUnlock, Entry: catalog.KVEntry{Key: "a", Session: "s"}}},
		{"PUT", "/v1/kv/a?acquire", "v", "true", catalog.KVWrite{Verb: catalog.KVLock, Entry: catalog.KVEntry{Key: "a", Value: []byte("v")}}},
		{"DELETE", "/v1/kv/a", "", "true", catalog.KVWrite{Verb: catalog.KVDelete, Entry: catalog.KVEntry{Key: "a"}}},
		{"DELETE", "/v1/kv/a?cas=9", "", "true", catalog.KVWrite{Verb: catalog.KVDeleteCAS, Entry: catalog.KVEntry{Key: "a", ModifyIndex: 9}}},
		{"DELETE", "/v1/kv/?recurse", "", "true", catalog.KVWrite{Verb: catalog.KVDeleteTree}},
	} {
		got = ops.KVApplyRequest{}
		res := f.want(tt.method, tt.target, tt.body, 200, tt.answer)
		wantHeader(t, res, "Content-Type", "application/json")
		if !reflect.DeepEqual(got.Write, tt.want) {
			t.Errorf("%s %s: got %+v, want %+v", tt.method, tt.target, got.Write, tt.want)
		}
	}
	f.do("PUT", "/v1/kv/a?dc=dc2&token=t", "v")
	if got.Datacenter != "dc2" || got.Token != "t" {
		t.Errorf("options: got %+v", got.WriteOptions)
	}
}

func TestKVRefusals(t *testing.T) {
	f := newFixture(t, func(o *httpapi.Options) { o.KVMaxValueSize = 8 })
	answering(f.caller, ops.KVApply, &ops.KVApplyReply{Done: true})
	for _, tt := range []struct {
		method, target, body string
		status               int
		text                 string
	}{
		{"PUT", "/v1/kv/", "v", 400, "Missing key name"},
		{"DELETE", "/v1/kv/", "", 400, "Missing key name"},
		{"PUT", "/v1/kv/?wait=x", "v", 400, "Invalid wait time"},
		{"DELETE", "/v1/kv/x?recurse&cas=1&max_stale=x", "", 400, `Invalid max_stale value "x"`},
		{"PUT", "/v1/kv/x?cas=1&acquire=y", "v", 400, "Conflicting flags: acquire=y&cas=1\n"},
		{"PUT", "/v1/kv/x?cas=0&acquire=a%20b&release=c&flags=3", "v", 400, "Conflicting flags: acquire=a+b&cas=0&flags=3&release=c\n"},
		{"PUT", "/v1/kv/x?flags=zz&cas=1&acquire=y", "v", 400, "Conflicting flags: acquire=y&cas=1&flags=zz\n"},
		{"DELETE", "/v1/kv/x?recurse&cas=1&dc=dc1", "", 400, "Conflicting flags: cas=1&dc=dc1&recurse=\n"},
		{"PUT", "/v1/kv/x?flags=x", "v", 500, `strconv.ParseUint: parsing "x": invalid syntax`},
		{"PUT", "/v1/kv/x?flags=18446744073709551616", "v", 500, `strconv.ParseUint: parsing "18446744073709551616": value out of range`},
		{"PUT", "/v1/kv/x?cas=", "v", 500, `strconv.ParseUint: parsing "": invalid syntax`},
		{"DELETE", "/v1/kv/x?cas=-1", "", 500, `strconv.ParseUint: parsing "-1": invalid syntax`},
		{"PUT", "/v1/kv/x", "123456789", 413, "Request body(9 bytes) too large, max size: 8 bytes. See https://developer.hashicorp.com/docs/agent/config/config-files#kv_max_value_size."},
	} {
		res := f.want(tt.method, tt.target, tt.body, tt.status, tt.text)
		if tt.status == 413 {
			wantHeader(t, res, "Connection", "close")
		}
	}
	f.want("PUT", "/v1/kv/x", "12345678", 200, "true")
}

func FuzzKVQuery(f *testing.F) {
	for _, seed := range []string{"", "raw", "keys&separator=/", "recurse", "cas=1&flags=2", "index=1&wait=1s", "stale&consistent", "%zz", "a;b", "max_stale=1h&dc=x", "pretty"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		x := newFixture(t, nil)
		answering(x.caller, ops.KVGet, kvReply("k", "v"))
		answering(x.caller, ops.KVList, &ops.KVListReply{})
		answering(x.caller, ops.KVKeys, &ops.KVKeysReply{})
		answering(x.caller, ops.KVApply, &ops.KVApplyReply{})
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			res, body := x.do(method, "/v1/kv/k?"+url.PathEscape(query), "v")
			if res.StatusCode < 200 || res.StatusCode > 500 {
				t.Errorf("%s %q: %d %s", method, query, res.StatusCode, body)
			}
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, seed := range []string{"/v1/kv/a", "/v1/kv//a", "/v1/kv/%2e%2e/", "/", "/v1/agent/service/register/", "/v1/../..", "/ui", "/v1/kv/a%00", "/v1/kv/..", "/v1/kv/."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.ParseRequestURI(path)
		if err != nil || !strings.HasPrefix(path, "/") || u.Host != "" || strings.ContainsAny(path, " \t\r\n") {
			t.Skip("no server would parse this request line")
		}
		x := newFixture(t, nil)
		answering(x.caller, ops.KVGet, kvReply("k", "v"))
		res, _ := x.do("GET", "http://host"+path, "")
		if res.StatusCode != 307 {
			return
		}
		// Who follows a redirect arrives.
		to, err := url.Parse(res.Header.Get("Location"))
		if err != nil {
			t.Fatalf("%q leads to %q: %v", path, res.Header.Get("Location"), err)
		}
		if again, _ := x.do("GET", "http://host"+to.EscapedPath(), ""); again.StatusCode == 307 {
			t.Errorf("%q leads to %q, and that to %q", path, to, again.Header.Get("Location"))
		}
	})
}
