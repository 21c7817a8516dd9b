//go:build unix

package cli

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/consul/api"
)

// transport is an agent without a socket, so that its clients can live in a bubble.
type transport func(r *http.Request) (status int, body string)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := f(r)
	header := http.Header{"X-Consul-Index": {"7"}, "X-Consul-Lastcontact": {"0"}, "X-Consul-Knownleader": {"true"}}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func inMemory(t *testing.T, answer transport) *api.Client {
	t.Helper()
	cl, err := api.NewClient(&api.Config{Address: "127.0.0.1:1", HttpClient: &http.Client{Transport: answer}})
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

// heldBy is what is stored of a lock, or a semaphore of two, that others hold.
func heldBy(semaphore bool, sessions ...string) string {
	if !semaphore {
		return fmt.Sprintf(`[{"Key":"p/.lock","Flags":%d,"Session":%q}]`, uint64(api.LockFlagValue), sessions[0])
	}
	holders := `"` + strings.Join(sessions, `":true,"`) + `":true`
	rows := []string{fmt.Sprintf(`{"Key":"p/.lock","Flags":%d,"Value":%q}`, uint64(api.SemaphoreFlagValue), base64.StdEncoding.EncodeToString([]byte(`{"Limit":2,"Holders":{`+holders+`}}`)))}
	for _, s := range sessions {
		rows = append(rows, fmt.Sprintf(`{"Key":"p/%s","Flags":%d,"Session":%q}`, s, uint64(api.SemaphoreFlagValue), s))
	}
	return "[" + strings.Join(rows, ",") + "]"
}

// TestLocksAreWaitedForAsLongAsAsked: with a timeout once, without one until told to stop.
func TestLocksAreWaitedForAsLongAsAsked(t *testing.T) {
	for _, row := range []struct {
		name    string
		limit   int
		timeout time.Duration
		took    time.Duration
		waits   string // of the queries, in milliseconds
	}{
		{"a lock", 1, 5 * time.Second, 5001 * time.Millisecond, "5000"},
		{"a lock, for ever", 1, 0, 40 * time.Second, "15000 15000 15000"},
		{"a semaphore", 2, 5 * time.Second, 5001 * time.Millisecond, "5000"},
		{"a semaphore, for ever", 2, 0, 40 * time.Second, "15000 15000 15000"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var waits []string
			cl := inMemory(t, func(r *http.Request) (int, string) {
				if r.Method == http.MethodPut {
					return http.StatusOK, "true"
				}
				wait := r.URL.Query().Get("wait")
				waits = append(waits, strings.TrimSuffix(wait, "ms"))
				length, err := time.ParseDuration(wait)
				if err != nil {
					t.Errorf("%s: %v", row.name, err)
				}
				time.Sleep(length + time.Millisecond)
				return http.StatusOK, heldBy(row.limit > 1, "a", "b")
			})
			signals := make(chan os.Signal, 1)
			interrupt := time.AfterFunc(40*time.Second, func() { signals <- os.Interrupt })
			defer interrupt.Stop()
			h := holder{cmd: newLockCommand(), opts: lockOptions{limit: row.limit, timeout: row.timeout}, signals: signals}
			var err error
			if h.lock, err = h.prepare(cl, "s1", "p"); err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			_, err = h.acquire()
			if err == nil || err.Error() != "Shutdown triggered or timeout during lock acquisition" {
				t.Errorf("%s: %v", row.name, err)
			}
			if took := time.Since(begin); took != row.took {
				t.Errorf("%s: took %s, want %s", row.name, took, row.took)
			}
			time.Sleep(15 * time.Second) // until what was left behind has its answer
			synctest.Wait()
			if got := strings.Join(waits, " "); got != row.waits {
				t.Errorf("%s: waited %s, want %s", row.name, got, row.waits)
			}
		})
	}
}

// TestLocksOutliveAsManyFaultsAsAsked: -monitor-retry, once a second.
func TestLocksOutliveAsManyFaultsAsAsked(t *testing.T) {
	for _, row := range []struct {
		name           string
		limit, retries int
		faults         int32
		status         int
		lostAfter      time.Duration
	}{
		{"a lock, no retry", 1, 0, 1, 500, 0},
		{"a lock, enough retries", 1, 2, 2, 500, 12 * time.Second},
		{"a lock, too few", 1, 2, 3, 500, 2 * time.Second},
		{"a lock that may not be read", 1, 2, 1, 403, 0},
		{"a lock without faults", 1, 0, 0, 500, 10 * time.Second},
		{"a semaphore, no retry", 2, 0, 1, 500, 0},
		{"a semaphore, enough retries", 2, 2, 2, 500, 12 * time.Second},
		{"a semaphore, too few", 2, 2, 3, 500, 2 * time.Second},
		{"a semaphore without faults", 2, 0, 0, 500, 10 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			var held atomic.Bool
			var monitored, faults atomic.Int32
			semaphore := row.limit > 1
			cl := inMemory(t, func(r *http.Request) (int, string) {
				switch {
				case r.Method == http.MethodPut:
					held.Store(held.Load() || r.URL.Path == "/v1/kv/p/.lock")
					return http.StatusOK, "true"
				case !held.Load() && semaphore:
					return http.StatusOK, heldBy(true, "a")
				case !held.Load():
					return http.StatusNotFound, ""
				case faults.Add(1) <= row.faults:
					return row.status, "no"
				case monitored.Add(1) == 1:
					return http.StatusOK, heldBy(semaphore, "s1")
				}
				time.Sleep(10 * time.Second)
				return http.StatusOK, heldBy(semaphore, "other")
			})
			h := holder{cmd: newLockCommand(), opts: lockOptions{limit: row.limit, monitorRetry: row.retries}}
			var err error
			if h.lock, err = h.prepare(cl, "s1", "p"); err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			lost, err := h.acquire()
			if err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
			<-lost
			if after := time.Since(begin); after != row.lostAfter {
				t.Errorf("%s: lost after %s, want %s", row.name, after, row.lostAfter)
			}
		})
	}
}

