package gossip

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-metrics"
)

const (
	// thinAfter lines of a kind within thinPeriod are logged; what comes beyond
	// is counted, and the count logged when the period is over.
	thinAfter  = 5
	thinPeriod = 10 * time.Second
	// maxKinds bounds the kinds of lines that are told apart; what comes beyond
	// counts as one kind.
	maxKinds = 64
	// kindWords is how many words at the beginning of a line make its kind.
	kindWords = 5
)

// thinner logs warnings and errors that anybody can provoke by sending packets,
// so that they cannot fill a disk.
type thinner struct {
	logger hclog.Logger
	labels []metrics.Label

	mu    sync.Mutex
	kinds map[string]*lines
}

// lines counts those of a kind in a period.
type lines struct {
	since      time.Time
	logged     int
	suppressed int
}

func newThinner(logger hclog.Logger, labels []metrics.Label) *thinner {
	return &thinner{logger: logger, labels: labels, kinds: make(map[string]*lines)}
}

// refused tells of a message that was not believed, or not read at all.
func (t *thinner) refused(why string, keyvals ...any) {
	metrics.IncrCounterWithLabels([]string{"gossip", "refused"}, 1, t.labels)
	if t.mayLog("refused " + why) {
		t.logger.Warn("gossip message refused: "+why, keyvals...)
	}
}

// rejected is refused for what came from an address.
func (t *thinner) rejected(from net.Addr, why error) {
	t.refused("it is not as members send them", "from", from, "error", why)
}

// mayLog reports whether a line of a kind is to be logged, and counts it.
func (t *thinner) mayLog(kind string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.kinds[kind]
	if l == nil {
		if len(t.kinds) >= maxKinds {
			kind = "others"
			l = t.kinds[kind]
		}
		if l == nil {
			l = &lines{since: time.Now()}
			t.kinds[kind] = l
		}
	}
	if l.logged < thinAfter {
		l.logged++
		return true
	}
	l.suppressed++
	metrics.IncrCounterWithLabels([]string{"gossip", "log", "suppressed"}, 1, t.labels)
	return false
}

// flush says what was suppressed in periods that are over. Pump calls it.
func (t *thinner) flush() {
	t.mu.Lock()
	over := make(map[string]int)
	for kind, l := range t.kinds {
		if time.Since(l.since) >= thinPeriod {
			over[kind] = l.suppressed
			delete(t.kinds, kind)
		}
	}
	t.mu.Unlock()
	for kind, n := range over {
		if n > 0 {
			t.logger.Warn("more messages of a kind were not logged", "kind", kind, "count", n, "seconds", int(thinPeriod.Seconds()))
		}
	}
}

// thinWriter takes the lines of serf and memberlist.
type thinWriter struct {
	thin *thinner
	next io.Writer
}

// longTail begins what a refutation says of two members' tags, byte by byte.
const longTail = " meta:("

// Write passes a line on, shortened if it says how tags differ, or counts it.
func (w thinWriter) Write(line []byte) (int, error) {
	if isComplaint(line) && !w.thin.mayLog(kindOf(string(line))) {
		return len(line), nil
	}
	short, _, cut := bytes.Cut(line, []byte(longTail))
	if !cut || !bytes.Contains(short, []byte("Refuting an alive message")) {
		return w.next.Write(line)
	}
	if _, err := w.next.Write(append(bytes.Clone(short), '\n')); err != nil {
		return 0, err
	}
	return len(line), nil
}

func isComplaint(line []byte) bool {
	return bytes.Contains(line, []byte("[WARN]")) || bytes.Contains(line, []byte("[ERR"))
}

// kindOf is the beginning of a line, as far as it does not vary.
func kindOf(line string) string {
	if _, text, ok := strings.Cut(line, "] "); ok {
		line = text
	}
	words := strings.Fields(line)
	kind := make([]string, 0, kindWords)
	for _, w := range words[:min(kindWords, len(words))] {
		kind = append(kind, strings.TrimFunc(w, func(r rune) bool { return !unicode.IsLetter(r) }))
	}
	return strings.Join(kind, " ")
}

var _ io.Writer = thinWriter{}
