package raftstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// Mark is how far a server was at some moment: it was in Term, and had all up to
// Index of the log of that term's leader on its disk. A server's marks only grow.
type Mark struct{ Term, Index uint64 }

func (m Mark) beyond(o Mark) bool {
	return m.Term > o.Term || m.Term == o.Term && m.Index > o.Index
}

// String gives a mark as lines of the log have it.
func (m Mark) String() string { return fmt.Sprintf("term %d, index %d", m.Term, m.Index) }

// Witness remembers how far the other servers were, and hears from them how far this
// one was. If its disk has less (an old copy, an empty one, lost writes) the
// server does not vote until it has caught up with a leader: it would vote as if it
// had never had the entries that it acknowledged, or give a vote twice.
//
// Both sides of a new Raft connection say what they have seen of the other (Seen,
// Told) before anything else goes over it. So no vote is given or counted before the
// other side was heard. The zero value is not ready; see NewWitness.
type Witness struct {
	// Instance is a number that this process has and no other.
	Instance uint64

	store  atomic.Pointer[Store] // nil until Open is nearly done
	logger hclog.Logger
	began  Mark // this server's, at the start

	lagging atomic.Bool // lost is there and not closed
	stopped sync.Once

	mu sync.Mutex

	gap   gapStore        // where lost is kept; nil until Open
	seen  map[string]Mark // by server
	saved bool            // seen is in its file
	lost  *gap            // nil: nothing is missing
	early gap             // the furthest that was told before Open
}

// gap is what this server has had by the word of another one, and lacks.
type gap struct {
	Had    Mark
	By     string // who said so
	Closed bool   // it has caught up with a leader; in Had.Term and before, it still votes no more
}

// gapStore is the part of raft.StableStore that keeps a gap.
type gapStore interface {
	Set(key, val []byte) error
	Get(key []byte) ([]byte, error)
}

var gapKey = []byte("praetor-gap") // in stable.db: JSON of a gap

// errLags is why a server with a gap asks nobody for anything.
var errLags = errors.New("the disk of this server is older than what it acknowledged: it takes no part in elections until it has caught up")

// NewWitness makes a Witness that has seen nothing yet.
func NewWitness() *Witness {
	return &Witness{Instance: rand.Uint64(), seen: map[string]Mark{}, saved: true, logger: hclog.NewNullLogger()}
}

// Seen is how far the server of an ID was seen to be.
func (w *Witness) Seen(id string) (term, index uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.seen[id]
	return m.Term, m.Index
}

// note remembers that a server was at a mark.
func (w *Witness) note(id string, m Mark) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if id != "" && m.beyond(w.seen[id]) {
		w.seen[id], w.saved = m, false
	}
}

// Told takes another server's word for how far this one was. What is compared is
// this server's state from now: it can have grown since, but not less.
func (w *Witness) Told(by string, term, index uint64) {
	had := Mark{term, index}
	if w.isEarly(by, had) {
		return
	}
	now := w.now()
	if !had.beyond(now) || term-min(term, now.Term) > maxTermAhead {
		return
	}
	w.mu.Lock()
	if w.lost != nil && !had.beyond(w.lost.Had) {
		w.mu.Unlock()
		return
	}
	w.lost = &gap{Had: had, By: by}
	first := !w.lagging.Swap(true)
	err := w.keepLocked()
	w.mu.Unlock()
	if first {
		w.logger.Error("the disk of this server is older than what it acknowledged: it does not vote until it has caught up with a leader. "+
			"Was an old copy restored, or the folder emptied? Nothing needs to be done where the other servers have a leader; else see: praetor help old-disk",
			"seen_by", by, "was_at", had, "is_at", now)
	}
	if s := w.store.Load(); s != nil && (err != nil || s.raft.State() == raft.Leader) {
		s.meet("stopping: the disk of this server went back while it ran", errors.Join(errLags, err))
	}
}

// isEarly keeps a word that comes before it is known how far this server is.
func (w *Witness) isEarly(by string, had Mark) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gap != nil {
		return false
	}
	if had.beyond(w.early.Had) {
		w.early = gap{Had: had, By: by}
	}
	return true
}

// Stop ends the Store, for a reason that Watch returns. The first one counts.
func (w *Witness) Stop(why error) {
	if s := w.store.Load(); s != nil {
		w.stopped.Do(func() { s.meet("stopping", why) })
	}
}

// now is how far this server is.
func (w *Witness) now() Mark {
	s := w.store.Load()
	if s == nil {
		return w.began
	}
	for {
		m := Mark{s.raft.CurrentTerm(), s.raft.LastIndex()}
		if s.raft.CurrentTerm() == m.Term { // or the index may be of the next term, whose leader has less
			return m
		}
	}
}