// TestLocksAreGivenBack: what is said, and which faults make the command fail.
func TestLocksAreGivenBack(t *testing.T) {
	inUse, broken := errors.New("in use"), errors.New("broken")
	for _, row := range []struct {
		name             string
		release, destroy error
		says, fails      string
	}{
		{"alone", nil, nil, "Cleanup succeeded\n", ""},
		{"others wait", nil, inUse, "Cleanup aborted, lock in use\n", ""},
		{"not released", broken, nil, "", "Lock release failed: broken"},
		{"not destroyed", nil, broken, "", "Lock cleanup failed: broken"},
	} {
		for _, verbose := range []bool{true, false} {
			var out bytes.Buffer
			cmd := newLockCommand()
			cmd.SetOut(&out)
			h := holder{cmd: cmd, opts: lockOptions{verbose: verbose}, lock: heldLock{
				release: func() error { return row.release }, destroy: func() error { return row.destroy }, inUse: inUse,
			}}
			fails := ""
			if err := h.giveBack(); err != nil {
				fails = err.Error()
			}
			says := row.says
			if !verbose {
				says = ""
			}
			if fails != row.fails || out.String() != says {
				t.Errorf("%s: says %q and fails with %q, want %q and %q", row.name, out.String(), fails, says, row.fails)
			}
		}
	}
}

// TestLocksEndWithTheirCommand: how it ended, and what becomes of that.
func TestLocksEndWithTheirCommand(t *testing.T) {
	const begun, ended = "Attempting lock acquisition\nStarting handler\n", "Child terminated, releasing lock\n"
	broken := errors.New("broken")
	for _, row := range []struct {
		name             string
		child            string
		childExitCode    bool
		acquire, release error
		out, errs        string
		fails            string // exit code and text
	}{
		{"well", "echo $CONSUL_LOCK_HELD", true, nil, nil, begun + "true\n" + ended + "Cleanup succeeded\n", "", ""},
		{"badly", "exit 3", false, nil, nil, begun + ended + "Cleanup succeeded\n", "Error running handler: exit status 3\n", ""},
		{"badly, and that counts", "exit 3", true, nil, nil, begun + ended + "Cleanup succeeded\n", "Error running handler: exit status 3\n", "2 "},
		{"before it began", "echo never", true, broken, nil, "Attempting lock acquisition\n", "", "1 Lock acquisition failed: broken"},
		{"well, and the lock stays", "true", true, nil, broken, begun + ended, "", "1 Lock release failed: broken"},
		{"badly, and the lock stays", "exit 3", true, nil, broken, begun + ended, "Error running handler: exit status 3\n", "1 Lock release failed: broken"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			cmd := newLockCommand()
			cmd.SetOut(&out)
			cmd.SetErr(&errs)
			h := holder{cmd: cmd, opts: lockOptions{verbose: true, shell: true, childExitCode: row.childExitCode}, lock: heldLock{
				acquire: func(<-chan struct{}) (<-chan struct{}, error) { return make(chan struct{}), row.acquire },
				release: func() error { return row.release }, destroy: func() error { return nil },
			}}
			got := ""
			if err := h.run([]string{row.child}); err != nil {
				var e exit
				if !errors.As(err, &e) {
					t.Fatal(err)
				}
				got = fmt.Sprintf("%d %s", e.code, e.text)
			}
			if out.String() != row.out || errs.String() != row.errs || got != row.fails {
				t.Errorf("says\n%s%s%s\nwant\n%s%s%s", out.String(), errs.String(), got, row.out, row.errs, row.fails)
			}
		})
	}
}

// shared is what a command and its holder print to at once.
type shared struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// TestCommandsUnderALockAreStopped: by a signal to the holder, and with the lock.
func TestCommandsUnderALockAreStopped(t *testing.T) {
	gone := make(chan struct{})
	close(gone)
	for _, row := range []struct {
		name   string
		signal os.Signal
		lost   chan struct{}
		says   string
	}{
		{"a signal", syscall.SIGTERM, nil, "Starting handler\nShutdown triggered, killing child\n"},
		{"the lock is lost", nil, gone, "Starting handler\nLock lost, killing child\n"},
	} {
		var out shared
		cmd := newLockCommand()
		cmd.SetOut(&out)
		signals := make(chan os.Signal, 1)
		if row.signal != nil {
			signals <- row.signal
		}
		h := holder{cmd: cmd, opts: lockOptions{verbose: true, shell: true}, signals: signals}
		err := h.runChild([]string{"exec sleep 60"}, row.lost)
		if err == nil || err.Error() != "signal: terminated" || out.text.String() != row.says {
			t.Errorf("%s: %v and %q, want %q", row.name, err, out.text.String(), row.says)
		}
	}
}
