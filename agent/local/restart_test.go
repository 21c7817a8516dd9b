package local_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/local"
	"praetor/catalog"
)

// dialed is the far end of TCP checks.
type dialed struct {
	mu    sync.Mutex
	down  bool
	times []time.Time
}

func (d *dialed) dial(context.Context, string, string) (net.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.times = append(d.times, time.Now())
	if d.down {
		return nil, errors.New("refused")
	}
	near, far := net.Pipe()
	far.Close()
	return near, nil
}

func (d *dialed) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.times)
}

func tcpCheck(id string) *catalog.Check {
	return &catalog.Check{CheckID: id, Name: id, Type: "tcp", Definition: catalog.CheckDefinition{TCP: "10.0.0.1:80", Interval: 10 * time.Second}}
}

// statuses notes every status of a check that the catalog ever has.
func statuses(f *servers, id string, stop <-chan struct{}) *[]string {
	var seen []string
	go func() { // ends with stop
		for {
			ws := catalog.WatchSet{}
			_, checks := f.store.Read().NodeChecks(ws, "n1")
			for _, c := range checks {
				if c.CheckID == id && (len(seen) == 0 || seen[len(seen)-1] != c.Status) {
					seen = append(seen, c.Status)
				}
			}
			ws.Add(stop)
			if ws.WatchCtx(context.Background()); isClosed(stop) {
				return
			}
		}
	}()
	return &seen
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// TestRestartDoesNotMakePassingChecksCritical restarts an agent, in good order and as by a
// crash, and starts it after the machine was rebooted.
func TestRestartDoesNotMakePassingChecksCritical(t *testing.T) {
	for _, row := range []struct {
		name          string
		crash, reboot bool
		want          string
	}{
		{"in good order", false, false, "[critical passing]"},
		{"after a crash", true, false, "[critical passing]"},
		{"after the machine started", false, true, "[critical passing critical passing]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir, f, far := t.TempDir(), newServers(), &dialed{}
			synctest.Test(t, func(t *testing.T) {
				stop := make(chan struct{})
				seen := statuses(f, "c", stop)
				life := func(boot string, crash bool, test func(s *local.State)) {
					o := options(dir, f)
					o.Boot, o.Checks.Dial = boot, far.dial
					s, err := local.Open(o)
					must(t, err)
					must(t, s.LoadDefinitions(local.Definitions{Checks: []local.CheckDefinition{{Check: tcpCheck("from-file")}}}))
					ctx, cancel := context.WithCancel(context.Background())
					done := make(chan error)
					go func() { done <- s.Run(ctx) }() // waited for below
					test(s)
					cancel()
					must(t, <-done)
					if crash {
						must(t, s.CloseAsCrash())
					} else {
						must(t, s.Close())
					}
				}
				life("1", row.crash, func(s *local.State) {
					must(t, s.AddCheck(bg, tcpCheck("c"), ""))
					time.Sleep(30 * time.Second)
				})
				boot := "1"
				if row.reboot {
					boot = "2"
				}
				far.down = row.reboot // nothing runs there yet
				life(boot, false, func(s *local.State) {
					for _, id := range []string{"c", "from-file"} {
						if got := s.Check(id).Status; (got == catalog.Passing) == row.reboot {
							t.Errorf("%s starts %s", id, got)
						}
					}
					time.Sleep(5 * time.Second)
					far.mu.Lock()
					far.down = false
					far.mu.Unlock()
					time.Sleep(30 * time.Second)
				})
				close(stop)
				synctest.Wait()
				if got := fmt.Sprint(*seen); got != row.want {
					t.Errorf("the catalog saw %s, want %s", got, row.want)
				}
			})
		})
	}
}

// TestUnchangedChecksGoOnThroughReloads reloads the same definitions every second: the check
// keeps its rhythm, and a changed one starts again.
func TestUnchangedChecksGoOnThroughReloads(t *testing.T) {
	f, far := newServers(), &dialed{}
	running(t, f, func(o *local.Options) { o.Checks.Dial = far.dial }, func(t *testing.T, s *local.State) {
		defs := func(target string) local.Definitions {
			c := tcpCheck("c")
			c.Definition.TCP = target
			return local.Definitions{Checks: []local.CheckDefinition{{Check: c}}}
		}
		must(t, s.LoadDefinitions(defs("10.0.0.1:80")))
		time.Sleep(25 * time.Second)
		before := far.count()
		for range 100 {
			time.Sleep(time.Second)
			must(t, s.Reload(defs("10.0.0.1:80")))
		}
		if n := far.count() - before; n != 10 {
			t.Errorf("it ran %d times in 100 s, want 10", n)
		}
		for i := before; i < far.count(); i++ {
			if pause := far.times[i].Sub(far.times[i-1]); pause != 10*time.Second {
				t.Errorf("%v between two runs", pause)
			}
		}
		must(t, s.Reload(defs("10.0.0.2:80")))
		far.mu.Lock()
		far.down = true
		far.mu.Unlock()
		if got := s.Check("c").Status; got != catalog.Passing {
			t.Errorf("a changed definition makes it %s at once", got)
		}
		time.Sleep(11 * time.Second)
		if got := s.Check("c").Status; got != catalog.Critical {
			t.Errorf("the changed check does not run: %s", got)
		}
		must(t, s.Reload(local.Definitions{}))
		after := far.count()
		time.Sleep(time.Minute)
		if far.count() != after {
			t.Error("a removed check goes on")
		}
	})
}
