package httpserver

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/hashicorp/go-hclog"
)

const (
	// hiddenToken stands in log lines for what nobody may read there.
	hiddenToken = "<hidden>"
	// maxLoggedBytes bounds what a line says of a URL or an error: clients choose
	// both, up to the size of a request's header.
	maxLoggedBytes = 2048
)

// logged writes a line for each request that was answered, where somebody listens
// at DEBUG. Blocking reads have theirs when they end.
type logged struct {
	next    http.Handler
	logger  hclog.Logger
	verbose func() bool
}

// ServeHTTP implements http.Handler.
func (l logged) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !l.verbose() {
		l.next.ServeHTTP(w, r)
		return
	}
	start := time.Now()
	defer func() {
		l.logger.Debug("Request finished", "method", r.Method, "url", loggedURL(r.URL), "from", r.RemoteAddr, "latency", time.Since(start).String())
	}()
	l.next.ServeHTTP(w, r)
}

// LogFailure says why a request failed. secrets do not appear in it.
func LogFailure(logger hclog.Logger, r *http.Request, reason string, secrets ...string) {
	for _, secret := range secrets {
		if secret != "" {
			reason = strings.ReplaceAll(reason, secret, hiddenToken)
			reason = strings.ReplaceAll(reason, url.QueryEscape(secret), hiddenToken)
		}
	}
	logger.Error("Request error", "method", r.Method, "url", loggedURL(r.URL), "from", r.RemoteAddr, "error", loggable(strings.TrimSpace(reason)))
}

// loggedURL is a URL without secrets, on one line.
func loggedURL(u *url.URL) string {
	text := loggedPath(u.EscapedPath())
	if u.RawQuery != "" {
		text += "?" + loggedQuery(u.RawQuery)
	}
	return loggable(text)
}

// oldACLPaths are endpoints of Consul's that had a secret in their paths. Clients of
// old versions still ask for them.
var oldACLPaths = []string{"/v1/acl/info/", "/v1/acl/clone/", "/v1/acl/destroy/", "/v1/acl/update/", "/v1/acl/create/", "/v1/acl/list/"}

func loggedPath(path string) string {
	for _, prefix := range oldACLPaths {
		if secret, found := strings.CutPrefix(path, prefix); found && secret != "" {
			return prefix + hiddenToken
		}
	}
	return path
}

// loggedQuery hides the tokens in a query string, in whatever spelling.
func loggedQuery(query string) string {
	if !strings.ContainsAny(query, "tT%") {
		return query
	}
	pairs := strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == ';' })
	for i, pair := range pairs {
		key, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(key); err == nil && strings.EqualFold(strings.TrimSpace(plain), "token") {
			pairs[i] = key + "=" + hiddenToken
		}
	}
	return strings.Join(pairs, "&")
}

// loggable is a text on one line and of bounded length: whoever made it cannot
// write lines of his own, nor steer a terminal.
func loggable(text string) string {
	if len(text) > maxLoggedBytes {
		text = strings.ToValidUTF8(text[:maxLoggedBytes], "") + "..."
	}
	if !strings.ContainsFunc(text, isUnloggable) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if !isUnloggable(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

func isUnloggable(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }

var _ http.Handler = logged{}
