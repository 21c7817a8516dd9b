package config

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	contentPathRE = regexp.MustCompile(`^[A-Za-z0-9/_-]+$`)
	apiVersionRE  = regexp.MustCompile(`^/v[0-9]+/$`)
	providerRE    = regexp.MustCompile(`^[a-z0-9_-]+$`)
)

// prometheusPaths are what the UI may ask of Prometheus when nothing is said.
var prometheusPaths = []string{"/api/v1/query", "/api/v1/query_range"}

func (b *builder) ui() {
	u := &b.s.UIConfig
	b.rt.UI = UI{
		Enabled:               val(u.Enabled),
		Dir:                   val(u.Dir),
		ContentPath:           contentPath(cmp.Or(val(u.ContentPath), "/ui/")),
		MetricsProvider:       val(u.MetricsProvider),
		MetricsProviderFiles:  slices.Clone(u.MetricsFiles),
		MetricsOptionsJSON:    val(u.MetricsOptionsJSON),
		MetricsProxyURL:       val(u.MetricsProxy.BaseURL),
		MetricsProxyAllow:     slices.Clone(u.MetricsProxy.PathAllowlist),
		DashboardURLTemplates: maps.Clone(u.DashboardURLs),
	}
	for _, h := range u.MetricsProxy.AddHeaders {
		b.rt.UI.MetricsProxyHeaders = append(b.rt.UI.MetricsProxyHeaders, Header{val(h.Name), val(h.Value)})
	}
	if b.rt.UI.MetricsProvider == "prometheus" && len(b.rt.UI.MetricsProxyAllow) == 0 {
		b.rt.UI.MetricsProxyAllow = prometheusPaths
	}
	b.validateUI()
}

// contentPath gives p a slash at both ends.
func contentPath(p string) string {
	if p = strings.Trim(p, "/"); p == "" {
		return "/"
	}
	return "/" + p + "/"
}

func (b *builder) validateUI() {
	u := &b.rt.UI
	if u.Enabled && u.Dir != "" && !b.rt.Dev {
		b.refuse("ui_config.dir", "Both the ui_config.enabled and ui_config.dir (or -ui and -ui-dir) were specified, please provide only one.\n"+
			"If trying to use your own web UI resources, use ui_config.dir or the -ui-dir flag.\n"+
			"The web UI is included in the binary so use ui_config.enabled or the -ui flag to enable it")
	}
	if !contentPathRE.MatchString(u.ContentPath) {
		b.refuse("ui_config.content_path", "ui-content-path can only contain alphanumeric, -, _, or /. received: %q", u.ContentPath)
	}
	if apiVersionRE.MatchString(u.ContentPath) {
		b.refuse("ui_config.content_path", "ui-content-path cannot have 'v[0-9]'. received: %q", u.ContentPath)
	}
	if u.MetricsProvider != "" && !providerRE.MatchString(u.MetricsProvider) {
		b.refuse("ui_config.metrics_provider", "ui_config.metrics_provider can only contain lowercase alphanumeric, - or _ characters. received: %q", u.MetricsProvider)
	}
	var object map[string]any
	if u.MetricsOptionsJSON != "" && json.Unmarshal([]byte(u.MetricsOptionsJSON), &object) != nil {
		b.refuse("ui_config.metrics_provider_options_json", "ui_config.metrics_provider_options_json must be empty or a string containing a valid JSON object. received: %q", u.MetricsOptionsJSON)
	}
	if u.MetricsProxyURL != "" && !isHTTPURL(u.MetricsProxyURL) {
		b.refuse("ui_config.metrics_proxy.base_url", "ui_config.metrics_proxy.base_url must be a valid http or https URL. received: %q", u.MetricsProxyURL)
	}
	for _, p := range u.MetricsProxyAllow {
		if !strings.HasPrefix(p, "/") || path.Clean(p) != p {
			b.refuse("ui_config.metrics_proxy.path_allowlist", "ui_config.metrics_proxy.path_allowlist: path must be absolute and clean: %q", p)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(u.DashboardURLTemplates)) {
		if template := u.DashboardURLTemplates[name]; !isHTTPURL(template) {
			b.refuse("ui_config.dashboard_url_templates."+name, "ui_config.dashboard_url_templates values must be a valid http or https URL. received: %q", template)
		}
	}
}

// isHTTPURL accepts templates too: only the start must be a URL.
func isHTTPURL(text string) bool {
	head, _, _ := strings.Cut(text, "{{")
	u, err := url.Parse(head)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}
