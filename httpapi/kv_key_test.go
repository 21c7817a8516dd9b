package httpapi_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"praetor/catalog"
	"praetor/httpapi"
	"praetor/internal/ops"
)

// TestOddKeysAreRefusedOnNewWritesOnly tries keys that 1.22 is against in every way that a
// key can be touched (reference/security.md §13).
func TestOddKeysAreRefusedOnNewWritesOnly(t *testing.T) {
	serve := func(allow bool) *fixture {
		f := newFixture(t, func(o *httpapi.Options) { o.AllowOddKeys = allow })
		on(f.caller, ops.KVApply, func(context.Context, *ops.KVApplyRequest) (*ops.KVApplyReply, error) {
			return &ops.KVApplyReply{Done: true}, nil
		})
		on(f.caller, ops.KVGet, func(_ context.Context, r *ops.KVGetRequest) (*ops.KVGetReply, error) {
			return &ops.KVGetReply{ReadMeta: leaderMeta, Entry: &catalog.KVEntry{Key: r.Key}}, nil
		})
		on(f.caller, ops.TxnApply, func(context.Context, *ops.TxnApplyRequest) (*ops.TxnApplyReply, error) {
			return &ops.TxnApplyReply{}, nil
		})
		return f
	}
	strict, lax := serve(false), serve(true)
	const (
		dots   = `it has the path segment ".."`
		spaces = "it begins or ends with a space"
	)
	rows := []struct{ key, why string }{
		{"a", ""}, {"a/b", ""}, {"a..b", ""}, {"a/..b/c", ""}, {"...", ""}, {"a/.../b", ""}, {"a b", ""}, {"a/ b", ""}, {"100%", ""}, {"%zz/a", ""}, {"%2e", ""}, {"a/./b", ""},
		{"..", dots}, {"../a", dots}, {"a/../b", dots}, {"a/..", dots}, {"a/../", dots}, {"%2e%2e/a", dots}, {"a/.%2E/b", dots}, {"%252e%252e", dots}, {"a%2f..%2fb", dots},
		{" a", spaces}, {"a ", spaces}, {" ", spaces}, {" ..", spaces},
	}
	for _, row := range rows {
		path := "/v1/kv/" + strings.ReplaceAll(url.PathEscape(row.key), "/", "%2F")
		if strings.Trim(row.key, ".") == "" { // a client would cut a plain one off
			path = "/v1/kv/" + strings.ReplaceAll(row.key, ".", "%2E")
		}
		refused := fmt.Sprintf("Invalid key %q: %s. Choose another key, or set disable_kv_key_validation", row.key, row.why)
		warning := "the key is one that new writes may not have: " + row.why
		if row.why == "" {
			warning = ""
		}
		for _, request := range []struct {
			method, target, body string
			makes                bool
			answer               string
		}{
			{"PUT", path, "v", true, "true"}, {"PUT", path + "?cas=0", "v", true, "true"}, {"PUT", path + "?acquire=s", "v", true, "true"},
			{"PUT", path + "?release=s", "v", false, "true"}, {"DELETE", path, "", false, "true"}, {"DELETE", path + "?cas=1", "", false, "true"}, {"DELETE", path + "?recurse", "", false, "true"},
			{"GET", path + "?raw", "", false, ""},
			{"PUT", "/v1/txn", fmt.Sprintf(`[{"KV":{"Verb":"set","Key":%q}}]`, row.key), true, `{"Results":[],"Errors":null}`},
			{"PUT", "/v1/txn", fmt.Sprintf(`[{"KV":{"Verb":"lock","Key":%q}}]`, row.key), true, `{"Results":[],"Errors":null}`},
			{"PUT", "/v1/txn", fmt.Sprintf(`[{"KV":{"Verb":"delete","Key":%q}}]`, row.key), false, `{"Results":[],"Errors":null}`},
		} {
			if request.makes && row.why != "" {
				res := strict.want(request.method, request.target, request.body, 400, refused)
				wantHeader(t, res, "X-Consul-KV-Warning", "")
			} else {
				res := strict.want(request.method, request.target, request.body, 200, request.answer)
				wantHeader(t, res, "X-Consul-KV-Warning", warning)
			}
			res := lax.want(request.method, request.target, request.body, 200, request.answer)
			wantHeader(t, res, "X-Consul-KV-Warning", warning)
		}
	}
}
