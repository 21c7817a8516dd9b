package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// TestTopShowsWhatTurnsCritical has the program in a terminal of its own while a check
// changes and the agent goes and comes back.
func TestTopShowsWhatTurnsCritical(t *testing.T) {
	t.Parallel()
	n := startLeader(t, "127.77.130.1")
	if err := n.put("/v1/agent/service/register", `{"Name":"shop","Port":8080,"Check":{"CheckID":"till","Name":"till","TTL":"1h","Status":"passing"}}`); err != nil {
		t.Fatal(err)
	}
	w := openTerminal(t, "NO_COLOR=1", "top", "-http-addr="+n.api())
	w.shows(`praetor top +dc1 .* live`)
	w.shows(`Nothing is critical`)
	w.press("2")
	w.shows(`passing +shop +1 `)

	if err := n.put("/v1/agent/check/update/till", `{"Status":"critical","Output":"the drawer \u001b[2J\u001b]0;owned\u0007 is stuck"}`); err != nil {
		t.Fatal(err)
	}
	w.shows(`critical +shop +1 `)
	w.press("g\r") // the cursor stayed at consul, which was first
	w.shows(`critical +till +the drawer +is stuck`)
	w.press("1")
	w.shows(`shop +a +till +the drawer +is stuck`)

	n.kill()
	w.shows(`reconnecting since [\d:]{8}`)
	w.shows(`STALE: this is what there was`)
	w.shows(`shop +a +till +the drawer`)
	n.start()
	w.shows(` live`)
	w.shows(`Nothing is critical`) // an agent for development forgets

	w.press("5")
	w.shows(`5 Log\]`)
	if err := n.put("/v1/agent/service/register", `{"Name":"another"}`); err != nil {
		t.Fatal(err)
	}
	w.shows(`\[INFO\] .*another`)
	w.press("q")
	if code := w.end(); code != 0 {
		t.Errorf("it ends with %d", code)
	}
	all := w.all()
	if !strings.Contains(all, "\x1b[?1049h") || strings.LastIndex(all, "\x1b[?1049l") < strings.LastIndex(all, "\x1b[?1049h") {
		t.Errorf("the screen of before is not brought back: %q", all[max(0, len(all)-200):])
	}
	for _, order := range []string{"owned", "\a"} {
		if strings.Contains(all, order) {
			t.Errorf("an output of a check gave the terminal the order %q", order)
		}
	}
	if colour := regexp.MustCompile("\x1b\\[(?:[0-9;]*;)?(?:3[0-7]|9[0-7])m").FindString(all); colour != "" {
		t.Errorf("with NO_COLOR it writes %q", colour)
	}
}

// terminal is one in which the program runs.
type terminal struct {
	t    *testing.T
	cmd  *exec.Cmd
	file *os.File
	wide bool // it is now 100 columns wide, not 99

	mu    sync.Mutex
	text  bytes.Buffer // all that was written
	drawn int          // where in it the last drawing of the whole screen begins
	done  chan struct{}
}

func openTerminal(t *testing.T, env string, args ...string) *terminal {
	t.Helper()
	w := &terminal{t: t, done: make(chan struct{})}
	w.cmd = exec.Command(binary, args...)
	w.cmd.Env = append(os.Environ(), "TERM=xterm-256color", env)
	var err error
	if w.file, err = pty.StartWithSize(w.cmd, &pty.Winsize{Rows: 24, Cols: 99}); err != nil {
		t.Skipf("this system has no pseudo terminals: %v", err)
	}
	go func() { // ends with the program, which end and the cleanup wait for
		defer close(w.done)
		part := make([]byte, 4096)
		for {
			k, err := w.file.Read(part)
			w.mu.Lock()
			w.text.Write(part[:k])
			w.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		w.cmd.Process.Kill()
		w.end()
		w.file.Close()
	})
	return w
}

func (w *terminal) press(keys string) {
	w.t.Helper()
	if _, err := w.file.WriteString(keys); err != nil {
		w.t.Fatal(err)
	}
}

func (w *terminal) all() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// shows waits until a pattern is in one line of the screen. The program writes only what
// changed, so the window gets another size, at which all is drawn anew.
func (w *terminal) shows(pattern string) {
	w.t.Helper()
	var resized time.Time
	re := regexp.MustCompile(pattern)
	waitFor(w.t, fmt.Sprintf("%q on the screen", pattern), 30*time.Second, func() error {
		screen := screenOf(w.all()[w.drawn:])
		if re.MatchString(screen) {
			return nil
		}
		if time.Since(resized) > 500*time.Millisecond {
			resized, w.drawn, w.wide = time.Now(), len(w.all()), !w.wide
			size := &pty.Winsize{Rows: 24, Cols: 99}
			if w.wide {
				size.Cols = 100
			}
			if err := pty.Setsize(w.file, size); err != nil {
				return err
			}
		}
		return errors.New("it shows\n" + screen)
	})
}

var (
	styling = regexp.MustCompile("\x1b\\[[0-9;]*m")
	moving  = regexp.MustCompile("\x1b\\[[0-9;:?>=<]*[ -/]*[@-~]|\x1b\\][^\a\x1b]*(?:\a|\x1b\\\\)|\x1b[ -/]*[0-~]")
)

// screenOf is what was written, with a blank for each order that may move the cursor.
func screenOf(text string) string {
	return moving.ReplaceAllString(styling.ReplaceAllString(text, ""), " ")
}

// end waits for the program's end and returns its exit code.
func (w *terminal) end() int {
	w.t.Helper()
	select {
	case <-w.done:
	case <-time.After(20 * time.Second):
		w.t.Fatalf("it still runs; it shows\n%s", screenOf(w.all()[w.drawn:]))
	}
	w.cmd.Wait()
	return w.cmd.ProcessState.ExitCode()
}
