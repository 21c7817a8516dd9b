package filter_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/filter"
)

// wide is a pattern of so many instructions that fails only at the end of a text,
// so that each byte costs nearly all of them.
func wide(instructions int) string {
	pattern := ""
	for left := instructions / 2; left > 0; left -= 1000 {
		pattern += fmt.Sprintf(".{0,%d}", min(left, 1000))
	}
	return pattern + "Z$"
}

func TestPatternsOfFiltersAreBounded(t *testing.T) {
	for name, row := range map[string]struct{ expression, refusal string }{
		"one at the limit":             {`Output matches "` + wide(1990) + `"`, ""},
		"one beyond":                   {`Output matches "` + wide(2010) + `"`, "at most 2000 are allowed"},
		"one twice as large":           {`Output matches "` + wide(4000) + `"`, "at most 2000 are allowed"},
		"one long":                     {"Output not matches `" + strings.Repeat("a", 1025) + "`", "1025 bytes are too long: at most 1024 are allowed"},
		"the ten of the attack":        {`Output matches "` + strings.Repeat(".{0,999}", 10) + `Z$"`, "at most 2000 are allowed"},
		"two at the limit":             {`Output matches "` + wide(1990) + `" or Name matches "` + wide(1990) + `"`, ""},
		"three":                        {strings.Repeat(`Output matches "`+wide(1990)+`" or `, 2) + `Name matches "` + wide(100) + `"`, "too complex together: at most 4000 instructions are allowed"},
		"many small":                   {strings.Repeat(`Name matches "^web" or `, 60) + `Name matches "^db"`, ""},
		"one inside":                   {`not (Name == x or Output matches "` + wide(4000) + `")`, "at most 2000 are allowed"},
		"a text that looks like one":   {`Name == "matches .{0,999}.{0,999}.{0,999}"`, ""},
		"no pattern":                   {`Output matches "("`, "Failed to compile regular expression \"(\": error parsing regexp: missing closing ): `(`"},
		"a pattern for all of a check": {`Name matches "a" and Output matches "b" and "c" in Notes`, ""},
	} {
		_, err := filter.New[filter.Check](row.expression)
		if again := filter.Validate(row.expression); row.refusal == "" && again != nil {
			t.Errorf("%s: without rows: %v", name, again)
		}
		switch {
		case row.refusal == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case row.refusal != "" && (err == nil || !strings.HasPrefix(err.Error(), filter.Prefix) || !strings.Contains(err.Error(), row.refusal)):
			t.Errorf("%s: %v, want …%s", name, err, row.refusal)
		case row.refusal != "" && name != "no pattern" && fault.KindOf(err) != fault.Invalid:
			t.Errorf("%s: kind %v, want %v", name, fault.KindOf(err), fault.Invalid)
		}
	}
}

func TestATextTooLongForItsPatternIsRefused(t *testing.T) {
	f, err := filter.New[filter.Check](`Output matches "` + wide(1990) + `"`)
	if err != nil {
		t.Fatal(err)
	}
	for bytes, refused := range map[int]bool{9_900: false, 10_200: true, 20_000: true} {
		_, err := filter.Keep(t.Context(), f, []*catalog.Check{{Output: strings.Repeat("a", bytes)}})
		if got := err != nil && fault.KindOf(err) == fault.Invalid && strings.Contains(err.Error(), "at most 20000000 are allowed"); got != refused {
			t.Errorf("%d bytes: %v, want refused %v", bytes, err, refused)
		}
	}
}

func TestAFilterThatTakesTooLongEnds(t *testing.T) {
	f, err := filter.New[filter.Check](`Output matches "` + wide(1990) + `"`)
	if err != nil {
		t.Fatal(err)
	}
	list := make([]*catalog.Check, 10_000) // half an hour's worth
	for i := range list {
		list[i] = &catalog.Check{Output: strings.Repeat("a", 4000)}
	}
	began := time.Now()
	_, err = filter.Keep(t.Context(), f, list)
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "more than 1s and 20000000 steps") {
		t.Errorf("%v", err)
	}
	if took := time.Since(began); took > time.Minute { // 1.2 s on a machine that has nothing else to do
		t.Errorf("it took %v", took)
	}
}

func TestACheapPatternLooksThroughMuchText(t *testing.T) {
	f, err := filter.New[filter.Check](`Output matches "timeout" or Output contains refused`)
	if err != nil {
		t.Fatal(err)
	}
	list := make([]*catalog.Check, 4_000)
	for i := range list {
		list[i] = &catalog.Check{Output: strings.Repeat("a", 4000)}
	}
	if kept, err := filter.Keep(t.Context(), f, list); err != nil || len(kept) > 0 {
		t.Errorf("%d kept, %v", len(kept), err)
	}
}

// cut is a context that ends when it was looked at so many times.
type cut struct {
	context.Context
	looks int
}

func (c *cut) Err() error {
	if c.looks--; c.looks < 0 {
		return context.Canceled
	}
	return nil
}

func TestAFilterEndsWithItsCaller(t *testing.T) {
	for _, expression := range []string{`Output matches "` + wide(1990) + `"`, `Name != x`, `Output contains x`} {
		f, err := filter.New[filter.Check](expression)
		if err != nil {
			t.Fatal(err)
		}
		list := make([]*catalog.Check, 1000)
		for i := range list {
			list[i] = &catalog.Check{Output: strings.Repeat("a", 1000)}
		}
		_, err = filter.Keep(&cut{t.Context(), 2}, f, list)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%.20s…: %v, want its caller's end", expression, err)
		}
	}
}
