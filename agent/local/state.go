package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/checks"
	"praetor/catalog"
	"praetor/internal/durable"
	"praetor/internal/life"
)

// State is what is registered with this agent.
type State struct {
	opts    Options
	logger  hclog.Logger
	queue   queue
	journal *journal // nil when nothing is kept

	wake     chan struct{} // something is to be synced; holds one
	soon     chan struct{} // a full sync is wanted soon; holds one
	turn     chan struct{} // held by whoever sends to the catalog; holds one
	closing  sync.Once
	closeErr error

	syncErr atomic.Pointer[string] // why the catalog lacks something; nil for no reason

	mu sync.Mutex

	services   map[string]*serviceEntry
	checks     map[string]*checkEntry
	nodeChecks map[string]*checkEntry         // those without service
	orphans    []kept[checkRecord]            // restored, their services perhaps in files
	statuses   map[string]*kept[statusRecord] // restored, of checks not restored (yet)
	entries    uint64                         // so many were made
	live       int64                          // bytes of the journal that count

	nodeMeta    map[string]string
	discard     bool                // check output
	launch      func(e *checkEntry) // starts a runner while Run works, else nil
	dirty       dirty
	arrivals    arrivals
	unsaved     map[string]struct{} // checks whose status the journal does not have
	unwritten   bool                // something was done that the journal does not have
	watches     map[string]chan struct{}
	serviceView map[string]*catalog.Service // Services' answer, nil after a change
	checkView   map[string]*catalog.Check
}

// Open reads what was registered before. Call LoadDefinitions next, then Run.
func Open(opts Options) (*State, error) {
	if err := opts.fill(); err != nil {
		return nil, fmt.Errorf("open local state: %w", err)
	}
	s := &State{
		opts: opts, logger: opts.Logger,
		wake: make(chan struct{}, 1), soon: make(chan struct{}, 1), turn: make(chan struct{}, 1),
		services:   map[string]*serviceEntry{},
		checks:     map[string]*checkEntry{},
		nodeChecks: map[string]*checkEntry{},
		nodeMeta:   opts.NodeMeta, discard: opts.DiscardCheckOutput,
		dirty:   newDirty(),
		unsaved: map[string]struct{}{},
		watches: map[string]chan struct{}{},
	}
	if opts.Dir == "" {
		return s, nil
	}
	if err := s.openJournal(); err != nil {
		return nil, fmt.Errorf("open local state: %w", err)
	}
	return s, nil
}

// openJournal restores from the journal, as far as it can be read: an agent that
// does not start takes its whole node with it. If there is none it makes one, from
// the files that a Consul agent kept in the same folder if there are any.
func (s *State) openJournal() error {
	s.journal = &journal{
		path: filepath.Join(s.opts.Dir, journalName), disk: &disk{durable.Disk{Before: s.opts.BeforeFileOp}},
		compactAt: s.opts.CompactAt, damaged: errNotRead,
	}
	m := newImage()
	holes, err := s.journal.load(m.apply)
	if errors.Is(err, fs.ErrNotExist) {
		return s.newJournal(m)
	}
	s.restore(m)
	s.tellHoles(holes)
	if s.journal.damaged != nil {
		s.sumUp(s.compact())
	}
	return nil // whatever it was: registrations are refused until it is over
}

// newJournal makes the first journal in a folder.
func (s *State) newJournal(m *image) error {
	if err := os.MkdirAll(s.opts.Dir, 0o755); err != nil {
		return err
	}
	if err := importConsul(s.opts.Dir, m, s.logger); err != nil {
		return err
	}
	s.restore(m)
	if err := s.compact(); err != nil {
		return errors.Join(err, s.journal.close())
	}
	s.logger.Info("no local journal yet: made one", "path", s.journal.path)
	if n := len(m.services) + len(m.checks); n > 0 {
		s.logger.Info("took over the registrations of a Consul agent", "services", len(m.services), "checks", len(m.checks))
	}
	return nil
}

