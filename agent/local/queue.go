package local

import (
	"errors"
	"runtime"
	"sync"

	"praetor/internal/fault"
)

// change is something to be written and then done. Changes are done in the
// order in which they are written.
type change struct {
	records []record
	// apply does it, with State.mu held; bytes is what it takes in the journal.
	apply func(bytes int64) error
	lazy  bool // need not be durable yet when commit returns
	last  bool // closes the journal
	// anyway, when set, has the change done even if it cannot be written, and says
	// what a restart brings back then: taking out of service needs no disk.
	anyway string

	err  error
	turn chan bool // true: lead the next batch; false: done, see err
}

// queue collects changes while a batch is being written. There is no writer
// goroutine: the first to come leads, and hands over to the first of those who
// came meanwhile. Its length is bounded by the callers, each of whom waits.
type queue struct {
	mu sync.Mutex

	pending []*change
	led     bool
	closed  bool
}

var errClosed = fault.New(fault.Internal, "the agent is shutting down")

// commit writes c and then applies it. It returns c's own error, or why it
// could not be written; then it was not applied either.
func (s *State) commit(c *change) error {
	if s.journal == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		return c.apply(0)
	}
	c.turn = make(chan bool, 1)
	if !s.queue.join(c) {
		if lead := <-c.turn; !lead {
			return c.err
		}
	}
	s.lead()
	return c.err
}

// join queues c and reports whether it leads.
func (q *queue) join(c *change) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pending = append(q.pending, c)
	lead := !q.led
	q.led = true
	return lead
}

// take cuts the next batch off the queue.
func (q *queue) take() []*change {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, bytes := 0, 0
	for n < len(q.pending) {
		c := q.pending[n]
		for _, r := range c.records {
			bytes += len(r.body)
		}
		if n > 0 && bytes > batchBytes {
			break
		}
		n++
		if c.last {
			break
		}
	}
	batch := q.pending[:n:n]
	q.pending = q.pending[n:]
	return batch
}

// handOver makes the first of those who wait lead, if there is one.
func (q *queue) handOver() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.pending) == 0 {
		q.pending, q.led = nil, false
		return
	}
	q.pending[0].turn <- true
}

// lead does one batch, of which the caller's change is the first.
func (s *State) lead() {
	runtime.Gosched() // behind the callers that can run now: their changes share a sync
	batch := s.queue.take()
	err := s.write(batch)
	s.applyBatch(batch, err)
	s.tellUnwritten(batch, err)
	for _, c := range batch[1:] {
		c.turn <- false
	}
	s.maybeCompact()
	s.queue.handOver()
}

// write makes a batch durable.
func (s *State) write(batch []*change) error {
	if s.queue.closed {
		return errClosed
	}
	if s.journal.damaged != nil {
		if err := s.compact(); err != nil {
			return err
		}
	}
	var (
		recs []record
		sync bool
	)
	for _, c := range batch {
		recs = append(recs, c.records...)
		sync = sync || !c.lazy
	}
	if len(recs) == 0 {
		return nil
	}
	err := s.journal.append(recs, sync)
	if err != nil && s.journal.fresh && s.compact() == nil {
		// Some disks tell only at the sync that there is no room, and it may be the
		// zeros alone that found none.
		s.journal.zeroed = noAhead
		err = s.journal.append(recs, sync)
	}
	return err
}

func (s *State) applyBatch(batch []*change, failed error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range batch {
		switch {
		case failed == nil:
			var bytes int64
			for _, r := range c.records {
				bytes += int64(recBytes + len(r.body))
			}
			c.err = c.apply(bytes)
		case c.doneAnyway(failed):
			c.err = c.apply(0)
			s.unwritten = s.unwritten || len(c.records) > 0
		default:
			c.err = failed
		}
		if c.last {
			s.queue.closed = true
		}
	}
}

// doneAnyway reports whether c is done though it could not be written.
func (c *change) doneAnyway(failed error) bool {
	return c.anyway != "" && failed != nil && !errors.Is(failed, errClosed)
}

// tellUnwritten says what a restart would bring back. It is written as soon as that
// is possible (see settle).
func (s *State) tellUnwritten(batch []*change, failed error) {
	for _, c := range batch {
		if c.doneAnyway(failed) && c.err == nil && len(c.records) > 0 {
			s.logger.Error("Done, but it cannot be written: "+c.anyway+" if the agent is restarted before that works", "error", failed)
		}
	}
}

// settle writes what was done without being written, if it can be by now.
func (s *State) settle() error {
	s.mu.Lock()
	due := s.unwritten
	s.mu.Unlock()
	if !due {
		return nil
	}
	return s.commit(&change{lazy: true, apply: func(int64) error { return nil }})
}

// maybeCompact rewrites the journal when more than half of it is garbage.
func (s *State) maybeCompact() {
	j := s.journal
	if s.queue.closed || j.damaged != nil || j.size < j.compactAt {
		return
	}
	s.mu.Lock()
	live := s.live
	s.mu.Unlock()
	if j.size-live <= live {
		return
	}
	if err := s.compact(); err != nil {
		// The old file is as good as before; try again when it has grown.
		s.logger.Warn("journal not compacted", "error", err)
		j.compactAt = j.size + s.opts.CompactAt
		return
	}
	j.compactAt = s.opts.CompactAt
}

// compact writes what is registered now to a new journal. The caller leads.
func (s *State) compact() error {
	live := s.rows()
	written := make([]int64, 0, len(live))
	err := s.journal.rewrite(func(yield func(record) error) error {
		for _, l := range live {
			r, err := encode(l.kind, l.rec)
			if err != nil {
				return err
			}
			written = append(written, int64(recBytes+len(r.body)))
			if err := yield(r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unwritten {
		s.logger.Info("Written by now: a restart brings nothing back that was taken out of service")
	}
	s.unwritten = false
	for i, l := range live {
		s.live += written[i] - *l.bytes
		*l.bytes = written[i]
	}
	return nil
}
