package acls

import (
	"fmt"

	"github.com/hashicorp/hil"
	"github.com/hashicorp/hil/ast"

	"praetor/catalog"
	"praetor/internal/acl/builtin"
)

// maxBindText bounds a template in bytes: expressions nest as deep as it is long.
const maxBindText = 1024

// values are what is known of who logs in, as templates name it.
type values map[string]string

// samples are values for a method of which nothing else is known.
func samples(names []string) values {
	v := values{}
	for _, name := range names {
		v[name] = "sample"
	}
	return v
}

// render evaluates a template of a binding rule: no functions, no lists.
func (v values) render(text string) (string, error) {
	if len(text) > maxBindText {
		return "", fmt.Errorf("a template may have %d bytes, not %d", maxBindText, len(text))
	}
	scope := &ast.BasicScope{VarMap: map[string]ast.Variable{}}
	for name, value := range v {
		scope.VarMap[name] = ast.Variable{Type: ast.TypeString, Value: value}
	}
	tree, err := hil.Parse(text)
	if err != nil {
		return "", err
	}
	result, err := hil.Eval(tree, &hil.EvalConfig{GlobalScope: scope})
	if err != nil {
		return "", err
	}
	if rendered, ok := result.Value.(string); ok {
		return rendered, nil
	}
	return "", fmt.Errorf("the template gives no text but %s", result.Type)
}

// What a rule may bind to.
const (
	bindService  = "service"
	bindNode     = "node"
	bindRole     = "role"
	bindPolicy   = "policy"
	bindTemplate = "templated-policy"
)

// bound is a rule's grant to one who logs in.
type bound struct{ kind, name, variable string }

// bind renders what a rule grants, and refuses what cannot be named so. fold is what
// becomes of rendered texts.
func (v values) bind(r *catalog.ACLBindingRule, fold func(string) string) (b bound, err error) {
	switch r.BindType {
	case bindService, bindNode, bindRole, bindPolicy, bindTemplate:
	default:
		return b, fmt.Errorf("invalid Binding Rule: unknown BindType %q", r.BindType)
	}
	b, err = v.rendered(r, fold)
	if err != nil {
		return b, fmt.Errorf("failed to validate bindType %q: %w", r.BindType, err)
	}
	return b, nil
}

func (v values) rendered(r *catalog.ACLBindingRule, fold func(string) string) (bound, error) {
	name, err := v.render(r.BindName)
	if err != nil {
		return bound{}, fmt.Errorf("error interpreting template: %w", err)
	}
	b := bound{kind: r.BindType, name: fold(name)}
	if r.BindType == bindTemplate {
		if name, err = v.render(r.BindVars); err != nil {
			return b, fmt.Errorf("failed to interpret templated policy variables: %w", err)
		}
		b.variable = fold(name)
	}
	return b, b.check()
}

func (b *bound) check() error {
	valid := true
	switch b.kind {
	case bindService, bindNode:
		valid = builtin.ValidName(b.name)
	case bindRole:
		valid = len(b.name) <= maxRoleName && validRoleName.MatchString(b.name)
	case bindPolicy:
		valid = len(b.name) <= maxPolicyName && validPolicyName.MatchString(b.name)
	case bindTemplate:
		t, found := builtin.TemplateNamed(b.name)
		if !found {
			return fmt.Errorf("Bind name for templated-policy bind type does not match existing template name: %s", b.name)
		}
		err := t.Check(b.variable)
		switch {
		case err != nil && b.variable == "":
			return fmt.Errorf("templated policy failed validation: 1 error occurred:\n\t* Invalid type. Expected: object, given: null\n\n")
		case err != nil:
			return fmt.Errorf("templated policy failed validation: %w", err)
		}
	}
	if !valid {
		return fmt.Errorf("invalid bind name: %q", b.name)
	}
	return nil
}
