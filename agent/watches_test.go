package agent_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"praetor/agent"
	"praetor/agent/config"
)

// TestReloadLeavesUnchangedWatchesAlone: each reload restarted them all, and so ran
// every handler.
func TestReloadLeavesUnchangedWatchesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			mu   sync.Mutex
			news []string
			end  = make(chan struct{})
		)
		note := func(what string, conf config.Watch) {
			mu.Lock()
			defer mu.Unlock()
			news = append(news, fmt.Sprint(what, " ", conf.Params["key"], strings.Join(conf.Args, "")))
		}
		a := agent.NewWatcher(func(ctx context.Context, _ agent.Self, conf config.Watch) {
			note("start", conf)
			select {
			case <-ctx.Done():
				note("stop", conf)
			case <-end:
				note("end", conf)
			}
		})
		key := func(name, command string) config.Watch {
			return config.Watch{Type: "key", Params: map[string]any{"key": name}, Args: []string{command}}
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- a.RunWatches(ctx) }()
		for _, step := range []struct {
			what    string
			watches []config.Watch
			want    string
		}{
			{"the first", []config.Watch{key("a", "x"), key("b", "x")}, "start ax, start bx"},
			{"nothing changed", []config.Watch{key("a", "x"), key("b", "x")}, ""},
			{"other order", []config.Watch{key("b", "x"), key("a", "x")}, ""},
			{"another handler", []config.Watch{key("a", "y"), key("b", "x")}, "start ay, stop ax"},
			{"one more", []config.Watch{key("a", "y"), key("b", "x"), key("c", "x")}, "start cx"},
			{"one twice", []config.Watch{key("c", "x"), key("b", "x"), key("b", "x")}, "start bx, stop ay"},
			{"one of two", []config.Watch{key("c", "x"), key("b", "x")}, "stop bx"},
		} {
			a.ReloadWatches(step.watches...)
			synctest.Wait()
			slices.Sort(news)
			if got := strings.Join(news, ", "); got != step.want {
				t.Errorf("%s: got %q, want %q", step.what, got, step.want)
			}
			news = nil
		}
		close(end) // as at a fault: a reload tries again
		synctest.Wait()
		news, end = nil, make(chan struct{})
		a.ReloadWatches(key("b", "x"))
		synctest.Wait()
		if got := strings.Join(news, ", "); got != "start bx" {
			t.Errorf("after they ended: got %q", got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
