package filter

import (
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
	row       R
}

// New reads an expression. It is nil, which matches everything, for the empty
// one. Errors have Consul's texts.
func New[R any](expression string) (*Filter[R], error) {
	if expression == "" {
		return nil, nil
	}
	if err := bound(expression); err != nil {
		return nil, err
	}
	e, err := bexpr.CreateEvaluatorForType(expression, nil, reflect.TypeFor[*R]())
	if err != nil {
		return nil, fault.New(fault.Rejected, Prefix+"%w", err)
	}
	return &Filter[R]{evaluator: e}, nil
}

// Validate tells what is wrong with an expression whatever rows it is about.
func Validate(expression string) error {
	if expression == "" {
		return nil
	}
	if err := bound(expression); err != nil {
		return err
	}
	if _, err := bexpr.CreateEvaluator(expression, nil); err != nil {
		return fault.New(fault.Rejected, Prefix+"%w", err)
	}
	return nil
}

// bound refuses what would take too long to read.
func bound(expression string) error {
	if strings.Count(expression, "(") < fewParentheses && len(expression) < fewBytes {
		return nil
	}
	_, err := bexpr.Parse("", []byte(expression), bexpr.MaxExpressions(maxSteps))
	if err != nil && strings.Contains(err.Error(), "max number of expresssions parsed") {
		return fault.New(fault.Rejected, Prefix+"the expression is too complex: use fewer parentheses inside each other, or fewer terms")
	}
	return nil
}

// Row is a row of type R that can be filled from elements of type E.
type Row[R, E any] interface {
	*R
	Set(E)
}

// Match tells whether an element is what the expression wants.
func Match[R, E any, P Row[R, E]](f *Filter[R], element E) (bool, error) {
	if f == nil {
		return true, nil
	}
	P(&f.row).Set(element)
	ok, err := f.evaluator.Evaluate(&f.row)
	if err != nil {
		return false, fault.New(fault.Rejected, "%w", err)
	}
	return ok, nil
}

// Keep returns the elements that match, in a list of its own unless f is nil.
func Keep[R, E any, P Row[R, E]](f *Filter[R], list []E) ([]E, error) {
	if f == nil {
		return list, nil
	}
	kept := make([]E, 0)
	for _, e := range list {
		ok, err := Match[R, E, P](f, e)
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
func KeepMap[R, E any, P Row[R, E]](f *Filter[R], all map[string]E) (map[string]E, error) {
	if f == nil {
		return all, nil
	}
	kept := map[string]E{}
	for k, e := range all {
		ok, err := Match[R, E, P](f, e)
		if err != nil {
			return nil, err
		}
		if ok {
			kept[k] = e
		}
	}
	return kept, nil
}
