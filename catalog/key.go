package catalog

import (
	"strings"
)

// Index keys are made of parts. A part is its text and a zero byte; inside the
// text 0x00 becomes 0x01 0x01 and 0x01 becomes 0x01 0x02. So keys sort as their
// parts do, no part is a prefix of another, and any text may be a name.

func appendPart(key []byte, part string) []byte {
	if strings.IndexByte(part, 0) < 0 && strings.IndexByte(part, 1) < 0 {
		key = append(key, part...)
		return append(key, 0)
	}
	for i := range len(part) {
		switch part[i] {
		case 0:
			key = append(key, 1, 1)
		case 1:
			key = append(key, 1, 2)
		default:
			key = append(key, part[i])
		}
	}
	return append(key, 0)
}

// fold gives names their identity: they are compared without regard to case.
func fold(name string) string { return strings.ToLower(name) }

// foldUUID strips hyphens and case, so that any prefix of the digits can be found.
func foldUUID(id string) string { return strings.ReplaceAll(strings.ToLower(id), "-", "") }

// isUUIDPrefix reports whether s may be the start of a node ID: at least two hex
// digits, hyphens ignored.
func isUUIDPrefix(s string) bool {
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '-':
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
			digits++
		default:
			return false
		}
	}
	return digits >= 2
}
