package durable_test

import (
	"os"
	"path/filepath"
	"testing"

	"praetor/internal/durable"
)

func TestChecksumBesideAFileTellsOtherContent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	want := func(content string, state durable.SumState) {
		t.Helper()
		if got := durable.CompareSum(path, []byte(content)); got != state {
			t.Errorf("%q: %d, want %d", content, got, state)
		}
	}
	want("a", durable.SumAbsent)
	if err := durable.WriteSum(path, []byte("a")); err != nil {
		t.Fatal(err)
	}
	want("a", durable.SumFits)
	want("b", durable.SumOther)
	want("", durable.SumOther)
	if err := os.WriteFile(path+durable.SumSuffix, []byte("00000000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want("a", durable.SumOther)
}
