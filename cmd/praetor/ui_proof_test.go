package main_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// figure is a number that a script in the page gives.
func figure(t *testing.T, ctx context.Context, script string) float64 {
	t.Helper()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`(async () => { `+script+` })()`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// The times that people feel. They are told; what fails the test is ten times as long as
// any of them on a busy machine.
func TestUIIsQuick(t *testing.T) {
	t.Parallel()
	const most = 20000 // ms
	n := newNode(t, "ui-quick", "127.77.153.1", "-dev").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, "ui-quick", "passing") })
	uiData(t, n)
	ctx := browser(t)
	const watch = `new MutationObserver(() => { window.full ??= document.body?.textContent.includes("in term") && document.body.textContent.includes("Critical now") ? performance.now() : undefined; }).observe(document, { childList: true, subtree: true, characterData: true })`
	if _, err := chromedp.Call(ctx, cdpage.AddScriptToEvaluateOnNewDocument, cdpage.AddScriptToEvaluateOnNewDocumentParams{Source: watch}); err != nil {
		t.Fatal(err)
	}
	for _, visit := range []string{"first", "second"} {
		open(t, ctx, n, "/ui/")
		shows(t, ctx, "overview", "Critical now", "in term")
		paint := figure(t, ctx, `return performance.getEntriesByName("first-contentful-paint")[0].startTime`)
		full := figure(t, ctx, `return window.full ?? Infinity`)
		t.Logf("overview, %s visit: first paint after %.0f ms, all of it after %.0f ms", visit, paint, full)
		if paint > most || full > most {
			t.Errorf("overview, %s visit: first paint after %.0f ms, all of it after %.0f ms", visit, paint, full)
		}
	}
	open(t, ctx, n, "/ui/services")
	shows(t, ctx, "services", "checkout", ">live")
	for i := range 3 {
		took := figure(t, ctx, fmt.Sprintf(`
			const begun = performance.now();
			await fetch("/v1/agent/service/register", { method: "PUT", body: '{"name": "later-%d"}' });
			while (!document.body.textContent.includes("later-%[1]d")) await new Promise(requestAnimationFrame);
			return performance.now() - begun;`, i))
		t.Logf("a change was seen %.0f ms after it was asked for", took)
		if took > most {
			t.Errorf("a change was seen after %.0f ms", took)
		}
	}
}

// A service of a thousand instances is drawn as far as it is seen, and searched.
func TestUIShowsAThousandInstances(t *testing.T) {
	t.Parallel()
	n := newNode(t, "ui-thousand", "127.77.153.2", "-dev").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, "ui-thousand", "passing") })
	if err := n.put("/v1/catalog/register", `{"Node": "elsewhere", "Address": "10.1.1.1"}`); err != nil {
		t.Fatal(err)
	}
	const instances, perWrite = 1000, 60
	for from := 0; from < instances; from += perWrite {
		var ops []string
		for i := from; i < min(from+perWrite, instances); i++ {
			ops = append(ops, fmt.Sprintf(`{"Service": {"Verb": "set", "Node": "elsewhere", "Service": {"ID": "web-%04[1]d", "Service": "web", "Port": %[1]d, "Tags": ["v1"]}}},
				{"Check": {"Verb": "set", "Check": {"Node": "elsewhere", "CheckID": "c-%04[1]d", "ServiceID": "web-%04[1]d", "Name": "HTTP", "Status": "passing"}}}`, i+1))
		}
		if err := n.put("/v1/txn", "["+strings.Join(ops, ",")+"]"); err != nil {
			t.Fatal(err)
		}
	}
	ctx := browser(t)
	open(t, ctx, n, "/ui/services/web")
	shows(t, ctx, "web", `<span class="number">1000</span>`, "web-0001", "web.service.consul", ">live")
	const drawn = `return document.querySelectorAll("#instances .card").length`
	if cards := figure(t, ctx, drawn); cards > 150 {
		t.Errorf("%v instances are drawn", cards)
	}
	figure(t, ctx, `scrollTo(0, document.documentElement.scrollHeight); return 0`)
	shows(t, ctx, "the end", "web-1000")
	if cards := figure(t, ctx, drawn); cards > 150 {
		t.Errorf("%v instances are drawn at the end", cards)
	}
	took := figure(t, ctx, `
		const box = document.querySelector(".search"), begun = performance.now();
		box.value = "web-0420";
		box.dispatchEvent(new Event("input", { bubbles: true }));
		while (document.querySelectorAll("#instances .card").length !== 1) await new Promise(requestAnimationFrame);
		return performance.now() - begun;`)
	t.Logf("searched 1,000 instances in %.0f ms", took)
	if err := n.put("/v1/catalog/register", `{"Node": "elsewhere", "SkipNodeUpdate": true, "Check": {"Node": "elsewhere", "CheckID": "c-0420", "ServiceID": "web-0420", "Name": "HTTP", "Status": "critical", "Output": "no route"}}`); err != nil {
		t.Fatal(err)
	}
	shows(t, ctx, "a failure", "Why?", "at web-0420 on elsewhere", "no route")
}

