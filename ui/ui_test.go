package ui_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"praetor/ui"
)

func get(t *testing.T, h http.Handler, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestPagesAndFilesAreServed(t *testing.T) {
	h, err := ui.Handler(ui.Options{ContentPath: "/my/ui/"})
	if err != nil {
		t.Fatal(err)
	}
	rows := []struct{ path, contentType, text string }{
		{"/my/ui/", "text/html; charset=utf-8", `<base href="/my/ui/">`},
		{"/my/ui/services/web", "text/html; charset=utf-8", `<base href="/my/ui/">`},
		{"/my/ui/../../etc/passwd", "text/html; charset=utf-8", `<base href="/my/ui/">`},
		{"/my/ui/app.js", "text/javascript; charset=utf-8", "import"},
		{"/my/ui/vendor/htm-preact.js", "text/javascript; charset=utf-8", "export"},
		{"/robots.txt", "text/plain; charset=utf-8", "Disallow"},
		{"/my/ui/praetor.css", "text/css; charset=utf-8", "--brand"},
	}
	for _, row := range rows {
		w := get(t, h, "GET", row.path)
		if w.Code != 200 || w.Header().Get("Content-Type") != row.contentType || !strings.Contains(w.Body.String(), row.text) {
			t.Errorf("%s: %d %s, want 200 %s with %q", row.path, w.Code, w.Header().Get("Content-Type"), row.contentType, row.text)
		}
		if !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'; ") {
			t.Errorf("%s: no content security policy", row.path)
		}
	}
	if w := get(t, h, "POST", "/my/ui/"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestDirReplacesTheEmbeddedFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	h, err := ui.Handler(ui.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if w := get(t, h, "GET", "/ui/"); w.Body.String() != "mine" {
		t.Errorf("got %q", w.Body.String())
	}
}

func TestHeadersOfTheOperatorStay(t *testing.T) {
	h, err := ui.Handler(ui.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	w.Header().Set("Content-Security-Policy", "frame-ancestors https://portal")
	h.ServeHTTP(w, httptest.NewRequest("GET", "/ui/", nil))
	if got := w.Header().Get("Content-Security-Policy"); got != "frame-ancestors https://portal" {
		t.Errorf("policy %q", got)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestFilesAreSentAgainOnlyIfTheyDiffer(t *testing.T) {
	h, err := ui.Handler(ui.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tag := get(t, h, "GET", "/ui/app.js").Header().Get("Etag")
	if tag == "" || tag == get(t, h, "GET", "/ui/api.js").Header().Get("Etag") {
		t.Fatalf("tag %q", tag)
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/ui/app.js", nil)
	r.Header.Set("If-None-Match", tag)
	h.ServeHTTP(w, r)
	if w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("got %d and %d bytes", w.Code, w.Body.Len())
	}
}

func TestMetricsProvidersAreServedByName(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.js")
	if err := os.WriteFile(file, []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	h, err := ui.Handler(ui.Options{Metrics: ui.Metrics{Provider: "mine", Files: []string{file}, OptionsJSON: `{"a": "\"<b>"}`}, Dashboards: map[string]string{"service": "https://x/{{Service.Name}}"}})
	if err != nil {
		t.Fatal(err)
	}
	if w := get(t, h, "GET", "/ui/metrics-provider/mine.js"); w.Body.String() != "hello" || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/javascript") {
		t.Errorf("got %q, %v", w.Body, w.Header())
	}
	if w := get(t, h, "GET", "/ui/"); !strings.Contains(w.Body.String(), `&#34;scripts&#34;:[&#34;metrics-provider/mine.js&#34;]`) || strings.Contains(w.Body.String(), "<b>") {
		t.Errorf("the page is not told: %s", w.Body)
	}
	if _, err := ui.Handler(ui.Options{Metrics: ui.Metrics{Files: []string{file, "/other/mine.js"}}}); err == nil {
		t.Error("two files of one name are taken")
	}
}

// All that a browser may have to load stays small.
func TestFilesStaySmall(t *testing.T) {
	const most = 350 << 10
	sum := int64(0)
	if err := filepath.WalkDir("static", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		sum += info.Size()
		return err
	}); err != nil || sum > most {
		t.Errorf("%d bytes, want at most %d; %v", sum, most, err)
	}
}

// What could run a string as code or markup has no place in the pages, whose
// data anyone may register.
func TestPagesMakeNoMarkupOfData(t *testing.T) {
	files, err := filepath.Glob("static/*.js")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range append(files, "static/index.html") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "javascript:", " style=", "localStorage"} {
			if strings.Contains(string(text), word) {
				t.Errorf("%s holds %q", file, word)
			}
		}
	}
}

// A module that is not preloaded is asked for only once those that import it are there: on
// a slow way that is a round trip for each floor.
func TestEveryModuleIsPreloaded(t *testing.T) {
	page, err := os.ReadFile("static/index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"static/*.js", "static/vendor/*.js"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files, %v", pattern, err)
		}
		for _, file := range files {
			if name := filepath.ToSlash(strings.TrimPrefix(file, "static"+string(filepath.Separator))); !strings.Contains(string(page), `<link rel="modulepreload" href="`+name+`">`) {
				t.Errorf("index.html does not preload %s", name)
			}
		}
	}
}
