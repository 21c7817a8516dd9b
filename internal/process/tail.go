package process

import "sync"

// Tail keeps the last bytes of what is written to it. The zero value keeps
// none; any number of goroutines may write.
type Tail struct {
	Max int // bytes to keep

	mu    sync.Mutex
	kept  []byte
	total int
}

// Write takes everything.
func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total += len(p)
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - t.Max; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

// String is what was kept.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}

// Total is how many bytes were written.
func (t *Tail) Total() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total
}
