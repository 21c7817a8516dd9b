package pattern_test

import (
	"runtime"
	"strings"
	"testing"

	"praetor/internal/pattern"
)

func TestPatternsAreTakenUpToTheirLimits(t *testing.T) {
	for name, row := range map[string]struct{ text, refusal string }{
		"longest":                       {strings.Repeat("a", pattern.MaxBytes), ""},
		"one byte more":                 {strings.Repeat("a", pattern.MaxBytes+1), "1025 bytes are too long: at most 1024 are allowed"},
		"twice as long":                 {strings.Repeat("a", 2*pattern.MaxBytes), "2048 bytes are too long"},
		"most groups":                   {strings.Repeat("(a)", pattern.MaxGroups), ""},
		"one group more":                {strings.Repeat("(a)", pattern.MaxGroups+1), "33 groups are too many: at most 32 are allowed"},
		"most instructions":             {strings.Repeat("a{999}", 2), ""}, // two more begin and end it
		"more instructions":             {strings.Repeat("a{999}", 2) + "aaa", "it is too complex: 2001 instructions, at most 2000 are allowed"},
		"twice as many":                 {strings.Repeat("a{1000}", 4), "it is too complex"},
		"repeated options":              {"((a|b)?){1000}", "it is too complex"},
		"repetitions inside each other": {"((a{10}){10}){10}", ""},
		"a class repeated":              {"[a-z0-9]{1000}", ""},
		"no pattern":                    {"(", "error parsing regexp: missing closing ): `(`"},
		"empty":                         {"", ""},
	} {
		p, err := pattern.Compile(row.text)
		switch {
		case row.refusal == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case row.refusal == "" && (p.Instructions <= 0 || p.Instructions > pattern.MaxInstructions):
			t.Errorf("%s: %d instructions", name, p.Instructions)
		case row.refusal != "" && (err == nil || !strings.Contains(err.Error(), row.refusal)):
			t.Errorf("%s: %v, want …%s…", name, err, row.refusal)
		}
	}
}

// What a kilobyte can stand for is not made before it is refused.
func TestRefusingAPatternIsCheap(t *testing.T) {
	text := strings.Repeat("(.{0,999}){0,1}", 60)
	if _, err := pattern.Compile(strings.Repeat(".{0,999}", 60)); err == nil {
		t.Fatal("60,000 instructions are taken")
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		if _, err := pattern.Compile(text); err == nil {
			t.Fatal("60,000 instructions are taken")
		}
	}
	runtime.ReadMemStats(&after)
	if bytes := (after.TotalAlloc - before.TotalAlloc) / 100; bytes > 1<<20 {
		t.Errorf("%d bytes are allocated to refuse a pattern", bytes)
	}
}

func FuzzPatterns(f *testing.F) {
	for _, seed := range []string{"", "^web-([0-9]+)$", "(a{10}){100}", "(?i)[[:alpha:]]*?", `\pL{3,}`, "((((a?)?)?)?)", "x{2}{2}{2}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := pattern.Compile(text)
		if err == nil {
			p.MatchString(strings.Repeat("ab ", 100))
		}
	})
}
