package life_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/pprof"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"praetor/internal/life"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// diary notes what happened, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

// part works until told to stop, and takes a second to.
func (d *diary) part(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		d.note("%s stops", name)
		time.Sleep(time.Second)
		d.note("%s stopped", name)
		return nil
	}
}

func (d *diary) want(t *testing.T, lines ...string) {
	t.Helper()
	if !reflect.DeepEqual(d.lines, lines) {
		t.Errorf("got  %q\nwant %q", d.lines, lines)
	}
}

func TestPartsStopOneAfterTheOtherInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		g := life.NewGroup()
		g.Add("gossip", d.part("gossip"))
		g.Add("raft", d.part("raft"))
		g.Add("http", d.part("http"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := g.Run(ctx); err != nil {
			t.Errorf("got %v, want nil after the context ended", err)
		}
		d.want(t, "http stops", "http stopped", "raft stops", "raft stopped", "gossip stops", "gossip stopped")
	})
}

func TestPartThatFailsStopsTheOthersAndNamesItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		broken := errors.New("disk full")
		g := life.NewGroup()
		g.Add("gossip", d.part("gossip"))
		g.Add("raft", func(context.Context) error {
			time.Sleep(time.Minute)
			return broken
		})
		g.Add("http", d.part("http"))
		err := g.Run(t.Context())
		if !errors.Is(err, broken) || err.Error() != "raft: disk full" {
			t.Errorf("got %v, want raft: disk full", err)
		}
		d.want(t, "http stops", "http stopped", "gossip stops", "gossip stopped")
	})
}

func TestPartThatReturnsEarlyIsAFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		g := life.NewGroup()
		g.Add("gossip", d.part("gossip"))
		g.Add("raft", func(context.Context) error { return nil })
		if err := g.Run(t.Context()); err == nil || err.Error() != "raft: ended by itself" {
			t.Errorf("got %v, want raft: ended by itself", err)
		}
		d.want(t, "gossip stops", "gossip stopped")
	})
}

func TestFaultsWhileStoppingAreNotTheReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := life.NewGroup()
		g.Add("raft", func(ctx context.Context) error {
			<-ctx.Done()
			return errors.New("closed in a hurry")
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := g.Run(ctx); err != nil {
			t.Errorf("got %v, want nil: the context had ended", err)
		}
	})
}

func TestGroupWithoutPartsReturnsAtOnce(t *testing.T) {
	if err := life.NewGroup().Run(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestGroupOfAnEndedContextStillStopsItsParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		g := life.NewGroup()
		g.Add("gossip", d.part("gossip"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := g.Run(ctx); err != nil {
			t.Error(err)
		}
		d.want(t, "gossip stops", "gossip stopped")
	})
}

func TestPartsSeeTheValuesOfTheContextAndTheirLabel(t *testing.T) {
	type key struct{}
	g := life.NewGroup()
	var value, label any
	g.Add("gossip", func(ctx context.Context) error {
		value = ctx.Value(key{})
		label, _ = pprof.Label(ctx, "part")
		return nil
	})
	g.Run(context.WithValue(t.Context(), key{}, "v"))
	if value != "v" || label != "gossip" {
		t.Errorf("value %v, label %v; want v and gossip", value, label)
	}
}
