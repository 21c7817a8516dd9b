package top

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

const (
	// maxMarks is how many combining marks one letter keeps: they take no room of
	// their own, so nothing else bounds them.
	maxMarks = 3
	tab      = "    "
	ellipsis = "…"
)

// sequences are what terminals take as orders: CSI, strings (OSC, DCS, SOS, PM, APC) that
// end, and the short ones. Of a string that does not end only its beginning is taken,
// so that it hides nothing that follows.
var sequences = regexp.MustCompile("(?:\x1b\\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\x1b[\\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\x07\x1b\u009c]*(?:\x07|\x1b\\\\|\u009c)|\x1b[ -/]*[0-~]")

// clean is a text of somebody else as one line that a terminal only shows: without
// escape sequences, control characters, marks that change the direction, and what has no
// width. Everything that is drawn passes through it.
func clean(s string) string {
	if isPlain(s) {
		return s
	}
	s = sequences.ReplaceAllString(s, "")
	var b strings.Builder
	marks := 0
	for _, r := range s {
		switch {
		case r == '\t':
			b.WriteString(tab)
		case r == '\n' || unicode.In(r, unicode.Z): // Z: blanks and separators of all kinds
			b.WriteByte(' ')
		case unicode.Is(unicode.M, r):
			if marks++; marks <= maxMarks && !unicode.Is(unicode.Variation_Selector, r) {
				b.WriteRune(r)
			}
			continue
		case unicode.IsPrint(r):
			b.WriteRune(r)
		}
		marks = 0
	}
	return b.String()
}

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// fit is a text cleaned, and cut to a width or filled up to it.
func fit(s string, width int, right bool) string {
	s = cut(s, width)
	blanks := strings.Repeat(" ", max(0, width-ansi.StringWidth(s)))
	if right {
		return blanks + s
	}
	return s + blanks
}

// cut is a text cleaned, and cut to a width.
func cut(s string, width int) string {
	if width <= 0 {
		return ""
	}
	return ansi.Truncate(clean(s), width, ellipsis)
}
