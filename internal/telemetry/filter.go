package telemetry

import "strings"

// filter decides which names are shown.
type filter struct {
	rules       map[string]bool // by prefix, whether it is allowed
	dropUnnamed bool
}

func newFilter(allowed, blocked []string, dropUnnamed bool) filter {
	f := filter{rules: map[string]bool{}, dropUnnamed: dropUnnamed}
	for _, p := range allowed {
		f.rules[p] = true
	}
	for _, p := range blocked {
		f.rules[p] = false
	}
	return f
}

// allows follows the longest prefix that fits, as go-metrics does.
func (f filter) allows(name string) bool {
	allowed, longest := !f.dropUnnamed, -1
	for prefix, rule := range f.rules {
		if len(prefix) > longest && strings.HasPrefix(name, prefix) {
			allowed, longest = rule, len(prefix)
		}
	}
	return allowed
}
