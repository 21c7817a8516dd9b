package top

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// kind is what a view shows.
type kind int

const (
	kindOverview kind = iota
	kindServices
	kindNodes
	kindKeys
	kindLog
	kindService
	kindNode
	kindKey
	kindLine
)

// target names what a view shows: a kind, and of what.
type target struct {
	kind kind
	name string // of the service, node, key or folder; the line itself
}

// pages are the views that the keys 1 to 5 show.
var pages = []struct {
	title string
	kind  kind
}{{"Overview", kindOverview}, {"Services", kindServices}, {"Nodes", kindNodes}, {"Keys", kindKeys}, {"Log", kindLog}}

// title is what stands over a view.
func (t target) title() string {
	switch {
	case t.kind == kindKeys && t.name != "":
		return "Keys below " + t.name
	case t.kind < kind(len(pages)):
		return pages[t.kind].title
	case t.kind == kindService:
		return "Service " + t.name
	case t.kind == kindNode:
		return "Node " + t.name
	case t.kind == kindKey:
		return "Key " + t.name
	}
	return "Line"
}

// followed reports whether a view changes by itself.
func (t target) followed() bool { return t.kind != kindLine }

// body is what a view shows, whatever its size: lines that stay, and below them a table
// or a text. It is not changed once it is made.
type body struct {
	head   []line
	label  string // over the table, if it has another name than the view
	cols   []column
	rows   []row
	widths []int // of the columns, if there is room
	blocks []block
	empty  string // instead of no rows and no blocks
}

// row is one of a table.
type row struct {
	cells []span
	more  string // what a filter finds besides
	opens target
}

// block is what a filter shows or hides of a text.
type block []paragraph

func table(cols []column, rows []row, empty string) *body {
	return &body{cols: cols, rows: rows, widths: measure(cols, rows), empty: empty}
}

// size is how many rows or blocks there are.
func (b *body) size() int { return max(len(b.rows), len(b.blocks)) }

// titled reports whether a line of titles stands over a table.
func (b *body) titled() bool { return len(b.cols) > 0 && b.cols[0].title != "" }

// matching lists the rows or blocks that hold a text, in whatever case.
func (b *body) matching(filter string) []int {
	var found []int
	filter = strings.ToLower(filter)
	for i := range b.size() {
		if filter == "" || strings.Contains(strings.ToLower(b.words(i)), filter) {
			found = append(found, i)
		}
	}
	return found
}

func (b *body) words(i int) string {
	var all []string
	if len(b.blocks) > 0 {
		for _, p := range b.blocks[i] {
			for _, s := range p.before {
				all = append(all, clean(s.text))
			}
			all = append(all, clean(p.text))
		}
		return strings.Join(all, " ")
	}
	for _, c := range b.rows[i].cells {
		all = append(all, clean(c.text))
	}
	return strings.Join(append(all, clean(b.rows[i].more)), " ")
}

// plain is a body as text without an end to its lines, for scripts.
func (b *body) plain() string {
	var lines []line
	lines = append(lines, b.head...)
	if b.label != "" {
		lines = append(lines, nil, text("%s (%d)", b.label, len(b.rows)))
	}
	if len(b.rows) > 0 {
		widths := append([]int(nil), b.widths...)
		widths[len(widths)-1] = maxOutput
		lines = append(lines, titlesOf(b.cols, widths))
		for _, r := range b.rows {
			lines = append(lines, cellsOf(b.cols, widths, r.cells))
		}
	} else if b.empty != "" {
		lines = append(lines, text("%s", b.empty))
	}
	var out strings.Builder
	for _, l := range lines {
		var t strings.Builder
		for _, s := range l {
			t.WriteString(ansi.Strip(clean(s.text)))
		}
		fmt.Fprintln(&out, strings.TrimRight(t.String(), " "))
	}
	return out.String()
}
