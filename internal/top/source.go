package top

import (
	"context"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/hashicorp/consul/api"
)

const (
	// waitAtMost is how long a question may wait for a change, overviewAtMost that of the
	// first page: its figures of Raft are as old as this at most.
	waitAtMost     = 10 * time.Second
	overviewAtMost = 5 * time.Second
	// patience is what an answer may take besides: the servers add a sixteenth to the
	// wait, and wait seven seconds for a leader.
	patience = 15 * time.Second
	// pulseWithin is how long an agent may take to say who leads, which it knows.
	pulseWithin = 3 * time.Second
)

// source asks the agent. One question is under way at a time.
type source struct {
	client     *api.Client
	stale      bool
	datacenter string
	logLevel   string
	log        *stream // of the view that is followed, if that is the log
}

func (s *source) once(ctx context.Context) *api.QueryOptions {
	return (&api.QueryOptions{AllowStale: s.stale}).WithContext(ctx)
}

// blocking are the options of a question that waits for a change since index.
func (s *source) blocking(ctx context.Context, index uint64) *api.QueryOptions {
	q := s.once(ctx)
	q.WaitIndex, q.WaitTime = index, waitAtMost
	return q
}

// ask answers a question, at once or when something changed.
func (s *source) ask(ctx context.Context, q question) answer {
	a := answer{ask: q.ask, began: time.Now()}
	var err error
	if s.log != nil && s.log.ask != q.ask {
		s.closeLog() // its view was left
	}
	if q.target.kind == kindLog {
		err = s.askLog(ctx, &a, q.ask)
	} else {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, waitAtMost+waitAtMost/16+patience)
		defer cancel()
		switch q.target.kind {
		case kindOverview:
			err = s.askOverview(ctx, &a, q.index)
		case kindServices:
			err = askFor(ctx, s, &a, "/v1/internal/ui/services", q.index, servicesBody)
		case kindService:
			err = askFor(ctx, s, &a, "/v1/health/service/"+q.target.name, q.index, serviceBody)
		case kindNodes:
			err = askFor(ctx, s, &a, "/v1/internal/ui/nodes", q.index, nodesBody)
		case kindNode:
			err = s.askNode(ctx, &a, q.target.name, q.index)
		case kindKeys:
			err = s.askKeys(ctx, &a, q.target.name, q.index)
		case kindKey:
			err = s.askKey(ctx, &a, q.target.name, q.index)
		}
	}
	a.err, a.at = err, time.Now()
	return a
}

// askFor asks for what may change, and shows it.
func askFor[T any](ctx context.Context, s *source, a *answer, path string, index uint64, show func(T) *body) error {
	var found T
	meta, err := s.client.Raw().Query(path, &found, s.blocking(ctx, index))
	if err != nil {
		return err
	}
	a.known(meta)
	a.body = show(found)
	return nil
}

// known takes up what an answer says of itself.
func (a *answer) known(meta *api.QueryMeta) {
	a.index, a.leader, a.part = meta.LastIndex, meta.KnownLeader, meta.ResultsFilteredByACLs
}

// pulse asks who leads.
func (s *source) pulse(ctx context.Context) pulse {
	ctx, cancel := context.WithTimeout(ctx, pulseWithin)
	defer cancel()
	leader, err := s.client.Status().LeaderWithQueryOptions(s.once(ctx))
	return pulse{at: time.Now(), leader: leader != "", err: err}
}

// follower asks the questions of the model, one at a time: a question of another view
// ends the one that is under way.
type follower struct {
	source *source
	derive func() (context.Context, context.CancelFunc) // a context for a view, or for all
	alive  context.Context                              // until it is closed
	die    context.CancelFunc

	mu     sync.Mutex
	ask    int                     // of the view that is followed
	answer func(q question) answer // within that view's context
	end    context.CancelFunc      // of that context
	closed bool
	asking sync.WaitGroup

	one sync.Mutex // held while a question is under way
}

func newFollower(s *source, derive func() (context.Context, context.CancelFunc)) *follower {
	f := &follower{source: s, derive: derive}
	f.alive, f.die = derive()
	return f
}

// feel returns what asks after a pause who leads.
func (f *follower) feel() tea.Msg {
	if !f.enter() {
		return nil
	}
	defer f.asking.Done()
	pause := time.NewTimer(pulseEvery)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-f.alive.Done():
		return nil
	}
	if p := f.source.pulse(f.alive); f.alive.Err() == nil {
		return p
	}
	return nil
}

// enter reports whether something may be asked, and has close wait for it.
func (f *follower) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.asking.Add(1)
	}
	return !f.closed
}

// follow returns what asks q when the program runs it; nil for nothing.
func (f *follower) follow(q question) tea.Cmd {
	f.mu.Lock()
	defer f.mu.Unlock()
	if q.ask != f.ask {
		if f.end != nil {
			f.end()
		}
		ctx, end := f.derive()
		f.ask, f.end = q.ask, end
		f.answer = func(q question) answer { return f.within(ctx, q) }
	}
	if !q.target.followed() {
		return nil
	}
	answer := f.answer
	return func() tea.Msg {
		if !f.begin(q.ask) {
			return nil
		}
		defer f.asking.Done()
		return answer(q)
	}
}

// begin reports whether the view of a question is still shown.
func (f *follower) begin(ask int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || ask != f.ask {
		return false
	}
	f.asking.Add(1)
	return true
}

func (f *follower) within(ctx context.Context, q question) answer {
	pause := time.NewTimer(q.after)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
		return answer{}
	}
	f.one.Lock()
	defer f.one.Unlock()
	if ctx.Err() != nil {
		return answer{}
	}
	a := f.source.ask(ctx, q)
	if ctx.Err() != nil {
		f.source.closeLog()
		return answer{}
	}
	return a
}

// close ends what is under way and waits for it.
func (f *follower) close() {
	f.mu.Lock()
	f.closed = true
	f.die()
	if f.end != nil {
		f.end()
	}
	f.mu.Unlock()
	f.asking.Wait()
	f.source.closeLog()
}
