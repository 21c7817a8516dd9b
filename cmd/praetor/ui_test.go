package main_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// browserPath is the program that shows pages: the headless shell, which draws nothing
// but pages and takes half the time, or else the whole browser. Empty if there is none.
var browserPath = sync.OnceValue(func() string {
	for _, name := range []string{"chromium-headless-shell", "chromium"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
})

// chromium is the one headless browser that all tests share, with a tab each. The
// function ends it.
var chromium = sync.OnceValues(func() (context.Context, func()) {
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browserPath()), chromedp.NoSandbox,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, end := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, _ = chromedp.NewContext(ctx)
	// The browser lives as long as the context of the first step.
	if _, err := chromedp.Run(ctx, chromedp.Navigate("about:blank")); err != nil {
		panic(err)
	}
	return ctx, end
})

var browserUsed atomic.Bool

// browser opens a tab and returns a context to drive it with.
func browser(t *testing.T) context.Context {
	t.Helper()
	if browserPath() == "" {
		t.Skip("needs Chromium: apt-get install chromium-headless-shell, or chromium")
	}
	browserUsed.Store(true)
	parent, _ := chromium()
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	if _, err := chromedp.Run(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	if end, ok := t.Deadline(); ok { // a page that hangs is told by the test's name
		ctx, cancel = context.WithDeadline(ctx, end.Add(-30*time.Second))
		t.Cleanup(cancel)
	}
	return ctx
}

// shows wants the page to come to hold all of some texts, and to have loaded.
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
		if strings.Contains(html, "Loading") { // the text may be in a part that was quicker
			return errors.New("it still says that it is loading")
		}
		return nil
	})
}

func TestUIShowsServicesAndNodesWithTheirHealth(t *testing.T) {
	t.Parallel()
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
		{"/ui/services", []string{"healthy-web", "sick-db", `class="dot critical"`, "1 critical", "primary &lt;b&gt;", "ui-node"}},
		{"/ui/", []string{"Critical now", "sick-db", "in term", "it is lost, so is the cluster"}},
		{"/ui/services/sick-db", []string{"disk", "127.77.8.1:81", `class="dot critical"`}},
		{"/ui/nodes", []string{"ui-node", "127.77.8.1", `class="dot passing"`, `class="count critical"`}},
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

// press clicks the button with a text.
func press(text string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(`//button[normalize-space()="` + text + `"]`)
}

// open goes to a page of a node's UI.
func open(t *testing.T, ctx context.Context, n *node, path string) {
	t.Helper()
	if _, err := chromedp.Run(ctx, chromedp.Navigate("http://"+n.ip+":8500"+path)); err != nil {
		t.Fatal(err)
	}
}

// do takes steps as a user would.
func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for i, step := range steps {
		if _, err := chromedp.Run(ctx, step); err != nil {
			t.Fatalf("step %d: %v", i+1, err)
		}
	}
}

func TestUISeesFailuresOfNodes(t *testing.T) {
	t.Parallel()
	n := newNode(t, "ui-dead", "127.77.8.2", "-dev").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, "ui-dead", "passing") })
	if err := n.put("/v1/catalog/register", `{"Node": "dead", "Address": "10.9.9.9", "Service": {"Service": "unwatched", "Port": 80},
		"Check": {"CheckID": "alive", "Name": "alive", "Status": "critical", "Output": "no <i>answer</i>"}}`); err != nil {
		t.Fatal(err)
	}
	ctx := browser(t)
	for _, row := range []struct {
		path, title string
		want        []string
	}{
		{"/ui/services", "Services · Praetor", []string{"unwatched", "1 critical"}},
		{"/ui/services/unwatched", "unwatched · Services · Praetor", []string{"10.9.9.9:80", "1 critical", "no &lt;i&gt;answer&lt;/i&gt;"}},
		{"/ui/services/nobody", "nobody · Services · Praetor", []string{"No instance is registered"}},
		{"/ui/nodes", "Nodes · Praetor", []string{"dead", "leader", "this agent"}},
		{"/ui/nodes/dead", "dead · Nodes · Praetor", []string{"unwatched", `class="dot critical"`}},
		{"/ui/nodes/ghost", "ghost · Nodes · Praetor", []string{"There is no such node"}},
		{"/ui/dc1/services/unwatched/instances", "unwatched · Services · dc1 · Praetor", []string{"10.9.9.9:80"}},
		{"/ui/kv", "Key/Value · Praetor", []string{"There are no keys", "praetor kv put"}},
	} {
		open(t, ctx, n, row.path)
		shows(t, ctx, row.path, row.want...)
		if title, err := chromedp.Run(ctx, chromedp.Title()); err != nil || title != row.title {
			t.Errorf("%s: title %q, %v; want %q", row.path, title, err, row.title)
		}
	}
}