// open takes over what an earlier process kept. began is how far this server is.
func (w *Witness) open(began Mark, keep gapStore, logger hclog.Logger) error {
	var kept gap
	if value, err := keep.Get(gapKey); err == nil && len(value) > 0 { // in memory a key that is not there is an error
		if err := json.Unmarshal(value, &kept); err != nil {
			return fmt.Errorf("read %s: %w", gapKey, err)
		}
	}
	w.mu.Lock()
	w.began, w.gap, w.logger = began, keep, logger
	if kept.By != "" {
		w.lost = &kept
		w.lagging.Store(!kept.Closed)
	}
	early := w.early
	w.mu.Unlock()
	if w.lagging.Load() {
		logger.Warn("this server does not vote until it has caught up with a leader: its disk was found to be older than what it acknowledged", "seen_by", kept.By, "was_at", kept.Had, "is_at", began)
	}
	w.Told(early.By, early.Had.Term, early.Had.Index)
	return nil
}

func (w *Witness) keepLocked() error {
	value, err := json.Marshal(w.lost)
	if err != nil {
		return err
	}
	return w.gap.Set(gapKey, value)
}

// Lags reports whether this server does not vote since it lacks what it had, and
// what that was.
func (w *Witness) Lags() (had Mark, by string, lags bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lost == nil || w.lost.Closed {
		return Mark{}, "", false
	}
	return w.lost.Had, w.lost.By, true
}

// floor is the newest term in which this server may have voted and not know it.
func (w *Witness) floor() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lost == nil {
		return 0
	}
	return w.lost.Had.Term
}

// received takes a message before raft does: who sent it was in its term. It answers
// those that this server must not take part in, and says so.
func (w *Witness) received(rpc raft.RPC, r *raft.Raft) (answered bool) {
	switch c := rpc.Command.(type) {
	case *raft.RequestVoteRequest:
		w.note(string(c.ID), Mark{Term: c.Term})
		if w.lagging.Load() || c.Term <= w.floor() {
			rpc.Respond(&raft.RequestVoteResponse{Term: r.CurrentTerm()}, nil)
			return true
		}
	case *raft.RequestPreVoteRequest:
		if w.lagging.Load() {
			rpc.Respond(&raft.RequestPreVoteResponse{Term: r.CurrentTerm()}, nil)
			return true
		}
	case *raft.TimeoutNowRequest:
		if w.lagging.Load() {
			rpc.Respond(nil, errLags)
			return true
		}
	case *raft.AppendEntriesRequest:
		// A leader may not have on its disk what it sends, but has what it says is committed.
		w.note(string(c.ID), Mark{Term: c.Term, Index: c.LeaderCommitIndex})
		if w.lagging.Load() {
			w.catchUp(c)
		}
	}
	return false
}

// catchUp ends the gap if this server has everything that the leader knows to be
// committed. The newest of that must be an entry of the leader's own term: only then does
// a leader know of all that was committed before it.
func (w *Witness) catchUp(c *raft.AppendEntriesRequest) {
	s := w.store.Load()
	had, by, lags := w.Lags()
	switch {
	case s == nil || !lags:
		return
	case c.LeaderCommitIndex == 0 || c.Term < had.Term || c.Term != s.raft.CurrentTerm() || c.PrevLogEntry < c.LeaderCommitIndex:
		return
	case s.folder.termOf(c.PrevLogEntry) != c.PrevLogTerm || s.folder.termOf(c.LeaderCommitIndex) != c.Term:
		return
	}
	w.mu.Lock()
	w.lost.Closed = true
	err := w.keepLocked()
	w.lagging.Store(err != nil)
	w.mu.Unlock()
	if err != nil {
		s.meet("raft: cannot note that this server has caught up", err)
		return
	}
	s.logger.Info("this server has caught up with the leader and votes again", "seen_by", by, "was_at", had, "is_at", w.now())
}

// termOf is the term of an entry, 0 if the folder does not tell it. The log is not
// asked for what it cannot have: it would take that for damage.
func (f *folder) termOf(index uint64) uint64 {
	first, err := f.logs.FirstIndex()
	last, lerr := f.logs.LastIndex()
	if err == nil && lerr == nil && first > 0 && index >= first && index <= last {
		var l raft.Log
		if err := f.logs.GetLog(index, &l); err == nil {
			return l.Term
		}
	}
	if list, err := f.snapshots.List(); err == nil && len(list) > 0 && list[0].Index == index {
		return list[0].Term
	}
	return 0
}

