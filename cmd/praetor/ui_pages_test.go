package main_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// uiData gives a node something of everything that pages show.
func uiData(t *testing.T, n *node) {
	t.Helper()
	for i := 1; i <= 6; i++ {
		for j, s := range []struct {
			name string
			port int
			tags string
		}{{"checkout", 8443, `"v2", "eu"`}, {"catalog-api", 8080, `"v14"`}, {"postgres", 5432, `"primary"`}, {"redis", 6379, ``}, {"search", 9200, `"hot"`}} {
			if (i+j)%2 == 0 {
				continue
			}
			status, output := "passing", "HTTP GET /health: 200 OK"
			switch fmt.Sprint(s.name, i) {
			case "postgres1":
				status, output = "critical", "dial tcp 10.1.0.1:5432: connect: connection refused"
			case "search1":
				status, output = "warning", "HTTP GET /health: 429 Too Many Requests"
			}
			if err := n.put("/v1/catalog/register", fmt.Sprintf(`{"Node": "node-%[1]d", "Address": "10.1.0.%[1]d", "Service": {"ID": "%[2]s-%[1]d", "Service": %[2]q, "Port": %[3]d,
				"Tags": [%[4]s], "Meta": {"version": "2.4.1"}}, "Check": {"CheckID": "%[2]s-%[1]d", "ServiceID": "%[2]s-%[1]d", "Name": "HTTP /health", "Type": "http", "Interval": "10s",
				"Timeout": "2s", "Status": %[5]q, "Output": %[6]q}}`, i, s.name, s.port, s.tags, status, output)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, step := range []struct{ method, path, body string }{
		{"PUT", "/v1/kv/app/config/features.json", `{"dark_mode": true}`},
		{"PUT", "/v1/kv/app/limits", "100"},
		{"PUT", "/v1/session/create", `{"Name": "app leader", "TTL": "600s"}`},
		{"PUT", "/v1/event/fire/deploy", "v2.4.1"},
		{"POST", "/v1/query", `{"Name": "db", "Service": {"Service": "postgres"}}`},
		{"PUT", "/v1/connect/intentions/exact?source=checkout&destination=postgres", `{"Action": "allow", "Description": "orders"}`},
	} {
		if status, text, err := n.request(step.method, step.path, step.body); err != nil || status != 200 {
			t.Fatalf("%s: %d %s %v", step.path, status, text, err)
		}
	}
}

// uiPages is every page, with what it shows of uiData.
var uiPages = []struct {
	name, path string
	want       []string
}{
	{"overview", "/ui/", []string{"Critical now", "connection refused", "in term", "good for 9 years", "gossip is not encrypted", "Examine again"}},
	{"services", "/ui/services", []string{"checkout", "postgres", "1 critical"}},
	{"service", "/ui/services/postgres", []string{"Why?", "connection refused", "critical since before", "every 10s, gives up after 2s", "postgres.service.consul", "primary.postgres.service.consul"}},
	{"nodes", "/ui/nodes", []string{"node-1", "this agent"}},
	{"node", "/ui/nodes/node-1", []string{"postgres-1", "HTTP /health", "No session is bound"}},
	{"keys", "/ui/kv", []string{"app/"}},
	{"search", "/ui/kv?q=dark&values=1", []string{"In all folders", "features.json", "<mark>dark</mark>"}},
	{"key", "/ui/kv?key=app%2Fconfig%2Ffeatures.json", []string{"JSON", "Edit", `class="is-name">"dark_mode"`}},
	{"sessions", "/ui/sessions", []string{"app leader"}},
	{"queries", "/ui/queries", []string{"db.query.consul"}},
	{"events", "/ui/events", []string{"deploy", "v2.4.1"}},
	{"members", "/ui/members", []string{"ui-pages", "LAN"}},
	{"intentions", "/ui/intentions", []string{"orders", "allow"}},
	{"access", "/ui/access", []string{"Access rules are off", "praetor acl bootstrap"}},
}

// looks are the screens that pages are drawn on.
var looks = []struct {
	name          string
	width, height int64
	scheme        string
	axe           string // what is looked at: after the first, only what differs
}{
	{"light", 1280, 900, "light", `["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]`},
	{"dark", 1280, 900, "dark", `{ type: "rule", values: ["color-contrast"] }`},
	{"phone", 390, 844, "light", `{ type: "rule", values: ["target-size"] }`},
}

// Every page on real data, in every look: nothing on the console, nothing that axe
// finds serious, no wider than the screen. PRAETOR_SCREENSHOTS is a folder for pictures.
func TestUIPagesShowWhatTheyPromise(t *testing.T) {
	t.Parallel()
	n := newNode(t, "ui-pages", "127.77.120.11", "-dev").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, "ui-pages", "passing") })
	uiData(t, n)
	axe := axeSource(t)
	ctx := browser(t)
	faults := consoleFaults(t, ctx)
	for _, p := range uiPages {
		for _, screen := range looks {
			look(t, ctx, screen.width, screen.height, screen.scheme)
			if screen.name == "light" {
				open(t, ctx, n, p.path)
				shows(t, ctx, p.name, p.want...)
				if p.name == "overview" && os.Getenv("PRAETOR_SCREENSHOTS") != "" {
					hides(t, ctx, p.name, "not counted yet") // servers count 10 s after their start
				}
			}
			picture(t, ctx, p.name+"-"+screen.name)
			if wide, err := chromedp.Run(ctx, chromedp.Evaluate[float64]("document.documentElement.scrollWidth")); err != nil || wide > float64(screen.width) {
				t.Errorf("%s, %s: %v wide, %v", p.name, screen.name, wide, err)
			}
			for _, v := range violations(t, ctx, axe, screen.axe) {
				t.Errorf("%s, %s: axe: %s", p.name, screen.name, v)
			}
		}
		sameElsewhere(t, ctx, n, p.name)
	}
	if got := faults(); len(got) > 0 {
		t.Errorf("on the console: %q", got)
	}
}

