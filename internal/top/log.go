package top

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/consul/api"
)

const (
	// maxBatch is how many lines of the log are taken up at once.
	maxBatch = 200
	// maxLine is how many bytes of a line are kept.
	maxLine = 4096
)

// stream is a log that is being read.
type stream struct {
	ask   int // of the view that reads it
	lines chan string
	stop  chan struct{}
	ended bool // all that was read is handed over
}

var errLogEnded = errors.New("the agent ended the log")

var logColumns = []column{{}}

// askLog opens the stream, or waits for its next lines and takes all that are there.
func (s *source) askLog(ctx context.Context, a *answer, ask int) error {
	a.more, a.leader = true, true
	a.body = &body{cols: logColumns, widths: []int{maxLine}, empty: fmt.Sprintf("No line yet at level %s; -log-level chooses another.", strings.ToUpper(s.logLevel))}
	if s.log == nil {
		a.opened = true
		return s.openLog(ctx, ask)
	}
	for !s.log.ended && len(a.body.rows) < maxBatch {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case text := <-s.log.lines:
			if s.log.ended = text == ""; !s.log.ended { // the library's sign of the end
				a.body.rows = append(a.body.rows, logRow(text))
			}
			if len(s.log.lines) > 0 {
				continue
			}
		}
		break
	}
	if s.log.ended && len(a.body.rows) == 0 {
		s.closeLog()
		return errLogEnded
	}
	return nil
}

func (s *source) openLog(ctx context.Context, ask int) error {
	stop := make(chan struct{})
	lines, err := s.client.Agent().Monitor(s.logLevel, stop, (&api.QueryOptions{}).WithContext(ctx))
	if err != nil {
		return err
	}
	s.log = &stream{ask: ask, lines: lines, stop: stop}
	return nil
}

// closeLog ends a stream whose request has ended: the library's goroutine says so until
// it is told to stop, and may wait to hand over a line.
func (s *source) closeLog() {
	if s.log == nil {
		return
	}
	close(s.log.stop)
	for range s.log.lines {
	}
	s.log = nil
}

func logRow(t string) row {
	if len(t) > maxLine {
		t = strings.ToValidUTF8(t[:maxLine], "") + ellipsis
	}
	look := plain
	switch {
	case strings.Contains(t, "[ERROR]"):
		look = bad
	case strings.Contains(t, "[WARN]"):
		look = warn
	case strings.Contains(t, "[DEBUG]"), strings.Contains(t, "[TRACE]"):
		look = faint
	}
	return row{cells: []span{{t, look}}, opens: target{kindLine, t}}
}
