package kernel

import "praetor/catalog"

// HasMeta reports whether a node or an instance has all the metadata asked for.
func HasMeta(meta, want map[string]string) bool {
	for k, v := range want {
		if got, ok := meta[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// HasTags reports whether an instance has all tags asked for, in any case.
func HasTags(s *catalog.Service, want []string) bool {
	for _, tag := range want {
		if !s.HasTag(tag) {
			return false
		}
	}
	return true
}
