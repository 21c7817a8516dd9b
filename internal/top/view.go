package top

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// leastWidth and leastHeight are the smallest window in which there is something to see.
const leastWidth, leastHeight = 30, 8

// above and below are the lines of every view around its body: the agent, the pages and
// the title; the keys.
const above, below = 3, 1

// room is how many rows of a table, or lines of a text, the screen has.
func (m *model) room() int {
	n := m.height - above - below - len(m.notes())
	if v := m.shown(); v.body != nil {
		n -= len(v.body.head)
		if v.body.label != "" {
			n -= 2 // a blank one, and the label
		}
		if v.body.titled() {
			n--
		}
	}
	return max(1, n)
}

// arrange keeps the cursor where there is something, and on the screen.
func (m *model) arrange() {
	v := m.shown()
	if v.body == nil || m.width == 0 {
		return
	}
	room := m.room()
	if !v.isText() {
		v.cursor = max(0, min(v.cursor, len(v.matching)-1))
		v.top = max(0, min(v.top, v.cursor, len(v.matching)-room))
		v.top = max(v.top, v.cursor-room+1)
		return
	}
	if v.width != m.width {
		v.width, v.lines = m.width, nil
		for i, n := range v.matching {
			if i > 0 && v.target.kind != kindKey {
				v.lines = append(v.lines, nil)
			}
			for _, p := range v.body.blocks[n] {
				v.lines = append(v.lines, p.lines(m.width-1)...)
			}
		}
	}
	v.cursor = max(0, min(v.cursor, len(v.lines)-room))
}

// view is the screen: height lines, none wider than width.
func (m *model) view() string {
	if m.width == 0 {
		return ""
	}
	var lines []string
	draw := func(l line) { lines = append(lines, m.painter.paint(l, m.width, false)) }
	switch {
	case m.width < leastWidth || m.height < leastHeight:
		draw(text("The window is too small."))
	case m.help:
		draw(m.firstLine())
		for _, l := range helpLines {
			draw(l)
		}
	default:
		draw(m.firstLine())
		draw(m.tabs())
		draw(m.titleLine())
		for _, l := range m.notes() {
			draw(l)
		}
		lines = append(lines, m.drawBody()...)
	}
	for len(lines) < m.height {
		lines = append(lines, "")
	}
	lines = lines[:m.height]
	if m.height >= leastHeight && m.width >= leastWidth {
		lines[m.height-1] = m.painter.paint(m.lastLine(), m.width, false)
	}
	return strings.Join(lines, "\n")
}

func (m *model) firstLine() line {
	left := line{{"praetor top", strong}}
	if m.datacenter != "" {
		left = append(left, span{text: "  " + m.datacenter})
	}
	left = append(left, span{"  " + m.address, faint})
	return spread(left, line{m.status()}, m.width)
}

// status is what the top line says of the agent.
func (m *model) status() span {
	since := " since " + m.clock(m.link.since)
	switch m.link.state {
	case live:
		return span{"live", good}
	case reconnecting:
		return span{"reconnecting" + since, bad}
	case leaderless:
		return span{"no leader" + since, bad}
	case denied:
		return span{"not permitted", warn}
	case failing:
		return span{"error" + since, bad}
	}
	return span{"connecting", warn}
}

func (m *model) clock(t time.Time) string { return t.In(m.zone).Format(time.TimeOnly) }

func (m *model) tabs() line {
	var l line
	for i, p := range pages {
		name := fmt.Sprintf(" %d %s ", i+1, p.title)
		if i == m.page {
			l = append(l, span{"[" + name[1:len(name)-1] + "]", strong})
		} else {
			l = append(l, span{name, plain})
		}
	}
	return l
}

func (m *model) titleLine() line {
	v := m.shown()
	l := line{{v.target.title(), strong}}
	if v.body == nil {
		return l
	}
	all, found := v.body.size(), len(v.matching)
	counts := v.body.label == "" && v.target.kind != kindKey && v.target.kind != kindLine
	right := ""
	switch {
	case v.filter != "":
		right = fmt.Sprintf("%d of %d match %q", found, all, v.filter)
	case counts:
		right = fmt.Sprint(all)
	}
	if v.isText() && len(v.lines) > m.room() {
		right = fmt.Sprintf("lines %d-%d of %d", v.cursor+1, min(len(v.lines), v.cursor+m.room()), len(v.lines))
	}
	return spread(l, line{{right, faint}}, m.width)
}

const partly = "The token may see only a part of this."

// maxNotes is how many lines an error may take.
const maxNotes = 3

