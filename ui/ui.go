package ui

import (
	"bytes"
	"embed"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"time"
)

//go:embed static
var embedded embed.FS

// Options says how the interface is served.
type Options struct {
	// ContentPath is the URL path it lives under, with slashes at both ends;
	// "" = /ui/.
	ContentPath string
	// Dir serves the files of a folder instead of the embedded ones.
	Dir string
}

// policy keeps pages from loading or sending anything elsewhere.
const policy = "default-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'self'; form-action 'none'; frame-ancestors 'none'"

// basePlaceholder stands in index.html where the content path belongs.
const basePlaceholder = "{{base}}"

// Handler serves the single-page interface: its files, and for every other
// path below ContentPath the page itself, which then shows what the path names.
func Handler(opts Options) (http.Handler, error) {
	if opts.ContentPath == "" {
		opts.ContentPath = "/ui/"
	}
	files, err := fs.Sub(embedded, "static")
	if err != nil {
		return nil, err
	}
	if opts.Dir != "" {
		files = os.DirFS(opts.Dir)
	}
	return &handler{base: opts.ContentPath, files: files, embedded: opts.Dir == ""}, nil
}

type handler struct {
	base     string
	files    fs.FS
	embedded bool
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method "+r.Method+" not allowed", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if h.embedded {
		w.Header().Set("Content-Security-Policy", policy)
	}
	name := strings.TrimPrefix(path.Clean("/"+strings.TrimPrefix(r.URL.Path, h.base)), "/")
	if name != "" && name != "index.html" {
		if info, err := fs.Stat(h.files, name); err == nil && !info.IsDir() {
			http.ServeFileFS(w, r, h.files, name)
			return
		}
	}
	h.serveIndex(w, r)
}

func (h *handler) serveIndex(w http.ResponseWriter, r *http.Request) {
	page, err := fs.ReadFile(h.files, "index.html")
	if err != nil {
		http.Error(w, "the UI folder holds no index.html", http.StatusNotFound)
		return
	}
	page = bytes.ReplaceAll(page, []byte(basePlaceholder), []byte(h.base))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "index.html", time.Time{}, bytes.NewReader(page))
}
