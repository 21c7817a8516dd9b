package duty

import "time"

// Take returns the sessions that are due, and what puts each back.
func (t *SessionTimers) Take(now time.Time) map[string]func(now time.Time) {
	due := map[string]func(time.Time){}
	for _, timer := range t.take(now) {
		due[timer.id] = func(now time.Time) { t.again(timer, now) }
	}
	return due
}

// Next is how long it is until one is due.
func (t *SessionTimers) Next(now time.Time) time.Duration {
	wait, _ := t.next(now)
	return wait
}

// SomeOf picks those whose turn it is.
var SomeOf = someOf
