package gossip

import (
	"time"

	"github.com/hashicorp/serf/serf"
)

// flushAfter is longer than the 500 ms that serf keeps lines of its snapshot in
// memory: a line written after so long takes those before it to the file.
const flushAfter = 600 * time.Millisecond

// flusher sees to it that the snapshot file names the members. Serf writes its
// buffer out only when it adds a line, so who joined within half a second of the
// line before stayed in memory until something else happened: a process that was
// killed in a quiet pool forgot with whom it had been. The flusher makes serf
// write one more line, "alive" of this agent itself, once events have stopped.
// Only pump uses it.
type flusher struct {
	in    chan<- serf.Event // the way of all events, from the snapshot on
	line  serf.MemberEvent
	timer *time.Timer // nil where there is no snapshot
	armed bool
}

func newFlusher(config *serf.Config) *flusher {
	if config.SnapshotPath == "" {
		return &flusher{}
	}
	timer := time.NewTimer(flushAfter)
	timer.Stop()
	return &flusher{timer: timer}
}

// begin takes what serf made of its configuration: its way of events, and
// this agent's entry.
func (f *flusher) begin(config *serf.Config, self serf.Member) {
	f.in = config.EventCh
	f.line = serf.MemberEvent{Type: serf.EventMemberJoin, Members: []serf.Member{self}}
}

// due fires when it is time to flush; it never does where there is no snapshot.
func (f *flusher) due() <-chan time.Time {
	if f.timer == nil {
		return nil
	}
	return f.timer.C
}

// takes reports whether an event is the flusher's own, come out at the other end,
// and has a flush follow a change of members.
func (f *flusher) takes(e serf.Event) bool {
	change, ok := e.(serf.MemberEvent)
	if !ok || f.timer == nil {
		return false
	}
	if len(change.Members) > 0 && &change.Members[0] == &f.line.Members[0] {
		return true
	}
	f.arm()
	return false
}

func (f *flusher) arm() {
	if !f.armed {
		f.armed = true
		f.timer.Reset(flushAfter)
	}
}

// flush never waits: pump must go on emptying the other end. Where there is no
// room there are events, and lines.
func (f *flusher) flush() {
	f.armed = false
	select {
	case f.in <- f.line:
	default:
		f.arm()
	}
}
