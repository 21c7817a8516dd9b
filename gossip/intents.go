package gossip

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/serf"
)

const (
	// intentTime is how long word that a member leaves is believed before it
	// does, serf's own time for it.
	intentTime = 5 * time.Minute
	// maxStrangers bounds what is remembered about members that are not known.
	maxStrangers = 4096
	// sweepPause is the least time between two looks for old words.
	sweepPause = 10 * time.Second
	// maxLeap is how far ahead of all that was heard before a Lamport time may
	// be. A pool counts one for each join, leave, event or question: at one a
	// second that is a century. Without a bound one message takes the clocks to
	// their end, and whatever is said after that is older than it for ever.
	maxLeap = 1 << 32
)

// intents stands between memberlist and serf. Serf believes everybody who says
// that a member leaves, and erases one of which somebody says that it should be
// forgotten, though memberlist below sees it alive; it does not take it back.
// Here such a word about a living member is passed on to the other members, and
// remembered; serf hears of it when memberlist has found the member gone. So a
// member that is alive stays alive for serf, and one that leaves has "left", not
// "failed", as before.
//
// intents is memberlist's Delegate and EventDelegate, and serf's are behind it.
type intents struct {
	memberlist.Delegate // serf's
	events              memberlist.EventDelegate
	self                string
	refused             func(why string, keyvals ...any)
	unknown             chan<- struct{} // gets a token when others do not know this agent
	relayed             memberlist.TransmitLimitedQueue

	// turn is held while serf is told of members, so that it hears of each in
	// memberlist's order, and of nobody's leaving between this agent's noting
	// that one is dead and its own word. It may wait for pump, which must not
	// take it.
	turn sync.Mutex

	// mu is taken after turn, and never held while serf is called.
	mu      sync.Mutex
	alive   map[string]*memberlist.Node // copies, as memberlist sees them
	dead    map[string]bool             // known to serf, but not alive
	heard   map[string]word
	clocks  [3]lamport
	pruning string    // see announce
	swept   time.Time // when old words about strangers were last thrown away
}

// word is the latest that was heard about whether a member stays.
type word struct {
	ltime uint64
	at    time.Time
	leave bool // false if the member stays
	prune bool // this agent was told to forget it: what others say of that does not count
}

// leaveMessage is serf's word that a member leaves, and with Prune that it be
// forgotten.
type leaveMessage struct {
	LTime uint64
	Node  string
	Prune bool
}

// stateMessage is what serf adds to memberlist's state.
type stateMessage struct {
	LTime        uint64
	StatusLTimes map[string]uint64
	LeftMembers  []string
	EventLTime   uint64
	Events       []*eventsMessage
	QueryLTime   uint64
}

type eventsMessage struct {
	LTime  uint64
	Events []eventMessage
}

type eventMessage struct {
	Name    string
	Payload []byte
}

// The clocks of serf.
const (
	memberClock = iota
	eventClock
	queryClock
)

// lamport is the latest time of a clock that was heard. The first time heard
// from the state of another member sets it, whatever it is.
type lamport struct {
	latest uint64
	set    bool
}

// allows reports whether a time may be believed.
func (l lamport) allows(t uint64) bool { return t <= l.latest || t-l.latest <= maxLeap }

func newIntents(self string, refused func(why string, keyvals ...any), unknown chan<- struct{}) *intents {
	i := &intents{
		self: self, refused: refused, unknown: unknown,
		alive: make(map[string]*memberlist.Node), dead: make(map[string]bool), heard: make(map[string]word),
	}
	i.relayed.NumNodes = i.size
	i.relayed.QueueBroadcast(ballast{})
	return i
}

// insert puts i between memberlist and serf.
func (i *intents) insert(c *memberlist.Config) {
	i.Delegate, i.events = c.Delegate, c.Events
	i.relayed.RetransmitMult = c.RetransmitMult
	c.Delegate, c.Events = i, i
}

func (i *intents) size() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.alive)
}

// NotifyMsg takes a message of serf's.
func (i *intents) NotifyMsg(buf []byte) {
	if len(buf) == 0 {
		return
	}
	var about struct {
		LTime uint64
		Node  string // of leave and join
	}
	clock := memberClock
	switch buf[0] {
	case serfLeave, serfJoin:
	case serfEvent:
		clock = eventClock
	case serfQuery:
		clock = queryClock
	default:
		i.Delegate.NotifyMsg(buf)
		return
	}
	switch err := decodeValue(buf[1:], &about); {
	case err != nil:
		i.refused("message that cannot be read", "error", err)
		return
	case !i.mayPass(clock, about.LTime):
		i.refused("Lamport time too far ahead", "about", about.Node)
		return
	case buf[0] == serfLeave:
		i.turn.Lock()
		defer i.turn.Unlock()
		if !i.hearLeave(about.Node, about.LTime, buf) {
			return
		}
	case buf[0] == serfJoin:
		i.hearJoin(about.Node, about.LTime)
	}
	i.Delegate.NotifyMsg(buf)
}

