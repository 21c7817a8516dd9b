package top

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/hashicorp/consul/api"
)

const (
	maxLines  = 1000 // of the log, the oldest go
	maxFilter = 100  // letters
	maxDepth  = 64   // views on top of one another: folders in folders

	// roundsEvery is the least time between the beginnings of two questions of a view,
	// so that a busy cluster is not asked without a pause.
	roundsEvery = time.Second
	// retryFirst doubles with each failure, to retryLast.
	retryFirst, retryLast = time.Second, 10 * time.Second
	// leaderEvery is the pause between questions while no server leads.
	leaderEvery = 2 * time.Second
	// pulseEvery is the pause between two looks at who leads.
	pulseEvery = time.Second
	// batchEvery gathers lines of the log between two redraws.
	batchEvery = 50 * time.Millisecond
)

// model is all that the screen shows. handle makes of it and a message the next one;
// neither it nor view looks at a clock or asks anybody.
type model struct {
	width, height int
	painter       painter
	zone          *time.Location
	address       string // of the agent
	datacenter    string // known once an answer says it

	page     int
	stacks   [][]*view // by page, the view that is shown last
	ask      int       // the number of the view's question: answers to others are too late
	link     link
	headless bool // the last pulse found no leader
	typing   bool // a filter
	help     bool
}

// view is one thing shown: its data, and where in it the person is.
type view struct {
	target target
	body   *body // nil before the first answer
	at     time.Time
	index  uint64
	failed int  // answers without data since the last one with
	part   bool // the token may not see all of it
	filter string

	matching []int  // what the filter leaves of the body
	lines    []line // of a text, broken for width
	width    int
	cursor   int // of a table: which of matching; of a text: the first line shown
	top      int // of a table: the first row shown
}

// link is what is known of the agent and its leader.
type link struct {
	state linkState
	since time.Time
	err   string
}

type linkState int

const (
	connecting linkState = iota
	live
	reconnecting
	leaderless
	denied
	failing
)

// question is what a view asks next.
type question struct {
	ask    int
	target target
	index  uint64
	after  time.Duration // to wait before
}

// answer is what came of a question. Its body is the whole view, or with more what is added to it.
type answer struct {
	ask        int
	began, at  time.Time
	body       *body
	more       bool
	opened     bool // a stream began
	index      uint64
	leader     bool
	part       bool // the token may not see all
	datacenter string
	err        error
}

// pulse is whether the agent answers, and whether it knows a leader: what is asked with
// a wait says neither before the wait is over, and a log never says it.
type pulse struct {
	at     time.Time
	leader bool
	err    error
}

// order is what the model wants done.
type order struct {
	quit, suspend bool
	follow        *question // in place of the one that is under way
}

func newModel(opts Options) model {
	m := model{address: opts.Address, datacenter: opts.Datacenter, zone: opts.Zone, painter: painter{colorless: opts.NoColor}, ask: 1}
	if m.zone == nil {
		m.zone = time.Local
	}
	for _, p := range pages {
		m.stacks = append(m.stacks, []*view{{target: target{kind: p.kind}}})
	}
	return m
}

// begin is the first question.
func (m *model) begin() *question { return &question{ask: m.ask, target: m.shown().target} }

// shown is the view on the screen.
func (m *model) shown() *view { stack := m.stacks[m.page]; return stack[len(stack)-1] }

// handle takes a message: of the keyboard, the window, or an answer.
func (m *model) handle(msg tea.Msg) order {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		return m.key(msg)
	case tea.PasteMsg:
		if m.typing {
			m.setFilter(m.shown().filter + clean(msg.Content))
		}
	case answer:
		return m.take(msg)
	case pulse:
		return m.feel(msg)
	}
	m.arrange()
	return order{}
}

