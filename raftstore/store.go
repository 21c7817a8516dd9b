package raftstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"praetor/internal/life"
	"praetor/internal/rounds"
	"praetor/internal/telemetry"
)

// Machine is the state that the log drives. Apply and Restore are called by
// one goroutine; Snapshot's result is written out while Apply goes on.
type Machine interface {
	// Apply runs committed commands in order; results[i] belongs to entries[i]. An
	// error means that entries[len(results)] cannot be applied by this version: the
	// Store applies nothing more and Watch returns the error.
	Apply(entries []Entry) (results []any, err error)
	// Snapshot captures the state as it is; it must be quick.
	Snapshot() (Snapshot, error)
	// Restore replaces the state, all or nothing.
	Restore(r io.Reader) error
}

// Checker is a Machine that can try a state out: Check fails where Restore would,
// and changes nothing. What other servers send is checked before it counts.
type Checker interface {
	Check(r io.Reader) error
}

// Snapshot is a captured state. Write may be slow; it does not hold up Apply.
type Snapshot interface {
	Write(w io.Writer) error
}

// Entry is one committed command. A Machine may keep Data but not change it.
type Entry struct {
	Index uint64
	Data  []byte
	// Age is how long ago a leader took the command in, if this server found it in
	// its own log when it started, by the clocks of both; 0 for every other command:
	// it takes effect now, however long it may have waited for a quorum.
	Age time.Duration
	// Time is when that was, by that leader's clock; the zero value if it did not say.
	Time time.Time
	// Note is what the leader wrote beside the command. Versions that know no notes keep and
	// pass them on all the same; so what a Machine makes of a command must not depend on it.
	Note []byte
}

// Peer is a server in the Raft configuration.
type Peer struct {
	ID      string
	Address string // host:port of its RPC listener
	Voter   bool
}

// Store is this server's copy of the replicated log.
type Store struct {
	id, address string
	logger      hclog.Logger
	folder      *folder
	layer       *streamLayer
	trans       contacts
	lease       lease
	witness     *Witness
	sieve       *sieve
	fsm         *fsm
	noRoom      atomic.Bool // its log cannot be written, and it said so
	trouble     chan error  // the first reason to stop that was met while running
	raft        *raft.Raft
	drain       time.Duration // how long Close waits for calls under way

	calls      *calls
	writes     writes
	leader     *leaderWatch
	detector   *detector
	scrubber   *scrubber
	seen       *seenFile
	verify     *rounds.Rounds[struct{}]
	verified   *telemetry.Counter
	confirming func() error // confirm, but for tests
	askers     askers

	announced latest[*raft.AppendEntriesRequest]

	caughtUp atomic.Bool // see CaughtUp
	progress progress

	tuning sync.Mutex // held while raft's configuration is read and replaced

	paced struct { // guarded by tuning; see pace
		heartbeat, election time.Duration // a follower's
		leads               bool
	}

	closeOnce sync.Once
	closeErr  error
}

// Open takes the folder (locking it), reads what is there, performs peers.json
// recovery, and starts Raft. opts.Listener is the Store's from now on: an Open
// that fails closes it.
func Open(opts Options) (*Store, error) {
	s, err := open(&opts)
	if err != nil && opts.Listener != nil {
		_ = opts.Listener.Close()
	}
	return s, err
}

func open(opts *Options) (*Store, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	folder, err := openFolder(opts)
	if err != nil {
		return nil, err
	}
	found, err := folder.logs.LastIndex()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the last index of the raft log: %w", err), folder.Close())
	}
	if err := folder.forgetCutBootstrap(found, opts.Logger); err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	conf, machine := opts.raftConfig(), newFSM(opts.Machine, found)
	if err := folder.recoverPeers(conf, machine, opts.Logger); err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	s := &Store{
		id: opts.ID, address: opts.Address, logger: opts.Logger, folder: folder,
		drain: 2 * (opts.HeartbeatTimeout + opts.LeaderLease), calls: newCalls(),
		fsm: machine, trouble: make(chan error, 1),
	}
	s.paced.heartbeat, s.paced.election = opts.HeartbeatTimeout, opts.ElectionTimeout
	s.witness = opts.Witness
	machine.halted, machine.applied, machine.log = s.halt, s.applied, folder.logs
	s.lease.length, s.lease.clock = opts.LeaderLease, opts.Clock
	s.verify, s.confirming = rounds.New(s.confirmOnce), s.confirm
	s.verified = opts.Metrics.Counter("raft.verify_leader")
	if err := s.start(conf, machine, opts); err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	return s, nil
}

