package house_test

import (
	"slices"
	"strings"
	"testing"

	"praetor/internal/house"
)

func TestUseIsCompiled(t *testing.T) {
	shows := strings.Replace(doc, "# Use\n//\n", "# Use\n//\n//\tp.Do()\n//\n", 1)
	speaks := strings.Replace(doc, "# Use\n//\n", "# Use\n//\n// Do does.\n//\n", 1)
	elsewhere := strings.Replace(doc, "# Decisions\n", "# Decisions\n//\n//\tp.Do()\n", 1)
	const fault = "gossip has code under Use that nothing compiles: show it in an Example, in example_test.go"
	for _, c := range []struct {
		name      string
		doc, test string
		want      []string
	}{
		{"code", shows + "package p\n", "", []string{fault}},
		{"code and a test", shows + "package p\n", "package p\n\nfunc TestExample() {}\n", []string{fault}},
		{"code and a method", shows + "package p\n", "package p\n\ntype t int\n\nfunc (t) Example() {}\n", []string{fault}},
		{"code and an example", shows + "package p\n", "package p_test\n\nfunc Example() {}\n", nil},
		{"code and a named example", shows + "package p\n", "package p_test\n\nfunc ExampleDo() {}\n", nil},
		{"words", speaks + "package p\n", "", nil},
		{"code under another heading", elsewhere + "package p\n", "", nil},
		{"a program", shows + "package main\n", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{"gossip/doc.go": c.doc}
			if c.test != "" {
				files["gossip/a_test.go"] = c.test
			}
			got, err := house.Inspect(build(t, files))
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%v, %q, want %q", err, got, c.want)
			}
		})
	}
}