// mayPass checks the time of a message, and notes it.
func (i *intents) mayPass(clock int, t uint64) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	c := &i.clocks[clock]
	if !c.allows(t) {
		return false
	}
	c.latest = max(c.latest, t)
	return true
}

// hearLeave takes word that a member leaves, and reports whether serf may hear
// it now. What is said of this agent itself serf refutes.
func (i *intents) hearLeave(name string, ltime uint64, raw []byte) bool {
	if name == i.self {
		return true
	}
	i.mu.Lock()
	isDead := i.dead[name]
	isNews := i.noteLocked(name, word{ltime: ltime, at: time.Now(), leave: true, prune: i.pruning == name})
	i.mu.Unlock()
	if isNews && !isDead {
		i.relayed.QueueBroadcast(relay{name: name, raw: slices.Clone(raw)})
	}
	return isDead
}

// announce passes word that a member leaves on to others, and remembers it, for
// this agent's own operator.
func (i *intents) announce(leave leaveMessage) error {
	raw, err := encodeValue(serfLeave, leave)
	if err != nil {
		return err
	}
	i.mu.Lock()
	if leave.Prune {
		i.pruning = leave.Node
	}
	i.mu.Unlock()
	i.NotifyMsg(raw)
	i.mu.Lock()
	i.pruning = ""
	i.mu.Unlock()
	return nil
}

// hearJoin takes a member's word that it stays.
func (i *intents) hearJoin(name string, ltime uint64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.noteLocked(name, word{ltime: ltime, at: time.Now()})
}

// noteLocked reports whether a word is newer than what was heard before, and
// keeps it.
func (i *intents) noteLocked(name string, w word) bool {
	before, known := i.heard[name]
	if known && w.ltime <= before.ltime {
		return false
	}
	if !known && i.alive[name] == nil && !i.dead[name] && !i.hasRoomLocked() {
		return false
	}
	i.heard[name] = w
	return true
}

// hasRoomLocked reports whether one more stranger may be remembered. When there
// is no room, those go of whom nothing was heard for long.
func (i *intents) hasRoomLocked() bool {
	most := len(i.alive) + len(i.dead) + maxStrangers
	if len(i.heard) < most {
		return true
	}
	if time.Since(i.swept) < sweepPause {
		return false
	}
	i.swept = time.Now()
	for name, w := range i.heard {
		if i.alive[name] == nil && !i.dead[name] && time.Since(w.at) > intentTime {
			delete(i.heard, name)
		}
	}
	return len(i.heard) < most
}

// GetBroadcasts adds what is passed on here to serf's.
func (i *intents) GetBroadcasts(overhead, limit int) [][]byte {
	list := i.Delegate.GetBroadcasts(overhead, limit)
	for _, b := range list {
		limit -= overhead + len(b)
	}
	return append(list, i.relayed.GetBroadcasts(overhead, limit)...)
}

// MergeRemoteState takes what serf says in another member's state.
func (i *intents) MergeRemoteState(buf []byte, join bool) {
	var state stateMessage
	switch {
	case len(buf) == 0 || buf[0] != serfPushPull || decodeValue(buf[1:], &state) != nil:
		i.refused("state that cannot be read")
		return
	case !i.mayMerge(&state):
		i.refused("Lamport time too far ahead", "about", "state")
		return
	}
	if _, known := state.StatusLTimes[i.self]; !known && len(state.StatusLTimes) > 1 {
		wake(i.unknown)
	}
	i.turn.Lock()
	defer i.turn.Unlock()
	if i.dropLiving(&state) {
		clean, err := encodeValue(serfPushPull, &state)
		if err != nil {
			i.refused("state that cannot be written", "error", err)
			return
		}
		buf = clean
	}
	i.Delegate.MergeRemoteState(buf, join)
}

