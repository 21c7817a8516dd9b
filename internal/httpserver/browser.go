package httpserver

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// BrowserOptions say which web pages may use the API. A browser sends what any page
// tells it to, with the network position of whoever reads that page. Programs that
// are not browsers are not affected.
type BrowserOptions struct {
	// Origins are those that may write though they are not the API's own:
	// "https://tools.example.com", "null", or "*" for all. They are what the
	// configuration allows to read the answers (Access-Control-Allow-Origin).
	Origins []string
	// Hosts are names under which browsers may reach a listener on the loopback
	// network, without port, beside IP addresses and localhost: those of the node,
	// and http_config.allowed_hosts. "*.example.com" stands for every name below it.
	Hosts []string
}

// browsers refuses what a page makes a browser send that the page has no right to.
type browsers struct {
	next     http.Handler
	origins  []string
	hosts    func() *[]string
	guard    http.CrossOriginProtection
	loopback bool // the listener is one of the loopback network
	log      func(r *http.Request, reason string)
}

// ServeHTTP implements http.Handler.
func (b *browsers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	browser, reason := isBrowser(r.Header), ""
	if browser {
		// What a key holds, or an error repeats, is not for a browser to guess at. Programs
		// get the headers that they know.
		w.Header()["X-Content-Type-Options"] = noSniffing
	}
	switch {
	case b.loopback && browser && !b.isKnown(r.Host):
		// A page whose name was made to lead to this machine has everything of the
		// same origin, PUT and DELETE included (DNS rebinding).
		reason = fmt.Sprintf("Host %q is refused: browsers reach this address by IP address, as localhost or by the node's name only. "+
			"If this name is yours, add it to http_config.allowed_hosts", clip(r.Host))
	case b.guard.Check(r) != nil && !b.isTrusted(r.Header.Get("Origin")):
		reason = fmt.Sprintf("Cross-origin request refused: %s may not change anything here. "+
			"To let them, allow the origin in http_config.response_headers (Access-Control-Allow-Origin)", pages(r.Header.Get("Origin")))
	}
	if reason == "" {
		b.next.ServeHTTP(w, r)
		return
	}
	b.log(r, reason)
	Plain(w, http.StatusForbidden, reason+"\n")
}

var noSniffing = []string{"nosniff"} // shared: nobody changes it

// pages are those of an origin, or of one that the browser does not name.
func pages(origin string) string {
	if origin == "" {
		return "pages of another site (the browser sent no Origin)"
	}
	return fmt.Sprintf("pages of %q", clip(origin))
}

// clip bounds what an answer repeats of a request.
func clip(text string) string { return text[:min(len(text), 256)] }

// isBrowser reports whether a browser sent a request. Origin and Sec-Fetch-* are
// browsers' own; but the fetch of Node.js says how it fetches too (Sec-Fetch-Mode
// alone). A page that came over plain HTTP sends neither with its reads: browsers
// also say what they are, and in which languages somebody reads.
func isBrowser(h http.Header) bool {
	if len(h["Origin"]) > 0 || len(h["Sec-Fetch-Site"]) > 0 || len(h["Sec-Fetch-Dest"]) > 0 || len(h["Sec-Fetch-User"]) > 0 {
		return true
	}
	if mode := h.Get("Sec-Fetch-Mode"); mode != "" && mode != "cors" {
		return true
	}
	return strings.HasPrefix(h.Get("User-Agent"), "Mozilla/") && len(h["Accept-Language"]) > 0
}

// isKnown reports whether a Host header names this machine.
func (b *browsers) isKnown(host string) bool {
	name := hostname(host)
	if name == "" || name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	return b.isListed(name)
}

func (b *browsers) isListed(name string) bool {
	for _, known := range *b.hosts() {
		known = strings.ToLower(known)
		if known == name {
			return true
		}
		if above, all := strings.CutPrefix(known, "*"); all && strings.HasPrefix(above, ".") && strings.HasSuffix(name, above) {
			return true
		}
	}
	return false
}

// hostname is the name in a Host header, in lower case.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// isTrusted reports whether pages of an origin may write: those that may read, and
// those of a name that the configuration calls this machine's (behind a proxy that
// changes the Host header).
func (b *browsers) isTrusted(origin string) bool {
	for _, o := range b.origins {
		if o == "*" || origin != "" && strings.EqualFold(o, origin) {
			return true
		}
	}
	from, err := url.Parse(origin)
	return err == nil && from.Host != "" && b.isListed(hostname(from.Host))
}

// isLoopback reports whether only this machine reaches a listener.
func isLoopback(l net.Listener) bool {
	address, ok := l.Addr().(*net.TCPAddr)
	return ok && address.IP.IsLoopback()
}

var _ http.Handler = (*browsers)(nil)
