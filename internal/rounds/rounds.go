package rounds

import (
	"context"
	"sync"
)

// Rounds asks one question after another. Make it with New.
type Rounds[T any] struct {
	ask func() (T, error)

	mu sync.Mutex

	running bool
	next    *round[T] // nil: nobody waits for it yet
}

type round[T any] struct {
	done   chan struct{}
	answer T // with err, once done is closed
	err    error
}

// New returns Rounds of a question, which must end by itself.
func New[T any](ask func() (T, error)) *Rounds[T] { return &Rounds[T]{ask: ask} }

// Wait returns the answer to a question that was asked after the call began, or the error of ctx
// if that ends first.
func (r *Rounds[T]) Wait(ctx context.Context) (answer T, err error) {
	next := r.join()
	select {
	case <-next.done:
		return next.answer, next.err
	case <-ctx.Done():
		return answer, ctx.Err()
	}
}

func (r *Rounds[T]) join() *round[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == nil {
		r.next = &round[T]{done: make(chan struct{})}
	}
	if !r.running {
		r.running = true
		go r.run() // ends when nobody waits
	}
	return r.next
}

func (r *Rounds[T]) run() {
	for {
		r.mu.Lock()
		now := r.next
		r.next = nil
		r.running = now != nil
		r.mu.Unlock()
		if now == nil {
			return
		}
		now.answer, now.err = r.ask()
		close(now.done)
	}
}
