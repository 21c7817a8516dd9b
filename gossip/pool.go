package gossip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-multierror"
	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/coordinate"
	"github.com/hashicorp/serf/serf"

	"praetor/internal/fault"
)

// errClosed answers calls that come after Close.
var errClosed = fault.New(fault.Internal, "gossip pool is closed")

// Pool is this agent's view of one gossip pool.
type Pool struct {
	name        string
	id          string // tag "id"
	wan         bool
	logger      hclog.Logger
	serf        *serf.Serf
	queue       *queue
	flush       *flusher
	ring        *memberlist.Keyring // nil without encryption
	keyringPath string              // "" for none
	keysNoted   []byte              // keyringContent of the keys whose checksum was written last; pump's
	thin        *thinner

	verifyIncoming, verifyOutgoing bool // of encryption

	// Between the network, memberlist and serf.
	guard     *guard
	intents   *intents
	conflicts *conflicts
	admission *admission
	doubts    *doubts

	probeTimeout time.Duration // memberlist's, which the relays of a ping have too

	events    chan serf.Event // serf to pump
	questions chan Question   // pump to the goroutine that answers, see Questions
	mend      chan struct{}   // serf has erased a living member
	meet      chan Member     // members to exchange states with
	pumped    chan struct{}   // closed when pump has ended
	settled   chan struct{}   // closed when settle has ended
	cancel    func()          // ends settle and doubts
	closing   sync.Once
	running   atomic.Bool // Run is at work

	leaving  sync.Once // Leave, or Close making sure that none comes
	leaveErr error     // valid after leaving
	goodbye  atomic.Bool
	joining  chan struct{} // has a token while a Join is under way

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
	if err := prepareSnapshot(opts.SnapshotPath, opts.Logger); err != nil {
		return nil, err
	}
	p := &Pool{
		name:   opts.Name,
		id:     opts.Tags[tagID],
		wan:    opts.WAN,
		logger: opts.Logger,
		queue:  newQueue(),
		ring:   ring, keyringPath: opts.KeyringPath,
		thin:   newThinner(opts.Logger, metricLabels(&opts)),
		events: make(chan serf.Event, eventBuffer), questions: make(chan Question, maxQuestions),
		mend: make(chan struct{}, 1), meet: make(chan Member, maxConflicts), pumped: make(chan struct{}), settled: make(chan struct{}),
		joining:        make(chan struct{}, 1),
		verifyIncoming: opts.EncryptVerifyIncoming, verifyOutgoing: opts.EncryptVerifyOutgoing,
		admission: newAdmission(&opts), doubts: newDoubts(),
	}
	p.intents = newIntents(opts.Name, p.thin.refused, p.admission.unknown)
	if ring != nil {
		p.keysNoted = keyringContent(ring.GetKeys())
	}
	p.conflicts = newConflicts(opts.Name)
	config := serfConfig(&opts, p.events, p.standardLogger())
	config.Merge = p.admission
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
		p.guard = p.newGuard(transport, ml)
		transport = p.guard
		ml.Transport = p.guard
		ml.CIDRsAllowed = withOwn(ml.CIDRsAllowed, ip)
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
	// What settle does ends with the pool, which no context comes into.
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.doubts.open(ctx)
	go func() { // Close waits for it through settled
		defer close(p.settled)
		p.settle(ctx)
	}()
	return nil
}

// newGuard puts the guard before memberlist, and what else stands between it and
// serf in its place.
func (p *Pool) newGuard(transport memberlist.Transport, config *memberlist.Config) *guard {
	g := newGuard(transport)
	g.identify, g.rejected = p.answerIdentity, p.thin.rejected
	g.heard, g.refused = p.heard, p.refusedBy
	p.probeTimeout = config.ProbeTimeout
	if p.ring != nil {
		g.reading = readsBoth
		if p.verifyIncoming {
			g.reading = readsSealed
		}
	}
	g.begin = func() {
		p.intents.insert(config)
		p.conflicts.ConflictDelegate, config.Conflict = config.Conflict, p.conflicts
	}
	g.start()
	return g
}

// withOwn adds this agent's own address to the networks that members may come
// from, if there are any: memberlist would refuse itself.
func withOwn(allowed []net.IPNet, ip net.IP) []net.IPNet {
	if len(allowed) == 0 {
		return allowed
	}
	if v4 := ip.To4(); v4 != nil {
		ip = v4
	}
	own := net.IPNet{IP: ip, Mask: net.CIDRMask(8*len(ip), 8*len(ip))}
	return append(slices.Clone(allowed), own)
}

// standardLogger passes lines of serf and memberlist on at the level they name.
func (p *Pool) standardLogger() *log.Logger {
	next := p.logger.StandardWriter(&hclog.StandardLoggerOptions{InferLevels: true})
	return log.New(thinWriter{thin: p.thin, next: next}, "", 0)
}

