package checks

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"praetor/catalog"
)

const userAgent = "Consul Health Check"

// newHTTP builds a check that makes a request and judges its status code.
func newHTTP(c *catalog.Check, o *Options) (Runner, error) {
	d := &c.Definition
	h := httpProbe{
		client: func() *http.Client { return httpClient(d, o) }, method: orDefault(d.Method, http.MethodGet), url: d.HTTP,
		body: d.Body, header: httpHeader(d.Header), max: o.OutputMax,
	}
	return newPeriodic(c, o, h.probe), nil
}

func httpClient(d *catalog.CheckDefinition, o *Options) *http.Client {
	client := &http.Client{
		Timeout: orDefault(d.Timeout, networkTimeout),
		Transport: &http.Transport{
			Proxy:             o.Proxy,
			DialContext:       o.Dial,
			DisableKeepAlives: true,
			TLSClientConfig:   o.tlsConfig(d),
		},
	}
	switch {
	case d.DisableRedirects:
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	default:
		client.CheckRedirect = o.checkRedirect
	}
	return client
}

// maxRedirects is how many are followed, as Consul does.
const maxRedirects = 10

// checkRedirect follows a redirect to another host with nothing that was meant for the
// first one: whoever answers a check chooses where it leads.
func (o *Options) checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return fmt.Errorf("stopped after %d redirects", maxRedirects)
	}
	if req.URL.Host == via[0].URL.Host {
		return nil
	}
	if o.SameHost {
		return fmt.Errorf("redirected to another host, %q, which check_redirects_same_host forbids", req.URL.Host)
	}
	req.Header = httpHeader(nil)
	req.Host = ""
	if req.Body != nil {
		req.Body, req.GetBody, req.ContentLength = http.NoBody, nil, 0
	}
	return nil
}

func httpHeader(given map[string][]string) http.Header {
	header := http.Header{}
	for _, name := range slices.Sorted(maps.Keys(given)) { // names may differ in case only
		key := http.CanonicalHeaderKey(name)
		header[key] = append(header[key], given[name]...)
	}
	if header.Get("User-Agent") == "" {
		header.Set("User-Agent", userAgent)
	}
	if header.Get("Accept") == "" {
		header.Set("Accept", "text/plain, text/*, */*")
	}
	return header
}

type httpProbe struct {
	client func() *http.Client // keeps no connection
	method string
	url    string
	body   string
	header http.Header
	max    int
}

func (h *httpProbe) probe(ctx context.Context) result {
	req, err := http.NewRequestWithContext(ctx, h.method, h.url, strings.NewReader(h.body))
	if err != nil {
		return result{status: catalog.Critical, output: err.Error()}
	}
	req.Header = h.header.Clone()
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	resp, err := h.client().Do(req)
	if err != nil {
		return result{status: catalog.Critical, output: err.Error()}
	}
	defer resp.Body.Close()
	body := newTail(h.max)
	// A body that breaks off does not change the verdict of its status code.
	_, _ = io.Copy(body, resp.Body)
	return result{
		status: httpStatus(resp.StatusCode),
		output: fmt.Sprintf("HTTP %s %s: %s Output: %s", h.method, h.url, resp.Status, body),
	}
}

func httpStatus(code int) string {
	switch {
	case code >= 200 && code <= 299:
		return catalog.Passing
	case code == http.StatusTooManyRequests:
		return catalog.Warning
	}
	return catalog.Critical
}
