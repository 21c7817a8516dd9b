package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// changed is a body of a function with each change made to it, one at a time.
func changed(t *testing.T, body string) (list []string, all []change) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "p.go")
	code := "package p\n\nfunc f() {\n\t" + body + "\n}\n"
	if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := changesOf(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		text := code[:c.from] + c.with + code[c.to:]
		text = strings.TrimSuffix(strings.TrimPrefix(text, "package p\n\nfunc f() {\n\t"), "\n}\n")
		list = append(list, text)
	}
	return list, all
}

// TestEachSlip: one that is never made finds no missing test.
func TestEachSlip(t *testing.T) {
	for body, want := range map[string][]string{
		"x = a < b":                 {"", "x = a <= b"},
		"x = a <= b":                {"", "x = a < b"},
		"x = a > b":                 {"", "x = a >= b"},
		"x = a >= b":                {"", "x = a > b"},
		"x = a == b":                {"", "x = a != b"},
		"x = a != b":                {"", "x = a == b"},
		"x = a && b":                {"", "x = a || b"},
		"x = a || b":                {"", "x = a && b"},
		"x = a + b":                 {"", "x = a - b"},
		"x = a - b":                 {"", "x = a + b"},
		"x = a * b":                 {""}, // no slip of the hand
		"x = a % b":                 {""},
		"x := a":                    nil, // what follows would not compile
		"x := a + b":                {"x := a - b"},
		"x += 1":                    {""},
		"x++":                       {""},
		"x--":                       {""},
		"delete(m, k)":              {""},
		"logger.Info(a)":            nil, // nobody's tests look for that
		"s.logger.Named(a).Log(b)":  nil,
		"l.Warn(a)":                 nil,
		"if ok {\n\t}":              {"if !(ok) {\n\t}"},
		"if a < b {\n\t}":           {"if !(a < b) {\n\t}", "if a <= b {\n\t}"},
		"if v := g(); v {\n\t}":     {"if v := g(); !(v) {\n\t}"},
		"for a < b {\n\t}":          {"for a <= b {\n\t}"},
		"return":                    nil,
		"go g()":                    nil,
		"x = a + b*c - d":           {"", "x = a + b*c + d", "x = a - b*c - d"},
		"x = !(a && b)":             {"", "x = !(a || b)"},
		"g(func() {\n\t\tx++\n\t})": {"", "g(func() {\n\t\t\n\t})"},
	} {
		got, _ := changed(t, body)
		if !slices.Equal(got, want) {
			t.Errorf("%s becomes %q, want %q", body, got, want)
		}
	}
}

// TestChangesSayWhereAndWhat, on one line, as editors take it.
func TestChangesSayWhereAndWhat(t *testing.T) {
	_, all := changed(t, "if a <\n\t\tb {\n\t\tg(\n\t\t\tc)\n\t}")
	var lines []string
	for _, c := range all {
		lines = append(lines, strings.TrimPrefix(c.String(), filepath.ToSlash(c.file)))
	}
	if want := []string{":4: condition turned: a < b", ":4: a < b with <=", ":6: dropped: g( c)"}; !slices.Equal(lines, want) {
		t.Errorf("%q, want %q", lines, want)
	}
}

// TestAnOverlayLeavesTheFileAlone: the tree that is worked on is not touched.
func TestAnOverlayLeavesTheFileAlone(t *testing.T) {
	_, all := changed(t, "x = a < b")
	before, err := os.ReadFile(all[1].file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path, err := all[1].overlay(dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var overlay struct{ Replace map[string]string }
	if err := json.Unmarshal(text, &overlay); err != nil || len(overlay.Replace) != 1 {
		t.Fatalf("%s, %v", text, err)
	}
	with, err := os.ReadFile(overlay.Replace[all[1].file])
	if err != nil || string(with) != strings.Replace(string(before), "a < b", "a <= b", 1) {
		t.Errorf("the changed file is %q, %v", with, err)
	}
	if after, err := os.ReadFile(all[1].file); err != nil || string(after) != string(before) {
		t.Errorf("the file became %q, %v", after, err)
	}
	if _, err := (change{file: filepath.Join(dir, "none.go")}).overlay(dir); err == nil {
		t.Error("a file that is not there is changed")
	}
}

func TestPackagesThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	if list, err := changesIn(filepath.Join(dir, "none")); err != nil || len(list) != 0 {
		t.Errorf("a folder that is not there: %v, %v", list, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bad.go"), []byte("package"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(1, 1, 0, []string{dir}); err == nil || !strings.Contains(err.Error(), "bad.go") {
		t.Errorf("a file that is no Go: %v", err)
	}
	if _, err := changesIn("["); err == nil {
		t.Error("a folder of a bad name is read")
	}
}