func TestUIFitsOnAPhone(t *testing.T) {
	t.Parallel()
	n := newNode(t, "ui-phone-with-a-name-that-does-not-end-soon", "127.77.8.3", "-dev").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error {
		return wantSerfHealth(n, "ui-phone-with-a-name-that-does-not-end-soon", "passing")
	})
	tag := strings.Repeat("long", 20)
	if err := n.put("/v1/agent/service/register", `{"name": "web", "tags": ["`+tag+`", "b"], "meta": {"`+tag[:40]+`": "`+tag+`"},
		"check": {"ttl": "1h", "notes": "`+tag+`", "status": "critical"}}`); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "service in the catalog", 10*time.Second, func() error { return n.get("/v1/health/checks/web", &[]struct{}{}) })
	if err := n.put("/v1/kv/"+tag+"/"+tag, tag); err != nil {
		t.Fatal(err)
	}
	ctx := browser(t)
	do(t, ctx, chromedp.EmulateViewport(390, 800))
	for path, want := range map[string]string{
		"/ui/": "Critical now", "/ui/services": "web", "/ui/services/web": tag, "/ui/nodes": "ui-phone", "/ui/nodes/ui-phone-with-a-name-that-does-not-end-soon": tag, "/ui/nodes/ghost": "no such node",
		"/ui/kv": tag, "/ui/kv?key=" + tag + "/" + tag: "Edit",
	} {
		open(t, ctx, n, path)
		shows(t, ctx, path, want)
		wide, err := chromedp.Run(ctx, chromedp.Evaluate[float64]("document.documentElement.scrollWidth"))
		if err != nil || wide > 390 {
			t.Errorf("%s is %v wide, %v; want 390", path, wide, err)
		}
	}
}

func TestUIEditsKeysAndOverwritesNobody(t *testing.T) {
	t.Parallel()
	n := newNode(t, "ui-kv", "127.77.8.4", "-dev").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, "ui-kv", "passing") })
	ctx := browser(t)
	wantKey := func(want string) {
		t.Helper()
		var entries []struct{ Value []byte }
		waitFor(t, "key with value "+want, 10*time.Second, func() error {
			entries = nil
			err := n.get("/v1/kv/app/color", &entries)
			if want == "" && err != nil {
				return nil
			}
			if len(entries) != 1 || string(entries[0].Value) != want {
				return fmt.Errorf("got %s, %v", entries, err)
			}
			return nil
		})
	}
	open(t, ctx, n, "/ui/kv")
	shows(t, ctx, "/ui/kv", "There are no keys")
	do(t, ctx, press("New key"), chromedp.SendKeys("#new-name", "app/color"), chromedp.SendKeys("#new-value", "blue"), press("Create"))
	shows(t, ctx, "the new key", "color", "app/", "4 bytes")
	wantKey("blue")

	do(t, ctx, press("Edit"), chromedp.SendKeys("#value", "ish"), press("Save"))
	shows(t, ctx, "the saved key", "Saved.", "7 bytes")
	wantKey("blueish")

	do(t, ctx, press("Edit"), chromedp.SendKeys("#value", " mine"))
	if err := n.put("/v1/kv/app/color", "red"); err != nil {
		t.Fatal(err)
	}
	shows(t, ctx, "a key changed by another", "changed by somebody else", "disabled")
	wantKey("red")
	do(t, ctx, press("Take theirs"))
	shows(t, ctx, "their value", "3 bytes")

	do(t, ctx, press("Delete …"))
	shows(t, ctx, "the question", "Delete app/color?")
	do(t, ctx, press("Delete"))
	shows(t, ctx, "the empty folder", "This folder is empty", "app/color is deleted.")
	wantKey("")
}

