package main_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// browser starts headless Chromium and returns a context to drive it with.
func browser(t *testing.T) context.Context {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("needs Chromium: apt-get install chromium")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"), chromedp.NoSandbox,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}

// shows wants the page to come to hold all of some texts.
func shows(t *testing.T, ctx context.Context, page string, texts ...string) {
	t.Helper()
	var html string
	waitFor(t, "page "+page, 15*time.Second, func() error {
		var err error
		if html, err = chromedp.Run(ctx, chromedp.InnerHTML("#app")); err != nil {
			return err
		}
		for _, text := range texts {
			if !strings.Contains(html, text) {
				return fmt.Errorf("it does not show %q:\n%s", text, html)
			}
		}
		return nil
	})
	if strings.Contains(html, "Loading") {
		t.Errorf("page %s still says that it is loading", page)
	}
}

func TestUIShowsServicesAndNodesWithTheirHealth(t *testing.T) {
	n := newNode(t, "ui-node", "127.77.8.1", "-dev").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, "ui-node", "passing") })
	for _, body := range []string{
		`{"name": "healthy-web", "port": 80, "check": {"ttl": "1h", "status": "passing"}}`,
		`{"name": "sick-db", "port": 81, "tags": ["primary <b>"], "check": {"ttl": "1h", "status": "critical", "name": "disk"}}`,
	} {
		if err := n.put("/v1/agent/service/register", body); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, "services in the catalog", 10*time.Second, func() error {
		return n.get("/v1/health/checks/sick-db", &[]struct{}{})
	})
	ctx := browser(t)
	rows := []struct {
		path string
		want []string
	}{
		{"/ui/", []string{"healthy-web", "sick-db", `class="dot critical"`, "1 critical", "primary &lt;b&gt;", "ui-node"}},
		{"/ui/services/sick-db", []string{"disk", "127.77.8.1:81", `class="dot critical"`}},
		{"/ui/nodes", []string{"ui-node", "127.77.8.1", `class="dot critical"`}},
		{"/ui/nodes/ui-node", []string{"Serf Health Status", "healthy-web", "sick-db"}},
	}
	for _, row := range rows {
		if _, err := chromedp.Run(ctx, chromedp.Navigate("http://"+n.ip+":8500"+row.path)); err != nil {
			t.Fatal(err)
		}
		shows(t, ctx, row.path, row.want...)
	}

	t.Run("a change shows by itself", func(t *testing.T) {
		if _, err := chromedp.Run(ctx, chromedp.Navigate("http://"+n.ip+":8500/ui/services/sick-db")); err != nil {
			t.Fatal(err)
		}
		shows(t, ctx, "sick-db", `class="dot critical"`)
		if err := n.put("/v1/agent/check/pass/service:sick-db?note=recovered", ""); err != nil {
			t.Fatal(err)
		}
		shows(t, ctx, "sick-db", "recovered")
	})
}