// picture writes what is shown to the folder PRAETOR_SCREENSHOTS, if there is one.
func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	pictures := os.Getenv("PRAETOR_SCREENSHOTS")
	if pictures == "" {
		return
	}
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(pictures, name+".png"), picture, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// look gives a tab a screen and a scheme.
func look(t *testing.T, ctx context.Context, width, height int64, scheme string) {
	t.Helper()
	do(t, ctx, chromedp.EmulateViewport(width, height))
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}); err != nil {
		t.Fatal(err)
	}
}

// axeSource is axe-core, which finds what keeps people from using a page.
func axeSource(t *testing.T) string {
	t.Helper()
	file, err := os.ReadFile("testdata/axe/axe.min.js.gz")
	if err != nil {
		t.Fatal(err)
	}
	packed, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(packed)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// violations are what axe finds on the page, but for trifles.
func violations(t *testing.T, ctx context.Context, axe, rules string) (list []string) {
	t.Helper()
	run := `(async () => {
		const found = await axe.run({ runOnly: ` + rules + ` });
		return found.violations.filter((v) => v.impact !== "minor").map((v) => v.id + ": " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + " " + (n.any[0]?.message ?? "")).join(" | "));
	})()`
	for _, script := range []string{"if (!window.axe) {" + axe + "}; []", run} {
		found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](script, chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatal(err)
		}
		list = found
	}
	return list
}

