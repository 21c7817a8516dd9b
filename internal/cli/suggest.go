package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// maxSuggestions is how many names a "did you mean" shows at most.
const maxSuggestions = 3

// didYouMean suggests commands for a word that is none, in a paragraph of its own.
func didYouMean(cmd *cobra.Command, rest []string) string {
	if len(rest) == 0 || strings.HasPrefix(rest[0], "-") {
		return ""
	}
	var names []string
	for _, c := range visible(cmd) {
		names = append(names, c.Name())
	}
	near := nearest(rest[0], names)
	if len(near) == 0 {
		return ""
	}
	for i := range near {
		near[i] = cmd.CommandPath() + " " + near[i]
	}
	return fmt.Sprintf("There is no command %q. Did you mean: %s?\n\n", rest[0], strings.Join(near, ", "))
}

// didYouMeanFlag suggests flags for one that is none.
func didYouMeanFlag(cmd *cobra.Command, name string) string {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	near := nearest(name, names)
	if len(near) == 0 {
		return ""
	}
	return "\nDid you mean: -" + strings.Join(near, ", -") + "?"
}

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

// distance is the number of runes inserted, dropped, changed or swapped with
// their neighbour between a and b.
func distance(a, b []rune) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			best := min(rows[i-1][j], rows[i][j-1]) + 1
			if a[i-1] == b[j-1] {
				best = min(best, rows[i-1][j-1])
			} else {
				best = min(best, rows[i-1][j-1]+1)
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				best = min(best, rows[i-2][j-2]+1)
			}
			rows[i][j] = best
		}
	}
	return rows[len(a)][len(b)]
}
