package httpapi

import (
	"net/url"
	"strings"
)

// oddKey says why new writes may not have a key, "" if they may: programs that make a path
// of it would end up elsewhere, or people would not see what they look at
// (reference/security.md §13). Such keys as there are can be read and deleted.
func oddKey(key string) string {
	if strings.Trim(key, " ") != key {
		return "it begins or ends with a space"
	}
	for segment := range strings.SplitSeq(key, "/") {
		plain := segment
		for i := 0; i < 2 && strings.Contains(plain, "%"); i++ { // an encoded one may be encoded again
			decoded, err := url.PathUnescape(plain)
			if err != nil {
				break
			}
			plain = decoded
		}
		for part := range strings.SplitSeq(plain, "/") {
			if part == ".." {
				return `it has the path segment ".."`
			}
		}
	}
	return ""
}

// checkKey warns of an odd key, and refuses a write that may make one.
func (x *exchange) checkKey(key string, writes bool) error {
	why := oddKey(key)
	switch {
	case why == "":
		return nil
	case writes && !x.api.opts.AllowOddKeys:
		return invalid("Invalid key %q: %s. Choose another key, or set disable_kv_key_validation", key, why)
	}
	x.w.Header()["X-Consul-Kv-Warning"] = []string{"the key is one that new writes may not have: " + why}
	return nil
}
