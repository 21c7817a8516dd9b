package filter

import (
	"context"
	"errors"
	"reflect"
	"regexp/syntax"
	"time"

	"github.com/hashicorp/go-bexpr"

	"praetor/internal/fault"
	"praetor/internal/pattern"
)

const (
	// maxInstructions bounds the programs of all patterns of an expression: a
	// blocking query holds them for as long as it waits, some 300 KB.
	maxInstructions = 2 * pattern.MaxInstructions
	// maxSearchSteps bounds one search of a text, which cannot be interrupted: 0.4 s
	// at the very worst. It is 10 KB of text for the largest pattern, 1 MB for a
	// usual one.
	maxSearchSteps = 20_000_000
	// An evaluation that has taken maxTime ends if its searches may have taken
	// maxSearchSteps: a plain pattern that looks through much text in a moment goes
	// on, and so does a cheap one that waits for a busy machine.
	maxTime = time.Second
	// checkEvery is how many rows, and checkSteps how many steps of searches, go
	// between two looks at whether the caller is still there.
	checkEvery = 64
	checkSteps = 250_000
)

// search is a term of an expression that looks through a text.
type search struct {
	path    []step
	perByte int // steps: the instructions of a pattern, 1 for "contains"
}

// searchesOf lists the searches of an expression, and refuses patterns that cost
// too much. One that is no pattern at all is left to bexpr, which has the text for
// it.
func searchesOf(tree bexpr.Expression, row reflect.Type) (list []search, err error) {
	instructions := 0
	for _, term := range terms(nil, tree) {
		if term.Operator == bexpr.MatchIn || term.Operator == bexpr.MatchNotIn {
			list = append(list, search{pathOf(row, term.Selector), 1})
			continue
		}
		p, err := pattern.Compile(term.Value.Raw)
		switch {
		case isSyntaxError(err):
			return nil, nil
		case err != nil:
			return nil, fault.New(fault.Invalid, Prefix+"regular expression %.100q: %w", term.Value.Raw, err)
		}
		if instructions += p.Instructions; instructions > maxInstructions {
			return nil, fault.New(fault.Invalid, Prefix+"the regular expressions are too complex together: at most %d instructions are allowed", maxInstructions)
		}
		list = append(list, search{pathOf(row, term.Selector), p.Instructions})
	}
	return list, nil
}

// isSyntaxError reports whether a text is no regular expression at all.
func isSyntaxError(err error) bool {
	var wrong *syntax.Error
	return errors.As(err, &wrong)
}

// terms lists the terms of an expression that look through texts.
func terms(list []*bexpr.MatchExpression, e bexpr.Expression) []*bexpr.MatchExpression {
	switch e := e.(type) {
	case *bexpr.UnaryExpression:
		return terms(list, e.Operand)
	case *bexpr.BinaryExpression:
		return terms(terms(list, e.Left), e.Right)
	case *bexpr.MatchExpression:
		switch e.Operator {
		case bexpr.MatchMatches, bexpr.MatchNotMatches, bexpr.MatchIn, bexpr.MatchNotIn:
			return append(list, e)
		}
	}
	return list
}

// budget is what one evaluation of a filter may cost.
type budget struct {
	ctx      context.Context
	searches []search
	began    time.Time
	rows     int
	steps    int // of searches, at most
	looked   int // steps at the last look
}

func newBudget(ctx context.Context, searches []search) *budget {
	return &budget{ctx: ctx, searches: searches, began: time.Now()}
}

// spend accounts for a row before it is looked at.
func (b *budget) spend(row reflect.Value) error {
	for _, s := range b.searches {
		n := s.perByte * textBytes(row, s.path)
		if n > maxSearchSteps {
			return fault.New(fault.Invalid, "filter: a text is too long for the regular expression: "+
				"it may take %d steps (bytes of text × instructions), at most %d are allowed", n, maxSearchSteps)
		}
		b.steps += n
	}
	b.rows++
	if b.rows%checkEvery != 1 && b.steps-b.looked < checkSteps {
		return nil
	}
	b.looked = b.steps
	return b.look()
}

// look ends an evaluation whose caller has gone, or that took too long.
func (b *budget) look() error {
	if err := b.ctx.Err(); err != nil {
		return err
	}
	if b.steps > maxSearchSteps && time.Since(b.began) > maxTime {
		return fault.New(fault.Invalid, "filter: the expression takes too long on so many rows: more than %v and %d steps "+
			"(bytes of text × instructions of regular expressions); use simpler ones, or ask for less", maxTime, maxSearchSteps)
	}
	return nil
}

// step is a part of a selector: a field of a struct, or a key of a map.
type step struct {
	field int
	key   reflect.Value
}

// pathOf finds the way of a selector through a type, as far as there is one: bexpr
// refuses the others.
func pathOf(t reflect.Type, selector bexpr.Selector) (path []step) {
	for i := 0; t != nil; {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			t = t.Elem()
			continue
		case reflect.Struct, reflect.Map:
		default:
			return path
		}
		if i == len(selector) {
			return path
		}
		if t.Kind() == reflect.Map {
			path = append(path, step{key: reflect.ValueOf(selector[i])})
			t = t.Elem()
		} else {
			f, found := t.FieldByName(selector[i])
			if !found {
				return path
			}
			path = append(path, step{field: f.Index[0]})
			t = f.Type
		}
		i++
	}
	return path
}

// textBytes is how many bytes of text a path leads to.
func textBytes(row reflect.Value, path []step) int {
	switch row.Kind() {
	case reflect.String:
		return row.Len()
	case reflect.Pointer:
		return textBytes(row.Elem(), path)
	case reflect.Slice, reflect.Array:
		bytes := 0
		for i := range row.Len() {
			bytes += textBytes(row.Index(i), path)
		}
		return bytes
	case reflect.Struct:
		if len(path) > 0 {
			return textBytes(row.Field(path[0].field), path[1:])
		}
	case reflect.Map:
		if len(path) > 0 {
			return textBytes(row.MapIndex(path[0].key), path[1:])
		}
	}
	return 0
}
