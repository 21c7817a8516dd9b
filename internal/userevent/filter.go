package userevent

import (
	"iter"
	"slices"

	"praetor/internal/fault"
	"praetor/internal/pattern"
)

// maxSteps bounds what it may cost an agent to find out whether it is meant: the
// instructions of a filter times the bytes it is matched with. It is some 40 ms at
// the very most, and enough for 1,000 services of 25 bytes and a filter of 40 instructions.
const maxSteps = 1_000_000

// Filters are an event's, compiled: whom it is meant for.
type Filters struct{ node, service, tag *pattern.Pattern } // nil for all

// compile compiles the filters, each within the limits of package pattern: they
// come from any agent, and every agent has to evaluate them.
func (e *Event) compile() (*Filters, error) {
	if e.TagFilter != "" && e.ServiceFilter == "" {
		return nil, fault.New(fault.Rejected, "Cannot provide tag filter without service filter")
	}
	f := new(Filters)
	for _, one := range []struct {
		what, filter string
		compiled     **pattern.Pattern
	}{
		{"node", e.NodeFilter, &f.node}, {"service", e.ServiceFilter, &f.service}, {"tag", e.TagFilter, &f.tag},
	} {
		if one.filter == "" {
			continue
		}
		var err error
		if *one.compiled, err = pattern.Compile(one.filter); err != nil {
			return nil, fault.New(fault.Rejected, "Invalid %s filter: %w", one.what, err)
		}
	}
	return f, nil
}

// Match reports whether an agent is meant, by its node's name and the IDs and
// tags of its services (reference/internals.md §7). What would cost too much to find
// out is not meant.
func (f *Filters) Match(node string, services iter.Seq2[string, []string]) bool {
	left := maxSteps
	match := func(p *pattern.Pattern, text string) bool {
		if p == nil {
			return true
		}
		left -= p.Instructions * (len(text) + 1)
		return left >= 0 && p.MatchString(text)
	}
	if !match(f.node, node) {
		return false
	}
	if f.service == nil {
		return true
	}
	for id, tags := range services {
		if match(f.service, id) && (f.tag == nil || slices.ContainsFunc(tags, func(tag string) bool { return match(f.tag, tag) })) {
			return true
		}
		if left < 0 {
			return false
		}
	}
	return false
}