func (s *Store) start(conf *raft.Config, machine raft.FSM, opts *Options) error {
	term, err := s.folder.stable.GetUint64(keyTerm)
	if err != nil && s.folder.dir != "" {
		return fmt.Errorf("start raft: %w", err)
	}
	if err := s.openWitness(term, opts.Logger); err != nil {
		return fmt.Errorf("start raft: %w", err)
	}
	notify := make(chan bool) // leaderWatch always reads it
	conf.NotifyCh = notify
	s.layer = newStreamLayer(opts.ID, opts.Address, opts.Listener, opts.Dial)
	s.trans = contacts{newTransport(s.layer, opts.Logger.Named("transport")), raft.ServerID(s.id), &s.lease, new(atomic.Pointer[raft.Raft]), s.witness, s.folder.logs}
	s.askers.send = func(srv raft.Server, q *raft.AppendEntriesRequest, a *raft.AppendEntriesResponse) error {
		return s.trans.AppendEntries(srv.ID, srv.Address, q, a)
	}
	s.sieve = newSieve(s.trans, opts.Logger, term, s.calls.closed)
	s.folder.logs.leads, s.folder.logs.refused = s.leadsOthers, s.storeAgain
	if err := s.newRaft(conf, machine); err != nil {
		_ = s.trans.Close()
		s.layer.wait()
		return fmt.Errorf("start raft: %w", err)
	}
	s.fsm.done.CompareAndSwap(0, s.lastSnapshot())
	s.trans.raft.Store(s.raft)
	s.witness.store.Store(s)
	if own, ok := s.folder.snapshots.(*snapshotStore); ok { // else this server is alone
		own.has = s.has
	}
	s.sieve.start()
	if s.folder.watched != nil {
		s.folder.watched.watch(s.meetDamage)
	}
	s.leader = watchLeader(s.raft, notify)
	s.detector = detectDeadLeaders(s)
	s.seen = keepSeen(s.folder, s.witness, opts.Logger)
	s.scrubber = startScrubber(s, s.folder.scrubbed, opts.VerifyInterval)
	s.electIfAlone()
	return nil
}

// openWitness tells the witness how far this server is, and what is kept of others.
func (s *Store) openWitness(term uint64, logger hclog.Logger) error {
	last, err := s.folder.logs.LastIndex()
	if err != nil {
		return err
	}
	list, err := s.folder.snapshots.List()
	if err != nil {
		return err
	}
	if len(list) > 0 {
		last = max(last, list[0].Index)
	}
	s.witness.readSeen(s.folder, logger)
	return s.witness.open(Mark{term, last}, s.folder.stable, logger)
}

// newRaft starts raft, which panics on entries that it cannot read.
func (s *Store) newRaft(conf *raft.Config, machine raft.FSM) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
			if e, ok := p.(error); ok {
				err = e
			}
		}
	}()
	s.raft, err = raft.NewRaft(conf, machine, s.folder.logs, s.folder.stable, s.folder.snapshots, s.sieve)
	return err
}

// has reports whether all up to an entry is in the machine or in the log.
func (s *Store) has(index, term uint64) bool {
	return index <= s.raft.AppliedIndex() || s.folder.termOf(index) == term
}

// leadsOthers reports whether this server leads, and is not the only voter: others sync
// a command while it does. Raft's goroutine may ask before the Store has raft.
func (s *Store) leadsOthers() bool {
	r := s.trans.raft.Load()
	return r != nil && r.State() == raft.Leader && !s.alone()
}

// storeAgain has raft store something else, which begins with what the disk refused of the
// commands before. If it refuses again, raft leads no more, and who waits for the machine,
// which waits for the disk, is told so.
func (s *Store) storeAgain() {
	// No caller's context: it ends with Close.
	ctx := context.Background()
	err := s.Barrier(ctx)
	for err != nil && s.IsLeader() && life.PauseUnless(s.calls.closed, commitTimeout) {
		err = s.Barrier(ctx) // raft takes nothing while it hands leadership over
	}
	if err != nil {
		s.logger.Warn("could not store what this server sent as the leader", "error", cmp.Or(s.folder.logs.why(), err))
		s.writes.lost.made()
	}
}

// meet takes a reason to stop. The first one counts.
func (s *Store) meet(line string, err error) {
	select {
	case s.trouble <- err:
		s.logger.Error(line, "error", err)
	default:
	}
}

func (s *Store) meetDamage(err error) { s.meet("raft log is damaged: stopping", err) }

func (s *Store) halt(err error) { s.meet("the machine cannot apply the raft log: stopping", err) }

// Watch waits until there is a reason to stop, which it returns, or ctx ends:
// the log is damaged, or the machine cannot apply it. The Store must be closed
// then: parts of raft do not run any more.
func (s *Store) Watch(ctx context.Context) error {
	select {
	case err := <-s.trouble:
		return err
	case <-ctx.Done():
		return nil
	}
}

// Close stops Raft and gives back what Open took. Calls under way may finish
// first; it waits for them a little longer than a leader needs to notice that
// it leads no more.
func (s *Store) Close() error {
	s.closeOnce.Do(func() { s.closeErr = s.close() })
	return s.closeErr
}

func (s *Store) close() error {
	s.calls.refuse(s.drain)
	s.detector.stop()
	stopped := s.raft.Shutdown()
	s.fsm.release()
	s.layer.abort() // or a dial under way would hold up the next line
	err := stopped.Error()
	if cerr := s.trans.Close(); err == nil { // again: raft may have shut itself down
		err = cerr
	}
	s.layer.wait()
	s.sieve.end()
	s.folder.logs.close()
	s.askers.wait()
	s.announced.wait()
	s.leader.stop()
	s.scrubber.stop()
	s.seen.stop()
	return errors.Join(err, s.folder.Close())
}

// Raft is for autopilot, which asks for it.
func (s *Store) Raft() *raft.Raft { return s.raft }
