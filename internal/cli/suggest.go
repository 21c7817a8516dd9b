package cli

import (
	"cmp"
	"slices"
	"strings"
)

// maxSuggestions is how many names a "did you mean" shows at most.
const maxSuggestions = 3

// nearest lists the candidates that word may have been meant to be, the most
// likely first: few letters differ, or one is a part of the other.
func nearest(word string, candidates []string) []string {
	type found struct {
		name   string
		misses int
	}
	var list []found
	for _, name := range slices.Compact(slices.Sorted(slices.Values(candidates))) {
		a, b := strings.ToLower(word), strings.ToLower(name)
		misses := distance([]rune(a), []rune(b))
		part := len(a) > 1 && len(b) > 1 && (strings.Contains(a, b) || strings.Contains(b, a))
		if part || misses <= 1+len(a)/4 && misses < len(a) {
			list = append(list, found{name, misses})
		}
	}
	slices.SortStableFunc(list, func(a, b found) int { return cmp.Compare(a.misses, b.misses) })
	var names []string
	for _, f := range list[:min(len(list), maxSuggestions)] {
		names = append(names, f.name)
	}
	return names
}

// distance is the number of runes inserted, dropped or changed between a and b.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
