package checks

import "fmt"

// tail is an io.Writer that keeps the last bytes written to it.
type tail struct {
	ring  []byte
	next  int   // where the next byte goes
	total int64 // bytes ever written
}

func newTail(max int) *tail { return &tail{ring: make([]byte, max)} }

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	t.total += int64(n)
	if n >= len(t.ring) {
		copy(t.ring, p[n-len(t.ring):])
		t.next = 0
		return n, nil
	}
	k := copy(t.ring[t.next:], p)
	copy(t.ring, p[k:])
	t.next = (t.next + n) % len(t.ring)
	return n, nil
}

func (t *tail) String() string {
	if t.total < int64(len(t.ring)) {
		return string(t.ring[:t.total])
	}
	return string(t.ring[t.next:]) + string(t.ring[:t.next])
}

// announced is the output with a line about what was cut, as scripts get it.
func (t *tail) announced() string {
	if t.total <= int64(len(t.ring)) {
		return t.String()
	}
	return fmt.Sprintf("Captured %d of %d bytes\n...\n%s", len(t.ring), t.total, t.String())
}

// CutOutput keeps the first max bytes of what was given for a TTL check, and
// says so (reference/http-agent.md §4.3).
func CutOutput(output string, max int) string {
	if len(output) <= max {
		return output
	}
	return fmt.Sprintf("%s ... (captured %d of %d bytes)", output[:max], max, len(output))
}
