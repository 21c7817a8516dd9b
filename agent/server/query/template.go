package query

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hil"
	"github.com/hashicorp/hil/ast"

	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/pattern"
)

// Whoever may write a query makes the servers work for every name that others
// look up: matching costs the pattern's size times the name's.
const (
	maxTemplateText = 64 << 10 // bytes of all texts, before and after rendering
	maxTemplateName = 512      // bytes of a name looked up; DNS has 255
)

// renderQuery makes the query that a template stands for when it is asked for by
// name (reference/http-kv-session-txn.md §5). A query that is not a template
// is returned unchanged.
func renderQuery(q *catalog.Query, name string) (*catalog.Query, error) {
	if !q.IsTemplate() {
		return q, nil
	}
	if len(name) > maxTemplateName {
		return nil, fmt.Errorf("the name for a template may have %d bytes, not %d", maxTemplateName, len(name))
	}
	r, err := newRenderer(q, name)
	if err != nil {
		return nil, err
	}
	out := *q
	if err := r.service(&out.Service); err != nil {
		return nil, err
	}
	if q.Template.RemoveEmptyTags {
		out.Service.Tags = append([]string{}, slices.DeleteFunc(out.Service.Tags, func(tag string) bool { return tag == "" })...)
	}
	return &out, nil
}

// renderer evaluates the texts of one query for one name.
type renderer struct {
	config *hil.EvalConfig
	bytes  int // of the texts so far, before and after
	marks  int // in those of them that hold expressions
}

func newRenderer(q *catalog.Query, name string) (*renderer, error) {
	if q.Template.Type != catalog.TemplateNamePrefix {
		return nil, fmt.Errorf("Bad Template.Type '%s'", q.Template.Type)
	}
	var captures []string // of the template's pattern in name
	if q.Template.Regexp != "" {
		p, err := pattern.Compile(q.Template.Regexp)
		if err != nil {
			return nil, fmt.Errorf("Bad Regexp: %w", err)
		}
		captures = p.FindStringSubmatch(name)
	}
	variable := func(value string) ast.Variable { return ast.Variable{Type: ast.TypeString, Value: value} }
	return &renderer{config: &hil.EvalConfig{GlobalScope: &ast.BasicScope{
		VarMap: map[string]ast.Variable{
			"name.full": variable(name), "name.prefix": variable(q.Name), "name.suffix": variable(suffix(name, q.Name)),
			"agent.segment": variable(""), // only Enterprise has segments
		},
		FuncMap: map[string]ast.Function{"match": matchFunction(captures)},
	}}}, nil
}

// suffix is what name has behind a prefix that it begins with in any case. Folding
// can change the length of a letter, not their number.
func suffix(name, prefix string) string {
	for range utf8.RuneCountInString(prefix) {
		_, n := utf8.DecodeRuneInString(name)
		name = name[n:]
	}
	return name
}

// matchFunction is ${match(N)}: capture N, "" without it.
func matchFunction(captures []string) ast.Function {
	return ast.Function{
		ArgTypes: []ast.Type{ast.TypeInt}, ReturnType: ast.TypeString,
		Callback: func(args []any) (any, error) {
			if n, ok := args[0].(int); ok && n >= 0 && n < len(captures) {
				return captures[n], nil
			}
			return "", nil
		},
	}
}

// service renders all texts of a service, into lists and maps of its own.
func (r *renderer) service(s *catalog.QueryService) error {
	s.IgnoreCheckIDs, s.Tags = slices.Clone(s.IgnoreCheckIDs), slices.Clone(s.Tags)
	s.NodeMeta, s.ServiceMeta = maps.Clone(s.NodeMeta), maps.Clone(s.ServiceMeta)
	s.Failover.Datacenters, s.Failover.Targets = slices.Clone(s.Failover.Datacenters), slices.Clone(s.Failover.Targets)
	texts := map[string]*string{
		"Service": &s.Service, "SamenessGroup": &s.SamenessGroup, "Near": &s.Near, "Peer": &s.Peer,
	}
	for path, list := range map[string][]string{"IgnoreCheckIDs": s.IgnoreCheckIDs, "Tags": s.Tags, "Failover.Datacenters": s.Failover.Datacenters} {
		for i := range list {
			texts[fmt.Sprintf("%s[%d]", path, i)] = &list[i]
		}
	}
	for i := range s.Failover.Targets {
		texts[fmt.Sprintf("Failover.Targets[%d].Peer", i)] = &s.Failover.Targets[i].Peer
		texts[fmt.Sprintf("Failover.Targets[%d].Datacenter", i)] = &s.Failover.Targets[i].Datacenter
	}
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		if err := r.text("Service."+path, texts[path]); err != nil {
			return err
		}
	}
	if err := r.values("Service.NodeMeta", s.NodeMeta); err != nil {
		return err
	}
	return r.values("Service.ServiceMeta", s.ServiceMeta)
}

func (r *renderer) values(path string, m map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(m)) {
		value := m[key]
		if err := r.text(path+"["+key+"]", &value); err != nil {
			return err
		}
		m[key] = value
	}
	return nil
}

// text renders one text in its place.
func (r *renderer) text(path string, text *string) error {
	if err := r.spend(len(*text)); err != nil {
		return err
	}
	if !strings.Contains(*text, "${") {
		return nil
	}
	if err := r.tooMuch(*text); err != nil {
		return fmt.Errorf("Bad format in %s: %w", path, err)
	}
	tree, err := hil.Parse(*text)
	if err != nil {
		return fmt.Errorf("Bad format '%s' in %s: %w", *text, path, err)
	}
	result, err := hil.Eval(tree, r.config)
	if err != nil {
		return fmt.Errorf("Bad evaluation for '%s' in %s: %w", *text, path, err)
	}
	value, ok := result.Value.(string)
	if !ok {
		return fmt.Errorf("Bad evaluation for '%s' in %s: it gives no text but %s", *text, path, result.Type)
	}
	*text = value
	return r.spend(len(value))
}

func (r *renderer) spend(bytes int) error {
	if r.bytes += bytes; r.bytes > maxTemplateText {
		return fmt.Errorf("the texts of a template may have %d bytes together", maxTemplateText)
	}
	return nil
}

// compileTemplate reports whether a template can be rendered at all.
func compileTemplate(q *catalog.Query) error {
	if _, err := renderQuery(q, q.Name); err != nil {
		return fault.New(fault.Rejected, "failed compiling template: %w", err)
	}
	return nil
}
