package raftstore

import (
	"encoding/binary"
	"hash/crc64"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"praetor/internal/telemetry"
)

// A checkpoint is a barrier entry with an extension: where the range begins that ends
// before it, and the sum over that range as the leader wrote it. Every server compares
// what it wrote itself, and then what it reads back. A barrier says nothing to a Machine,
// so servers that know no checkpoints pass them over.
const (
	checkpointMagic = "PRAECHK1"
	checkpointLen   = len(checkpointMagic) + 8 + 8
)

var ecma = crc64.MakeTable(crc64.ECMA)

// maxScrubs is how many ranges may wait to be read. Of more the newest are passed over.
const maxScrubs = 4

// scrubbedLog sums up what is written to a log, and checks ranges of it.
type scrubbedLog struct {
	raft.LogStore
	logger  hclog.Logger
	figures scrubFigures
	leads   atomic.Pointer[func() bool] // nil: raft is not there yet
	wanted  atomic.Bool                 // the next barrier that this leader writes is a checkpoint
	ranges  chan scrubRange

	sum         uint64 // over the entries from start, before next
	start, next uint64 // start 0: nothing was written yet. One StoreLogs at a time uses these
}

type scrubFigures struct {
	checkpoints, verified, dropped, readFailures, writeFailures *telemetry.Counter
}

// scrubRange is what a checkpoint says of the entries from start, before end.
type scrubRange struct {
	start, end     uint64
	leader, wrote  uint64
	wroteAllOfThem bool // wrote is over the same range
}

func newScrubbedLog(store raft.LogStore, opts *Options) *scrubbedLog {
	count := func(name string) *telemetry.Counter { return opts.Metrics.Counter("raft.logstore.verifier." + name) }
	return &scrubbedLog{
		LogStore: store, logger: opts.Logger.Named("logstore"), ranges: make(chan scrubRange, maxScrubs),
		figures: scrubFigures{count("checkpoints_written"), count("ranges_verified"), count("dropped_reports"), count("read_checksum_failures"), count("write_checksum_failures")},
	}
}

// IsMonotonic answers for the log below.
func (l *scrubbedLog) IsMonotonic() bool { return isMonotonic(l.LogStore) }

// StoreLog stores one entry.
func (l *scrubbedLog) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

// StoreLogs stores entries. What a leader adds to a checkpoint it adds before anybody
// else sees the entry.
func (l *scrubbedLog) StoreLogs(logs []*raft.Log) error {
	sum, start, next := l.sum, l.start, l.next
	var found []scrubRange
	for _, e := range logs {
		if start == 0 || e.Index != next { // the first, or others are to take the place of some
			sum, start = 0, e.Index
		}
		if l.isCheckpoint(e, start, sum) {
			r := scrubRange{end: e.Index, wrote: sum}
			r.start, r.leader = readCheckpoint(e.Extensions)
			r.wroteAllOfThem = r.start == start
			found = append(found, r)
			sum, start = 0, e.Index
		}
		sum, next = addEntry(sum, e), e.Index+1
	}
	if err := l.LogStore.StoreLogs(logs); err != nil {
		l.start = 0 // some of them may be there
		return err
	}
	l.sum, l.start, l.next = sum, start, next
	for _, r := range found {
		l.figures.checkpoints.Incr()
		select {
		case l.ranges <- r:
		default:
			l.figures.dropped.Incr()
			l.logger.Warn("verification checks were skipped: reading them takes longer than the interval", "rangeStart", r.start, "rangeEnd", r.end)
		}
	}
	return nil
}

// isCheckpoint reports whether an entry is a checkpoint, which it makes of the barrier
// that the leader wants to be one.
func (l *scrubbedLog) isCheckpoint(e *raft.Log, start, sum uint64) bool {
	switch {
	case e.Type != raft.LogBarrier:
		return false
	case len(e.Extensions) > 0:
		return len(e.Extensions) == checkpointLen && string(e.Extensions[:len(checkpointMagic)]) == checkpointMagic
	}
	leads := l.leads.Load()
	if leads == nil || !(*leads)() || !l.wanted.CompareAndSwap(true, false) {
		return false
	}
	b := append(make([]byte, 0, checkpointLen), checkpointMagic...)
	b = binary.BigEndian.AppendUint64(b, start)
	e.Extensions = binary.BigEndian.AppendUint64(b, sum)
	return true
}

