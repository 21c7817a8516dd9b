package gossip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-multierror"
	"github.com/hashicorp/serf/coordinate"
	"github.com/hashicorp/serf/serf"

	"praetor/internal/fault"
)

// errClosed answers calls that come after Close.
var errClosed = fault.New(fault.Internal, "gossip pool is closed")

// Pool is this agent's view of one gossip pool.
type Pool struct {
	name   string
	logger hclog.Logger
	serf   *serf.Serf
	queue  *queue
	flush  *flusher

	events    chan serf.Event // serf to pump
	questions chan Question   // pump to who answers, see Questions
	pumped    chan struct{}   // closed when pump has ended
	closing   sync.Once
	running   atomic.Bool // Run is at work

	leaving  sync.Once // Leave, or Close making sure that none comes
	leaveErr error     // valid after leaving
	goodbye  atomic.Bool

	tagsMu sync.Mutex // one SetTags at a time: serf does not guard its tags
}

// Open starts gossiping. It fails if the address cannot be bound.
func Open(opts Options) (*Pool, error) {
	given := opts.Transport
	p, err := open(opts)
	if err != nil && given != nil {
		_ = given.Shutdown() // the first error tells more
	}
	return p, err
}

func open(opts Options) (*Pool, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	ring, err := openKeyring(&opts)
	if err != nil {
		return nil, err
	}
	if err := prepareSnapshot(opts.SnapshotPath); err != nil {
		return nil, err
	}
	p := &Pool{
		name:   opts.Name,
		logger: opts.Logger,
		queue:  newQueue(),
		events: make(chan serf.Event, eventBuffer), questions: make(chan Question, maxQuestions),
		pumped: make(chan struct{}),
	}
	config := serfConfig(&opts, p.events, standardLogger(&opts))
	config.MemberlistConfig.Keyring = ring
	if err := p.start(config, &opts); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Pool) start(config *serf.Config, opts *Options) error {
	transport, port, err := bind(opts, config.Logger)
	if err != nil {
		return err
	}
	ip, advertised, err := advertise(transport, opts, port)
	if err == nil {
		ml := config.MemberlistConfig
		ml.Transport = transport
		ml.BindPort = port
		ml.AdvertiseAddr, ml.AdvertisePort = ip.String(), advertised
		p.flush = newFlusher(config)
		p.serf, err = serf.Create(config)
	}
	if err != nil {
		_ = transport.Shutdown() // the first error tells more
		return fmt.Errorf("start %s gossip: %w", opts.network(), err)
	}
	p.flush.begin(config, p.serf.LocalMember())
	go p.pump() // Close waits for it through pumped
	return nil
}

// prepareSnapshot makes the snapshot's folder, and finishes a compaction that
// was cut between serf's removal of the old file and its rename of the new.
func prepareSnapshot(path string) error {
	if path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make folder of gossip snapshot: %w", err)
	}
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		if err := os.Rename(path+".compact", path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("recover gossip snapshot: %w", err)
		}
	}
	return nil
}

// pump empties serf's channel into the queue, so that serf never waits.
func (p *Pool) pump() {
	defer close(p.pumped)
	for {
		select {
		case e := <-p.events:
			p.take(e)
		case <-p.flush.due():
			p.flush.flush()
		case <-p.serf.ShutdownCh():
			for {
				select {
				case e := <-p.events:
					p.take(e)
				default:
					return
				}
			}
		}
	}
}

func (p *Pool) take(e serf.Event) {
	if p.flush.takes(e) {
		return
	}
	if q, ok := e.(*serf.Query); ok {
		p.takeQuestion(q)
		return
	}
	if event, ok := eventOf(e); ok {
		p.queue.push(event)
	}
}

// Run delivers events until ctx ends; it calls handle from one goroutine, in
// order. Events that came before wait for it. When thousands wait because
// handle is slow, older events about the same member are skipped and the
// oldest user events are lost. Run returns an error if the pool is closed
// while ctx lives, or if another Run is at work.
func (p *Pool) Run(ctx context.Context, handle func(Event)) error {
	if !p.running.CompareAndSwap(false, true) {
		return fault.New(fault.Internal, "gossip events are already being handled")
	}
	defer p.running.Store(false)
	var dropped uint64
	for ctx.Err() == nil {
		if event, ok := p.queue.pop(); ok {
			handle(event)
			continue
		}
		if now := p.queue.droppedUsers(); now != dropped {
			p.logger.Warn("user events were lost: handling them is too slow", "lost", now-dropped)
			dropped = now
		}
		select {
		case <-p.queue.filled:
		case <-ctx.Done():
		case <-p.pumped:
			return errClosed
		}
	}
	return nil
}

