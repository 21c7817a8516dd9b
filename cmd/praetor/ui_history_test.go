package main_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestUIShowsHistoryAndUndoes: a service's page has the flips of the last hour, a key's page
// what it was, and gives it that value back.
func TestUIShowsHistoryAndUndoes(t *testing.T) {
	t.Parallel()
	n := newNode(t, "ui-history", "127.77.135.1", "-dev", "-hcl", "history { kv = true }").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, "ui-history", "passing") })
	for _, write := range []struct{ path, body string }{
		{"/v1/agent/service/register", `{"name": "web", "port": 80, "check": {"ttl": "1h", "status": "passing", "name": "disk"}}`},
		{"/v1/agent/check/fail/service:web?note=full", ""},
		{"/v1/kv/app/color", "blue"},
		{"/v1/kv/app/color", "red"},
	} {
		if err := n.put(write.path, write.body); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, "the flip in the history", 20*time.Second, func() error {
		var changes []struct{ To string }
		if err := n.get("/v1/catalog/history?service=web&kind=check", &changes); err != nil || len(changes) != 2 || changes[0].To != "critical" {
			return fmt.Errorf("%+v, %v", changes, err)
		}
		return nil
	})
	ctx := browser(t)
	open(t, ctx, n, "/ui/")
	shows(t, ctx, "overview", "Changed in the last 15 minutes", "went from passing to critical", "service <b>web</b> on ui-history was registered", "through ui-history")
	if err := n.put("/v1/agent/check/pass/service:web?note=freed", ""); err != nil {
		t.Fatal(err)
	}
	shows(t, ctx, "a change that comes", "went from critical to passing", "<q>freed</q>")
	if err := n.put("/v1/agent/check/fail/service:web?note=full", ""); err != nil {
		t.Fatal(err)
	}
	open(t, ctx, n, "/ui/services/web")
	shows(t, ctx, "web", "History of the last hour")
	do(t, ctx, press("History of the last hour"))
	shows(t, ctx, "the history of web", "went from passing to critical", "<q>full</q>", "service <b>web</b> on ui-history was registered", "<b>ui-history</b> leads", "through ui-history", `class="lane"`)
	open(t, ctx, n, "/ui/kv?key=app/color")
	shows(t, ctx, "the key", "History")
	do(t, ctx, press("History"))
	shows(t, ctx, "the history of the key", "<q>blue</q>", "<q>red</q>")
	do(t, ctx, press("Undo the last change …"), chromedp.WaitVisible(`dialog button.primary`), chromedp.Click(`dialog button.primary`))
	waitFor(t, "the value from before", 10*time.Second, func() error {
		var list []struct{ Value []byte }
		if err := n.get("/v1/kv/app/color", &list); err != nil || string(list[0].Value) != "blue" {
			return fmt.Errorf("%+v, %v", list, err)
		}
		return nil
	})
	shows(t, ctx, "what was done", "app/color is what it was before index")
}
