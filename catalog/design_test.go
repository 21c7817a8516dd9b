package catalog_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"praetor/catalog"
)

// TestDesignNamesEveryTableAndCommand: DESIGN.md lists what the code declares,
// in the same order.
func TestDesignNamesEveryTableAndCommand(t *testing.T) {
	text, err := os.ReadFile("DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	design := string(text)

	var stored, derived []string
	for _, table := range catalog.Tables() {
		if table.Record != 0 {
			stored = append(stored, fmt.Sprintf("%s %d", table.Name, table.Record))
		} else {
			derived = append(derived, table.Name)
		}
		row := regexp.MustCompile(`(?m)^\| ` + table.Name + ` \|.*$`).FindString(design)
		for _, index := range table.Indexes {
			if !strings.Contains(row, " "+index+": ") {
				t.Errorf("DESIGN.md §1 does not say what is the key of index %q of table %q; it has: %s", index, table.Name, row)
			}
		}
		if got := strings.Count(row, ": "); got != len(table.Indexes) {
			t.Errorf("DESIGN.md §1 has %d indexes of table %q, the code has %v", got, table.Name, table.Indexes)
		}
	}
	wantInOrder(t, design, "tables with records", stored, `(?m)^\| (\w+) \| (\d+) \|`)
	wantInOrder(t, design, "derived tables", derived, `(?m)^\| (\w+) \| [a-z, ]+ \| id: `)

	commands := regexp.MustCompile(`(?s)byte 0 (.*?)byte 1`).FindString(design)
	var want []string
	for _, c := range catalog.CommandTypes() {
		want = append(want, fmt.Sprint(uint8(c)))
	}
	wantInOrder(t, strings.TrimPrefix(strings.TrimSuffix(commands, "byte 1"), "byte 0"), "commands", want, `(\d+) \w+`)
}

// wantInOrder compares what a pattern's groups find in the text, joined by spaces.
func wantInOrder(t *testing.T, text, what string, want []string, pattern string) {
	t.Helper()
	var got []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		got = append(got, strings.Join(m[1:], " "))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: DESIGN.md has %v, the code has %v", what, got, want)
	}
}

// TestNumbersOnDiskBelongToOneThing: two tables of one record type, or two
// commands of one number, would read each other's bytes.
func TestNumbersOnDiskBelongToOneThing(t *testing.T) {
	records, commands := map[uint8]string{}, map[catalog.CommandType]bool{}
	for _, table := range catalog.Tables() {
		if other, taken := records[table.Record]; taken && table.Record != 0 {
			t.Errorf("tables %q and %q both have record type %d", other, table.Name, table.Record)
		}
		records[table.Record] = table.Name
	}
	for _, c := range catalog.CommandTypes() {
		if commands[c] {
			t.Errorf("two commands have number %d", c)
		}
		commands[c] = true
		if c.String() == "" {
			t.Errorf("command %d has no name", c)
		}
	}
}
