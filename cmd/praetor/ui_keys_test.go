package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	shows(t, ctx, "the key", "Edit")
	do(t, ctx, press("Edit"), chromedp.WaitVisible("#value"))
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

	do(t, ctx, press("Edit"), chromedp.WaitVisible("#value"))
	write(t, ctx, "#value", "mine")
	if err := n.put("/v1/kv/list", "theirs"); err != nil {
		t.Fatal(err)
	}
	shows(t, ctx, "another difference", "−</b>theirs</del>", "+</b>mine</ins>")
	do(t, ctx, press("Take theirs"))
	shows(t, ctx, "their value", "6 bytes")

	do(t, ctx, press("Edit"), chromedp.WaitVisible("#value"))
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
		do(t, ctx, press("Edit"), chromedp.WaitVisible("#value"))
		answers(t, ctx, "no spelling is checked", `return document.querySelector("#value").spellcheck === false && document.querySelector("#value").value !== ""`)
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

// answers wants a script in the page to give true.
func answers(t *testing.T, ctx context.Context, what, script string) {
	t.Helper()
	if got, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(async () => String(await (async () => { `+script+` })()))()`, chromedp.EvalAwaitPromise)); err != nil || got != "true" {
		t.Errorf("%s: %s, %v", what, got, err)
	}
}

// inLooks looks at what is shown on every screen: a picture, its width, and what axe finds.
func inLooks(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	axe := axeSource(t)
	for _, screen := range looks {
		look(t, ctx, screen.width, screen.height, screen.scheme)
		picture(t, ctx, name+"-"+screen.name)
		if wide, err := chromedp.Run(ctx, chromedp.Evaluate[float64]("document.documentElement.scrollWidth")); err != nil || wide > float64(screen.width) {
			t.Errorf("%s, %s: %v wide, %v", name, screen.name, wide, err)
		}
		for _, v := range violations(t, ctx, axe, screen.axe) {
			t.Errorf("%s, %s: axe: %s", name, screen.name, v)
		}
	}
	look(t, ctx, 1280, 900, "light")
}

// A key gets another name by one transaction: not if that is taken, nor if somebody changed or
// locks the key. The lines that the question shows do the same.
func TestUIRenamesKeysAndOverwritesNobody(t *testing.T) {
	t.Parallel()
	n := keyNode(t, "ui-rename", "127.77.150.1", map[string]string{"app/old": "blue", "app/taken": "red", "app/held": "lease", "app/shell": "it's", "app/curl": "x"})
	ctx := browser(t)
	begin := func(key, name string) {
		t.Helper()
		open(t, ctx, n, "/ui/kv?key="+key)
		do(t, ctx, press("Rename …"))
		shows(t, ctx, "the question", "Rename "+key+"?", "praetor kv put -cas -modify-index=0", "/v1/txn")
		write(t, ctx, "#rename", name)
	}
	confirm := chromedp.Click(`dialog button[type="submit"]`)
	begin("app/old", "app/taken")
	do(t, ctx, confirm)
	shows(t, ctx, "a name that is taken", "Not renamed: app/taken exists already.")
	keyHolds(t, n, "app/taken", "red")
	inLooks(t, ctx, "rename")
	write(t, ctx, "#rename", "other/new")
	do(t, ctx, confirm)
	shows(t, ctx, "the new key", "app/old is other/new now.", "4 bytes")
	keyHolds(t, n, "other/new", "blue")
	if status, _, err := n.request("GET", "/v1/kv/app/old", ""); status != 404 {
		t.Errorf("the old key is there: %d %v", status, err)
	}

	var session struct{ ID string }
	if _, text, err := n.request("PUT", "/v1/session/create", "{}"); err != nil || json.Unmarshal([]byte(text), &session) != nil {
		t.Fatal(text, err)
	}
	if err := n.put("/v1/kv/app/held?acquire="+session.ID, "lease"); err != nil {
		t.Fatal(err)
	}
	begin("app/held", "app/free")
	do(t, ctx, confirm)
	shows(t, ctx, "a key with a lock", session.ID, "Somebody holds a lock on this key: say that it may be lost.")
	keyHolds(t, n, "app/held", "lease")
	do(t, ctx, chromedp.Click("#sure"), confirm)
	shows(t, ctx, "the new key", "app/held is app/free now.")
	keyHolds(t, n, "app/free", "lease")

	lines := func() (cli, curl string) {
		t.Helper()
		got, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`[...document.querySelectorAll("dialog .same code")].map((c) => c.textContent)`))
		if err != nil || len(got) != 2 {
			t.Fatalf("lines %q, %v", got, err)
		}
		return got[0], got[1]
	}
	shell := func(line string) {
		t.Helper()
		line = strings.ReplaceAll(line, "praetor kv", binary+" kv")
		cmd := exec.Command("sh", "-c", line)
		cmd.Env = append(os.Environ(), "CONSUL_HTTP_ADDR="+n.api())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
	begin("app/shell", "app/by shell")
	cli, _ := lines()
	shell(cli)
	keyHolds(t, n, "app/by%20shell", "it's")
	begin("app/curl", "app/by-curl")
	if _, curl := lines(); true {
		if _, err := exec.LookPath("curl"); err == nil {
			shell(curl)
			keyHolds(t, n, "app/by-curl", "x")
		}
	}
}

// Values are coloured by their format, whatever is in them, and at once.
func TestUIColorsValues(t *testing.T) {
	t.Parallel()
	n := keyNode(t, "ui-colors", "127.77.150.2", map[string]string{
		"a.json": "{\n  \"name\": \"web <b>\",\n  \"port\": 80,\n  \"tls\": true\n}",
		"b.yaml": "# limits\nname: web\nnote: |\n  a: 1\nports:\n  - 80\n  - \"81\"\n",
		"c.hcl":  "# a service\nservice \"web\" {\n  port = 80 // plain\n  note = <<EOT\nport = 1\nEOT\n}\n",
		"d":      "a: 1",
	})
	ctx := browser(t)
	for _, row := range []struct {
		key  string
		want []string
	}{
		{"a.json", []string{`<span class="is-name">"name"</span>: <span class="is-string">"web &lt;b&gt;"</span>`, `<span class="is-value">80</span>`, `<span class="is-value">true</span>`}},
		{"b.yaml", []string{`<span class="is-comment"># limits</span>`, `<span class="is-name">note</span>`, "<span class=\"is-string\">  a: 1\n</span>", `<span class="is-value">80</span>`, `<span class="is-string">"81"</span>`}},
		{"c.hcl", []string{`<span class="is-name">service</span> <span class="is-string">"web"</span>`, `<span class="is-comment">// plain</span>`, "<span class=\"is-string\">&lt;&lt;EOT\nport = 1\nEOT</span>"}},
		{"d", []string{`>a: 1</pre>`}},
	} {
		open(t, ctx, n, "/ui/kv?key="+row.key)
		shows(t, ctx, row.key, row.want...)
		inLooks(t, ctx, "colors-"+row.key)
	}
	// What is there is kept, byte for byte; and no text takes more than a time that follows its length.
	answers(t, ctx, "pieces", `
		const { pieces } = await import("/ui/colors.js");
		for (const format of ["JSON", "YAML", "HCL", ""]) {
			for (const unit of ['"', '\\"', '"" ', "a-", "1.", "<<A\n", "/*", "\t", " ", "- ", "a:", "&", "|\n", "#", "'", "ü=", "<<"]) {
				const text = unit.repeat(100000 / unit.length), begun = performance.now();
				if (pieces(format, text).map(([, part]) => part).join("") !== text) return format + " loses " + unit;
				if (performance.now() - begun > 10000) return format + " is slow with " + unit;
			}
		}
		return true;`)
}

