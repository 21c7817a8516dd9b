package logging_test

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"testing"

	"github.com/hashicorp/go-hclog"

	"praetor/internal/logging"
)

func openLogger(t *testing.T, level string, out io.Writer) *logging.Logger {
	t.Helper()
	l, err := logging.Open(logging.Options{Level: level, Output: out})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestMonitorHasALevelOfItsOwn(t *testing.T) {
	var out bytes.Buffer
	l := openLogger(t, "error", &out)
	m := l.Monitor(hclog.Debug, false)
	l.Named("server").Debug("joined", "node", "a")
	l.Trace("too fine")
	want := regexp.MustCompile(`^\S+ \[DEBUG\] agent\.server: joined: node=a\n$`)
	if got := <-m.Lines(); !want.Match(got) {
		t.Errorf("got %q, want a match of %s", got, want)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	l.Error("after the end")
	if len(m.Lines()) > 0 {
		t.Errorf("got %q besides", <-m.Lines())
	}
	if bytes.Contains(out.Bytes(), []byte("joined")) {
		t.Errorf("the agent's own log has %q", out.String())
	}
}

func TestMonitorSpeaksJSON(t *testing.T) {
	l := openLogger(t, "info", io.Discard)
	m := l.Monitor(hclog.Info, true)
	defer m.Close()
	l.Info("joined", "node", "a")
	var line map[string]string
	text := <-m.Lines()
	if err := json.Unmarshal(text, &line); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	if line["@message"] != "joined" || line["@level"] != "info" || line["@module"] != "agent" || line["node"] != "a" {
		t.Errorf("got %v", line)
	}
}

func TestMonitorDropsRatherThanWaits(t *testing.T) {
	l := openLogger(t, "info", io.Discard)
	m := l.Monitor(hclog.Info, false)
	defer m.Close()
	for range 520 {
		l.Info("x")
	}
	if len(m.Lines()) != 512 || m.Dropped() != 8 {
		t.Errorf("kept %d and dropped %d, want 512 and 8", len(m.Lines()), m.Dropped())
	}
}

func TestLoggerKnowsWhetherAnybodyReadsDebug(t *testing.T) {
	logger, err := logging.Open(logging.Options{Level: "INFO", Output: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	defer logger.Close()
	if logger.HearsDebug() {
		t.Error("at INFO without monitors")
	}
	coarse, fine := logger.Monitor(hclog.Info, false), logger.Monitor(hclog.Trace, false)
	if !logger.HearsDebug() {
		t.Error("not with a monitor at TRACE")
	}
	for range 2 {
		if err := fine.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if logger.HearsDebug() {
		t.Error("still after that monitor's end")
	}
	logger.SetLevel(hclog.Debug)
	if !logger.HearsDebug() {
		t.Error("not at DEBUG")
	}
	coarse.Close()
}
