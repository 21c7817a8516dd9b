package cli

import (
	"net/http"
	"slices"
	"strings"
)

// naming sends names as they are. The client library puts them into paths, where
// dots and double slashes mean something: the key ../agent/leave would be another
// endpoint, and a//b another key.
type naming struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper, which forbids to change r itself.
func (n naming) RoundTrip(r *http.Request) (*http.Response, error) {
	path := r.URL.EscapedPath()
	encoded := encodeName(path)
	if encoded == path {
		return n.RoundTripper.RoundTrip(r)
	}
	r = r.Clone(r.Context())
	r.URL.RawPath = encoded
	return n.RoundTripper.RoundTrip(r)
}

// encodeName encodes what a server would clean away, below the endpoint's first word:
// /v1/kv/../a//b becomes /v1/kv/%2e%2e/a/%2Fb.
func encodeName(path string) string {
	parts := strings.Split(path, "/")
	name := slices.Index(parts, "v1") + 2 // the first part that may be of a name
	if name < 2 || name >= len(parts) {
		return path
	}
	var b strings.Builder
	b.WriteString(strings.Join(parts[:name], "/"))
	for i, part := range parts[name:] {
		separator := "/"
		if i > 0 && parts[name+i-1] == "" {
			separator = "%2F"
		}
		b.WriteString(separator)
		switch part {
		case ".":
			part = "%2e"
		case "..":
			part = "%2e%2e"
		}
		b.WriteString(part)
	}
	return b.String()
}

var _ http.RoundTripper = naming{}
