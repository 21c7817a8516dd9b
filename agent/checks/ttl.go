package checks

import (
	"context"
	"sync"
	"time"

	"praetor/catalog"
)

// TTL is a check that someone else reports on; silence makes it critical. Its
// time starts when it is built.
type TTL struct {
	id     string
	ttl    time.Duration
	max    int
	notify func(id, status, output string)
	told   time.Time // the deadline already notified; only look uses it

	mu sync.Mutex

	deadline time.Time
	last     string // output of the last report
	timer    *time.Timer
	asleep   bool // the timer is not set: nothing can expire until someone reports
	stopped  bool
}

// ttlPause is the least time between two looks at the clock: however short a TTL is,
// and however often someone reports, it keeps nobody busy.
const ttlPause = 10 * time.Millisecond

func newTTL(c *catalog.Check, o *Options) (Runner, error) {
	return &TTL{
		id: c.CheckID, ttl: c.Definition.TTL, max: o.OutputMax, notify: o.Notify,
		deadline: time.Now().Add(c.Definition.TTL),
	}, nil
}

// Renew takes a report's output and starts the time again. It returns the
// output as it is to be kept, and when the report expires.
func (t *TTL) Renew(output string) (kept string, deadline time.Time) {
	kept = CutOutput(output, t.max)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last, t.deadline = kept, time.Now().Add(t.ttl)
	if t.asleep && !t.stopped {
		t.asleep = false
		t.timer.Reset(max(t.ttl, ttlPause))
	}
	return kept, t.deadline
}

// Expired reports whether the time is over. Who applies a notification asks it
// under the lock that also covers Renew, so that a report that came in between
// is not undone.
func (t *TTL) Expired() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !time.Now().Before(t.deadline)
}

// Run notifies once each time the time runs out.
func (t *TTL) Run(ctx context.Context) {
	var running sync.Mutex
	stop := t.Start(func(f func()) {
		running.Lock()
		defer running.Unlock()
		if ctx.Err() == nil {
			f()
		}
	})
	<-ctx.Done()
	stop()
	running.Lock() // a notification under way ends first
	defer running.Unlock()
}

// Start does what Run does without holding a goroutine: agents have thousands
// of TTL checks. Each look at the clock goes through guard, one at a time, which
// need not call it. After stop there are no more.
func (t *TTL) Start(guard func(look func())) (stop func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timer = time.AfterFunc(max(time.Until(t.deadline), ttlPause), func() { guard(t.look) })
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.stopped = true
		t.timer.Stop()
	}
}

func (t *TTL) look() {
	deadline, output := t.state()
	if time.Until(deadline) <= 0 && !deadline.Equal(t.told) {
		t.told = deadline
		t.notify(t.id, catalog.Critical, output)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.stopped:
	case t.deadline.Equal(t.told):
		t.asleep = true
	default: // someone reported, perhaps just now
		t.timer.Reset(max(time.Until(t.deadline), ttlPause))
	}
}

func (t *TTL) state() (deadline time.Time, output string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == "" {
		return t.deadline, "TTL expired"
	}
	return t.deadline, "TTL expired (last output before timeout follows): " + t.last
}
