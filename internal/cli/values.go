package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
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

// boolean, number and span are flags whose errors are those of strconv and time, word by
// word.
type boolean bool

func (b *boolean) String() string { return strconv.FormatBool(bool(*b)) }
func (b *boolean) Type() string   { return "value" }

func (b *boolean) Set(word string) error {
	v, err := strconv.ParseBool(word)
	*b = boolean(v)
	return err
}

// boolVar adds a boolean, which like others may stand without a value.
func boolVar(fs *pflag.FlagSet, b *boolean, name, usage string) {
	fs.Var(b, name, usage)
	fs.Lookup(name).NoOptDefVal = "true"
}

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
