package top_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"praetor/internal/top"
)

// terminal is what a program writes to, and tells of each piece.
type terminal struct {
	mu    sync.Mutex
	text  bytes.Buffer
	wrote chan struct{}
}

func newTerminal() *terminal { return &terminal{wrote: make(chan struct{}, 1)} }

func (w *terminal) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.wrote <- struct{}{}:
	default:
	}
	return w.text.Write(b)
}

func (w *terminal) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

const alternate, normal = "\x1b[?1049h", "\x1b[?1049l"

// TestRunEndsAsItWasEnded: by a key, by ctrl-c, or by whoever runs it; none is an error, and the
// terminal is as it was.
func TestRunEndsAsItWasEnded(t *testing.T) {
	for name, end := range map[string]func(keys io.Writer, stop context.CancelFunc){
		"the key for it": func(keys io.Writer, _ context.CancelFunc) { _, _ = keys.Write([]byte("q")) },
		"ctrl-c":         func(keys io.Writer, _ context.CancelFunc) { _, _ = keys.Write([]byte{3}) },
		"its context":    func(_ io.Writer, stop context.CancelFunc) { stop() },
	} {
		t.Run(name, func(t *testing.T) {
			a := newAgent(t, cluster)
			out := newTerminal()
			in, keys := io.Pipe()
			defer keys.Close()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			done := make(chan error, 1)
			go func() { // waited for below
				done <- top.Run(ctx, top.Options{Client: a.client(t), Address: "10.0.0.9:8500", Input: in, Output: out})
			}()
			for !strings.Contains(out.String(), alternate) {
				select {
				case <-out.wrote:
				case err := <-done:
					t.Fatalf("it ended by itself: %v, with %q", err, out.String())
				}
			}
			end(keys, stop)
			if err := <-done; err != nil {
				t.Errorf("it ends with %v", err)
			}
			if text := out.String(); !strings.Contains(text, normal) || strings.LastIndex(text, normal) < strings.LastIndex(text, alternate) {
				t.Errorf("the terminal is left as %q", text[max(0, len(text)-200):])
			}
		})
	}
}

// TestOnceTellsWhatIsWrong, and writes nothing then.
func TestOnceTellsWhatIsWrong(t *testing.T) {
	a := newAgent(t, nil) // knows no path
	out := newTerminal()
	if err := top.Once(t.Context(), top.Options{Client: a.client(t), Output: out}); err == nil || out.String() != "" {
		t.Errorf("%v, %q", err, out.String())
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if err := top.Once(gone, top.Options{Client: newAgent(t, cluster).client(t), Output: out}); err == nil || out.String() != "" {
		t.Errorf("of one that left: %v, %q", err, out.String())
	}
}