// answered notes what a server's answer to entries proves.
func (w *Witness) answered(id raft.ServerID, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) {
	m := Mark{Term: resp.Term}
	if resp.Success && resp.Term == args.Term {
		m.Index = args.PrevLogEntry
		if n := len(args.Entries); n > 0 {
			m.Index = args.Entries[n-1].Index
		}
	}
	w.note(string(id), m)
}

// AppendEntriesPipeline is how a leader sends entries to a server that keeps up.
func (c contacts) AppendEntriesPipeline(id raft.ServerID, target raft.ServerAddress) (raft.AppendPipeline, error) {
	p, err := c.transport.AppendEntriesPipeline(id, target)
	if err != nil {
		return nil, err
	}
	return newWitnessed(p, id, c.witness, c.log, c.lastIndex), nil
}

// lastIndex is that of this server's log.
func (c contacts) lastIndex() uint64 {
	if r := c.raft.Load(); r != nil {
		return r.LastIndex()
	}
	return 0
}

// maxBehind is by how many entries a server may be behind that is sent entries through a
// pipeline. Raft sends one message there when there are new entries, or after a pause. If
// nobody can write until that server has caught up, there are no new ones: it would be
// sent maxBatch entries each commitTimeout. Without a pipeline raft sends one message after
// the other until there is nothing left, and then opens a pipeline again.
const maxBehind = 4 * maxBatch

// witnessed is a pipeline whose answers are noted.
type witnessed struct {
	raft.AppendPipeline
	id      raft.ServerID
	witness *Witness
	log     *unsyncedLog
	last    func() uint64 // the index of this server's log
	out     chan raft.AppendFuture
	closed  chan struct{}
	once    sync.Once
}

func newWitnessed(p raft.AppendPipeline, id raft.ServerID, witness *Witness, log *unsyncedLog, last func() uint64) *witnessed {
	w := &witnessed{AppendPipeline: p, id: id, witness: witness, log: log, last: last, out: make(chan raft.AppendFuture), closed: make(chan struct{})}
	go w.run() // ends with Close, which raft calls
	return w
}

// run hands answers on, up to the first that refuses: raft reads none after it, but may still
// send, and would then wait for room for ever. It would send this server nothing more as long
// as it leads, and not end.
func (w *witnessed) run() {
	out := w.out
	for {
		select {
		case f := <-w.AppendPipeline.Consumer():
			if f.Error() == nil {
				w.witness.answered(w.id, f.Request(), f.Response())
			}
			if out == nil {
				continue
			}
			select {
			case out <- f:
			case <-w.closed:
				return
			}
			if !f.Response().Success { // so it is without an answer
				out = nil
			}
		case <-w.closed:
			return
		}
	}
}

// AppendEntries implements raft.AppendPipeline.
func (w *witnessed) AppendEntries(args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) (raft.AppendFuture, error) {
	if w.witness.lagging.Load() {
		return nil, errLags
	}
	w.log.holdBack(args)
	if n, last := len(args.Entries), w.last(); n > 0 && args.Entries[n-1].Index+maxBehind < last {
		return nil, fmt.Errorf("%d entries behind: sending them without a pipeline", last-args.PrevLogEntry)
	}
	return w.AppendPipeline.AppendEntries(args, resp)
}

// Consumer implements raft.AppendPipeline.
func (w *witnessed) Consumer() <-chan raft.AppendFuture { return w.out }

// Close implements raft.AppendPipeline.
func (w *witnessed) Close() error {
	w.once.Do(func() { close(w.closed) })
	return w.AppendPipeline.Close()
}

// stands reports whether this server may ask for votes: it has what it ever had, and can
// write more.
func (c contacts) stands() bool {
	if c.witness.lagging.Load() {
		return false
	}
	s := c.witness.store.Load()
	return s == nil || s.stands()
}

// RequestVote asks for a vote, which does not count if it comes from who knows more
// of this server than it does itself.
func (c contacts) RequestVote(id raft.ServerID, target raft.ServerAddress, args *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	if !c.stands() {
		return nil // not granted: raft has a line at ERROR for each error
	}
	err := c.transport.RequestVote(id, target, args, resp)
	if err == nil {
		c.witness.note(string(id), Mark{Term: resp.Term})
	}
	if c.witness.lagging.Load() { // told so by a connection that was opened for it
		resp.Granted = false
	}
	return err
}

// RequestPreVote asks whether RequestVote would get a vote. The term of the answer is
// not always one that the other side is in.
func (c contacts) RequestPreVote(id raft.ServerID, target raft.ServerAddress, args *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	if !c.stands() {
		return nil
	}
	err := c.transport.RequestPreVote(id, target, args, resp)
	if c.witness.lagging.Load() {
		resp.Granted = false
	}
	return err
}

var _ raft.AppendPipeline = (*witnessed)(nil)
