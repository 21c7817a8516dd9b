package house

import (
	"bufio"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// module is the source of a Go module.
type module struct {
	name  string // "praetor"
	root  string
	fset  *token.FileSet
	files []*file // by folder, then name
}

// file is one source file.
type file struct {
	folder string // path in the module, "." for its root
	name   string // path in the module
	test   bool
	syntax *ast.File
}

// load reads every Go file of the module at root, but not nested modules,
// testdata and hidden folders.
func load(root string) (*module, error) {
	name, err := moduleName(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	m := &module{name: name, root: root, fset: token.NewFileSet()}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && isForeign(path):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		return m.add(path)
	})
	if err != nil {
		return nil, fmt.Errorf("read module at %s: %w", root, err)
	}
	slices.SortFunc(m.files, func(a, b *file) int {
		return cmp.Or(cmp.Compare(a.folder, b.folder), cmp.Compare(a.name, b.name))
	})
	return m, nil
}

func moduleName(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("find module: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), "module "); ok {
			return strings.TrimSpace(name), nil
		}
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return "", fmt.Errorf("read %s: no module line", path)
}

// isForeign reports whether the go command skips a folder too.
func isForeign(path string) bool {
	base := filepath.Base(path)
	if base == "testdata" || base == "vendor" || base == "node_modules" || base[0] == '.' || base[0] == '_' {
		return true
	}
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil
}

func (m *module) add(path string) error {
	syntax, err := parser.ParseFile(m.fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	name, err := filepath.Rel(m.root, path)
	if err != nil {
		return err
	}
	name = filepath.ToSlash(name)
	folder := "."
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		folder = name[:i]
	}
	m.files = append(m.files, &file{folder, name, strings.HasSuffix(name, "_test.go"), syntax})
	return nil
}

// line says where something stands, as "httpapi/kv.go:12".
func (m *module) line(f *file, at token.Pos) string {
	return f.name + ":" + strconv.Itoa(m.fset.Position(at).Line)
}

// imports lists what a file imports.
func (f *file) imports() []string {
	var paths []string
	for _, spec := range f.syntax.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

// localName is what a file calls an import, "" if it does not import it.
func (f *file) localName(path string) string {
	for _, spec := range f.syntax.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err != nil || p != path {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path[strings.LastIndexByte(path, '/')+1:]
	}
	return ""
}

// uses lists where a file mentions pkg.name, however it calls pkg.
func (f *file) uses(pkg, name string) []token.Pos {
	local := f.localName(pkg)
	if local == "" {
		return nil
	}
	var at []token.Pos
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == local && n.Sel.Name == name {
				at = append(at, n.Pos())
			}
		case *ast.Ident:
			if local == "." && n.Name == name {
				at = append(at, n.Pos())
			}
		}
		return true
	})
	return at
}

// explains reports whether a comment that ends on the line above at, or on its
// own line, holds word.
func (f *file) explains(m *module, at token.Pos, word string) bool {
	line := m.fset.Position(at).Line
	for _, group := range f.syntax.Comments {
		end := m.fset.Position(group.End()).Line
		if (end == line-1 || end == line) && strings.Contains(group.Text(), word) {
			return true
		}
	}
	return false
}
