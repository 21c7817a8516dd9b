package linear

import (
	"fmt"
	"sync"
	"time"
)

// Registry is the model of instances of a service, each registered by one writer, one
// version after the other, and of what the catalog's readers see of them.
type Registry struct {
	begin time.Time

	mu    sync.Mutex
	asked map[string][]registered // by instance, in order
	seen  int
}

// registered is a write of a version.
type registered struct {
	version   int // 0: taken out
	call, ret time.Duration
	done      bool // else nobody knows whether or when
}

// NewRegistry begins a history at a time.
func NewRegistry(begin time.Time) *Registry {
	return &Registry{begin: begin, asked: map[string][]registered{}}
}

// Now is the time since the history began.
func (r *Registry) Now() time.Duration { return time.Since(r.begin) }

// Ask notes that a version of an instance is about to be written, or 0 to take it out, by
// its only writer. Done is to be called once that is acknowledged.
func (r *Registry) Ask(instance string, version int) (done func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.asked[instance])
	r.asked[instance] = append(r.asked[instance], registered{version: version, call: r.Now()})
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		one := &r.asked[instance][n]
		one.done, one.ret = true, r.Now()
	}
}

// Seen is how many answers were held against the history.
func (r *Registry) Seen() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen
}

// See holds an answer against the history: the versions of all instances that it shows,
// asked for at call. A strict one asked for consistency, and is of all instances; other
// answers may be old or lack some, but show nothing that was not asked for.
func (r *Registry) See(versions map[string]int, call time.Duration, strict bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen++
	for instance, version := range versions {
		if !r.mayBe(instance, version, call, strict) {
			return fmt.Errorf("%s is seen as version %d at %s, asked at %s (strict %v), of %+v", instance, version, r.Now(), call, strict, r.asked[instance])
		}
	}
	if !strict {
		return nil
	}
	for instance := range r.asked {
		if _, there := versions[instance]; !there && !r.mayBe(instance, 0, call, true) {
			return fmt.Errorf("%s is not seen at %s, asked at %s, of %+v", instance, r.Now(), call, r.asked[instance])
		}
	}
	return nil
}

// mayBe reports whether an instance may be seen in a version now.
func (r *Registry) mayBe(instance string, version int, call time.Duration, strict bool) bool {
	writes := r.asked[instance]
	over := -1 // the last write that was carried out before the question
	for i, w := range writes {
		if w.done && w.ret < call {
			over = i
		}
	}
	if version == 0 && (over < 0 || !strict) {
		return true
	}
	for i, w := range writes {
		if w.version == version && (i >= over || !strict || !w.done) {
			return true
		}
	}
	return false
}
