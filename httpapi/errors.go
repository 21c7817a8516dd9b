package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"praetor/internal/fault"
	"praetor/internal/httpserver"
)

// statusOf is the one place where a kind becomes a status code. Consul answers
// 403 to whatever says that permission is missing (reference/http-api.md §2.3).
func statusOf(kind fault.Kind, text string) int {
	switch kind {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Denied:
		return http.StatusForbidden
	case fault.Conflict:
		return http.StatusConflict
	case fault.Limit:
		return http.StatusTooManyRequests
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Overloaded:
		return http.StatusServiceUnavailable
	}
	if strings.Contains(text, "Permission denied") || strings.Contains(text, "ACL not found") {
		return http.StatusForbidden
	}
	return http.StatusInternalServerError
}

// fail answers with an error.
func (x *exchange) fail(err error) {
	text, kind := err.Error(), fault.KindOf(err)
	gone := errors.Is(err, context.Canceled) && x.r.Context().Err() != nil
	switch {
	case gone && httpserver.Serving(x.r.Context()).Err() != nil:
		text = httpserver.TextStopping
	case gone:
		text = httpserver.ErrClientGone.Error() // nobody listens
	}
	if kind == fault.TooLarge {
		x.w.Header()["Connection"] = headerClose
	}
	if gone {
		x.text(statusOf(kind, text), text)
		return
	}
	x.refuse(statusOf(kind, text), text)
}

// refuse answers with an error's text, and logs it, so that an operator finds the
// client whose requests fail.
func (x *exchange) refuse(code int, text string) {
	x.logFailure(text)
	x.text(code, text)
}

func (x *exchange) logFailure(reason string) {
	secrets := append([]string{x.token, x.readToken()}, x.query["token"]...)
	httpserver.LogFailure(x.api.opts.Logger, x.r, reason, secrets...)
}

// Texts that clients or people know (reference/http-api.md §1 to §6).
const (
	textBlocked      = "Endpoint is blocked by agent configuration"
	textRestricted   = "Access is restricted"
	textUnknownAPI   = "Invalid URL path: not a recognized HTTP API endpoint\n"
	textNotAPI       = "Invalid URL path: if attempting to use the HTTP API, ensure the path starts with '/v1/'\n"
	textNotFound     = "404 page not found\n"
	textNoUI         = "Consul Agent: UI disabled. To enable, set ui_config.enabled=true in the agent configuration and restart."
	textDecode       = "Request decode failed: %w"
	textInvalidIndex = "Invalid index"
	textInvalidWait  = "Invalid wait time"
	textStaleAndCons = "Cannot specify ?stale with ?consistent, conflicting semantics."
	textCacheAndCons = "Cannot specify ?cached with ?consistent, conflicting semantics."
	textCacheControl = "Invalid Cache-Control header."
	textNamespaces   = "Namespaces are a Consul Enterprise feature"
	textPartitions   = "Partitions are a Consul Enterprise feature"
)

func invalid(format string, args ...any) error { return fault.New(fault.Invalid, format, args...) }

func rejected(format string, args ...any) error { return fault.New(fault.Rejected, format, args...) }
