package shape

import (
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
)

const (
	// MaxDepth is how deep lists and objects of a JSON text may be inside each
	// other. Indented, each level adds four bytes to every line. Envoy's
	// configuration has some twenty levels.
	MaxDepth = 64
	// freeRecords are as many as nobody need count, bytesPerRecord how many
	// bytes each of more must bring along.
	freeRecords, bytesPerRecord = 1024, 16
)

// Error is a text that is refused for its shape.
type Error struct{ text string }

func (e *Error) Error() string { return e.text }

var errDeep = &Error{fmt.Sprintf("lists and objects are nested too deep: at most %d levels are allowed", MaxDepth)}

// Reader hands a JSON text on, and ends with an *Error where it is nested too
// deep or has too many objects for its length. What is no JSON passes: decoders
// see to that.
type Reader struct {
	from io.Reader
	scan scan
}

// NewReader returns a Reader of the first JSON value of r.
func NewReader(r io.Reader) *Reader { return &Reader{from: r} }

// Read implements io.Reader.
func (r *Reader) Read(b []byte) (int, error) {
	n, err := r.from.Read(b)
	if wrong := r.scan.look(b[:n]); wrong != nil {
		return 0, wrong
	}
	return n, err
}

// CheckJSON is Reader for a text that is there.
func CheckJSON(text []byte) error { return new(scan).look(text) }

// scan is a place in a text.
type scan struct {
	bytes, records, depth int
	lists                 uint64 // a bit per level: is it a list?
	quoted, escaped, over bool
}

func (s *scan) look(text []byte) error {
	for _, c := range text {
		switch {
		case s.over: // behind the first value
			return nil
		case s.escaped:
			s.escaped = false
		case s.quoted:
			s.escaped, s.quoted = c == '\\', c != '"'
		case c == '"':
			s.quoted = true
		case c == '{' || c == '[':
			if err := s.open(c); err != nil {
				return err
			}
		case c == '}' || c == ']':
			s.depth--
			s.lists >>= 1
			s.over = s.depth <= 0
		case c == 'n' && s.lists&1 == 1: // null in a list, a record with nothing in it
			if err := s.record(); err != nil {
				return err
			}
		}
		s.bytes++
	}
	return nil
}

func (s *scan) open(c byte) error {
	if s.depth++; s.depth > MaxDepth {
		return errDeep
	}
	if s.lists <<= 1; c == '[' {
		s.lists |= 1
		return nil
	}
	return s.record()
}

func (s *scan) record() error {
	if s.records++; s.records > freeRecords+s.bytes/bytesPerRecord {
		return &Error{fmt.Sprintf("too many objects in too few bytes: %d in %d", s.records, s.bytes)}
	}
	return nil
}

// CheckDepth is what CheckJSON says of nesting, for a value that a parser made.
func CheckDepth(v any) error {
	if deeper(v, MaxDepth) {
		return errDeep
	}
	return nil
}

// deeper reports whether a value has more levels than some.
func deeper(v any, levels int) bool {
	switch v := v.(type) {
	case map[string]any:
		return levels == 0 || anyDeeper(maps.Values(v), levels-1)
	case []any:
		return levels == 0 || anyDeeper(slices.Values(v), levels-1)
	case []map[string]any: // HCL's
		return levels == 0 || anyDeeper(slices.Values(v), levels-1)
	}
	return false
}

func anyDeeper[E any](values iter.Seq[E], levels int) bool {
	for v := range values {
		if deeper(v, levels) {
			return true
		}
	}
	return false
}

var _ io.Reader = (*Reader)(nil)
