package house

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// sleeps checks that tests sleep in virtual time only.
func sleeps(m *module) []string {
	var faults []string
	runners := map[string]bool{"Test": true} // synctest's, and what gives a function on to it
	for before := 0; before != len(runners); {
		before = len(runners)
		for _, f := range m.files {
			f.addRunners(runners)
		}
	}
	for _, tests := range testsByFolder(m) {
		b := bubblesOf(tests, runners)
		for _, f := range tests {
			for _, at := range f.uses("time", "Sleep") {
				if !b.holds(b.mentions[at]) {
					faults = append(faults, fmt.Sprintf("%s sleeps: wait for a condition, or use testing/synctest; see style §6", m.line(f, at)))
				}
			}
		}
	}
	return faults
}

func testsByFolder(m *module) map[string][]*file {
	tests := map[string][]*file{}
	for _, f := range m.files {
		if f.test {
			tests[f.folder] = append(tests[f.folder], f)
		}
	}
	return tests
}

// addRunners adds the functions with a function among their parameters that call a runner.
func (f *file) addRunners(runners map[string]bool) {
	for _, d := range f.syntax.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil || !takesFunction(fn.Type) || fn.Name.Name == "Test" {
			continue
		}
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && f.runs(call, runners) {
				runners[fn.Name.Name] = true
			}
			return true
		})
	}
}

func takesFunction(t *ast.FuncType) bool {
	for _, p := range t.Params.List {
		if _, ok := p.Type.(*ast.FuncType); ok {
			return true
		}
	}
	return false
}

// runs reports whether a call gives its functions a bubble.
func (f *file) runs(call *ast.CallExpr, runners map[string]bool) bool {
	switch called := call.Fun.(type) {
	case *ast.Ident:
		return called.Name != "Test" && runners[called.Name]
	case *ast.SelectorExpr:
		pkg, ok := called.X.(*ast.Ident)
		if called.Sel.Name == "Test" {
			return ok && pkg.Name == f.localName("testing/synctest")
		}
		return runners[called.Sel.Name]
	}
	return false
}

// mention is a name where it is used.
type mention struct {
	name, in string // in the function, "" outside of any
	given    bool   // within what a runner is given
	apart    bool   // in a method, in a file that imports testing/synctest
}

// bubbles knows what of a folder's tests runs in bubbles only.
type bubbles struct {
	mentions map[token.Pos]mention
	only     map[string]bool // functions that are mentioned, and in bubbles only
}

func bubblesOf(tests []*file, runners map[string]bool) *bubbles {
	b := &bubbles{map[token.Pos]mention{}, map[string]bool{}}
	for _, f := range tests {
		for _, d := range f.syntax.Decls {
			b.collect(f, d, runners)
		}
	}
	for _, m := range b.mentions {
		b.only[m.name] = !calledByTool(m.name)
	}
	for again := true; again; {
		again = false
		for _, m := range b.mentions {
			if b.only[m.name] && !b.holds(m) {
				b.only[m.name], again = false, true
			}
		}
	}
	return b
}

// collect notes what a declaration mentions.
func (b *bubbles) collect(f *file, d ast.Decl, runners map[string]bool) {
	in, root, apart := "", ast.Node(d), false
	if fn, ok := d.(*ast.FuncDecl); ok {
		if fn.Body == nil {
			return
		}
		in, root = fn.Name.Name, fn.Body
		apart = fn.Recv != nil && f.localName("testing/synctest") != ""
	}
	var walk func(n ast.Node, given bool)
	walk = func(n ast.Node, given bool) {
		ast.Inspect(n, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				b.mentions[n.Pos()] = mention{n.Name, in, given, apart}
			case *ast.CallExpr:
				if !given && f.runs(n, runners) {
					for _, arg := range n.Args {
						walk(arg, true)
					}
					walk(n.Fun, false)
					return false
				}
			}
			return true
		})
	}
	walk(root, false)
}

// holds reports whether a mention runs in bubbles only. A method that nobody mentions
// is called through an interface: its file is believed.
func (b *bubbles) holds(m mention) bool {
	only, mentioned := b.only[m.in]
	return m.given || only || m.apart && !mentioned
}

// calledByTool reports whether go test calls a function by itself.
func calledByTool(name string) bool {
	return slices.ContainsFunc([]string{"Test", "Benchmark", "Fuzz", "Example", "init"}, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}
