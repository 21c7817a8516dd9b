package httpserver_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/internal/httpserver"
)

func TestRequestsOfOneAddressAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		srv := httpserver.New(httpserver.Options{
			Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }),
			Logger:  hclog.New(&hclog.LoggerOptions{Output: &log, Mutex: &sync.Mutex{}}),
		})
		ask := func(from string) *httptest.ResponseRecorder {
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "http://127.0.0.1:8500/", nil)
			r.RemoteAddr = from
			srv.Door().ServeHTTP(w, r)
			return w
		}
		want := func(what, from string, n int) {
			t.Helper()
			passed := 0
			for range 50 {
				if w := ask(from); w.Code == http.StatusNoContent {
					passed++
				} else if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), "limits.http_max_requests_per_client") {
					t.Errorf("%s: %d %v %q", what, w.Code, w.Header(), w.Body)
				}
			}
			if passed != n {
				t.Errorf("%s: %d of 50 passed, want %d", what, passed, n)
			}
		}
		want("without a bound", "10.0.0.1:1", 50)
		srv.LimitRequests(10)
		want("at first", "10.0.0.1:1", 10)
		want("another connection of the same address", "10.0.0.1:2", 0)
		want("another address", "10.0.0.2:1", 10)
		want("a Unix socket", "@", 50)
		time.Sleep(time.Second)
		want("a second later", "10.0.0.1:1", 10)
		if lines := strings.Count(log.String(), "too many requests"); lines > 2 {
			t.Errorf("%d lines in the log:\n%s", lines, &log)
		}
		for i := range 100_000 { // what they hold is bounded: the first is forgotten
			ask(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255))
		}
		want("forgotten", "10.0.0.2:1", 10)
		srv.LimitRequests(0)
		want("without a bound again", "10.0.0.1:1", 50)
	})
}
