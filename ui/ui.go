package ui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
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

// policy keeps pages from loading or sending anything elsewhere, from running
// or styling by what stands in a page, and from being shown inside another.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'self'; form-action 'none'; frame-ancestors 'none'"

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
	h := &handler{base: opts.ContentPath, files: files, embedded: opts.Dir == ""}
	if h.embedded {
		h.tags, err = entityTags(files)
	}
	return h, err
}

// entityTags names the content of every file, by path: embedded files have no
// time by which a browser could know them again.
func entityTags(files fs.FS) (map[string]string, error) {
	tags := map[string]string{}
	return tags, fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		tags[name] = `"` + hex.EncodeToString(sum[:8]) + `"`
		return nil
	})
}

type handler struct {
	base     string
	files    fs.FS
	embedded bool
	tags     map[string]string // of embedded files, by path
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method "+r.Method+" not allowed", http.StatusMethodNotAllowed)
		return
	}
	h.secure(w.Header())
	name := strings.TrimPrefix(path.Clean("/"+strings.TrimPrefix(r.URL.Path, h.base)), "/")
	if name != "" && name != "index.html" {
		if info, err := fs.Stat(h.files, name); err == nil && !info.IsDir() {
			w.Header().Set("Cache-Control", "no-cache") // ask again: the next agent may be another version
			if tag := h.tags[name]; tag != "" {
				w.Header().Set("Etag", tag)
			}
			http.ServeFileFS(w, r, h.files, name)
			return
		}
	}
	h.serveIndex(w, r)
}

// secure sets the headers that protect a page's reader. What the operator set
// by http_config.response_headers stays.
func (h *handler) secure(header http.Header) {
	set := func(name, value string) {
		if header.Get(name) == "" {
			header.Set(name, value)
		}
	}
	set("X-Content-Type-Options", "nosniff")
	set("Referrer-Policy", "same-origin")
	if h.embedded {
		set("Content-Security-Policy", policy)
	}
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
