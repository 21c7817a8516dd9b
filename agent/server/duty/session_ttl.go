package duty

import (
	"cmp"
	"container/heap"
	"context"
	"sync"
	"time"

	"praetor/catalog"
)

// How sessions expire (reference/internals.md §5). Clients rely on the slack.
const (
	ttlSlack      = 2 // a session lives for so many TTLs after it was renewed
	endRetry      = 10 * time.Second
	endRetryLimit = 6                // after so many the pause stays
	noTimer       = 10 * time.Minute // looks for timers though there are none
)

// SessionTimers knows when which session expires, on the leader. The zero value
// is ready.
type SessionTimers struct {
	mu sync.Mutex

	byID  map[string]*sessionTimer
	queue timerQueue
	wake  chan struct{} // the earliest changed; nil before start
}

type sessionTimer struct {
	id     string
	due    time.Time
	place  int // in the queue
	tries  int // to end the session
	ending bool
}

// Start forgets all timers and starts those of some sessions at full length.
func (t *SessionTimers) Start(sessions []*catalog.Session, now time.Time) {
	t.mu.Lock()
	t.byID, t.queue = map[string]*sessionTimer{}, nil
	t.wake = make(chan struct{}, 1)
	t.mu.Unlock()
	for _, session := range sessions {
		t.Set(session.ID, TTLOf(session), now)
	}
}

// stop forgets all timers: the next leader has its own.
func (t *SessionTimers) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byID, t.queue = nil, nil
}

// Set restarts a session's timer; ttl 0 needs none. It returns false if the
// session is just being ended: it is too late to renew it. Where this server does
// not lead it does nothing.
func (t *SessionTimers) Set(id string, ttl time.Duration, now time.Time) bool {
	if ttl <= 0 {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	timer := t.byID[id]
	switch due := now.Add(ttlSlack * ttl); {
	case t.byID == nil:
		return true
	case timer == nil:
		timer = &sessionTimer{id: id, due: due}
		t.byID[id] = timer
		heap.Push(&t.queue, timer)
	case timer.ending:
		return false
	default:
		timer.due = due
		heap.Fix(&t.queue, timer.place)
	}
	if timer.place == 0 {
		t.wakeUp()
	}
	return true
}

// Drop forgets a session that has ended.
func (t *SessionTimers) Drop(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	timer := t.byID[id]
	if timer == nil {
		return
	}
	delete(t.byID, id)
	if timer.place >= 0 {
		heap.Remove(&t.queue, timer.place)
	}
}

// Active is how many sessions have a timer.
func (t *SessionTimers) Active() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.byID)
}

// take returns what is due. Those sessions cannot be renewed any more: each is
// to be dropped, or put back with again.
func (t *SessionTimers) take(now time.Time) (due []*sessionTimer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.queue) > 0 && !t.queue[0].due.After(now) {
		timer := heap.Pop(&t.queue).(*sessionTimer)
		timer.ending = true
		due = append(due, timer)
	}
	return due
}

// again puts back a session that could not be ended, for longer each time.
func (t *SessionTimers) again(timer *sessionTimer, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID[timer.id] != timer {
		return // it was ended otherwise
	}
	timer.due = now.Add(endRetry << min(timer.tries, endRetryLimit))
	timer.tries++
	heap.Push(&t.queue, timer)
}

// next is how long it is until a session expires, and a channel that tells when
// that has changed.
func (t *SessionTimers) next(now time.Time) (time.Duration, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) == 0 {
		return noTimer, t.wake
	}
	return max(t.queue[0].due.Sub(now), 0), t.wake
}

func (t *SessionTimers) wakeUp() {
	select {
	case t.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// expireSessions ends sessions whose TTL is over while this server leads.
func (s *Set) expireSessions(ctx context.Context) {
	for {
		wait, changed := s.Timers.next(time.Now())
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-changed:
			timer.Stop()
		case <-timer.C:
			s.expireDue(ctx, time.Now())
		}
	}
}

// expireDue ends the sessions whose time has come.
func (s *Set) expireDue(ctx context.Context, now time.Time) {
	for _, timer := range s.Timers.take(now) {
		if _, session := s.Store.Read().Session(nil, timer.id); session == nil {
			s.Timers.Drop(timer.id)
			continue
		}
		start := time.Now()
		if err := s.EndSession(ctx, timer.id); err != nil {
			if ctx.Err() == nil {
				s.Logger.Warn("end session whose TTL is over", "session", timer.id, "error", err)
			}
			s.Timers.again(timer, time.Now())
			continue
		}
		s.took.invalidate.Since(start)
		s.Logger.Debug("session TTL expired", "session", timer.id)
		s.Timers.Drop(timer.id)
	}
}

// EndSession ends a session, and with it what it holds.
func (s *Set) EndSession(ctx context.Context, id string) error {
	_, _, err := s.Apply(ctx, catalog.SessionCommand, &catalog.SessionWrite{Verb: catalog.SessionDestroy, Session: catalog.Session{ID: id}})
	return err
}

// TTLOf is the TTL of a stored session, 0 for none.
func TTLOf(session *catalog.Session) time.Duration {
	ttl, err := time.ParseDuration(session.TTL)
	if err != nil {
		return 0
	}
	return ttl
}

// timerQueue is a heap of timers, the earliest first.
type timerQueue []*sessionTimer

func (q timerQueue) Len() int { return len(q) }
func (q timerQueue) Less(i, j int) bool {
	return cmp.Or(q[i].due.Compare(q[j].due), cmp.Compare(q[i].id, q[j].id)) < 0
}

func (q timerQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push is for heap.Interface.
func (q *timerQueue) Push(timer any) {
	t := timer.(*sessionTimer)
	t.place = len(*q)
	*q = append(*q, t)
}

// Pop is for heap.Interface.
func (q *timerQueue) Pop() any {
	last := len(*q) - 1
	t := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	t.place = -1
	return t
}

var _ heap.Interface = (*timerQueue)(nil)
