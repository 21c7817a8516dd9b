package archive_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"praetor/internal/archive"
)

func TestMetaOfARaftFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.json")
	for _, c := range []struct{ name, text, fault string }{
		{"whole", `{"Version":1,"ID":"2-7-1","Index":7,"Term":2,"Size":10}`, ""},
		{"with members that nobody knows", `{"Version":1,"ID":"2-7-1","Index":7,"Term":2,"Size":10,"Extra":"x"}`, ""},
		{"cut", `{"Version":1,"ID":"2-7`, "unexpected EOF"},
		{"empty", "", "EOF"},
		{"not an object", `[1]`, "cannot unmarshal array"},
		{"a negative index", `{"Index":-1}`, "cannot unmarshal number -1"},
		{"without end", `{"ID":"` + strings.Repeat("x", 64<<20), "unexpected EOF"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		meta, err := archive.ReadMeta(path)
		if c.fault != "" {
			if err == nil || !strings.Contains(err.Error(), c.fault) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: %v, want %s and the path", c.name, err, c.fault)
			}
			continue
		}
		if err != nil || meta.ID != "2-7-1" || meta.Index != 7 || meta.Term != 2 || meta.Size != 10 {
			t.Errorf("%s: %+v, %v", c.name, meta, err)
		}
	}
	if _, err := archive.ReadMeta(path + "x"); !os.IsNotExist(err) {
		t.Errorf("no file: %v", err)
	}
}