// consoleFaults collects what a page complains of.
func consoleFaults(t *testing.T, ctx context.Context) func() []string {
	t.Helper()
	var mu sync.Mutex
	var list []string
	err := chromedp.Listen(ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			list = append(list, e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.ConsoleAPICalledTypeError {
				list = append(list, fmt.Sprint(e.Args[0].Description, string(e.Args[0].Value)))
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return func() []string { mu.Lock(); defer mu.Unlock(); return list }
}

// sameElsewhere runs the requests and commands that a page says give its data, and
// wants each first word of a command's rows in the answer to the request.
func sameElsewhere(t *testing.T, ctx context.Context, n *node, name string) {
	t.Helper()
	lines, err := chromedp.Run(ctx, chromedp.Evaluate[[][2]string](`[...document.querySelectorAll(".same:not(form .same) p")].filter((p) => p.dataset.path)
		.map((p) => [p.className, p.querySelector("code").textContent])`))
	if err != nil {
		t.Fatal(err)
	}
	answer := ""
	for _, line := range lines {
		words := strings.Fields(strings.ReplaceAll(line[1], "'", ""))
		if line[0] == "curl" {
			at, err := url.Parse(words[len(words)-1])
			if err != nil || at.Host != n.api() {
				t.Fatalf("%s: %s, %v", name, line[1], err)
			}
			status, text, err := n.request("GET", at.RequestURI(), "")
			if err != nil || status != 200 {
				t.Errorf("%s: %s: %d %s %v", name, line[1], status, text, err)
			}
			answer = text
			continue
		}
		out, errs, code := n.cli(words[1:]...)
		if code != 0 {
			t.Errorf("%s: %s: %d %s", name, line[1], code, errs)
		}
		if json.Valid([]byte(out)) || strings.Contains(line[1], "autopilot") {
			continue
		}
		for i, row := range strings.Split(strings.TrimSpace(out), "\n") {
			first := strings.Fields(row)
			if i > 0 && len(first) > 0 && !strings.Contains(answer, first[0]) {
				t.Errorf("%s: %s prints %q, which the request does not answer", name, line[1], first[0])
			}
		}
	}
	if len(lines) == 0 && name != "access" {
		t.Errorf("%s does not say where else its data is", name)
	}
}

// Consul's addresses lead to the page that shows the same here; what is none says so.
func TestUIKnowsConsulsAddresses(t *testing.T) {
	t.Parallel()
	n := newNode(t, "ui-moved", "127.77.120.12", "-dev").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, "ui-moved", "passing") })
	if err := n.put("/v1/kv/app/x", "1"); err != nil {
		t.Fatal(err)
	}
	ctx := browser(t)
	for _, row := range []struct{ path, at, want string }{
		{"/ui/dc1/kv/app/x/edit", "/ui/dc1/kv?key=app%2Fx", "1 byte"},
		{"/ui/dc1/kv/app/", "/ui/dc1/kv?prefix=app%2F", "icon leaf"},
		{"/ui/dc1/kv/app/create", "/ui/dc1/kv?prefix=app%2F", "icon leaf"},
		{"/ui/dc1/intentions", "/ui/dc1/intentions", "There are no intentions"},
		{"/ui/intentions/create", "/ui/intentions", "There are no intentions"},
		{"/ui/dc1/acls/tokens", "/ui/dc1/access/tokens", "Access rules are off"},
		{"/ui/acls/policies/create", "/ui/access/policies", "Access rules are off"},
		{"/ui/dc1/overview/server-status", "/ui/dc1/overview", "Cluster"},
		{"/ui/dc1", "/ui/dc1", "Cluster"},
		{"/ui/~default/_default/dc1/services/consul/topology", "/ui/dc1/services/consul", "8300"},
		{"/ui/dc1/services/consul/instances/ui-moved/consul/health-checks", "/ui/dc1/services/consul", "8300"},
		{"/ui/dc1/nodes/ui-moved/service-instances", "/ui/dc1/nodes/ui-moved", "Serf Health Status"},
		{"/ui/dc1/routing-config/consul", "/ui/dc1/services/consul", "8300"},
		{"/ui/nothing", "", "There is no such page"},
		{"/ui/dc1/nothing/there", "", "There is no such page"},
		{"/ui/dc9/services", "", "There is no datacenter dc9"},
	} {
		open(t, ctx, n, row.path)
		shows(t, ctx, row.path, row.want)
		at, err := chromedp.Run(ctx, chromedp.Location())
		if want := "http://" + n.api() + row.at; row.at != "" && (err != nil || at != want) {
			t.Errorf("%s went to %s, %v; want %s", row.path, at, err, want)
		}
	}
}

