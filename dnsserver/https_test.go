package dnsserver_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"praetor/dnsserver"
)

func TestDNSOverHTTPS(t *testing.T) {
	c := defaults()
	c.ServiceTTL = map[string]time.Duration{"*": 17 * time.Second}
	c.SOA.MinTTL = 5
	f := web(60)
	f.live = always
	s := newServer(f, c)
	packed := func(name string, qtype uint16) []byte {
		t.Helper()
		query, err := new(dns.Msg).SetQuestion(name, qtype).Pack()
		if err != nil {
			t.Fatal(err)
		}
		return query
	}
	question := packed("web.service.consul.", dns.TypeA)
	encoded := func(query []byte) string { return "?dns=" + base64.RawURLEncoding.EncodeToString(query) }
	for _, row := range []struct {
		name, method, query, contentType string
		body                             []byte
		status                           int
		cache                            string
		answers                          int
	}{
		{"GET", "GET", encoded(question), "", nil, 200, "max-age=17", 60},
		{"POST", "POST", "", "application/dns-message", question, 200, "max-age=17", 60},
		{"POST with another spelling of the type", "POST", "", "Application/DNS-Message; x=y", question, 200, "max-age=17", 60},
		{"no such name", "GET", encoded(packed("x.service.consul.", dns.TypeA)), "", nil, 200, "max-age=5", 0},
		{"no data", "GET", encoded(packed("web.service.consul.", dns.TypeAAAA)), "", nil, 200, "max-age=5", 0},
		{"GET without a message", "GET", "", "", nil, 400, "", 0},
		{"GET with padding", "GET", "?dns=AAA=", "", nil, 400, "", 0},
		{"GET with a reply", "GET", encoded([]byte{0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0}), "", nil, 400, "", 0},
		{"GET with half a header", "GET", encoded([]byte{1, 2, 3}), "", nil, 400, "", 0},
		{"another type", "POST", "", "text/plain", question, 415, "", 0},
		{"too long", "POST", "", "application/dns-message", make([]byte, 65536), 413, "", 0},
		{"another method", "PUT", "", "application/dns-message", question, 405, "", 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(row.method, dnsserver.HTTPSPath+row.query, bytes.NewReader(row.body))
			r.Header.Set("Content-Type", row.contentType)
			s.ServeHTTP(w, r)
			if w.Code != row.status || w.Header().Get("Cache-Control") != row.cache {
				t.Fatalf("status %d, Cache-Control %q; want %d, %q: %s", w.Code, w.Header().Get("Cache-Control"), row.status, row.cache, w.Body)
			}
			if row.status != 200 {
				if strings.TrimSpace(w.Body.String()) == "" {
					t.Error("it does not say why")
				}
				return
			}
			got := new(dns.Msg)
			if err := got.Unpack(w.Body.Bytes()); err != nil || len(got.Answer) != row.answers {
				t.Errorf("%d answers, %v; want %d", len(got.Answer), err, row.answers)
			}
			if w.Header().Get("Content-Type") != "application/dns-message" {
				t.Errorf("Content-Type %q", w.Header().Get("Content-Type"))
			}
		})
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("DELETE", dnsserver.HTTPSPath, http.NoBody))
	if w.Header().Get("Allow") != "GET, POST" {
		t.Errorf("Allow: %q", w.Header().Get("Allow"))
	}
}
