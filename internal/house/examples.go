package house

import (
	"fmt"
	"go/ast"
	"strings"
)

// withoutExample are the packages whose Use no Example can show, with the reason.
var withoutExample = map[string]string{
	"internal/testcluster": "its functions take a *testing.T",
}

// examples checks that what a package comment shows as its use is shown to the
// compiler too, by an Example.
func examples(m *module) []string {
	shown := map[string]bool{}
	for _, f := range m.files {
		if !f.test {
			continue
		}
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Example") {
				shown[f.folder] = true
			}
		}
	}
	var faults []string
	for _, f := range m.files {
		if f.test || f.syntax.Doc == nil || f.syntax.Name.Name == "main" || !showsCode(f.syntax.Doc.Text()) {
			continue
		}
		if !shown[f.folder] && withoutExample[f.folder] == "" {
			faults = append(faults, fmt.Sprintf("%s has code under Use that nothing compiles: show it in an Example, in example_test.go", f.folder))
		}
	}
	return faults
}

// showsCode reports whether a package comment has indented lines under Use.
func showsCode(comment string) bool {
	_, use, _ := strings.Cut("\n"+comment, "\n# "+headings[0]+"\n")
	use, _, _ = strings.Cut(use, "\n# ")
	return strings.Contains(use, "\n\t")
}
