package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// change replaces the bytes [from, to) of a file.
type change struct {
	file     string
	line     int
	what     string
	from, to int
	with     string
}

// changesIn lists the changes that can be made to the package in dir, its tests
// and generated files left out, in the order of files and lines.
func changesIn(dir string) ([]change, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var all []change
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "_gen.go") {
			continue
		}
		found, err := changesOf(file)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func changesOf(file string) ([]change, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	f := &finder{file: file, text: string(text), set: token.NewFileSet()}
	tree, err := parser.ParseFile(f.set, file, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	ast.Inspect(tree, f.visit)
	return f.found, nil
}

type finder struct {
	file, text string
	set        *token.FileSet
	found      []change
}

func (f *finder) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.IfStmt:
		cond := f.source(n.Cond)
		f.add(n.Cond, "condition turned: "+cond, "!("+cond+")")
	case *ast.BinaryExpr:
		if with := neighbour[n.Op]; with != "" {
			f.add(n, f.source(n)+" with "+with, f.source(n.X)+" "+with+" "+f.source(n.Y))
		}
	case *ast.ExprStmt:
		if source := f.source(n); !isLogging(source) {
			f.add(n, "dropped: "+source, "")
		}
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			f.add(n, "dropped: "+f.source(n), "")
		}
	case *ast.IncDecStmt:
		f.add(n, "dropped: "+f.source(n), "")
	}
	return true
}

// neighbour is the operator that a slip puts in another's place.
var neighbour = map[token.Token]string{
	token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">",
	token.EQL: "!=", token.NEQ: "==", token.LAND: "||", token.LOR: "&&",
	token.ADD: "-", token.SUB: "+",
}

// isLogging reports whether a call only tells people something.
func isLogging(call string) bool {
	for _, word := range []string{"logger.", "log.", ".Trace(", ".Debug(", ".Info(", ".Warn(", ".Error("} {
		if strings.Contains(call, word) {
			return true
		}
	}
	return false
}

func (f *finder) add(n ast.Node, what, with string) {
	at := f.set.Position(n.Pos())
	f.found = append(f.found, change{f.file, at.Line, what, at.Offset, f.set.Position(n.End()).Offset, with})
}

func (f *finder) source(n ast.Node) string {
	return f.text[f.set.Position(n.Pos()).Offset:f.set.Position(n.End()).Offset]
}
