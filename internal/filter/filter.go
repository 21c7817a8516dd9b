package filter

import (
	"context"
	"reflect"
	"strings"

	"github.com/hashicorp/go-bexpr"

	"praetor/internal/fault"
)

const (
	// maxSteps bounds the reading of an expression to some 50 ms. It is enough
	// for five parentheses inside each other, or a hundred terms side by side.
	maxSteps = 250_000
	// Expressions with fewer parentheses and bytes than these need fewer steps.
	fewParentheses, fewBytes = 4, 1000
)

// Prefix begins the errors of New.
const Prefix = "Failed to create boolean expression evaluator: "

// Filter is an expression about rows of type R.
type Filter[R any] struct {
	evaluator *bexpr.Evaluator
	searches  []search
	row       R
}

// New reads an expression. It is nil, which matches everything, for the empty
// one. Errors have Consul's texts, those about limits texts of our own.
func New[R any](expression string) (*Filter[R], error) {
	if expression == "" {
		return nil, nil
	}
	searches, err := bound(expression, reflect.TypeFor[R]())
	if err != nil {
		return nil, err
	}
	e, err := bexpr.CreateEvaluatorForType(expression, nil, reflect.TypeFor[*R]())
	if err != nil {
		return nil, fault.New(fault.Rejected, Prefix+"%w", err)
	}
	return &Filter[R]{evaluator: e, searches: searches}, nil
}

// Validate tells what is wrong with an expression whatever rows it is about.
func Validate(expression string) error {
	if expression == "" {
		return nil
	}
	if _, err := bound(expression, nil); err != nil {
		return err
	}
	if _, err := bexpr.CreateEvaluator(expression, nil); err != nil {
		return fault.New(fault.Rejected, Prefix+"%w", err)
	}
	return nil
}

// bound refuses what would take too long to read or to evaluate, and lists the
// searches in rows of type row, which may be nil, of the rest. A short expression
// without patterns has none worth counting.
func bound(expression string, row reflect.Type) ([]search, error) {
	if !strings.Contains(expression, "matches") && strings.Count(expression, "(") < fewParentheses && len(expression) < fewBytes {
		return nil, nil
	}
	tree, err := bexpr.Parse("", []byte(expression), bexpr.MaxExpressions(maxSteps))
	switch {
	case err != nil && strings.Contains(err.Error(), "max number of expresssions parsed"):
		return nil, fault.New(fault.Invalid, Prefix+"the expression is too complex: use fewer parentheses inside each other, or fewer terms")
	case err != nil:
		return nil, nil // bexpr says what is wrong
	}
	return searchesOf(tree.(bexpr.Expression), row)
}

// Row is a row of type R that can be filled from elements of type E.
type Row[R, E any] interface {
	*R
	Set(E)
}

// Matching returns a function that reports whether an element is what the
// expression wants. All its calls are one evaluation, which ends when ctx does, or
// when it costs too much.
func Matching[R, E any, P Row[R, E]](ctx context.Context, f *Filter[R]) func(E) (bool, error) {
	if f == nil {
		return func(E) (bool, error) { return true, nil }
	}
	b := newBudget(ctx, f.searches)
	row := reflect.ValueOf(&f.row).Elem()
	return func(element E) (bool, error) {
		P(&f.row).Set(element)
		if err := b.spend(row); err != nil {
			return false, err
		}
		ok, err := f.evaluator.Evaluate(&f.row)
		if err != nil {
			return false, fault.New(fault.Rejected, "%w", err)
		}
		return ok, nil
	}
}

// Keep returns the elements that match, in a list of its own unless f is nil.
func Keep[R, E any, P Row[R, E]](ctx context.Context, f *Filter[R], list []E) ([]E, error) {
	if f == nil {
		return list, nil
	}
	matches := Matching[R, E, P](ctx, f)
	kept := make([]E, 0)
	for _, e := range list {
		ok, err := matches(e)
		if err != nil {
			return nil, err
		}
		if ok {
			kept = append(kept, e)
		}
	}
	return kept, nil
}

// KeepMap is Keep for maps.
func KeepMap[R, E any, P Row[R, E]](ctx context.Context, f *Filter[R], all map[string]E) (map[string]E, error) {
	if f == nil {
		return all, nil
	}
	matches := Matching[R, E, P](ctx, f)
	kept := map[string]E{}
	for k, e := range all {
		ok, err := matches(e)
		if err != nil {
			return nil, err
		}
		if ok {
			kept[k] = e
		}
	}
	return kept, nil
}
