package main_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// write makes a textarea hold a text, as one who pastes it.
func write(t *testing.T, ctx context.Context, selector, text string) {
	t.Helper()
	script := fmt.Sprintf(`(() => { const box = document.querySelector(%q); box.value = %q; box.dispatchEvent(new Event("input", { bubbles: true })); return true; })()`, selector, text)
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script)); err != nil {
		t.Fatal(err)
	}
}

// keyHolds wants a key to come to hold a value.
func keyHolds(t *testing.T, n *node, key, want string) {
	t.Helper()
	waitFor(t, key+" with value "+want, 10*time.Second, func() error {
		var entries []struct{ Value []byte }
		err := n.get("/v1/kv/"+key, &entries)
		if len(entries) != 1 || string(entries[0].Value) != want {
			return fmt.Errorf("got %s, %v", entries, err)
		}
		return nil
	})
}

func keyNode(t *testing.T, name, ip string, keys map[string]string) *node {
	t.Helper()
	n := newNode(t, name, ip, "-dev").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, name, "passing") })
	for key, value := range keys {
		if err := n.put("/v1/kv/"+key, value); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

func TestUISearchesAllKeys(t *testing.T) {
	t.Parallel()
	n := keyNode(t, "ui-search", "127.77.132.1", map[string]string{
		"deep/down/Color": "blue", "deep/down/note": "the colors of the sky", "color-chart": "1", "other/x": "y",
	})
	ctx := browser(t)
	open(t, ctx, n, "/ui/kv")
	shows(t, ctx, "the root", "deep/", "color-chart")
	do(t, ctx, chromedp.SendKeys(".search", "color"))
	shows(t, ctx, "what was found", "In all folders", "deep/down/<mark>Color</mark>", `<span class="number">2</span>`)
	do(t, ctx, chromedp.Click("#values"))
	shows(t, ctx, "what was found in values", "the <mark>color</mark>s of the sky", `<span class="number">3</span>`)
	do(t, ctx, chromedp.SendKeys(".search", "less"))
	shows(t, ctx, "nothing", "Nothing found in 4 keys")
	open(t, ctx, n, "/ui/kv?prefix=other%2F&q=color")
	shows(t, ctx, "a folder without it", "Nothing found in 1 keys")
	open(t, ctx, n, "/ui/kv?q=down%2Fcol")
	do(t, ctx, chromedp.Click("#found .keys a"))
	shows(t, ctx, "the key", "4 bytes")
}

// What somebody else wrote meanwhile is shown beside one's own, and whoever edits chooses.
func TestUIShowsTheDifferenceToWhatSomebodyElseWrote(t *testing.T) {
	t.Parallel()
	n := keyNode(t, "ui-conflict", "127.77.132.2", map[string]string{"list": "one\ntwo\nthree\nfour\nfive\nsix\nseven"})
	axe := axeSource(t)
	ctx := browser(t)
	open(t, ctx, n, "/ui/kv?key=list")
	shows(t, ctx, "the key", "Save")
	write(t, ctx, "#value", "one\nTWO\nthree\nfour\nfive\nsix\nseven")
	if err := n.put("/v1/kv/list", "one\ntwo\nthree\nfour\nfive\nsix\n7"); err != nil {
		t.Fatal(err)
	}
	shows(t, ctx, "the difference", "changed by somebody else", "−</b>two</del>", "+</b>TWO</ins>", "−</b>7</del>", "+</b>seven</ins>", "one", "Keep mine", "Take theirs")
	for _, screen := range looks {
		look(t, ctx, screen.width, screen.height, screen.scheme)
		picture(t, ctx, "conflict-"+screen.name)
		for _, v := range violations(t, ctx, axe, screen.axe) {
			t.Errorf("%s: axe: %s", screen.name, v)
		}
	}
	look(t, ctx, 1280, 900, "light")
	do(t, ctx, press("Keep mine"), press("Save"))
	keyHolds(t, n, "list", "one\nTWO\nthree\nfour\nfive\nsix\nseven")
	shows(t, ctx, "the saved key", "Saved.")

	write(t, ctx, "#value", "mine")
	if err := n.put("/v1/kv/list", "theirs"); err != nil {
		t.Fatal(err)
	}
	shows(t, ctx, "another difference", "−</b>theirs</del>", "+</b>mine</ins>")
	do(t, ctx, press("Take theirs"))
	shows(t, ctx, "their value", "6 bytes")

	write(t, ctx, "#value", "kept")
	if status, text, err := n.request("DELETE", "/v1/kv/list", ""); err != nil || status != 200 {
		t.Fatalf("%d %s %v", status, text, err)
	}
	shows(t, ctx, "a key that is gone", "deleted by somebody else", "Drop mine")
	do(t, ctx, press("Keep mine"), press("Save"))
	keyHolds(t, n, "list", "kept")
}

// A value that is not of its key's format is told and can be saved all the same.
func TestUIWarnsOfBrokenValues(t *testing.T) {
	t.Parallel()
	n := keyNode(t, "ui-broken", "127.77.132.3", map[string]string{"a.json": "{}", "b.yaml": "a: 1", "c.hcl": "a = 1", "d": "text"})
	ctx := browser(t)
	for _, row := range []struct{ key, broken, want string }{
		{"a.json", "{\n  \"a\": 1,\n  \"b\": oops\n}", "Not valid JSON</b>, line 3, column 8: "},
		{"b.yaml", "a: 1\n\tb: 2", "Not valid YAML</b>, near line 2: found a tab character"},
		{"c.hcl", "a = 1\nb = = 2", "Not valid HCL</b>, near line 2, column 5: "},
		{"d", "[1, 2", "Not valid JSON</b>, line 1, column 6: "},
	} {
		open(t, ctx, n, "/ui/kv?key="+row.key)
		shows(t, ctx, row.key, "Save")
		if row.key == "d" {
			write(t, ctx, "#value", "[1, 2]")
			shows(t, ctx, row.key, "6 bytes, JSON")
		}
		write(t, ctx, "#value", row.broken)
		shows(t, ctx, row.key, row.want)
		if row.key == "a.json" {
			picture(t, ctx, "broken-light")
		}
		do(t, ctx, press("Save"))
		shows(t, ctx, row.key, "Saved.")
		keyHolds(t, n, row.key, row.broken)
	}
}
