package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Limits of service metadata (reference/http-catalog-health.md §2.1).
const (
	maxMetaPairs     = 64
	maxMetaKeyLen    = 128
	maxMetaValueLen  = 512
	reservedMeta     = "consul-"
	wanFederationKey = "consul-wan-federation" // the one reserved key a mesh gateway may set
)

// metaFault says what is wrong with metadata, "" if nothing. It goes in key
// order, so that every server finds the same fault first.
func metaFault(kind string, meta map[string]string) string {
	if len(meta) > maxMetaPairs {
		return fmt.Sprintf("Node metadata cannot contain more than %d key/value pairs", maxMetaPairs)
	}
	for _, key := range slices.Sorted(maps.Keys(meta)) {
		if kind == "mesh-gateway" && key == wanFederationKey {
			continue
		}
		if fault := metaPairFault(key, meta[key]); fault != "" {
			return fmt.Sprintf("Couldn't load metadata pair ('%s', '%s'): %s", key, meta[key], fault)
		}
	}
	return ""
}

func metaPairFault(key, value string) string {
	switch {
	case key == "":
		return "Key cannot be blank"
	case strings.ContainsFunc(key, isBadMetaRune):
		return "Key contains invalid characters"
	case len(key) > maxMetaKeyLen:
		return fmt.Sprintf("Key is too long (limit: %d characters)", maxMetaKeyLen)
	case strings.HasPrefix(key, reservedMeta):
		return fmt.Sprintf("Key prefix '%s' is reserved for internal use", reservedMeta)
	case len(value) > maxMetaValueLen:
		return fmt.Sprintf("Value is too long (limit: %d characters)", maxMetaValueLen)
	}
	return ""
}

func isBadMetaRune(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
}