func readCheckpoint(b []byte) (start, sum uint64) {
	b = b[len(checkpointMagic):]
	return binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
}

// addEntry adds an entry to a sum. The first configuration is every server's own.
func addEntry(sum uint64, e *raft.Log) uint64 {
	if e.Index == 1 && e.Type == raft.LogConfiguration {
		return sum
	}
	var head [25]byte
	binary.BigEndian.PutUint64(head[0:], e.Index)
	binary.BigEndian.PutUint64(head[8:], e.Term)
	head[16] = byte(e.Type)
	binary.BigEndian.PutUint64(head[17:], uint64(len(e.Data)))
	sum = crc64.Update(sum, ecma, head[:])
	sum = crc64.Update(sum, ecma, e.Data)
	return crc64.Update(sum, ecma, e.Extensions)
}

// check reads a range back and says what is wrong with it.
func (l *scrubbedLog) check(stopping <-chan struct{}, r scrubRange) {
	args := []any{"rangeStart", r.start, "rangeEnd", r.end, "leaderChecksum", r.leader}
	if r.wroteAllOfThem && r.wrote != r.leader {
		l.figures.writeFailures.Incr()
		l.logger.Error("verification checksum FAILED: in-flight corruption", append(args, "followerWriteChecksum", r.wrote)...)
		return
	}
	first, err := l.FirstIndex()
	if err == nil && (first > r.start || r.start >= r.end) {
		l.logger.Debug("verification was passed over: a snapshot took the place of its entries", args...)
		return
	}
	var sum uint64
	var e raft.Log
	for i := r.start; i < r.end && err == nil; i++ {
		select {
		case <-stopping:
			return
		default:
		}
		if err = l.GetLog(i, &e); err == nil {
			sum = addEntry(sum, &e)
		}
	}
	switch {
	case err != nil: // damage is told of by the log itself
		l.logger.Warn("verification could not read its entries", append(args, "error", err)...)
	case sum != r.leader:
		l.figures.readFailures.Incr()
		l.logger.Error("verification checksum FAILED: storage corruption", append(args, "readChecksum", sum)...)
	default:
		l.figures.verified.Incr()
		l.logger.Debug("verification checksum OK", args...)
	}
}

// scrubber makes the leader write checkpoints, and checks their ranges.
type scrubber struct {
	stopping, ticked, checked chan struct{}
}

// startScrubber begins once raft runs; nil without a log to check.
func startScrubber(s *Store, log *scrubbedLog, interval time.Duration) *scrubber {
	if log == nil {
		return nil
	}
	log.leads.Store(new(s.IsLeader))
	sc := &scrubber{make(chan struct{}), make(chan struct{}), make(chan struct{})}
	go sc.tick(s, log, interval) // stop waits
	go sc.check(log)             // stop waits
	return sc
}

func (sc *scrubber) tick(s *Store, log *scrubbedLog, interval time.Duration) {
	defer close(sc.ticked)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if s.IsLeader() {
				log.wanted.Store(true)
				s.raft.Barrier(interval) // what becomes of it the log sees
			}
		case <-sc.stopping:
			return
		}
	}
}

func (sc *scrubber) check(log *scrubbedLog) {
	defer close(sc.checked)
	for {
		select {
		case r := <-log.ranges:
			log.check(sc.stopping, r)
		case <-sc.stopping:
			return
		}
	}
}

// stop ends it once raft has stopped, before the log is closed.
func (sc *scrubber) stop() {
	if sc != nil {
		close(sc.stopping)
		<-sc.ticked
		<-sc.checked
	}
}

var _ raft.MonotonicLogStore = (*scrubbedLog)(nil)