func TestUIFindsServicesAndKeepsATokenForTheTab(t *testing.T) {
	t.Parallel()
	n := newNode(t, "ui-find", "127.77.8.6", "-dev").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, "ui-find", "passing") })
	for _, body := range []string{
		`{"Node": "x", "Address": "10.1.1.1", "Service": {"Service": "blue", "Tags": ["color"]}, "Check": {"CheckID": "c", "ServiceID": "blue", "Status": "warning"}}`,
		`{"Node": "x", "Address": "10.1.1.1", "Service": {"Service": "red", "Tags": ["color"]}}`,
	} {
		if err := n.put("/v1/catalog/register", body); err != nil {
			t.Fatal(err)
		}
	}
	ctx := browser(t)
	names := func() (names []string) {
		names, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`[...document.querySelectorAll("#services tbody a")].map((a) => a.innerText.trim())`))
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	wantNames := func(want ...string) {
		t.Helper()
		waitFor(t, "services "+strings.Join(want, ", "), 10*time.Second, func() error {
			if got := names(); !slices.Equal(got, want) {
				return fmt.Errorf("it lists %q", got)
			}
			return nil
		})
	}
	open(t, ctx, n, "/ui/services")
	wantNames("blue", "consul", "red") // the unhealthy first
	do(t, ctx, chromedp.SendKeys(".search", "COLOR"))
	wantNames("blue", "red")
	do(t, ctx, chromedp.Click(".chip.warning"))
	wantNames("blue")
	if at, err := chromedp.Run(ctx, chromedp.Location()); err != nil || !strings.HasSuffix(at, "/ui/services?q=COLOR&status=warning") {
		t.Errorf("the address is %q, %v", at, err)
	}
	do(t, ctx, press("Token"), chromedp.SendKeys("#token", "secret"), press("Use"))
	waitFor(t, "the token", 10*time.Second, func() error {
		class, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("header .token").className`))
		if err == nil && class != "token set" {
			err = fmt.Errorf("the button's class is %q", class)
		}
		return err
	})
	wantNames("blue")
	if kept, err := chromedp.Run(ctx, chromedp.Evaluate[string](`sessionStorage.getItem("praetor-token") + Object.keys(localStorage).length`)); err != nil || kept != "secret0" {
		t.Errorf("kept %q, %v", kept, err)
	}
}

func TestUIDeregistersAnInstanceAndTellsWhenTheAgentIsGone(t *testing.T) {
	t.Parallel()
	n := newNode(t, "ui-evict", "127.77.8.5", "-dev").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, "ui-evict", "passing") })
	if err := n.put("/v1/agent/service/register", `{"name": "web", "id": "web-1"}`); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "service in the catalog", 10*time.Second, func() error { return n.get("/v1/health/service/web", &[]struct{}{}) })
	ctx := browser(t)
	open(t, ctx, n, "/ui/services/web")
	shows(t, ctx, "web", "web-1", "Deregister …")
	do(t, ctx, press("Deregister …"))
	shows(t, ctx, "the question", "Deregister web-1?")
	do(t, ctx, press("Deregister"))
	shows(t, ctx, "web without instances", "No instance is registered")
	var services map[string]any
	if err := n.get("/v1/agent/services", &services); err != nil || len(services) != 0 {
		t.Errorf("the agent still has %v, %v", services, err)
	}
	n.stop()
	shows(t, ctx, "web without an agent", "The agent does not answer", "Try now")
}
