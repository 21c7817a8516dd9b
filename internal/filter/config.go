package filter

import (
	"context"
	"reflect"

	"github.com/hashicorp/go-bexpr"

	"praetor/catalog"
	"praetor/internal/configentry"
	"praetor/internal/fault"
)

// Config is an expression about config entries of one kind. It can name the
// members of the kind.
type Config struct {
	evaluator *bexpr.Evaluator
	searches  []search
	row       reflect.Type // a struct of the kind's members, flat
}

// NewConfig reads an expression about entries such as of. It is nil, which
// matches everything, for the empty one.
func NewConfig(of configentry.Entry, expression string) (*Config, error) {
	if expression == "" {
		return nil, nil
	}
	row := reflect.StructOf(flatFields(reflect.TypeOf(of).Elem()))
	searches, err := bound(expression, row)
	if err != nil {
		return nil, err
	}
	e, err := bexpr.CreateEvaluatorForType(expression, nil, row)
	if err != nil {
		return nil, fault.New(fault.Rejected, Prefix+"%w", err)
	}
	return &Config{e, searches, row}, nil
}

// flatFields lists the fields of a struct with those of the structs that it embeds
// in their place: expressions do not see through embedding.
func flatFields(t reflect.Type) []reflect.StructField {
	var fields []reflect.StructField
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			fields = append(fields, flatFields(f.Type)...)
			continue
		}
		fields = append(fields, reflect.StructField{Name: f.Name, Type: f.Type, Tag: f.Tag})
	}
	return fields
}

// Keep returns the entries that match, unless ctx ends before or it costs too
// much.
func (c *Config) Keep(ctx context.Context, list []*catalog.ConfigEntry) ([]*catalog.ConfigEntry, error) {
	if c == nil {
		return list, nil
	}
	b := newBudget(ctx, c.searches)
	kept := make([]*catalog.ConfigEntry, 0)
	for _, e := range list {
		entry, err := e.Parsed()
		if err != nil {
			return nil, err
		}
		row := reflect.New(c.row).Elem()
		for i := range c.row.NumField() {
			row.Field(i).Set(reflect.ValueOf(entry).Elem().FieldByName(c.row.Field(i).Name))
		}
		fillIn(row)
		if err := b.spend(row); err != nil {
			return nil, err
		}
		ok, err := c.evaluator.Evaluate(row.Interface())
		if err != nil {
			return nil, fault.New(fault.Rejected, "%w", err)
		}
		if ok {
			kept = append(kept, e)
		}
	}
	return kept, nil
}

// fillIn makes everything a value points to its own, with zero values where it points to
// nothing: bexpr looks behind every pointer that a selector leads through. What an entry
// does not have matches nothing but what asks for emptiness.
func fillIn(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		own := reflect.New(v.Type().Elem())
		if !v.IsNil() {
			own.Elem().Set(v.Elem())
		}
		fillIn(own.Elem())
		v.Set(own)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fillIn(v.Field(i))
			}
		}
	case reflect.Slice:
		own := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(own, v)
		for i := range own.Len() {
			fillIn(own.Index(i))
		}
		v.Set(own)
	case reflect.Map:
		own := reflect.MakeMap(v.Type())
		for key, value := range v.Seq2() {
			element := reflect.New(v.Type().Elem()).Elem()
			element.Set(value)
			fillIn(element)
			own.SetMapIndex(key, element)
		}
		v.Set(own)
	}
}

// Exported is what expressions about exported services can name.
type Exported struct {
	Service   string
	Consumers struct{ Peers []string }
}

// Set fills the row.
func (r *Exported) Set(s catalog.ExportedService) { r.Service, r.Consumers.Peers = s.Service, s.Peers }