// Values and folders go to files and come back.
func TestUIUploadsAndDownloads(t *testing.T) {
	t.Parallel()
	n := keyNode(t, "ui-files", "127.77.150.3", map[string]string{"app/a": "one", "app/deep/b": "two", "app/c?flags=7": "three", "bytes": "\xff\x00"})
	ctx := browser(t)
	faults := consoleFaults(t, ctx)
	dir := t.TempDir()
	file := func(name, text string) []string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return []string{path}
	}
	// What a page gives as a file is caught on its way.
	caught := func(button ...chromedp.Action[chromedp.Void]) string {
		t.Helper()
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`(() => { window.given = new Promise((tell) => { const make = URL.createObjectURL; URL.createObjectURL = (blob) => { blob.arrayBuffer().then((b) => tell([...new Uint8Array(b)].map((c) => String.fromCharCode(c)).join(""))); return make.call(URL, blob); }; }); return true; })()`)); err != nil {
			t.Fatal(err)
		}
		do(t, ctx, button...)
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](`window.given`, chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	open(t, ctx, n, "/ui/kv?key=bytes")
	shows(t, ctx, "bytes", "2 bytes that are not text")
	if got := caught(press("Download")); got != "ÿ\x00" {
		t.Errorf("downloaded %q", got)
	}
	do(t, ctx, press("Upload …"), chromedp.SetUploadFiles("#file", file("text", "now text")), chromedp.Click("dialog button.danger"))
	shows(t, ctx, "the key", "bytes holds text now.", "now text")
	keyHolds(t, n, "bytes", "now text")

	open(t, ctx, n, "/ui/kv?prefix=app/")
	do(t, ctx, press("Download …"))
	shows(t, ctx, "the question", "<b>3 keys</b>", "praetor kv export app/")
	exported := caught(chromedp.Click("dialog button.primary"))
	shows(t, ctx, "the report", "3 keys in app.json")
	var list []struct {
		Key   string
		Flags int
		Value []byte
	}
	if err := json.Unmarshal([]byte(exported), &list); err != nil || len(list) != 3 || list[1].Flags != 7 || string(list[2].Value) != "two" {
		t.Fatalf("%+v, %v", list, err)
	}
	do(t, ctx, press("Delete folder …"))
	shows(t, ctx, "the question", "<b>3 keys</b>", "<code>app/deep/b</code>")
	inLooks(t, ctx, "delete-folder")
	do(t, ctx, press("Delete 3 keys"))
	shows(t, ctx, "the root", "All keys below app/ are deleted.")

	if err := n.put("/v1/kv/app/a", "changed"); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, press("Upload …"), chromedp.SetUploadFiles("#tree", file("wrong.json", `{"a": 1}`)))
	shows(t, ctx, "a wrong file", "This is no file of keys")
	do(t, ctx, chromedp.SetUploadFiles("#tree", file("app.json", exported)))
	shows(t, ctx, "what will be", "<b>3 keys</b>, of which <b>1</b> is there already and will be overwritten")
	do(t, ctx, press("Upload"))
	shows(t, ctx, "what was done", "3 keys from app.json are written.")
	keyHolds(t, n, "app/a", "one")
	keyHolds(t, n, "app/deep/b", "two")

	do(t, ctx, press("New key"), chromedp.SetUploadFiles("#new-file", file("from-file", "by file")), press("Create"))
	shows(t, ctx, "the new key", "from-file is created.", "7 bytes")
	keyHolds(t, n, "from-file", "by file")
	if got := faults(); len(got) > 0 {
		t.Errorf("on the console: %q", got)
	}
}