// pump empties serf's channel into the queue, so that serf never waits.
func (p *Pool) pump() {
	defer close(p.pumped)
	defer p.noteKeys()
	thinned := time.NewTicker(thinPeriod)
	defer thinned.Stop()
	for {
		select {
		case <-thinned.C:
			p.thin.flush()
			p.noteKeys()
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
	event, ok := eventOf(e)
	if !ok {
		return
	}
	p.queue.push(event)
	if event.Type != Reaped {
		return
	}
	for _, m := range event.Members {
		if p.intents.reaped(m.Name) {
			wake(p.mend)
		}
	}
}

func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // already due
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
		p.cancel()
		<-p.settled
		p.doubts.close()
		if err = p.serf.Shutdown(); err != nil {
			err = fmt.Errorf("stop gossip: %w", err)
			return
		}
		<-p.pumped
	})
	return err
}

// Leave says goodbye and waits for the word to spread (about 3 s). The pool
// still listens until Close. Calling it again is fine. A Join under way is let
// finish first: those it reaches must hear the goodbye, or they see a member fail.
func (p *Pool) Leave() error {
	p.leaving.Do(func() {
		p.goodbye.Store(true)
		select {
		case p.joining <- struct{}{}:
			defer func() { <-p.joining }()
		case <-time.After(joinPatience):
		}
		if err := p.serf.Leave(); err != nil {
			p.leaveErr = fmt.Errorf("leave gossip: %w", err)
		}
	})
	return p.leaveErr
}

// Join contacts addresses (host or host:port) and returns how many answered.
// The error is nil if one did; else it is Rejected and lists each failure. If
// they refuse because another agent seems to live by this one's name, that one is
// asked first.
func (p *Pool) Join(addrs []string) (int, error) {
	p.joining <- struct{}{}
	defer func() { <-p.joining }()
	n, err := p.serf.Join(addrs, true)
	if err != nil && p.twinIsGone() {
		n, err = p.serf.Join(addrs, true)
	}
	if err == nil {
		return n, nil
	}
	return n, joinFault(err)
}

// twinIsGone reports whether admission has refused others because of an agent of
// this one's name that does not answer; from now on it is not in the way.
func (p *Pool) twinIsGone() bool {
	twin := p.admission.takeTwin()
	if twin == nil {
		return false
	}
	// Join has no context; what is asked has a time-out.
	who, err := p.Identify(context.Background(), *twin)
	if err == nil && who.Is(p.name, "") && !strings.EqualFold(who.ID, p.id) {
		return false
	}
	p.logger.Info("the agent that had this name does not answer any more: taking its place", "name", p.name, "old", twin.Addr)
	p.admission.forget(*twin)
	return true
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

// joinPatience is how long Leave lets a Join under way finish: one that reaches a
// member takes milliseconds, one that reaches nobody owes no goodbye.
const joinPatience = 3 * time.Second

// textNoSuchNode is parsed by clients, reference/http-agent.md §2.
const textNoSuchNode = "agent: No node found with name '%s'"

// textForceAlive is of a force-leave that is refused.
const textForceAlive = "agent: force-leave is for failed members, and '%s' is %s: it has just answered at %s. " +
	"Run 'leave' on its machine to take it out of the cluster, or stop it there first"

// ForceLeave declares a failed member left; prune forgets it at once. The error
// is Rejected if no member has that name, then with Consul's text, or if it has
// one that is alive: it is asked first. Of this agent itself it changes nothing.
func (p *Pool) ForceLeave(name string, prune bool) error {
	known := p.serf.Members()
	i := slices.IndexFunc(known, func(m serf.Member) bool { return m.Name == name })
	if i < 0 {
		return fault.New(fault.Rejected, textNoSuchNode, name)
	}
	if name == p.name && !p.goodbye.Load() {
		p.logger.Warn("force-leave of this agent changes nothing, as it is alive: run 'leave' to take it out of the cluster", "name", name)
		return nil // Consul's agents refute it, and clients count on no error
	}
	m := memberOf(&known[i])
	// ForceLeave has no context; what is asked has a time-out.
	if who, err := p.Identify(context.Background(), m); err == nil && who.Is(m.Name, "") {
		return fault.New(fault.Rejected, textForceAlive, name, m.Status, net.JoinHostPort(m.Addr.String(), strconv.Itoa(int(m.Port))))
	}
	if p.intents.isAlive(name) {
		return p.announceLeave(name, prune)
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

// announceLeave has everybody take a member that does not answer for one that
// left, as soon as its failure is noticed.
func (p *Pool) announceLeave(name string, prune bool) error {
	ltime, err := strconv.ParseUint(p.serf.Stats()["member_time"], 10, 64)
	if err != nil {
		return fmt.Errorf("force %s to leave: %w", name, err)
	}
	if err := p.intents.announce(leaveMessage{LTime: ltime, Node: name, Prune: prune}); err != nil {
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

// Keyring gives the keys of the pool as they are now, the one in use first; none
// without encryption. Do not change them, and show them to nobody.
func (p *Pool) Keyring() [][]byte {
	if p.ring == nil {
		return nil
	}
	return p.ring.GetKeys()
}

// Stats gives the serf_lan or serf_wan section of `info`, reference/cli.md §3.
func (p *Pool) Stats() map[string]string { return p.serf.Stats() }
