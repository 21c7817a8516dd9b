package agent_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	wal "github.com/hashicorp/raft-wal"
	walmetrics "github.com/hashicorp/raft-wal/metrics"

	"praetor/catalog"
	"praetor/internal/telemetry"
)

// emitters are the methods that take the name of a figure first.
var emitters = map[string]bool{
	"Counter": true, "Counters": true, "Timer": true, "Gauge": true,
	"IncrCounter": true, "IncrCounterWithLabels": true, "SetGauge": true, "SetGaugeWithLabels": true, "AddSample": true, "AddSampleWithLabels": true,
}

// TestEveryFigureIsDeclared reads the sources: a figure that is not in the table of
// internal/telemetry has no help text, and does not exist until it happens.
func TestEveryFigureIsDeclared(t *testing.T) {
	found := 0
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if name, ok := emitted(n); ok {
				found++
				if !telemetry.IsDeclared(name) {
					t.Errorf("%s: %q is not declared in internal/telemetry/figures.go", path, name)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || found < 50 {
		t.Errorf("%d figures found in the sources: %v", found, err)
	}
	// Those whose names are put together.
	for _, c := range catalog.CommandTypes() {
		wantDeclared(t, "fsm."+c.String())
	}
	for _, list := range [][]walmetrics.Descriptor{wal.MetricDefinitions.Counters, wal.MetricDefinitions.Gauges} {
		for _, d := range list {
			wantDeclared(t, "raft.wal."+d.Name)
		}
	}
	for _, place := range []string{"catalog.service", "catalog.connect", "health.service", "health.connect"} {
		for _, what := range []string{"query", "query-tag", "query-tags", "not-found"} {
			wantDeclared(t, place+"."+what)
		}
	}
}

func wantDeclared(t *testing.T, name string) {
	t.Helper()
	if !telemetry.IsDeclared(name) {
		t.Errorf("%q is not declared in internal/telemetry/figures.go", name)
	}
}

// emitted returns the name of the figure that a call emits, if it stands there whole.
func emitted(n ast.Node) (string, bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return "", false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !emitters[method.Sel.Name] {
		return "", false
	}
	words := []ast.Expr{call.Args[0]}
	if list, ok := call.Args[0].(*ast.CompositeLit); ok { // go-metrics takes words
		words = list.Elts
	}
	var name []string
	for _, w := range words {
		literal, ok := w.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return "", false
		}
		word, err := strconv.Unquote(literal.Value)
		if err != nil {
			return "", false
		}
		name = append(name, word)
	}
	return strings.Join(name, "."), true
}