// A list of ten thousand is drawn as far as it is seen, searched at once, and found
// again as it was left.
func TestUIDrawsLongListsAsFarAsTheyAreSeen(t *testing.T) {
	t.Parallel()
	n := newNode(t, "ui-long", "127.77.120.13", "-dev").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, "ui-long", "passing") })
	if err := n.put("/v1/catalog/register", `{"Node": "elsewhere", "Address": "10.1.1.1"}`); err != nil {
		t.Fatal(err)
	}
	const services, perWrite = 10000, 60
	for from := 0; from < services; from += perWrite {
		var ops []string
		for i := from; i < min(from+perWrite, services); i++ {
			ops = append(ops, fmt.Sprintf(`{"Service": {"Verb": "set", "Node": "elsewhere", "Service": {"ID": "s%05[1]d", "Service": "s%05[1]d", "Port": 80}}}`, i))
		}
		if err := n.put("/v1/txn", "["+strings.Join(ops, ",")+"]"); err != nil {
			t.Fatal(err)
		}
	}
	ctx := browser(t)
	open(t, ctx, n, "/ui/services")
	shows(t, ctx, "services", "s00000", "10001")
	number := func(script string) float64 {
		t.Helper()
		got, err := chromedp.Run(ctx, chromedp.Evaluate[float64](script, chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	const drawn = `document.querySelectorAll("#services tbody tr").length`
	if rows := number(drawn); rows > 150 {
		t.Errorf("%v rows are drawn", rows)
	}
	number(`scrollTo(0, document.documentElement.scrollHeight), 0`)
	shows(t, ctx, "the end", "s09999")
	if rows := number(drawn); rows > 150 {
		t.Errorf("%v rows are drawn at the end", rows)
	}
	const at = "scrollY"
	before := number(at)
	number(`[...document.querySelectorAll("#services a")].at(-3).click(), 0`)
	shows(t, ctx, "a service", "service.consul")
	number("history.back(), 0")
	waitFor(t, "the place where the list was left", 5*time.Second, func() error {
		if after := number(at); after < before-100 || after > before+100 {
			return fmt.Errorf("at %v, was at %v", after, before)
		}
		return nil
	})
	shows(t, ctx, "the list", "s09999")
	took := number(`(async () => {
		const box = document.querySelector(".search"), begun = performance.now();
		box.value = "s04242";
		box.dispatchEvent(new Event("input", { bubbles: true }));
		while (document.querySelectorAll("#services tbody tr[data-row]").length !== 1) await new Promise(requestAnimationFrame);
		return performance.now() - begun;
	})()`)
	t.Logf("searched in %.0f ms", took)
	shows(t, ctx, "what was found", "s04242")
}

// Stopped servers answer nobody: pages say so, with the time of what they show, and
// so they do without a leader.
func TestUISaysThatThereIsNoLeader(t *testing.T) {
	t.Parallel()
	server := newNode(t, "ui-lost", "127.77.120.14", "-server", "-bootstrap-expect=2", "-ui").start()
	other := newNode(t, "ui-lost-2", "127.77.120.15", "-server", "-bootstrap-expect=2", "-retry-join=127.77.120.14").start()
	client := newNode(t, "ui-lost-3", "127.77.120.16", "-ui", "-retry-join=127.77.120.14").start()
	waitFor(t, "client in the catalog", 30*time.Second, func() error { return wantSerfHealth(client, "ui-lost-3", "passing") })
	ctx, clients := browser(t), browser(t)
	open(t, ctx, server, "/ui/services")
	open(t, clients, client, "/ui/services")
	shows(t, clients, "services", "consul", "live")
	shows(t, ctx, "services", "consul", "live")
	other.kill()
	shows(t, ctx, "services without a leader", "No leader: nothing can be changed", "This is the state of", "consul")
	begun := time.Now()
	open(t, ctx, server, "/ui/nodes")
	shows(t, ctx, "a first look without a leader", "ui-lost-2", "No leader: nothing can be changed")
	t.Logf("a first look without a leader took %s", time.Since(begun).Round(time.Millisecond))
	if err := server.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	shows(t, clients, "with frozen servers", "consul", "nothing can be changed")
}

// The keyboard is enough to find and open a service.
func TestUIIsUsedByTheKeyboard(t *testing.T) {
	t.Parallel()
	n := newNode(t, "ui-keyboard", "127.77.120.17", "-dev").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, "ui-keyboard", "passing") })
	if err := n.put("/v1/agent/service/register", `{"name": "web"}`); err != nil {
		t.Fatal(err)
	}
	ctx := browser(t)
	open(t, ctx, n, "/ui/")
	shows(t, ctx, "overview", "Nothing is critical")
	do(t, ctx, chromedp.KeyEvent("?"))
	shows(t, ctx, "help", "next row")
	do(t, ctx, chromedp.KeyEvent("\r"), chromedp.KeyEvent("g"), chromedp.KeyEvent("s"))
	shows(t, ctx, "services", "web", "Sort")
	// The driver's slash is typed though the page takes the key.
	do(t, ctx, chromedp.KeyEvent("/"), chromedp.KeyEvent("\b"), chromedp.KeyEvent("web"), chromedp.KeyEvent("\r"), chromedp.KeyEvent("k"), chromedp.KeyEvent("j"), chromedp.KeyEvent("\r"))
	shows(t, ctx, "web", "web.service.consul")
}

