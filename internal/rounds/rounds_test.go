package rounds_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"praetor/internal/rounds"
)

// TestAnAnswerIsOfAQuestionAskedAfterTheCall holds a question up: all who come meanwhile get one
// together, a new one.
func TestAnAnswerIsOfAQuestionAskedAfterTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, answer := 0, make(chan int)
		r := rounds.New(func() (int, error) {
			asked++
			return <-answer, nil
		})
		var waiting sync.WaitGroup
		wait := func(callers, want int) {
			for range callers {
				waiting.Go(func() {
					if got, err := r.Wait(t.Context()); got != want || err != nil {
						t.Errorf("got %d, %v; want %d", got, err, want)
					}
				})
			}
			synctest.Wait()
		}
		wait(1, 1)
		wait(20, 2)
		if asked != 1 {
			t.Errorf("%d questions asked while one was under way", asked)
		}
		answer <- 1
		synctest.Wait()
		answer <- 2
		waiting.Wait()
		if asked != 2 {
			t.Errorf("%d questions for 21 callers, want 2", asked)
		}
		wait(1, 3)
		answer <- 3
		waiting.Wait()
	})
}

func TestAnErrorIsEachWaitersAndAContextEndsAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed, held := errors.New("nobody knows"), make(chan struct{})
		r := rounds.New(func() (int, error) { <-held; return 0, failed })
		ctx, cancel := context.WithCancel(t.Context())
		var waiting sync.WaitGroup
		waiting.Go(func() {
			if _, err := r.Wait(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("a wait that was cancelled: %v", err)
			}
		})
		waiting.Go(func() {
			if _, err := r.Wait(t.Context()); !errors.Is(err, failed) {
				t.Errorf("got %v, want %v", err, failed)
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(held)
		waiting.Wait()
	})
}
