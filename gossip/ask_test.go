package gossip_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"praetor/gossip"
	"praetor/internal/fault"
)

// answering answers every question with its own words, until the test ends.
func (m *member) answering(ctx context.Context) {
	for {
		select {
		case q := <-m.Questions():
			if err := q.Answer([]byte(m.Local().Name + " to " + q.From + ": " + q.Name + " " + string(q.Payload))); err != nil {
				m.t.Errorf("answer: %v", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

func TestAskedMemberAnswersAndNoOther(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(5)
		for _, m := range all {
			go m.answering(t.Context()) // ends with the test's bubble
		}
		for _, to := range []string{"m4", "m1"} { // another, and itself
			got, err := all[0].Ask(t.Context(), to, "color", []byte("?"))
			if want := to + " to m1: color ?"; err != nil || string(got) != want {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		}
		synctest.Wait() // whoever answered last is still sending copies
	})
}

func TestAskingAMemberThatDoesNotAnswerEnds(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(3)
		for _, to := range []string{"m2", "nobody"} {
			begin := time.Now()
			if _, err := all[0].Ask(t.Context(), to, "color", nil); !errors.Is(err, gossip.ErrNoAnswer) {
				t.Errorf("%s: %v, want ErrNoAnswer", to, err)
			}
			if took := time.Since(begin); took < 5*time.Second || took > 10*time.Second {
				t.Errorf("%s: gave up after %s, want some seconds", to, took)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := all[0].Ask(ctx, "m2", "color", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the caller's deadline", err)
		}
	})
}

func TestQuestionsAndAnswersAreBounded(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(2)
		long := []byte(strings.Repeat("x", gossip.MaxQuestionBytes+1))
		if _, err := all[0].Ask(t.Context(), "m2", "color", long); fault.KindOf(err) != fault.TooLarge {
			t.Errorf("long question: %v, want too large", err)
		}
		asked := make(chan error, 1)
		go func() { // waited for through asked
			got, err := all[0].Ask(t.Context(), "m2", strings.Repeat("n", 32), long[1:])
			if err == nil && len(got) != gossip.MaxAnswerBytes {
				err = errors.New("answer was cut")
			}
			asked <- err
		}()
		q := <-all[1].Questions()
		if err := q.Answer(make([]byte, gossip.MaxAnswerBytes+1)); fault.KindOf(err) != fault.TooLarge {
			t.Errorf("long answer: %v, want too large", err)
		}
		if err := q.Answer(make([]byte, gossip.MaxAnswerBytes)); err != nil {
			t.Errorf("the largest answer: %v", err)
		}
		if err := <-asked; err != nil {
			t.Error(err)
		}
	})
}

func TestQuestionsNobodyTakesDoNotHoldUpEvents(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(2)
		short, cancel := context.WithCancel(t.Context())
		cancel()
		for range 40 {
			_, _ = all[0].Ask(short, "m2", "color", nil) // nobody waits for the answer
		}
		if err := all[0].Fire("news", []byte("1")); err != nil {
			t.Fatal(err)
		}
		all[1].waitFor("the event", time.Minute, func() error {
			if got := all[1].users(); len(got) != 1 {
				return errors.New("saw " + strings.Join(got, " "))
			}
			return nil
		})
		synctest.Wait()
		if n := len(all[1].Questions()); n == 0 || n > 16 {
			t.Errorf("%d questions wait, want some, at most 16", n)
		}
	})
}