// Run runs the checks, keeps the catalog in step, and removes services that
// have been critical for too long, until ctx ends.
func (s *State) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var runners sync.WaitGroup
	var looking sync.RWMutex // held by TTL checks that look at the clock
	guard := func(look func()) {
		looking.RLock()
		defer looking.RUnlock()
		if ctx.Err() == nil {
			look()
		}
	}
	s.startRunners(func(e *checkEntry) {
		if e.ttl != nil {
			e.stop = e.ttl.Start(guard)
			return
		}
		checkCtx, stop := context.WithCancel(ctx)
		e.stop = stop
		runners.Add(1)
		go func() { // waited for below
			defer runners.Done()
			defer stop()
			e.runner.Run(checkCtx)
		}()
	})
	defer func() {
		cancel()
		s.stopRunners()
		runners.Wait()
		looking.Lock() // whoever looks now has ended
		defer looking.Unlock()
	}()
	parts := life.NewGroup()
	parts.Add("local-save", s.saveStatuses)
	parts.Add("local-reap", s.reap)
	parts.Add("local-sync", s.sync)
	return parts.Run(ctx)
}

func (s *State) startRunners(launch func(e *checkEntry)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.launch = launch
	for _, e := range s.checks {
		s.start(e)
	}
}

func (s *State) stopRunners() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.launch = nil
	for _, e := range s.checks {
		if e.ttl != nil && e.stop != nil {
			e.stop()
		}
	}
}

// start runs a check if Run works; s.mu is held.
func (s *State) start(e *checkEntry) {
	if s.launch != nil && e.runner != nil {
		s.launch(e)
	}
}

// Close saves what checks were last found to be and closes the journal. Calling it
// twice is fine. Changes after it are refused.
func (s *State) Close() error {
	s.closing.Do(func() {
		if s.journal == nil {
			return
		}
		s.saveOutputs()
		last, _ := s.statusChange()
		last.last, last.lazy = true, false
		s.closeErr = errors.Join(s.commit(last), s.journal.close())
	})
	return s.closeErr
}

// Services returns the services by ID. The map and its rows are shared: do not
// change them. It is rebuilt at most once per change, and only when asked for.
func (s *State) Services() map[string]*catalog.Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.serviceView == nil {
		s.serviceView = make(map[string]*catalog.Service, len(s.services))
		for id, e := range s.services {
			s.serviceView[id] = e.row
		}
	}
	return s.serviceView
}

// Service returns one service, nil if there is none with that ID. Its row is
// shared.
func (s *State) Service(id string) *catalog.Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.services[id]; e != nil {
		return e.row
	}
	return nil
}

// Checks returns the checks by ID, shared like Services. Those of the local
// agent's gossip health are not among them: they live in the catalog only.
func (s *State) Checks() map[string]*catalog.Check {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.checkView == nil {
		s.checkView = make(map[string]*catalog.Check, len(s.checks))
		for id, e := range s.checks {
			s.checkView[id] = e.row
		}
	}
	return s.checkView
}

// Check returns one check, nil if there is none with that ID.
func (s *State) Check(id string) *catalog.Check {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.checks[id]; e != nil {
		return e.row
	}
	return nil
}

// Counts are for the agent's own statistics.
type Counts struct {
	Services      int
	Checks        int
	CheckMonitors int // script checks
	CheckTTLs     int
}

// Counts counts.
func (s *State) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := Counts{Services: len(s.services), Checks: len(s.checks)}
	for _, e := range s.checks {
		switch {
		case e.ttl != nil:
			c.CheckTTLs++
		case len(e.row.Definition.ScriptArgs) > 0:
			c.CheckMonitors++
		}
	}
	return c
}

// NodeMeta is what this agent says about its node.
func (s *State) NodeMeta() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nodeMeta
}

// SetNodeMeta replaces the configured node metadata.
func (s *State) SetNodeMeta(configured map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodeMeta = fullMeta(configured)
	s.dirty.node = true
	s.nudge()
}

// SetDiscardCheckOutput sets whether results are kept without their output from
// now on.
func (s *State) SetDiscardCheckOutput(discard bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.discard = discard
}

// runnerOptions are what a new runner gets. notify is called without a lock held.
func (s *State) runnerOptions(file bool, notify func(id, status, output string)) checks.Options {
	o := s.opts.Checks
	o.Notify, o.Logger, o.OutputMax = notify, s.logger, s.opts.OutputMaxSize
	o.ScriptsAllowed, o.ScriptsRefusal = s.opts.EnableScripts, checks.RemoteScriptsDisabled
	if file {
		o.ScriptsAllowed = s.opts.EnableScripts || s.opts.EnableLocalScripts
		o.ScriptsRefusal = checks.LocalScriptsDisabled
	}
	o.Local, o.Remote = s, remote{s}
	return o
}
