package top

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// style is how a text looks. No style says anything that the text does not say too.
type style int

const (
	plain style = iota
	strong
	faint
	good
	warn
	bad
)

// painter makes terminal text of lines.
type painter struct {
	colorless bool // NO_COLOR
}

// span is a text in one style, line a row of the screen.
type (
	span struct {
		text  string
		style style
	}
	line []span
)

// text is a line in the plain style.
func text(format string, args ...any) line { return line{{text: fmt.Sprintf(format, args...)}} }

// paint draws a line that is cut to a width; a chosen one is filled up to it.
func (p painter) paint(l line, width int, chosen bool) string {
	var b strings.Builder
	left := width
	for _, s := range l {
		t := cut(s.text, left)
		left -= ansi.StringWidth(t)
		b.WriteString(p.render(t, s.style, chosen))
	}
	if chosen {
		b.WriteString(p.render(strings.Repeat(" ", max(0, left)), plain, true))
	}
	return b.String()
}

func (p painter) render(t string, s style, chosen bool) string {
	look := lipgloss.NewStyle().Reverse(chosen).Bold(s == strong || s == bad)
	if !p.colorless {
		switch s {
		case faint:
			look = look.Faint(true)
		case good:
			look = look.Foreground(lipgloss.Green)
		case warn:
			look = look.Foreground(lipgloss.Yellow)
		case bad:
			look = look.Foreground(lipgloss.Red)
		}
	}
	if t == "" {
		return ""
	}
	return look.Render(t)
}

// width is how many columns a line takes.
func (l line) width() int {
	n := 0
	for _, s := range l {
		n += ansi.StringWidth(clean(s.text))
	}
	return n
}

// spread puts right at the end of a line. If both do not fit, left is cut.
func spread(left, right line, width int) line {
	room := width - right.width()
	var l line
	for _, s := range left {
		t := cut(s.text, max(0, room-1))
		room -= ansi.StringWidth(t)
		l = append(l, span{t, s.style})
	}
	return append(append(l, span{text: strings.Repeat(" ", max(0, room))}), right...)
}

// column is one of a table.
type column struct {
	title string
	right bool // figures
}

const (
	gap         = 2   // blanks between columns
	leastColumn = 6   // what a column is not cut below while others are wider
	mostColumn  = 200 // nobody has more columns for one
)

// measure says how wide each column would like to be.
func measure(cols []column, rows []row) []int {
	widths := make([]int, len(cols))
	for i, c := range cols {
		widths[i] = ansi.StringWidth(c.title)
	}
	for _, r := range rows {
		for i, c := range r.cells {
			n := len(c.text)
			if !isPlain(c.text) {
				n = ansi.StringWidth(clean(c.text[:min(len(c.text), 4*mostColumn)]))
			}
			widths[i] = max(widths[i], min(n, mostColumn))
		}
	}
	return widths
}

// share gives columns what there is: the widest give up first, the last gets what is left.
func share(want []int, total int) []int {
	got := slices.Clone(want)
	over := gap*(len(got)-1) - total
	for i := range got {
		got[i] = min(got[i], max(total, leastColumn))
		over += got[i]
	}
	if over < 0 {
		got[len(got)-1] -= over
	}
	for over > 0 {
		widest := 0
		for i := range got {
			if got[i] >= got[widest] {
				widest = i
			}
		}
		if got[widest] <= leastColumn {
			break // paint cuts the rest
		}
		got[widest]--
		over--
	}
	return got
}

// cellsOf lays out the cells of a row, or the titles.
func cellsOf(cols []column, widths []int, cells []span) line {
	var l line
	for i, c := range cells {
		t := fit(c.text, widths[i], cols[i].right)
		if i == len(cells)-1 && !cols[i].right {
			t = cut(c.text, widths[i])
		}
		l = append(l, span{t, c.style})
		if i < len(cells)-1 {
			l = append(l, span{text: strings.Repeat(" ", gap)})
		}
	}
	return l
}

func titlesOf(cols []column, widths []int) line {
	cells := make([]span, len(cols))
	for i, c := range cols {
		cells[i] = span{c.title, strong}
	}
	return cellsOf(cols, widths, cells)
}

// paragraph is a text that is broken into lines, beside what stands before the first of them.
type paragraph struct {
	before line
	indent int // where the text begins in every line
	text   string
	style  style
	exact  bool // broken anywhere, blanks are kept: for values
}

// lines breaks a paragraph.
func (p paragraph) lines(width int) []line {
	room := max(10, width-p.indent)
	var all []line
	for t := range strings.SplitSeq(strings.ReplaceAll(strings.TrimRight(p.text, "\r\n"), "\r\n", "\n"), "\n") {
		broken := ""
		if t = clean(t); p.exact {
			broken = ansi.Hardwrap(t, room, true)
		} else {
			broken = ansi.Wrap(t, room, "/,;&?")
		}
		for part := range strings.SplitSeq(broken, "\n") {
			var l line
			if len(all) == 0 {
				l = slices.Clone(p.before)
			}
			l = append(l, span{text: strings.Repeat(" ", max(0, p.indent-l.width()))}, span{part, p.style})
			all = append(all, l)
		}
	}
	return all
}
