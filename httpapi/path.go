package httpapi

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"praetor/internal/httpserver"
)

// isPrintable reports whether a decoded path holds only characters that can be
// printed. Invalid UTF-8 passes.
func isPrintable(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= 0x7f {
			return printableRunes(s[i:])
		}
	}
	return true
}

func printableRunes(s string) bool {
	for _, r := range s {
		if r != utf8.RuneError && !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// redirect returns the path to go to instead, "" if p is good: clean, and
// with the slash that its pattern ends in (reference/http-api.md §1.2).
func (a *API) redirect(p string) string {
	target := p
	if !isClean(p) {
		target = clean(p)
	}
	if a.prefixes[target] && !a.exact[target] {
		target += "/"
	} else if ui := a.opts.UI(); ui.Pages != nil && target+"/" == ui.Path {
		target = ui.Path
	}
	if target == p {
		return ""
	}
	return target
}

// textDots is what a client gets whose path leads out of the endpoint it begins with.
const textDots = "Invalid URL path: \"..\", \".\" and \"//\" must not lead to another endpoint; in a name write them as %2e%2e, %2e and %2f%2f"

// leadsAway reports whether cleaning a path would make it another endpoint's. Names
// come from users of programs: a key such as ../agent/leave must not call what the
// program never meant to. A redirect would keep method and body.
func (a *API) leadsAway(p, target, method string) bool {
	if isClean(p) {
		return false
	}
	from, _ := a.find(p)
	if from == nil {
		return !httpserver.IsSafe(method) && strings.Contains(p, "/..")
	}
	to, _ := a.find(target)
	return from != to
}

// isClean reports whether a path has no empty, . or .. element, the last being
// allowed to be empty.
func isClean(p string) bool {
	if p == "" || p[0] != '/' {
		return false
	}
	for i := 1; i < len(p); i++ {
		if p[i-1] != '/' {
			continue
		}
		switch rest := p[i:]; {
		case rest[0] == '/', rest == ".", rest == "..",
			strings.HasPrefix(rest, "./"), strings.HasPrefix(rest, "../"):
			return false
		}
	}
	return true
}

func clean(p string) string {
	cleaned := path.Clean("/" + p)
	if cleaned != "/" && strings.HasSuffix(p, "/") {
		cleaned += "/"
	}
	return cleaned
}

// redirect keeps the query, and the method: a client that follows writes what
// it meant to.
func redirect(w http.ResponseWriter, r *http.Request, path string) {
	target := path
	if r.URL.RawQuery != "" {
		target += "?" + r.URL.RawQuery
	}
	http.Redirect(w, r, target, http.StatusTemporaryRedirect)
}

// unescape decodes the name in a path. The server has parsed the whole path, so
// it cannot be malformed.
func unescape(name string) string {
	if decoded, err := url.PathUnescape(name); err == nil {
		return decoded
	}
	return name
}