// fill writes keys of a number each, many in a transaction.
func fill(t *testing.T, n *node, prefix string, keys int) {
	t.Helper()
	const perWrite = 128
	for from := 0; from < keys; from += perWrite {
		var ops []string
		for i := from; i < min(from+perWrite, keys); i++ {
			ops = append(ops, fmt.Sprintf(`{"KV": {"Verb": "set", "Key": "%s%05d", "Value": "eA=="}}`, prefix, i))
		}
		if err := n.put("/v1/txn", "["+strings.Join(ops, ",")+"]"); err != nil {
			t.Fatal(err)
		}
	}
}

// A folder of fifty thousand keys is drawn as far as it is seen, searched, and counted; a
// search that stopped goes on where it was.
func TestUICopesWithFiftyThousandKeys(t *testing.T) {
	t.Parallel()
	n := keyNode(t, "ui-many-keys", "127.77.150.4", nil)
	fill(t, n, "big/k", 50000)
	ctx := browser(t)
	begun := time.Now()
	open(t, ctx, n, "/ui/kv?prefix=big/")
	shows(t, ctx, "the folder", "k00000")
	t.Logf("50,000 keys were shown after %s", time.Since(begun).Round(time.Millisecond))
	answers(t, ctx, "rows drawn", `return document.querySelectorAll("#keys li").length < 150`)
	answers(t, ctx, "the end", `scrollTo(0, document.documentElement.scrollHeight); return true`)
	shows(t, ctx, "the end", "k49999")
	open(t, ctx, n, "/ui/kv?q=k0")
	shows(t, ctx, "what was found first", `<span class="number">200+</span>`, "200 keys were looked at")
	do(t, ctx, press("Go on"))
	shows(t, ctx, "what was found then", `<span class="number">400+</span>`, "400 keys were looked at")
	open(t, ctx, n, "/ui/kv?q=k4999")
	shows(t, ctx, "all that was found", `<span class="number">10</span>`)
	open(t, ctx, n, "/ui/kv?prefix=big/")
	do(t, ctx, press("Delete folder …"))
	shows(t, ctx, "the question", "<b>50,000 keys</b>", "and 49,995 more.")
	do(t, ctx, press("Delete 50,000 keys"))
	shows(t, ctx, "the root", "All keys below big/ are deleted.", "There are no keys")
}
