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
		{"/my/ui/praetor.css", "text/css; charset=utf-8", "--brand"},
	}
	for _, row := range rows {
		w := get(t, h, "GET", row.path)
		if w.Code != 200 || w.Header().Get("Content-Type") != row.contentType || !strings.Contains(w.Body.String(), row.text) {
			t.Errorf("%s: %d %s, want 200 %s with %q", row.path, w.Code, w.Header().Get("Content-Type"), row.contentType, row.text)
		}
		if !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'self'") {
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
