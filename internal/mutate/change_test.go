package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestChangesAreSlipsOfTheHand(t *testing.T) {
	dir := t.TempDir()
	code := `package p

func f(a, b int) int {
	if a < b {
		g(a)
		a += 2
	}
	a++
	logger.Info("nothing", "a", a+b)
	return a
}
`
	if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"p_test.go", "p_gen.go"} {
		if err := os.WriteFile(filepath.Join(dir, other), []byte(code), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := changesIn(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range found {
		got = append(got, code[:c.from][len(code[:c.from])-1:]+"|"+code[c.from:c.to]+"|"+c.with)
	}
	want := []string{
		" |a < b|!(a < b)", " |a < b|a <= b", "\t|g(a)|", "\t|a += 2|", "\t|a++|", " |a+b|a - b",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
