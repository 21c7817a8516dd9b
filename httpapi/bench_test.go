package httpapi_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/ops"
)

// nobody takes responses and keeps nothing of them.
type nobody struct{ header http.Header }

func (n *nobody) Header() http.Header         { return n.header }
func (n *nobody) Write(p []byte) (int, error) { return len(p), nil }
func (n *nobody) WriteHeader(int)             {}

// benchHandler measures a handler without a connection.
func benchHandler(b *testing.B, h http.Handler, method, target, body string, header ...string) {
	b.Helper()
	reader := strings.NewReader(body)
	req := httptest.NewRequest(method, target, reader)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := &nobody{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		reader.Reset(body)
		req.Body = io.NopCloser(reader)
		h.ServeHTTP(w, req)
	}
}

// BenchmarkServed measures whole exchanges over loopback, beside the least that
// net/http can do.
func BenchmarkServed(b *testing.B) {
	f := newFixture(b, nil)
	answering(f.caller, ops.KVGet, kvReply("bench/key", strings.Repeat("v", 100)))
	answering(f.caller, ops.HealthService, &ops.HealthServiceReply{ReadMeta: sharedMeta, Instances: instances(100)})
	_, large := f.do("GET", "/v1/health/service/web", "")
	for _, bench := range []struct {
		name, path string
		handler    http.Handler
	}{
		{"hello", "/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })},
		{"kv-get", "/v1/kv/bench/key", f.api},
		{"bytes", "/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, large) })},
		{"health-100", "/v1/health/service/web", f.api},
	} {
		b.Run(bench.name, func(b *testing.B) {
			srv := httptest.NewServer(bench.handler)
			defer srv.Close()
			client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
			defer client.CloseIdleConnections()
			b.ReportAllocs()
			for b.Loop() {
				res, err := client.Get(srv.URL + bench.path)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, res.Body); err != nil {
					b.Fatal(err)
				}
				res.Body.Close()
			}
		})
	}
}

func BenchmarkKVGet(b *testing.B) {
	f := newFixture(b, nil)
	answering(f.caller, ops.KVGet, kvReply("bench/key", strings.Repeat("v", 100)))
	benchHandler(b, f.api, "GET", "/v1/kv/bench/key", "")
}

func BenchmarkKVPut(b *testing.B) {
	f := newFixture(b, nil)
	answering(f.caller, ops.KVApply, &ops.KVApplyReply{Done: true})
	benchHandler(b, f.api, "PUT", "/v1/kv/bench/key", strings.Repeat("v", 100), "Content-Length", "100")
}

func BenchmarkHealth100(b *testing.B) {
	same := &ops.HealthServiceReply{ReadMeta: sharedMeta, Instances: instances(100)}
	for name, fresh := range map[string]bool{"unchanged": false, "changed": true} {
		b.Run(name, func(b *testing.B) {
			f := newFixture(b, nil)
			on(f.caller, ops.HealthService, func(context.Context, *ops.HealthServiceRequest) (*ops.HealthServiceReply, error) {
				if fresh {
					return &ops.HealthServiceReply{ReadMeta: sharedMeta, Instances: append([]*catalog.InstanceHealth(nil), same.Instances...)}, nil
				}
				return same, nil
			})
			benchHandler(b, f.api, "GET", "/v1/health/service/web", "")
		})
	}
	b.Run("unchanged-gzip", func(b *testing.B) {
		f := newFixture(b, nil)
		answering(f.caller, ops.HealthService, same)
		benchHandler(b, f.api, "GET", "/v1/health/service/web?index=5&wait=1m", "", "Accept-Encoding", "gzip")
	})
}

func BenchmarkServiceRegister(b *testing.B) {
	f := newFixture(b, nil)
	benchHandler(b, f.api, "PUT", register,
		`{"ID":"web-1","Name":"web","Tags":["v1","primary"],"Address":"10.1.2.3","Port":8080,"Meta":{"version":"1"},"Check":{"HTTP":"http://10.1.2.3:8080/health","Interval":"10s","Timeout":"2s"}}`)
}

func BenchmarkTTLUpdate(b *testing.B) {
	f := newFixture(b, nil)
	f.local.checks["c"] = httpapiCheck("c")
	benchHandler(b, f.api, "PUT", "/v1/agent/check/pass/c?note=ok", "")
}

func BenchmarkEncodeHealth100(b *testing.B) {
	list := instances(100)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = buf[:0]
		for _, i := range list {
			buf = wire.AppendInstanceHealth(buf, i)
		}
	}
	b.SetBytes(int64(len(buf)))
}
