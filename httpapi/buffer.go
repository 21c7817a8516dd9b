package httpapi

import (
	"maps"
	"slices"
	"sync"
)

// maxPooled is the largest buffer kept for the next request.
const maxPooled = 1 << 20

type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, 4096)} }}

func getBuffer() *buffer {
	buf := buffers.Get().(*buffer)
	buf.b = buf.b[:0]
	return buf
}

func (buf *buffer) release() {
	if cap(buf.b) <= maxPooled {
		buffers.Put(buf)
	}
}

// sortedKeys is for maps that are walked more than once.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
