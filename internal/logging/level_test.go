package logging_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/internal/logging"
)

func TestLevelsInAnyCase(t *testing.T) {
	for name, want := range map[string]hclog.Level{
		"TRACE": hclog.Trace, "debug": hclog.Debug, "Info": hclog.Info, "warn": hclog.Warn, "err": hclog.Error, "ERR": hclog.Error, "error": hclog.Error,
	} {
		if got, err := logging.ParseLevel(name); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, want)
		}
	}
	for _, name := range []string{"", "off", "none", "warning", "0"} {
		if _, err := logging.ParseLevel(name); err == nil || !strings.Contains(err.Error(), "Invalid log level: "+strings.ToUpper(name)+". Valid") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestOfManyLinesAtOnceOneIsDue(t *testing.T) {
	var s logging.Seldom
	now := time.Unix(1_700_000_000, 0)
	for round := range 3 {
		var due, left atomic.Int64
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if n, yes := s.Due(now); yes {
					due.Add(1)
					left.Add(n)
				}
			})
		}
		all.Wait()
		if due.Load() != 1 || round > 0 && left.Load() == 0 {
			t.Errorf("round %d: %d lines were due, after %d that were not", round, due.Load(), left.Load())
		}
		if _, yes := s.Due(now.Add(time.Second - 1)); yes {
			t.Errorf("round %d: a line is due too early", round)
		}
		now = now.Add(time.Second)
	}
}
