package agent_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"praetor/agent"
	"praetor/agent/config"
	"praetor/agent/local"
	"praetor/catalog"
	"praetor/internal/userevent"
)

// fired is an event as gossip carries it.
func fired(t *testing.T, e userevent.Event) (name string, payload []byte) {
	t.Helper()
	made, err := userevent.New(e.Name, e.Payload)
	if err != nil {
		t.Fatal(err)
	}
	made.NodeFilter, made.ServiceFilter, made.TagFilter = e.NodeFilter, e.ServiceFilter, e.TagFilter
	payload, err = made.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return userevent.Prefix + e.Name, payload
}

// withWeb is the local state of an agent with one service.
func withWeb(t *testing.T) *local.State {
	t.Helper()
	state, err := local.Open(local.Options{NodeName: "n1", Address: "127.0.0.1", Caller: alone{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { state.Close() })
	if err := state.AddService(context.Background(), &catalog.Service{ID: "web", Service: "web", Tags: []string{"v1"}}, nil, false, ""); err != nil {
		t.Fatal(err)
	}
	return state
}

// TestEventsThatAreMeantForAnAgentAreKept: reference/internals.md §7.
func TestEventsThatAreMeantForAnAgentAreKept(t *testing.T) {
	a := agent.NewListener(&config.Runtime{NodeName: "n1"}, withWeb(t), nil)
	for _, e := range []userevent.Event{
		{Name: "all"},
		{Name: "node", NodeFilter: "^n1$"}, {Name: "othernode", NodeFilter: "^n2$"},
		{Name: "service", ServiceFilter: "web"}, {Name: "otherservice", ServiceFilter: "db"},
		{Name: "tag", ServiceFilter: "web", TagFilter: "v1"}, {Name: "othertag", ServiceFilter: "web", TagFilter: "v2"},
		{Name: "_rexec"},
	} {
		a.Fired(fired(t, e))
	}
	a.Fired(userevent.Prefix+"broken", []byte("?"))
	a.Fired("of-another-kind", nil)
	if got := strings.Join(a.Heard(), " "); got != "all node service tag" {
		t.Errorf("kept: %s", got)
	}
}

// TestJobsOfRemoteExecution: reference/cli.md §4, exec.
func TestJobsOfRemoteExecution(t *testing.T) {
	for _, row := range []struct {
		name    string
		rt      config.Runtime
		without bool
		fired   userevent.Event
		runs    bool
	}{
		{"allowed", config.Runtime{NodeName: "n1"}, false, userevent.Event{Name: "_rexec", Payload: []byte("{}")}, true},
		{"meant for it", config.Runtime{NodeName: "n1"}, false, userevent.Event{Name: "_rexec", NodeFilter: "n1"}, true},
		{"meant for another", config.Runtime{NodeName: "n1"}, false, userevent.Event{Name: "_rexec", NodeFilter: "n2"}, false},
		{"forbidden", config.Runtime{NodeName: "n1", Checks: config.Checks{DisableRemoteExec: true}}, false, userevent.Event{Name: "_rexec"}, false},
		{"another reserved name", config.Runtime{NodeName: "n1"}, false, userevent.Event{Name: "_rexecutor"}, false},
		{"an agent that runs none", config.Runtime{NodeName: "n1"}, true, userevent.Event{Name: "_rexec"}, false},
	} {
		state := withWeb(t)
		name, payload := fired(t, row.fired)
		synctest.Test(t, func(t *testing.T) {
			var ran []string
			job := func(_ context.Context, self agent.Self, e *userevent.Event) {
				ran = append(ran, self.NodeName+" "+string(e.Payload))
			}
			if row.without {
				job = nil
			}
			a := agent.NewListener(&row.rt, state, job)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- a.RunJobs(ctx) }()
			a.Fired(name, payload)
			synctest.Wait()
			if got := len(ran) == 1 && ran[0] == "n1 "+string(row.fired.Payload); got != row.runs || len(a.Heard()) != 0 {
				t.Errorf("%s: ran %q, kept %q", row.name, ran, a.Heard())
			}
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestMoreThanSixteenJobsAtATimeAreRefused: nobody waits for a job that starts when
// its asker has gone.
func TestMoreThanSixteenJobsAtATimeAreRefused(t *testing.T) {
	state := withWeb(t)
	name, payload := fired(t, userevent.Event{Name: "_rexec"})
	synctest.Test(t, func(t *testing.T) {
		var (
			mu      sync.Mutex
			started int
		)
		ended := make(chan struct{})
		a := agent.NewListener(&config.Runtime{NodeName: "n1"}, state, func(ctx context.Context, _ agent.Self, _ *userevent.Event) {
			mu.Lock()
			started++
			mu.Unlock()
			select {
			case <-ctx.Done():
			case <-ended:
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- a.RunJobs(ctx) }()
		for range 40 {
			a.Fired(name, payload)
			synctest.Wait()
		}
		if started != 16 {
			t.Errorf("%d jobs run", started)
		}
		close(ended)
		synctest.Wait()
		ended = make(chan struct{})
		a.Fired(name, payload)
		synctest.Wait()
		if started != 17 {
			t.Errorf("%d jobs ran after room was made", started)
		}
		cancel() // ends those that run
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