// What people do: each asks, says how else it is done, does it, and reports.
func TestUIActs(t *testing.T) {
	t.Parallel()
	n := newNode(t, "ui-acts", "127.77.120.18", "-dev").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, "ui-acts", "passing") })
	if err := n.put("/v1/agent/service/register", `{"name": "web", "id": "web-1", "port": 80}`); err != nil {
		t.Fatal(err)
	}
	uiData(t, n)
	ctx := browser(t)
	dir := t.TempDir()
	for _, row := range []struct {
		path   string
		steps  []chromedp.Action[chromedp.Void]
		asks   []string
		then   []chromedp.Action[chromedp.Void]
		result []string
	}{
		{"/ui/services/web", []chromedp.Action[chromedp.Void]{press("Maintenance …")}, []string{"Put web-1 into maintenance?", "praetor maint -enable -service=web-1", "/v1/agent/service/maintenance/web-1"},
			[]chromedp.Action[chromedp.Void]{chromedp.SendKeys("#reason", "new disk"), press("Begin maintenance")}, []string{"web-1 is in maintenance.", "new disk"}},
		{"/ui/services/web", []chromedp.Action[chromedp.Void]{press("Maintenance …")}, []string{"End maintenance of web-1?"},
			[]chromedp.Action[chromedp.Void]{press("End maintenance")}, []string{"web-1 is back in discovery."}},
		{"/ui/queries", []chromedp.Action[chromedp.Void]{press("db"), press("Run")}, []string{"instances"}, nil, []string{"postgres-3 on node-3"}},
		{"/ui/queries", []chromedp.Action[chromedp.Void]{press("New query")}, []string{"All of it, as JSON", "-X POST", "/v1/query"},
			[]chromedp.Action[chromedp.Void]{chromedp.SendKeys("#query-tags", "v2, eu"), chromedp.SendKeys("#query-elsewhere", "dc2"), press("Save")},
			[]string{"The query is saved.", "web.query.consul"}},
		{"/ui/queries", []chromedp.Action[chromedp.Void]{press("web")}, []string{"v2, eu", "Other datacenters", "dc2"}, nil, nil},
		{"/ui/queries", []chromedp.Action[chromedp.Void]{press("web"), press("Delete …")}, []string{"Delete web?", "-X DELETE"}, []chromedp.Action[chromedp.Void]{press("Delete")}, []string{"web is deleted."}},
		{"/ui/nodes/ui-acts", []chromedp.Action[chromedp.Void]{press("Maintenance …")}, []string{"Put ui-acts into maintenance?", "praetor maint -enable", "/v1/agent/maintenance"},
			[]chromedp.Action[chromedp.Void]{press("Begin maintenance")}, []string{"ui-acts is in maintenance."}},
		{"/ui/nodes/ui-acts", []chromedp.Action[chromedp.Void]{press("Maintenance …")}, []string{"End maintenance of ui-acts?"},
			[]chromedp.Action[chromedp.Void]{press("End maintenance")}, []string{"ui-acts is back in discovery."}},
		{"/ui/events", []chromedp.Action[chromedp.Void]{chromedp.SendKeys("#event-name", "restart"), press("Fire")}, nil, nil, []string{"restart is fired.", "<b>restart</b>"}},
		{"/ui/sessions", []chromedp.Action[chromedp.Void]{press("app leader"), press("End session …")}, []string{"End session app leader?", "/v1/session/destroy/"},
			[]chromedp.Action[chromedp.Void]{press("End session")}, []string{"The session has ended.", "There are no sessions"}},
		{"/ui/", []chromedp.Action[chromedp.Void]{press("Download snapshot …")}, []string{"praetor snapshot save backup.snap", "-o backup.snap"},
			[]chromedp.Action[chromedp.Void]{press("Download")}, []string{"is downloaded"}},
		{"/ui/", []chromedp.Action[chromedp.Void]{press("Restore snapshot …")}, []string{"praetor snapshot restore backup.snap"},
			[]chromedp.Action[chromedp.Void]{chromedp.SetUploadFiles("#snapshot", []string{snapshotOf(t, n, dir)}), chromedp.SendKeys("#sure", "restore"), press("Restore")}, []string{"is restored."}},
	} {
		open(t, ctx, n, row.path)
		do(t, ctx, row.steps...)
		shows(t, ctx, row.path, row.asks...)
		do(t, ctx, row.then...)
		shows(t, ctx, row.path, row.result...)
	}
}