// Leadership is handed over on the page, and when the leader is lost the page says who
// leads next.
func TestUIFollowsANewLeader(t *testing.T) {
	t.Parallel()
	byName := map[string]*node{}
	for i := 1; i <= 3; i++ {
		name := fmt.Sprintf("ui-leads-%d", i)
		args := []string{"-server", "-bootstrap-expect=3", "-ui"}
		if i > 1 {
			args = append(args, "-retry-join=127.77.154.1")
		}
		byName[name] = newNode(t, name, fmt.Sprintf("127.77.154.%d", i), args...).start()
	}
	leader := func() (name string) {
		t.Helper()
		waitFor(t, "a leader and three servers", time.Minute, func() error {
			for one, n := range byName {
				var at string
				var peers []string
				if n.get("/v1/status/peers", &peers) != nil || n.get("/v1/status/leader", &at) != nil || len(peers) != 3 {
					continue
				}
				for other, l := range byName {
					if at == l.ip+":8300" && other != "" {
						name = other
						return nil
					}
				}
				return fmt.Errorf("%s knows %q", one, at)
			}
			return fmt.Errorf("nobody answers")
		})
		return name
	}
	first := leader()
	for name := range byName {
		waitFor(t, name+" in the catalog", time.Minute, func() error { return wantSerfHealth(byName[first], name, "passing") })
	}
	ctx := browser(t)
	open(t, ctx, byName[first], "/ui/")
	shows(t, ctx, "the overview", "<b>"+first+"</b> leads in term", "Transfer leadership …")
	do(t, ctx, press("Transfer leadership …"))
	shows(t, ctx, "the question", "Have another server lead?", "praetor operator raft transfer-leader", "/v1/operator/raft/transfer-leader")
	do(t, ctx, press("Transfer leadership"))
	shows(t, ctx, "what was done", "Another server leads now.", "leads in term")
	hides(t, ctx, "the old leader", "<b>"+first+"</b> leads in term")
	second := leader()
	if second == first {
		t.Fatalf("%s leads still", first)
	}
	shows(t, ctx, "the new leader", "<b>"+second+"</b> leads in term", ">live")
	byName[second].kill()
	begun := time.Now()
	hides(t, ctx, "the lost leader", "<b>"+second+"</b> leads in term")
	shows(t, ctx, "the next leader", "</b> leads in term", "critical", second)
	hides(t, ctx, "trouble that is over", "No leader: nothing can be changed")
	t.Logf("the next leader was seen after %s", time.Since(begun).Round(10*time.Millisecond))

	open(t, ctx, byName[first], "/ui/members")
	shows(t, ctx, "members", second, "failed", "Force leave …")
	do(t, ctx, press("Force leave …"))
	shows(t, ctx, "the question", "Declare "+second+" to have left?", "praetor force-leave "+second, "/v1/agent/force-leave/"+second)
	do(t, ctx, press("Force leave"))
	shows(t, ctx, "what was done", second+" is declared to have left.")
	hides(t, ctx, "members", "Force leave …")
}

// Data of earlier versions, and a snapshot in the form of Consul 1.x, are shown like any
// other.
func TestUIShowsOlderDataAndConsuls(t *testing.T) {
	t.Parallel()
	check := func(n *node, pages map[string][]string) {
		t.Helper()
		ctx := browser(t)
		faults := consoleFaults(t, ctx)
		for path, want := range pages {
			open(t, ctx, n, path)
			shows(t, ctx, path, want...)
		}
		if got := faults(); len(got) > 0 {
			t.Errorf("%s: on the console: %q", n.name, got)
		}
	}
	versions, err := filepath.Glob("testdata/golden/*")
	if err != nil || len(versions) == 0 {
		t.Fatalf("no folders: %v", err)
	}
	for i, version := range versions {
		n := newNode(t, "golden-wal", fmt.Sprintf("127.77.155.%d", 10+i), "-server", "-bootstrap", "-ui")
		unpackFolder(t, filepath.Join(version, "wal.tar.gz"), n.dir)
		n.start()
		waitFor(t, "leader", 30*time.Second, n.hasLeader)
		waitFor(t, "node in the catalog", 30*time.Second, func() error { return wantSerfHealth(n, "golden-wal", "passing") })
		check(n, map[string][]string{
			"/ui/": {"golden-wal", "in term"}, "/ui/services": {">web<"}, "/ui/services/web": {"web1", "web.service.consul"}, "/ui/nodes/golden-wal": {"Serf Health Status", "web1"},
			"/ui/kv?prefix=golden/": {`?key=golden%2F117"`}, "/ui/kv?key=golden/7": {"value 7"}, "/ui/queries": {"golden-q.query.consul"}, "/ui/sessions": {"Sessions"}, "/ui/members": {"golden-wal"},
			"/ui/intentions": {"ntentions"}, "/ui/access": {"Access rules are off"},
		})
		n.stop()
	}

	from := newNode(t, "ui-from", "127.77.155.1", "-dev").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(from, "ui-from", "passing") })
	uiData(t, from)
	file := filepath.Join(t.TempDir(), "consul.snap")
	if _, errs, code := from.cli("snapshot", "save", "-format=consul", file); code != 0 {
		t.Fatal(errs)
	}
	to := newNode(t, "ui-to", "127.77.155.2", "-dev").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(to, "ui-to", "passing") })
	if _, errs, code := to.cli("snapshot", "restore", file); code != 0 {
		t.Fatal(errs)
	}
	waitFor(t, "node in what was restored", 30*time.Second, func() error { return wantSerfHealth(to, "ui-to", "passing") })
	check(to, map[string][]string{
		"/ui/": {"Critical now", "connection refused", "in term"}, "/ui/services": {"checkout", "postgres", "1 critical"}, "/ui/services/postgres": {"Why?", "connection refused", "postgres.service.consul"},
		"/ui/nodes": {"node-1", "ui-to"}, "/ui/nodes/node-1": {"postgres-1", "HTTP /health"}, "/ui/kv": {"app/"}, "/ui/kv?key=app/limits": {">100<", "3 bytes"}, "/ui/sessions": {"app leader"},
		"/ui/queries": {"db.query.consul"}, "/ui/intentions": {"orders", "allow"},
	})
}