// Close stops gossiping without saying goodbye: others will see this member
// fail. It waits for a Leave under way.
func (p *Pool) Close() error {
	var err error
	p.closing.Do(func() {
		p.leaving.Do(func() { p.leaveErr = errClosed })
		if err = p.serf.Shutdown(); err != nil {
			err = fmt.Errorf("stop gossip: %w", err)
			return
		}
		<-p.pumped
	})
	return err
}

// Leave says goodbye and waits for the word to spread (about 3 s). The pool
// still listens until Close. Calling it again is fine.
func (p *Pool) Leave() error {
	p.leaving.Do(func() {
		p.goodbye.Store(true)
		if err := p.serf.Leave(); err != nil {
			p.leaveErr = fmt.Errorf("leave gossip: %w", err)
		}
	})
	return p.leaveErr
}

// Join contacts addresses (host or host:port) and returns how many answered.
// The error is nil if one did; else it is Rejected and lists each failure.
func (p *Pool) Join(addrs []string) (int, error) {
	n, err := p.serf.Join(addrs, true)
	if err == nil {
		return n, nil
	}
	return n, joinFault(err)
}

// joinFault words a failed join as Consul does, reference/http-agent.md §2.
func joinFault(err error) error {
	var list *multierror.Error
	if !errors.As(err, &list) {
		return &fault.Error{Kind: fault.Rejected, Text: err.Error(), Err: err}
	}
	consuls := new(multierror.Error)
	for _, e := range list.Errors {
		text := e.Error()
		if strings.HasPrefix(text, "failed to ") {
			text = "F" + text[1:]
		}
		consuls = multierror.Append(consuls, errors.New(text))
	}
	return &fault.Error{Kind: fault.Rejected, Text: consuls.Error(), Err: err}
}

// textNoSuchNode is parsed by clients, reference/http-agent.md §2.
const textNoSuchNode = "agent: No node found with name '%s'"

// ForceLeave declares a failed member left; prune forgets it at once. An alive
// member refutes it. The error is Rejected, with Consul's text, if no member
// has that name.
func (p *Pool) ForceLeave(name string, prune bool) error {
	known := slices.ContainsFunc(p.serf.Members(), func(m serf.Member) bool { return m.Name == name })
	if !known {
		return fault.New(fault.Rejected, textNoSuchNode, name)
	}
	force := p.serf.RemoveFailedNode
	if prune {
		force = p.serf.RemoveFailedNodePrune
	}
	if err := force(name); err != nil {
		return fmt.Errorf("force %s to leave: %w", name, err)
	}
	return nil
}

// Members lists all members known, by name.
func (p *Pool) Members() []Member {
	known := p.serf.Members()
	members := make([]Member, len(known))
	for i := range known {
		members[i] = memberOf(&known[i])
	}
	slices.SortFunc(members, func(a, b Member) int { return cmp.Compare(a.Name, b.Name) })
	return members
}

// NumMembers counts the members that are alive; it is cheap.
func (p *Pool) NumMembers() int { return p.serf.Memberlist().NumMembers() }

// Local is this agent's own entry.
func (p *Pool) Local() Member {
	if !p.goodbye.Load() {
		m := p.serf.LocalMember()
		return memberOf(&m)
	}
	// After goodbye a prune may have erased it, which serf's LocalMember does not expect.
	for _, m := range p.serf.Members() {
		if m.Name == p.name {
			return memberOf(&m)
		}
	}
	return Member{Name: p.name, Status: Left}
}

// SetTags changes this agent's tags and tells the others. Encoded they may
// take 512 bytes.
func (p *Pool) SetTags(tags map[string]string) error {
	p.tagsMu.Lock()
	defer p.tagsMu.Unlock()
	if p.goodbye.Load() {
		return fault.New(fault.Internal, "gossip tags cannot change after leaving")
	}
	if err := p.serf.SetTags(maps.Clone(tags)); err != nil {
		return fmt.Errorf("set gossip tags: %w", err)
	}
	return nil
}

// Fire sends a user event to all members, this one included. The error is
// Rejected if it is too large.
func (p *Pool) Fire(name string, payload []byte) error {
	if err := p.serf.UserEvent(name, payload, false); err != nil {
		return &fault.Error{Kind: fault.Rejected, Text: err.Error(), Err: err}
	}
	return nil
}

// Coordinate is where this agent is in the network's latency space; nil if off.
func (p *Pool) Coordinate() *coordinate.Coordinate {
	c, err := p.serf.GetCoordinate()
	if err != nil {
		return nil
	}
	return c
}

// CachedCoordinate is where another member was when last probed; nil if unknown or off.
func (p *Pool) CachedCoordinate(name string) *coordinate.Coordinate {
	c, _ := p.serf.GetCachedCoordinate(name)
	return c
}

// Encrypted tells whether traffic is encrypted.
func (p *Pool) Encrypted() bool { return p.serf.EncryptionEnabled() }

// Stats gives the serf_lan or serf_wan section of `info`, reference/cli.md §3.
func (p *Pool) Stats() map[string]string { return p.serf.Stats() }
