package shape

// Nesting is an upper bound on how deeply a text nests objects and lists: parsers of
// HCL recurse once per bracket. Brackets in quotes count too.
func Nesting(text string) int {
	depth, deepest := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			depth++
			deepest = max(deepest, depth)
		case '}', ']':
			depth = max(depth-1, 0)
		}
	}
	return deepest
}
