package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// pairs is a flag that gathers KEY=VALUE words.
type pairs struct{ values map[string]string }

func (p *pairs) String() string { return joinPairs(p.values) }
func (p *pairs) Type() string   { return "key=value" }

func (p *pairs) Set(word string) error {
	key, value, ok := strings.Cut(word, "=")
	if !ok {
		return fmt.Errorf("Missing \"=\" value in argument: %s", word)
	}
	if p.values == nil {
		p.values = map[string]string{}
	}
	p.values[key] = value
	return nil
}

// list is a flag that gathers words; unlike pflag's own it does not split at
// commas.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }
func (l *list) Type() string   { return "value" }

func (l *list) Set(word string) error {
	*l = append(*l, word)
	return nil
}

// number and span are flags whose errors are those of strconv and time, word by
// word.
type number uint64

func (n *number) String() string { return strconv.FormatUint(uint64(*n), 10) }
func (n *number) Type() string   { return "value" }

func (n *number) Set(word string) error {
	v, err := strconv.ParseUint(word, 0, 64)
	*n = number(v)
	return err
}

type span time.Duration

func (s *span) String() string { return time.Duration(*s).String() }
func (s *span) Type() string   { return "value" }

func (s *span) Set(word string) error {
	d, err := time.ParseDuration(word)
	*s = span(d)
	return err
}
