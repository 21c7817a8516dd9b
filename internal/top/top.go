package top

import (
	"context"
	"errors"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/hashicorp/consul/api"
)

// Options say what is shown, and where.
type Options struct {
	Client     *api.Client
	Address    string // of the agent, for the first line
	Datacenter string // asked for; "" for the agent's own, whose name an answer says
	Stale      bool   // any server may answer
	LogLevel   string // least level of the log; "" for INFO
	NoColor    bool   // every style but bold and reverse is left out
	Input      io.Reader
	Output     io.Writer
	Zone       *time.Location // of the times shown; nil for the machine's
}

func (o Options) source() *source {
	return &source{client: o.Client, stale: o.Stale, datacenter: o.Datacenter, logLevel: o.LogLevel}
}

// Run shows the cluster until the person quits or ctx ends, which is no error. Output
// must be a terminal, which is afterwards as it was.
func Run(ctx context.Context, opts Options) error {
	f := newFollower(opts.source(), func() (context.Context, context.CancelFunc) { return context.WithCancel(ctx) })
	defer f.close()
	m := newModel(opts)
	_, err := tea.NewProgram(&program{model: m, follower: f}, tea.WithContext(ctx), tea.WithInput(opts.Input), tea.WithOutput(opts.Output)).Run()
	if errors.Is(err, tea.ErrInterrupted) || ctx.Err() != nil {
		return nil
	}
	return err
}

// Once writes the first page as text.
func Once(ctx context.Context, opts Options) error {
	a := opts.source().ask(ctx, question{})
	if a.err != nil {
		return a.err
	}
	page := a.body.plain()
	if a.part {
		page += partly + "\n"
	}
	_, err := io.WriteString(opts.Output, page)
	return err
}

// program is the model with what asks its questions.
type program struct {
	model    model
	follower *follower
}

// Init implements tea.Model.
func (p *program) Init() tea.Cmd {
	return tea.Batch(p.follower.follow(*p.model.begin()), p.follower.feel)
}

// Update implements tea.Model.
func (p *program) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	o := p.model.handle(msg)
	var next []tea.Cmd
	switch {
	case o.quit:
		return p, tea.Quit
	case o.suspend:
		return p, tea.Suspend
	case o.follow != nil:
		next = append(next, p.follower.follow(*o.follow))
	}
	if _, felt := msg.(pulse); felt {
		next = append(next, p.follower.feel)
	}
	return p, tea.Batch(next...)
}

// View implements tea.Model.
func (p *program) View() tea.View {
	v := tea.NewView(p.model.view())
	v.AltScreen = true
	return v
}

var _ tea.Model = (*program)(nil)
