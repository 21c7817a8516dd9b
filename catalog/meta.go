package catalog

import (
	"errors"
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

// checkMeta returns the first fault, in key order so that every server finds
// the same one.
func checkMeta(kind string, meta map[string]string) error {
	if len(meta) > maxMetaPairs {
		return fmt.Errorf("Node metadata cannot contain more than %d key/value pairs", maxMetaPairs)
	}
	for _, key := range slices.Sorted(maps.Keys(meta)) {
		if kind == "mesh-gateway" && key == wanFederationKey {
			continue
		}
		if err := checkMetaPair(key, meta[key]); err != nil {
			return fmt.Errorf("Couldn't load metadata pair ('%s', '%s'): %w", key, meta[key], err)
		}
	}
	return nil
}

func checkMetaPair(key, value string) error {
	switch {
	case key == "":
		return errors.New("Key cannot be blank")
	case strings.ContainsFunc(key, isBadMetaRune):
		return errors.New("Key contains invalid characters")
	case len(key) > maxMetaKeyLen:
		return fmt.Errorf("Key is too long (limit: %d characters)", maxMetaKeyLen)
	case strings.HasPrefix(key, reservedMeta):
		return fmt.Errorf("Key prefix '%s' is reserved for internal use", reservedMeta)
	case len(value) > maxMetaValueLen:
		return fmt.Errorf("Value is too long (limit: %d characters)", maxMetaValueLen)
	}
	return nil
}

func isBadMetaRune(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
}