// take takes an answer up and says what to ask next.
func (m *model) take(a answer) order {
	v := m.shown()
	if a.ask != m.ask || !v.target.followed() {
		return order{}
	}
	next := &question{ask: m.ask, target: v.target}
	if a.err != nil {
		v.failed++
		v.index = 0 // the next answer comes at once, so that it is known when it is live again
		m.setLink(stateOf(a.err), a.at, textOf(a.err))
		next.after = min(retryFirst<<min(v.failed-1, 10), retryLast)
		m.arrange()
		return order{follow: next}
	}
	if a.datacenter != "" {
		m.datacenter = a.datacenter
	}
	switch {
	case a.leader && !(a.more && m.headless): // a log says nothing of leaders
		m.setLink(live, a.at, "")
	default:
		m.setLink(leaderless, a.at, "")
	}
	switch {
	case a.more:
		v.add(a, m.zone)
		next.after = batchEvery
	default:
		v.replace(a.body)
		next.after = max(0, roundsEvery-a.at.Sub(a.began))
	}
	if a.index < v.index {
		a.index = 0 // it went backwards: reference/http-api.md §5
	}
	v.at, v.index, v.failed, v.part, next.index = a.at, a.index, 0, a.part, a.index
	if !a.leader {
		next.index, next.after = 0, leaderEvery // nothing would wake it
	}
	m.arrange()
	return order{follow: next}
}

// feel takes a pulse up. When there is a leader again, or an agent, the view is asked for at once.
func (m *model) feel(p pulse) order {
	lost := m.link.state == leaderless || m.link.state == reconnecting
	m.headless = p.err == nil && !p.leader
	switch state := stateOf(p.err); {
	case p.err != nil && (state == denied || state == failing): // the view will say
	case p.err != nil:
		m.setLink(state, p.at, textOf(p.err))
	case !p.leader:
		m.setLink(leaderless, p.at, "")
	case lost && m.shown().target.followed():
		return m.follow()
	case lost:
		m.setLink(live, p.at, "")
	}
	m.arrange()
	return order{}
}

func (m *model) setLink(s linkState, at time.Time, err string) {
	if m.link.state != s {
		m.link.state, m.link.since = s, at
	}
	m.link.err = err
}

// stateOf says what an error means.
func stateOf(err error) linkState {
	var status api.StatusError
	switch {
	case !errors.As(err, &status):
		return reconnecting
	case status.Code == http.StatusForbidden || status.Code == http.StatusUnauthorized:
		return denied
	case strings.Contains(status.Body, "No cluster leader"), strings.Contains(status.Body, "No known Consul servers"):
		return leaderless
	}
	return failing
}

func textOf(err error) string {
	var status api.StatusError
	if errors.As(err, &status) {
		return fmt.Sprintf("%d %s", status.Code, strings.TrimSpace(status.Body))
	}
	return err.Error()
}

// replace shows another body; the person stays at the row where they were.
func (v *view) replace(b *body) {
	at := v.chosen()
	v.body = b
	v.find()
	if at == nil || len(b.cols) == 0 {
		return
	}
	for i, n := range v.matching {
		if b.rows[n].is(at) {
			v.cursor = i
			return
		}
	}
}

// is reports whether a row is of the same thing as one of an earlier body.
func (r row) is(other *row) bool {
	return r.opens == other.opens && len(r.cells) > 0 && r.cells[0].text == other.cells[0].text && r.more == other.more
}

// add puts lines below those that are there. Who was at the last one stays at the last one.
func (v *view) add(a answer, zone *time.Location) {
	b := *a.body
	if v.body != nil {
		old := v.body.rows
		if a.opened && len(old) > 0 {
			old = append(old, row{cells: []span{{"--- not followed until " + a.at.In(zone).Format(time.TimeOnly) + " ---", faint}}})
		}
		b.rows = append(old, a.body.rows...)
	}
	last := v.cursor >= len(v.matching)-1
	chosen := v.cursor
	if over := len(b.rows) - maxLines; over > 0 {
		b.rows = slices.Clone(b.rows[over:])
		for _, n := range v.matching {
			if n < over {
				chosen--
			}
		}
	}
	v.body = &b
	v.find()
	if v.cursor = max(0, chosen); last {
		v.cursor = len(v.matching) - 1
	}
}

// find applies the filter.
func (v *view) find() {
	v.width = 0 // lines are broken again
	if v.body != nil {
		v.matching = v.body.matching(v.filter)
	}
}