func snapshotOf(t *testing.T, n *node, dir string) string {
	t.Helper()
	file := filepath.Join(dir, "backup.snap")
	if _, errs, code := n.cli("snapshot", "save", file); code != 0 {
		t.Fatal(errs)
	}
	return file
}

// Figures and dashboards come from where ui_config says, and a reload changes that.
func TestUIShowsMetricsAndDashboards(t *testing.T) {
	t.Parallel()
	metrics := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		value := "42.5"
		if strings.Contains(r.URL.Query().Get("query"), "response_code_class") {
			value = "8.5"
		}
		if !strings.Contains(r.URL.Query().Get("query"), `consul_source_service="web"`) || r.Header.Get("X-Secret") != "s" {
			w.WriteHeader(http.StatusBadRequest)
		}
		now := time.Now().Unix()
		fmt.Fprintf(w, `{"data": {"result": [{"value": [%[1]d, %[2]q], "values": [[%[3]d, "1"], [%[1]d, %[2]q]]}]}}`, now, value, now-15)
	}))
	defer metrics.Close()
	dir := t.TempDir()
	conf, script := filepath.Join(dir, "ui.hcl"), filepath.Join(dir, "mine.js")
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(script, `window.consul.registerMetricsProvider("mine", {
		init(options) { this.unit = options.unit; },
		serviceRecentSummaryStats(name, dc) { return Promise.resolve({ stats: [{ label: "Cats", desc: "", value: name + " " + dc + " 7 " + this.unit }] }); },
		serviceRecentSummarySeries() { return Promise.resolve({ labels: {}, data: [] }); },
	})`)
	write(conf, fmt.Sprintf(`service { name = "web" }
	ui_config {
		metrics_provider = "prometheus"
		metrics_proxy { base_url = %q add_headers = [{ name = "X-Secret" value = "s" }] }
		dashboard_url_templates { service = "https://grafana.example/d/svc?var-service={{Service.Name}}&dc={{ Datacenter }}" }
	}`, metrics.URL))
	n := newNode(t, "ui-metrics", "127.77.120.19", "-dev", "-config-file", conf).start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, "ui-metrics", "passing") })
	ctx := browser(t)
	open(t, ctx, n, "/ui/services/web")
	shows(t, ctx, "web", "42.5", "20 %", "<path", `href="https://grafana.example/d/svc?var-service=web&amp;dc=dc1"`)

	write(conf, fmt.Sprintf(`service { name = "web" }
	ui_config { metrics_provider = "mine" metrics_provider_files = [%q] metrics_provider_options_json = "{\"unit\": \"lives\"}" }`, script))
	if _, errs, code := n.cli("reload"); code != 0 {
		t.Fatal(errs)
	}
	open(t, ctx, n, "/ui/services/web")
	shows(t, ctx, "web", "Cats", "web dc1 7 lives")
}
