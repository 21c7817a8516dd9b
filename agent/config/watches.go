package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mitchellh/mapstructure"
)

const watchHTTPTimeout = 10 * time.Second

// watchParams lists what each type takes besides the common keys.
var watchParams = map[string]struct{ required, optional []string }{
	"key":           {[]string{"key"}, []string{"stale"}},
	"keyprefix":     {[]string{"prefix"}, []string{"stale"}},
	"services":      {nil, []string{"stale", "filter"}},
	"nodes":         {nil, []string{"stale", "filter"}},
	"service":       {[]string{"service"}, []string{"tag", "passingonly", "stale", "filter"}},
	"checks":        {nil, []string{"service", "state", "stale", "filter"}},
	"event":         {nil, []string{"name"}},
	"agent_service": {[]string{"service_id"}, nil},
}

// watchSettings are the keys common to all watches; the type's own are left in
// Rest.
type watchSettings struct {
	Type        string            `cfg:"type"`
	Datacenter  string            `cfg:"datacenter"`
	Token       string            `cfg:"token"`
	HandlerType string            `cfg:"handler_type"`
	Args        []string          `cfg:"args"`
	Handler     string            `cfg:"handler"`
	HTTP        watchHTTPSettings `cfg:"http_handler_config"`
	Rest        map[string]any    `cfg:",remain"`
}

type watchHTTPSettings struct {
	Path          string              `cfg:"path"`
	Method        string              `cfg:"method"`
	Timeout       string              `cfg:"timeout"`
	Header        map[string][]string `cfg:"header"`
	TLSSkipVerify bool                `cfg:"tls_skip_verify"`
}

// watches reads the watch definitions. Consul notices their faults when the
// agent starts, so Validate accepts anything.
func (b *builder) watches() []Watch {
	var out []Watch
	if !b.starting {
		return nil
	}
	for i, raw := range b.s.Watches {
		w, err := parseWatch(raw)
		if err != nil {
			b.refuse("watches", "watches[%d]: %s", i, err)
			continue
		}
		out = append(out, w)
	}
	if len(out) > 0 && len(b.rt.HTTPAddrs) == 0 && len(b.rt.HTTPSAddrs) == 0 {
		b.refuse("watches", "watch plans require an HTTP or HTTPS endpoint")
	}
	return out
}

func parseWatch(raw map[string]any) (Watch, error) {
	raw = maps.Clone(raw)
	if command, ok := raw["args"].(string); ok {
		raw["args"] = []any{command}
	}
	var s watchSettings
	decoder, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{TagName: "cfg", Result: &s, DecodeHook: mapstructure.DecodeHookFuncType(prepareValue)})
	if err != nil {
		return Watch{}, err
	}
	if err := decoder.Decode(raw); err != nil {
		return Watch{}, err
	}
	w := Watch{
		Type: s.Type, Datacenter: s.Datacenter, Token: s.Token, Params: s.Rest,
		HandlerType: s.HandlerType, Args: s.Args, Handler: s.Handler,
	}
	if err := checkWatchParams(&w); err != nil {
		return Watch{}, err
	}
	return w, fillWatchHandler(&w, &s.HTTP)
}

func checkWatchParams(w *Watch) error {
	if w.Type == "" {
		return fmt.Errorf("Watch type must be specified")
	}
	if strings.HasPrefix(w.Type, "connect_") {
		return fmt.Errorf("Watch type %s is not allowed in agent config", w.Type)
	}
	params, ok := watchParams[w.Type]
	if !ok {
		return fmt.Errorf("Unsupported watch type: %s", w.Type)
	}
	var invalid []string
	for _, name := range slices.Sorted(maps.Keys(w.Params)) {
		if !slices.Contains(params.required, name) && !slices.Contains(params.optional, name) {
			invalid = append(invalid, name)
		}
	}
	if len(invalid) > 0 {
		return fmt.Errorf("Invalid parameters: %v", invalid)
	}
	for _, name := range params.required {
		if text, _ := w.Params[name].(string); text == "" {
			return fmt.Errorf("Must specify a single %s to watch", name)
		}
	}
	if w.Type == "checks" && w.Params["service"] != nil && w.Params["state"] != nil {
		return fmt.Errorf("Cannot specify service and state")
	}
	return nil
}

func fillWatchHandler(w *Watch, http *watchHTTPSettings) error {
	if w.HandlerType == "" {
		w.HandlerType = "script"
	}
	switch w.HandlerType {
	case "script":
		if w.Handler != "" && len(w.Args) > 0 {
			return fmt.Errorf("Only one watch handler allowed")
		}
		if w.Handler == "" && len(w.Args) == 0 {
			return fmt.Errorf("Must define a watch handler")
		}
		return nil
	case "http":
	default:
		return fmt.Errorf("Handler type '%s' not recognized", w.HandlerType)
	}
	if http.Path == "" {
		return fmt.Errorf("Requires 'path' to be set")
	}
	w.HTTP = WatchHTTP{Path: http.Path, Method: http.Method, Timeout: watchHTTPTimeout, Header: http.Header, TLSSkipVerify: http.TLSSkipVerify}
	if w.HTTP.Method == "" {
		w.HTTP.Method = "POST"
	}
	if http.Timeout == "" {
		return nil
	}
	d, err := time.ParseDuration(http.Timeout)
	if err != nil {
		return fmt.Errorf("http_handler_config.timeout: invalid duration: %q: %w", http.Timeout, err)
	}
	w.HTTP.Timeout = d
	return nil
}
