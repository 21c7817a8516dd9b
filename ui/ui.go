package ui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
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
	// Metrics says where the figures of services come from; the zero value is
	// nowhere.
	Metrics Metrics
	// Dashboards are templates of URLs, by what they are of: "service".
	Dashboards map[string]string
}

// Metrics is ui_config.metrics_provider: scripts that register a provider by
// window.consul.registerMetricsProvider(name, provider), or the built-in one,
// "prometheus".
type Metrics struct {
	Provider string
	// Files are the paths of scripts. Those named .js are run, in order; others
	// may be fetched by them.
	Files []string
	// OptionsJSON is an object that the provider's init gets; "" means none.
	OptionsJSON string
	// Proxied says that the agent passes requests for metrics on.
	Proxied bool
}

// policy keeps pages from loading or sending anything elsewhere, from running
// or styling by what stands in a page, and from being shown inside another.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'self'; form-action 'none'; frame-ancestors 'none'"

// basePlaceholder stands in index.html where the content path belongs.
const basePlaceholder = "{{base}}"

// shownPlaceholder stands in index.html where what the pages know of the
// configuration belongs.
const shownPlaceholder = "{{shown}}"

// providerPath is where the provider's scripts are, below the content path.
const providerPath = "metrics-provider/"

// shown is what the pages know of the configuration.
type shown struct {
	Provider   string            `json:"provider,omitempty"`
	Scripts    []string          `json:"scripts,omitempty"` // below the content path
	Options    json.RawMessage   `json:"options,omitempty"`
	Proxied    bool              `json:"proxied,omitempty"`
	Dashboards map[string]string `json:"dashboards,omitempty"`
}

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
	h := &handler{base: opts.ContentPath, files: files, embedded: opts.Dir == "", scripts: map[string]string{}}
	if err := h.show(opts); err != nil {
		return nil, err
	}
	if h.embedded {
		h.tags, err = entityTags(files)
	}
	return h, err
}

// show sets what the pages are told, and which scripts are theirs.
func (h *handler) show(opts Options) error {
	say := shown{Provider: opts.Metrics.Provider, Options: json.RawMessage(opts.Metrics.OptionsJSON), Proxied: opts.Metrics.Proxied, Dashboards: opts.Dashboards}
	for _, file := range opts.Metrics.Files {
		name := providerPath + filepath.Base(file)
		if _, twice := h.scripts[name]; twice {
			return fmt.Errorf("ui_config.metrics_provider_files has two files named %q: they are served by name", filepath.Base(file))
		}
		h.scripts[name] = file
		if filepath.Ext(file) == ".js" {
			say.Scripts = append(say.Scripts, name)
		}
	}
	text, err := json.Marshal(say)
	if err != nil {
		return fmt.Errorf("ui_config.metrics_provider_options_json: %w", err)
	}
	h.shown = []byte(html.EscapeString(string(text)))
	return nil
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
	scripts  map[string]string // files of the metrics provider, by path
	shown    []byte            // for an attribute of the page
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method "+r.Method+" not allowed", http.StatusMethodNotAllowed)
		return
	}
	h.secure(w.Header())
	name := strings.TrimPrefix(path.Clean("/"+strings.TrimPrefix(r.URL.Path, h.base)), "/")
	if file, ok := h.scripts[name]; ok {
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeFile(w, r, file)
		return
	}
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
	page = bytes.ReplaceAll(page, []byte(shownPlaceholder), h.shown)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "index.html", time.Time{}, bytes.NewReader(page))
}