// mayMerge checks all times of a state, and notes them. The first state of all
// sets the clocks.
func (i *intents) mayMerge(state *stateMessage) bool {
	member, event := state.LTime, state.EventLTime
	for _, t := range state.StatusLTimes {
		member = max(member, t)
	}
	for _, e := range state.Events {
		if e != nil {
			event = max(event, e.LTime)
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	latest := [...]uint64{memberClock: member, eventClock: event, queryClock: state.QueryLTime}
	for clock, t := range latest {
		if c := i.clocks[clock]; c.set && !c.allows(t) || t > 1<<63 {
			return false
		}
	}
	for clock, t := range latest {
		c := &i.clocks[clock]
		c.latest, c.set = max(c.latest, t), true
	}
	return true
}

// dropLiving removes from a state's list of members that left those that are not
// known to be gone, notes that the others stay, and reports whether it changed the
// list.
func (i *intents) dropLiving(state *stateMessage) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	left := make(map[string]bool, len(state.LeftMembers))
	for _, name := range state.LeftMembers {
		left[name] = true
	}
	for name, ltime := range state.StatusLTimes {
		if !left[name] {
			i.noteLocked(name, word{ltime: ltime, at: time.Now()})
		}
	}
	n := len(state.LeftMembers)
	state.LeftMembers = slices.DeleteFunc(state.LeftMembers, func(name string) bool { return name != i.self && !i.dead[name] })
	return len(state.LeftMembers) < n
}

// NotifyJoin is memberlist's word that a member is alive.
func (i *intents) NotifyJoin(n *memberlist.Node) {
	i.turn.Lock()
	defer i.turn.Unlock()
	i.noteAlive(n)
	i.events.NotifyJoin(n)
}

// NotifyUpdate is memberlist's word that a member changed its tags.
func (i *intents) NotifyUpdate(n *memberlist.Node) {
	i.turn.Lock()
	defer i.turn.Unlock()
	i.noteAlive(n)
	i.events.NotifyUpdate(n)
}

func (i *intents) noteAlive(n *memberlist.Node) {
	as := *n // memberlist goes on changing its own
	i.mu.Lock()
	defer i.mu.Unlock()
	i.alive[n.Name] = &as
	delete(i.dead, n.Name)
}

// NotifyLeave is memberlist's word that a member is gone. If it was said to
// leave, serf hears that first.
func (i *intents) NotifyLeave(n *memberlist.Node) {
	i.turn.Lock()
	defer i.turn.Unlock()
	i.mu.Lock()
	w := i.heard[n.Name]
	delete(i.alive, n.Name)
	i.dead[n.Name] = true
	i.mu.Unlock()
	if w.leave && time.Since(w.at) <= intentTime {
		if raw, err := encodeValue(serfLeave, leaveMessage{LTime: w.ltime, Node: n.Name, Prune: w.prune}); err == nil {
			i.Delegate.NotifyMsg(raw)
		}
	}
	i.events.NotifyLeave(n)
}

// reaped is serf's word, through pump, that it has forgotten a member. It reports
// whether that one is alive: restore must bring it back.
func (i *intents) reaped(name string) (alive bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.alive[name] != nil {
		return true
	}
	delete(i.dead, name)
	delete(i.heard, name)
	return false
}

// isAlive reports whether memberlist sees a member alive.
func (i *intents) isAlive(name string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.alive[name] != nil
}

// living is the member of a name as memberlist sees it, nil if it is not alive. Any
// word of it that changes something makes it another one. Do not change it.
func (i *intents) living(name string) *memberlist.Node {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.alive[name]
}

// nameOf finds a living member by its node ID, which stands in its tags as it is; ""
// if there is none.
func (i *intents) nameOf(id string) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	for name, n := range i.alive {
		if bytes.Contains(n.Meta, []byte(id)) {
			return name
		}
	}
	return ""
}

// some picks at most so many living members by lot, neither this agent nor one of a name.
func (i *intents) some(most int, but string) (list []*memberlist.Node) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for name, n := range i.alive {
		if name != i.self && name != but {
			list = append(list, n)
		}
	}
	rand.Shuffle(len(list), func(a, b int) { list[a], list[b] = list[b], list[a] })
	return list[:min(most, len(list))]
}

// isAt reports whether memberlist sees a member alive at an address.
func (i *intents) isAt(m Member) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := i.alive[m.Name]
	return n != nil && n.Addr.Equal(m.Addr) && n.Port == m.Port
}

// restore tells serf of living members that it has erased.
func (i *intents) restore(s *serf.Serf) {
	i.turn.Lock()
	defer i.turn.Unlock()
	shown := make(map[string]bool)
	for _, m := range s.Members() {
		shown[m.Name] = true
	}
	for _, n := range i.lost(shown) {
		i.events.NotifyJoin(n)
	}
}

// lost lists living members that serf does not show.
func (i *intents) lost(shown map[string]bool) (list []*memberlist.Node) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for name, n := range i.alive {
		if !shown[name] {
			list = append(list, n)
		}
	}
	return list
}

// relay is a leave message that is passed on; a newer one about the same member
// replaces it.
type relay struct {
	name string
	raw  []byte
}

func (r relay) Invalidates(other memberlist.Broadcast) bool {
	o, ok := other.(relay)
	return ok && o.name == r.name
}
func (r relay) Message() []byte { return r.raw }
func (r relay) Finished()       {}

// Name makes replacing cheap.
func (r relay) Name() string { return r.name }

// ballast stays in the queue, since it fits into no packet. A queue that is empty while
// one word replaces another begins its numbers anew, and loses one of two messages that
// have a number and a length in common.
type ballast struct{}

// noPacket is longer than any packet.
var noPacket [1 << 16]byte

func (ballast) Invalidates(memberlist.Broadcast) bool { return false }
func (ballast) Message() []byte                       { return noPacket[:] }
func (ballast) Finished()                             {}

// UniqueBroadcast says that it replaces nothing.
func (ballast) UniqueBroadcast() {}

var (
	_ memberlist.Delegate        = (*intents)(nil)
	_ memberlist.EventDelegate   = (*intents)(nil)
	_ memberlist.NamedBroadcast  = relay{}
	_ memberlist.UniqueBroadcast = ballast{}
)
