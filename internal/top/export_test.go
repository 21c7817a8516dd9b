package top

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// What tests need to see from inside.
var (
	Clean = clean
	Share = share
)

// Least is the least pause between two questions.
const Least = roundsEvery

// Screen is the model with its source, and a clock of its own: the test says when it
// asks, and what time it is.
type Screen struct {
	Now   time.Time
	model model
	ask   *source
	next  *question
	Quit  bool
}

func NewScreen(opts Options, width, height int) *Screen {
	opts.Zone = time.UTC
	s := &Screen{Now: time.Date(2026, 11, 29, 14, 3, 1, 0, time.UTC), model: newModel(opts), ask: opts.source()}
	s.next = s.model.begin()
	s.send(tea.WindowSizeMsg{Width: width, Height: height})
	return s
}

func (s *Screen) send(msg tea.Msg) {
	o := s.model.handle(msg)
	if o.quit {
		s.Quit = true
	}
	if o.follow != nil {
		s.next = o.follow
	}
}

// Resize gives the window another size.
func (s *Screen) Resize(width, height int) { s.send(tea.WindowSizeMsg{Width: width, Height: height}) }

// Press presses keys, by their names; a name of one letter is that letter.
func (s *Screen) Press(names ...string) {
	codes := map[string]rune{"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "down": tea.KeyDown, "up": tea.KeyUp,
		"pgdown": tea.KeyPgDown, "pgup": tea.KeyPgUp, "backspace": tea.KeyBackspace}
	for _, name := range names {
		if code, ok := codes[name]; ok {
			s.send(tea.KeyPressMsg{Code: code})
		} else if name == "ctrl+c" {
			s.send(tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl})
		} else {
			s.send(tea.KeyPressMsg{Code: []rune(name)[0], Text: name})
		}
	}
}

// Type presses the keys of a text.
func (s *Screen) Type(text string) {
	for _, r := range text {
		s.Press(string(r))
	}
}

// Paste pastes a text.
func (s *Screen) Paste(text string) { s.send(tea.PasteMsg{Content: text}) }

// Ask asks the next question and takes its answer up.
func (s *Screen) Ask(ctx context.Context) {
	s.Late(ctx)()
}

// Pulse asks who leads, and takes that up.
func (s *Screen) Pulse(ctx context.Context) {
	p := s.ask.pulse(ctx)
	p.at = s.Now
	s.send(p)
}

// Late asks the next question; what it returns takes the answer up.
func (s *Screen) Late(ctx context.Context) func() {
	a := s.ask.ask(ctx, *s.next)
	a.began, a.at = s.Now, s.Now
	return func() { s.send(a) }
}

// Next is the index from which the next question waits, and the pause before it.
func (s *Screen) Next() (index uint64, after time.Duration) { return s.next.index, s.next.after }

// Close ends a log that is read.
func (s *Screen) Close() { s.ask.closeLog() }

// Raw is what goes to the terminal, Text the same without its styles.
func (s *Screen) Raw() string  { return s.model.view() }
func (s *Screen) Text() string { return ansi.Strip(s.model.view()) }

// Fail answers the next question as an agent does that is gone.
func (s *Screen) Fail() {
	s.send(answer{ask: s.next.ask, at: s.Now, began: s.Now, err: errors.New(`Get "http://10.0.0.9:8500/v1/internal/ui/services?index=7": dial tcp 10.0.0.9:8500: connect: connection refused`)})
}

// Follower asks as the program does.
type Follower struct{ f *follower }

func NewFollower(ctx context.Context, opts Options) *Follower {
	return &Follower{newFollower(opts.source(), func() (context.Context, context.CancelFunc) { return context.WithCancel(ctx) })}
}

// Follow asks for a page, by its number, in place of what is asked; ask is the question's number.
// What it returns waits for the answer, and reports whether there is one.
func (f *Follower) Follow(ask, page int) func() bool {
	cmd := f.f.follow(question{ask: ask, target: target{kind: pages[page-1].kind}})
	return func() bool {
		a, ok := cmd().(answer)
		return ok && a.ask == ask
	}
}

func (f *Follower) Close() { f.f.close() }