// chosen is the row at the cursor; nil if there is none.
func (v *view) chosen() *row {
	if v.body == nil || len(v.body.cols) == 0 || v.cursor < 0 || v.cursor >= len(v.matching) {
		return nil
	}
	return &v.body.rows[v.matching[v.cursor]]
}

// isText reports whether there is a text, not a table.
func (v *view) isText() bool { return v.body != nil && len(v.body.cols) == 0 }

func (m *model) key(msg tea.KeyPressMsg) order {
	name := msg.String()
	switch {
	case name == "ctrl+c":
		return order{quit: true}
	case name == "ctrl+z":
		return order{suspend: true}
	case m.typing:
		m.typeFilter(name, msg.Text)
	case m.help:
		m.help = false
		return order{quit: name == "q"}
	default:
		return m.command(name)
	}
	m.arrange()
	return order{}
}

func (m *model) typeFilter(name, typed string) {
	v := m.shown()
	switch name {
	case "enter":
		m.typing = false
	case "esc":
		m.typing = false
		m.setFilter("")
	case "backspace":
		if letters := []rune(v.filter); len(letters) > 0 {
			m.setFilter(string(letters[:len(letters)-1]))
		}
	case "ctrl+u":
		m.setFilter("")
	default:
		m.setFilter(v.filter + clean(typed))
	}
}

func (m *model) setFilter(f string) {
	v := m.shown()
	if letters := []rune(f); len(letters) > maxFilter {
		f = string(letters[:maxFilter])
	}
	if f == v.filter {
		return
	}
	v.filter, v.cursor, v.top = f, 0, 0
	v.find()
	if v.target.kind == kindLog {
		v.cursor = len(v.matching) - 1
	}
}

// command does what a key stands for.
func (m *model) command(name string) order {
	v := m.shown()
	switch name {
	case "q":
		return order{quit: true}
	case "?":
		m.help = true
	case "/":
		m.typing = true
	case "j", "down":
		v.cursor++
	case "k", "up":
		v.cursor--
	case "pgdown", "ctrl+f", "space":
		v.cursor += max(1, m.room()-1)
	case "pgup", "ctrl+b":
		v.cursor -= max(1, m.room()-1)
	case "g", "home":
		v.cursor = 0
	case "G", "end":
		v.cursor = len(v.matching) + len(v.lines)
	case "tab":
		return m.turnTo((m.page + 1) % len(pages))
	case "shift+tab":
		return m.turnTo((m.page + len(pages) - 1) % len(pages))
	case "enter", "right", "l":
		return m.open()
	case "esc", "left", "h", "backspace":
		return m.back()
	default:
		if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= len(pages) {
			return m.turnTo(n - 1)
		}
	}
	m.arrange()
	return order{}
}

// turnTo shows another page, or of this one its first view.
func (m *model) turnTo(page int) order {
	if page == m.page {
		if len(m.stacks[page]) == 1 {
			return order{}
		}
		m.stacks[page] = m.stacks[page][:1]
	}
	m.page = page
	return m.follow()
}

// open shows what the row at the cursor stands for.
func (m *model) open() order {
	at := m.shown().chosen()
	if at == nil || at.opens == (target{}) || len(m.stacks[m.page]) >= maxDepth {
		return order{}
	}
	v := &view{target: at.opens}
	if at.opens.kind == kindLine {
		v.body = &body{blocks: []block{{{text: at.opens.name}}}}
		v.find()
	}
	m.stacks[m.page] = append(m.stacks[m.page], v)
	return m.follow()
}

// back takes the filter away, else shows what was there before.
func (m *model) back() order {
	stack := m.stacks[m.page]
	switch {
	case m.shown().filter != "":
		m.setFilter("")
		m.arrange()
		return order{}
	case len(stack) == 1:
		return order{}
	}
	m.stacks[m.page] = stack[:len(stack)-1]
	return m.follow()
}

// follow asks for the view that is now shown.
func (m *model) follow() order {
	m.ask++
	v := m.shown()
	v.index, v.failed = 0, 0 // what changed meanwhile comes at once
	if m.link.state == denied || m.link.state == failing {
		m.link = link{} // that was about another view
	}
	m.arrange()
	return order{follow: &question{ask: m.ask, target: v.target}}
}
