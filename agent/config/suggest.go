package config

import (
	"fmt"
	"regexp"
	"strings"
)

// maxKeyBytes is more than any key has.
const maxKeyBytes = 64

var listIndex = regexp.MustCompile(`\[[^\]]*\]`)

// didYouMean is the line that follows an unknown key, "" without a suggestion.
func didYouMean(unknown string) string {
	hint := suggest(unknown)
	if hint == "" {
		return ""
	}
	return fmt.Sprintf("\n\t  did you mean %q?", hint)
}

// suggest returns the known key nearest to an unknown one, or "" when none is
// near. Both are full paths; list indexes do not count.
func suggest(unknown string) string {
	path := listIndex.ReplaceAllString(unknown, "")
	parent, name := "", path
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		parent, name = path[:i+1], path[i+1:]
	}
	if len(name) > maxKeyBytes {
		return ""
	}
	best, bestDistance := "", 1+len(name)/3 // as many slips as may still be the same word
	for _, key := range Keys() {
		sibling, ok := strings.CutPrefix(key.Name, canonicalParent(parent))
		if !ok || strings.Contains(sibling, ".") {
			continue
		}
		if d := distance(strings.ToLower(name), sibling); d < bestDistance || d == bestDistance && best == "" {
			best, bestDistance = sibling, d
		}
	}
	return best
}

// canonicalParent maps the singular blocks to the lists that Keys names.
func canonicalParent(parent string) string {
	parent = strings.ToLower(parent)
	for _, block := range []string{"service", "check"} {
		if rest, ok := strings.CutPrefix(parent, block+"."); ok {
			parent = block + "s." + rest
		}
	}
	return strings.ReplaceAll(parent, ".check.", ".checks.")
}

// distance is the number of inserted, dropped or changed bytes between a and
// b, where underscores are free: they are what people forget first.
func distance(a, b string) int {
	a, b = strings.ReplaceAll(a, "_", ""), strings.ReplaceAll(b, "_", "")
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost = 1 + min(diagonal, row[j], row[j-1])
			}
			diagonal, row[j] = row[j], cost
		}
	}
	return row[len(b)]
}
