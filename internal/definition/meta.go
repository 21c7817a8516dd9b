package definition

import (
	"errors"
	"fmt"
	"strings"
)

// Limits of node and service metadata (reference/config.md §2.1).
const (
	maxMetaPairs      = 64
	maxMetaKeyBytes   = 128
	maxMetaValueBytes = 512
	reservedMetaKey   = "consul-"
)

// ValidateMeta checks node or service metadata that a user gave. Keys are
// checked in sorted order, so that the same metadata gives the same error.
func ValidateMeta(meta map[string]string) error {
	if len(meta) > maxMetaPairs {
		return fmt.Errorf("Node metadata cannot contain more than %d key/value pairs", maxMetaPairs)
	}
	for _, key := range sortedKeys(meta) {
		if err := validateMetaPair(key, meta[key]); err != nil {
			return fmt.Errorf("Couldn't load metadata pair ('%s', '%s'): %w", key, meta[key], err)
		}
	}
	return nil
}

func validateMetaPair(key, value string) error {
	switch {
	case key == "":
		return errors.New("Key cannot be blank")
	case !isMetaKey(key):
		return errors.New("Key contains invalid characters")
	case len(key) > maxMetaKeyBytes:
		return fmt.Errorf("Key is too long (limit: %d characters)", maxMetaKeyBytes)
	case strings.HasPrefix(key, reservedMetaKey):
		return fmt.Errorf("Key prefix '%s' is reserved for internal use", reservedMetaKey)
	case len(value) > maxMetaValueBytes:
		return fmt.Errorf("Value is too long (limit: %d characters)", maxMetaValueBytes)
	}
	return nil
}

func isMetaKey(key string) bool {
	for i := 0; i < len(key); i++ {
		c := key[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}