// notes say above the body what is wrong, and how old it is.
func (m *model) notes() []line {
	v := m.shown()
	if !v.target.followed() {
		return nil
	}
	var notes []line
	if v.part && v.body != nil {
		notes = append(notes, line{{"! ", warn}, {partly, plain}})
	}
	if m.link.state == live || m.link.state == connecting {
		return notes
	}
	why := ""
	switch m.link.state {
	case reconnecting:
		why = "The agent does not answer"
	case leaderless:
		why = "No server leads: nothing can be changed"
	case denied:
		why = "The token does not permit this"
	case failing:
		why = "The agent cannot answer"
	}
	if m.link.err != "" {
		why += ": " + lastOf(m.link.err)
	}
	said := paragraph{before: line{{"! ", bad}}, indent: 2, text: why}.lines(max(m.width, leastWidth))
	notes = append(notes, said[:min(len(said), maxNotes)]...)
	if v.body != nil {
		notes = append(notes, line{{"! STALE: this is what there was at " + m.clock(v.at), bad}})
	}
	return notes
}

// lastOf leaves out where a request went, which the first line says.
func lastOf(err string) string {
	if strings.HasPrefix(err, "Get \"") {
		if _, why, ok := strings.Cut(err, "\": "); ok {
			return why
		}
	}
	return err
}

func (m *model) drawBody() (lines []string) {
	v := m.shown()
	draw := func(l line, chosen bool) { lines = append(lines, m.painter.paint(l, m.width, chosen)) }
	if v.body == nil {
		switch m.link.state {
		case connecting, live:
			draw(line{{"Waiting for an answer…", faint}}, false)
		case reconnecting:
			draw(line{{"Nothing is known yet.", faint}}, false)
		}
		return lines
	}
	for _, l := range v.body.head {
		draw(l, false)
	}
	if v.body.label != "" {
		draw(nil, false)
		draw(line{{fmt.Sprintf("%s (%d)", v.body.label, len(v.body.rows)), strong}}, false)
	}
	room := m.room()
	switch {
	case len(v.matching) == 0 && v.filter != "":
		draw(line{{"Nothing matches the filter; esc takes it away.", faint}}, false)
	case len(v.matching) == 0:
		draw(text("%s", v.body.empty), false)
	case v.isText():
		for _, l := range v.lines[v.cursor:min(len(v.lines), v.cursor+room)] {
			draw(l, false)
		}
	default:
		widths := share(v.body.widths, m.width-len(marker)-1)
		if v.body.titled() {
			draw(append(line{{text: blank}}, titlesOf(v.body.cols, widths)...), false)
		}
		for i := v.top; i < min(len(v.matching), v.top+room); i++ {
			mark := blank
			if i == v.cursor {
				mark = marker
			}
			draw(append(line{{text: mark}}, cellsOf(v.body.cols, widths, v.body.rows[v.matching[i]].cells)...), i == v.cursor)
		}
	}
	return lines
}

// marker stands before the row at the cursor, blank before the others.
const marker, blank = "> ", "  "

func (m *model) lastLine() line {
	v := m.shown()
	switch {
	case m.typing:
		return line{{"/" + v.filter, strong}, {"_", plain}, {"   enter keeps the filter, esc takes it away", faint}}
	case m.help:
		return line{{"any key goes back, q quits", faint}}
	}
	var keys []string
	if at := v.chosen(); at != nil && at.opens != (target{}) {
		keys = append(keys, "enter open")
	}
	if len(m.stacks[m.page]) > 1 || v.filter != "" {
		keys = append(keys, "esc back")
	}
	keys = append(keys, "j/k move", "/ filter", "1-5 pages", "? help", "q quit")
	return line{{strings.Join(keys, "   "), faint}}
}

var helpLines = makeHelp([][2]string{
	{"1 … 5, tab, shift+tab", "pages: overview, services, nodes, keys, log"},
	{"j k, down up", "next row, row before"},
	{"space, page down, page up", "a screen on, a screen back"},
	{"g G, home end", "first row, last row"},
	{"enter, right, l", "open what the cursor is at"},
	{"esc, left, h, backspace", "take the filter away; back"},
	{"/", "filter: only rows with this text, in any case"},
	{"?", "this help"},
	{"q, ctrl+c", "quit"},
	{"", ""},
	{"live", "the screen follows the cluster as it changes"},
	{"reconnecting since", "the agent does not answer: what is shown is old"},
	{"no leader since", "no server leads: nothing can be changed"},
	{"not permitted", "the token may not see this (-token)"},
})

func makeHelp(rows [][2]string) []line {
	longest := slices.MaxFunc(rows, func(a, b [2]string) int { return cmp.Compare(len(a[0]), len(b[0])) })
	lines := []line{nil, {{"Keys", strong}}}
	for _, r := range rows {
		lines = append(lines, line{{"  " + fit(r[0], len(longest[0])+2, false), strong}, {r[1], plain}})
	}
	return lines
}
