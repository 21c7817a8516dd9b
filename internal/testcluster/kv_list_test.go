package testcluster_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"praetor/internal/testcluster"
)

func ask(t *testing.T, n *testcluster.Node, target string, header ...string) (int, http.Header, []byte) {
	t.Helper()
	req := httptest.NewRequest("GET", target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	n.Agent().API().ServeHTTP(rec, req)
	return rec.Code, rec.Result().Header, rec.Body.Bytes()
}

// Lists too long for a message are written as they come, and look as if they were not.
func TestLongListsOfKeysAreTheSameOnEveryAgent(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1}, func(c *testcluster.Cluster) {
		c.WaitFor("a leader", c.HasLeader)
		const keys = 40
		for i := range keys {
			c.PutKV(fmt.Sprintf("big/%02d", i), strings.Repeat(string(rune('a'+i%26)), 100_000))
		}
		for _, n := range slices.Concat(c.Servers(), c.Clients()) {
			for _, read := range []string{"", "&consistent", "&index=1&wait=1s"} {
				code, header, body := ask(t, n, "/v1/kv/big/?recurse"+read)
				var list []struct {
					Key   string
					Value []byte
				}
				if err := json.Unmarshal(body, &list); err != nil || code != 200 || len(list) != keys || header.Get("X-Consul-Index") == "" {
					t.Fatalf("%s %s: %d, %d keys, %v, %v", n.Name(), read, code, len(list), header, err)
				}
				for i, e := range list {
					if e.Key != fmt.Sprintf("big/%02d", i) || len(e.Value) != 100_000 || e.Value[0] != byte('a'+i%26) {
						t.Fatalf("%s: entry %d is %s with %d bytes", n.Name(), i, e.Key, len(e.Value))
					}
				}
				var plain bytes.Buffer
				if err := json.Compact(&plain, body); err != nil {
					t.Fatal(err)
				}
				_, _, pretty := ask(t, n, "/v1/kv/big/?recurse&pretty"+read)
				var want bytes.Buffer
				if err := json.Indent(&want, plain.Bytes(), "", "    "); err != nil || !bytes.Equal(pretty, append(want.Bytes(), '\n')) {
					t.Errorf("%s %s: indented otherwise: %.300s", n.Name(), read, pretty)
				}
				_, header, zipped := ask(t, n, "/v1/kv/big/?recurse"+read, "Accept-Encoding", "gzip")
				zip, err := gzip.NewReader(bytes.NewReader(zipped))
				if err != nil || header.Get("Content-Encoding") != "gzip" {
					t.Fatalf("%s %s: %v, %v", n.Name(), read, header, err)
				}
				if text, err := io.ReadAll(zip); err != nil || !bytes.Equal(text, body) {
					t.Errorf("%s %s: compressed otherwise: %v", n.Name(), read, err)
				}
			}
		}
	})
}
