package main_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// asks counts the requests of a page whose address has a text. Those that go on do not
// count.
func asks(t *testing.T, ctx context.Context, text string) int {
	t.Helper()
	n, err := chromedp.Run(ctx, chromedp.Evaluate[float64](fmt.Sprintf(`performance.getEntriesByType("resource").filter((r) => r.name.includes(%q)).length`, text)))
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

// shownSoon registers a service and returns how long the page took to show it.
func shownSoon(t *testing.T, ctx context.Context, n *node, name string) time.Duration {
	t.Helper()
	begun := time.Now()
	if err := n.put("/v1/agent/service/register", `{"name": "`+name+`"}`); err != nil {
		t.Fatal(err)
	}
	shows(t, ctx, "the new service", name)
	return time.Since(begun)
}

// A page hears all its news from one stream; when the agent goes it says so, since when,
// and goes on when it is back.
func TestUIHearsItsNewsFromOneStream(t *testing.T) {
	t.Parallel()
	n := newNode(t, "ui-stream", "127.77.131.1", "-dev").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, "ui-stream", "passing") })
	ctx := browser(t)
	open(t, ctx, n, "/ui/services")
	shows(t, ctx, "services", "consul", ">live")
	t.Logf("a change showed after %s", shownSoon(t, ctx, n, "web").Round(time.Millisecond))
	shows(t, ctx, "services", "web")
	for _, text := range []string{"index=", "/v1/internal/ui/services", "/v1/status/leader"} {
		if got := asks(t, ctx, text); got > 0 {
			t.Errorf("%d requests of a page with a stream have %s", got, text)
		}
	}
	n.stop()
	shows(t, ctx, "services without an agent", "reconnecting", "stale since", "The agent does not answer", "web")
	picture(t, ctx, "reconnecting-light")
	n.start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, "ui-stream", "passing") })
	// It may have come back by itself.
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`([...document.querySelectorAll("button")].find((b) => b.textContent === "Try now")?.click(), true)`)); err != nil {
		t.Fatal(err)
	}
	shows(t, ctx, "services again", ">live", "consul")
	shownSoon(t, ctx, n, "later")
}

// Where a proxy keeps a stream back, pages ask by themselves, and are live all the same.
func TestUIIsLiveBehindAProxyThatBuffers(t *testing.T) {
	t.Parallel()
	n := newNode(t, "ui-buffered", "127.77.131.2", "-dev").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, "ui-buffered", "passing") })
	to := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: n.api()}) }}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/internal/ui/stream") {
			<-r.Context().Done() // it waits for the end of the answer
			return
		}
		to.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	defer proxy.CloseClientConnections()
	ctx := browser(t)
	if _, err := chromedp.Run(ctx, chromedp.Navigate(proxy.URL+"/ui/services")); err != nil {
		t.Fatal(err)
	}
	shows(t, ctx, "services", "consul", ">live", "no stream comes through")
	shownSoon(t, ctx, n, "web")
	shownSoon(t, ctx, n, "db")
}
