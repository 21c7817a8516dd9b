package definition

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Errors are several faults reported together, in the layout that Consul's
// users know. The zero value is an empty list.
type Errors []string

// Addf adds a fault.
func (e *Errors) Addf(format string, args ...any) {
	*e = append(*e, fmt.Sprintf(format, args...))
}

// span reads a duration of a definition; not given, it is zero.
func (e *Errors) span(key string, text *string) time.Duration {
	if text == nil {
		return 0
	}
	d, err := time.ParseDuration(*text)
	if err != nil {
		e.Addf("%s: invalid duration: %q: %s", key, *text, err)
	}
	return d
}

// Err returns the list as an error, or nil when it is empty.
func (e Errors) Err() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

func (e Errors) Error() string {
	var b strings.Builder
	if len(e) == 1 {
		b.WriteString("1 error occurred:")
	} else {
		fmt.Fprintf(&b, "%d errors occurred:", len(e))
	}
	for _, text := range e {
		b.WriteString("\n\t* ")
		b.WriteString(text)
	}
	b.WriteString("\n\n")
	return b.String()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
