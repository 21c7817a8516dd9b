package budget_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"praetor/internal/budget"
)

func TestAnswersUnderWayAreBounded(t *testing.T) {
	ctx := context.Background()
	for name, row := range map[string]struct {
		held   []string // clients that hold 10 bytes each, of 20 per client and 50 in all
		client string
		bytes  int
		full   error
	}{
		"up to a client's limit":        {[]string{"a"}, "a", 10, nil},
		"a byte beyond it":              {[]string{"a"}, "a", 11, budget.ErrClient},
		"twice the limit goes alone":    {nil, "a", 40, nil},
		"but not beside another":        {[]string{"a"}, "a", 40, budget.ErrClient},
		"another client":                {[]string{"a", "a"}, "b", 20, nil},
		"up to the limit of all":        {[]string{"a", "a", "b", "b"}, "c", 10, nil},
		"a byte beyond the limit":       {[]string{"a", "a", "b", "b"}, "c", 11, budget.ErrAll},
		"the limit of all, twice taken": {[]string{"a", "a", "b", "b", "c"}, "d", 20, budget.ErrAll},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &budget.Budget{Most: 50, MostPerClient: 20, Wait: 10 * time.Second}
			var gives []func()
			for _, client := range row.held {
				give, err := b.Take(ctx, client, 10, nil)
				if err != nil {
					t.Fatal(err)
				}
				gives = append(gives, give)
			}
			began := time.Now()
			give, err := b.Take(ctx, row.client, row.bytes, nil)
			switch took := time.Since(began); {
			case !errors.Is(err, row.full):
				t.Errorf("%s: %v, want %v", name, err, row.full)
			case err != nil && took != 10*time.Second, err == nil && took != 0:
				t.Errorf("%s: answered after %v", name, took)
			case err == nil:
				gives = append(gives, give)
			}
			for _, give := range gives {
				give()
			}
			if left := b.Total(); left != 0 {
				t.Errorf("%s: %d bytes are left", name, left)
			}
		})
	}
}

func TestAnAnswerWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &budget.Budget{Most: 50, MostPerClient: 20, Wait: 10 * time.Second}
		give, err := b.Take(context.Background(), "a", 20, nil)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(5*time.Second, give)
		if _, err := b.Take(context.Background(), "a", 20, nil); err != nil {
			t.Error(err)
		}
		gone, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := b.Take(gone, "a", 20, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a client that left: %v", err)
		}
	})
}

func TestAnAnswerThatManyShareCountsOnce(t *testing.T) {
	b := &budget.Budget{Most: 50, MostPerClient: 20, Wait: time.Nanosecond}
	answer := new(int)
	var gives []func()
	for i := range 100 {
		give, err := b.Take(context.Background(), fmt.Sprint("c", i%10), 20, answer)
		if err != nil {
			t.Fatal(err)
		}
		gives = append(gives, give)
	}
	if b.Total() != 20 {
		t.Errorf("%d bytes are counted", b.Total())
	}
	for _, give := range gives {
		give()
	}
	if b.Total() != 0 {
		t.Errorf("%d bytes are left", b.Total())
	}
}
