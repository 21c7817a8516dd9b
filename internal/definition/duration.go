package definition

import (
	"encoding/json"
	"math"
	"time"
)

// Duration is a span of time in a JSON body: "10s", or a number of nanoseconds.
// Any other JSON is ignored (reference/http-agent.md §4, http-api.md §4).
type Duration time.Duration

// UnmarshalJSON implements json.Unmarshaler.
func (d *Duration) UnmarshalJSON(text []byte) error {
	switch {
	case len(text) == 0:
	case text[0] == '"':
		var s string
		if err := json.Unmarshal(text, &s); err != nil {
			return err
		}
		span, err := time.ParseDuration(s)
		if err != nil {
			return err
		}
		*d = Duration(span)
	case text[0] == '-' || text[0] >= '0' && text[0] <= '9':
		var n float64
		if err := json.Unmarshal(text, &n); err != nil {
			return err
		}
		*d = Nanoseconds(n)
	}
	return nil
}

// Nanoseconds is a span of so many, the longest there is in its direction if n is
// beyond that.
func Nanoseconds(n float64) Duration {
	switch {
	case n >= math.MaxInt64: // which as a float is 2^63
		return math.MaxInt64
	case n <= math.MinInt64:
		return math.MinInt64
	}
	return Duration(n)
}

// Span returns d as the standard library has it.
func (d Duration) Span() time.Duration { return time.Duration(d) }

var _ json.Unmarshaler = (*Duration)(nil)
