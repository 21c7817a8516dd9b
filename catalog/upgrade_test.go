package catalog_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"praetor/catalog"
)

// TestBatchEndsAtAnUnknownCommand: what came before it is applied, nothing after it,
// wherever the batch is cut.
func TestBatchEndsAtAnUnknownCommand(t *testing.T) {
	set := func(key string) []byte {
		return encode(t, catalog.KVWriteCommand, &catalog.KVWrite{Entry: catalog.KVEntry{Key: key}})
	}
	verb, err := (&catalog.KVWrite{Verb: catalog.KVUnlock + 1}).MarshalMsg([]byte{byte(catalog.KVWriteCommand)})
	if err != nil {
		t.Fatal(err)
	}
	for name, unknown := range map[string][]byte{
		"command":      {99, 0x80},
		"high bit":     {200, 0x80}, // Consul lets such be skipped; nothing of ours may be
		"no body":      {99},
		"verb":         verb,
		"lacking here": encode(t, catalog.ReapCommand, &catalog.Reap{}),
	} {
		st := catalog.NewLacking(catalog.ReapCommand)
		results := st.Apply([]catalog.Entry{{Index: 5, Data: set("before")}, {Index: 6, Data: unknown}, {Index: 7, Data: set("after")}})
		if catalog.Unknown(results[0]) != nil || catalog.Unknown(results[1]) == nil || results[2] != results[1] {
			t.Errorf("%s: results %v, want the second and third to be that error", name, results)
		}
		if err := catalog.Unknown(results[1]); !strings.Contains(fmt.Sprint(err), "entry 6 ") {
			t.Errorf("%s: %v, want the entry's index", name, err)
		}
		tx := st.Read()
		if _, keys := tx.KVKeys(nil, "", ""); !slices.Equal(keys, []string{"before"}) || tx.LastIndex() != 5 {
			t.Errorf("%s: keys %v at %d, want what came before at 5", name, keys, tx.LastIndex())
		}
	}
}

// TestResultsThatAreNoErrorsAreKnown: Unknown judges results of any type.
func TestResultsThatAreNoErrorsAreKnown(t *testing.T) {
	for _, result := range []any{nil, true, &catalog.TxnAnswer{}, errors.New("refused")} {
		if err := catalog.Unknown(result); err != nil {
			t.Errorf("%v: %v", result, err)
		}
	}
}

// TestCommandsKeepTheirForm: older servers skip members that they do not know, so a
// member that is new, renamed or of another type makes them diverge. Give what you
// need a new command number. A new member may be added to testdata/commands.form
// only if a server that skips it ends in the same state.
func TestCommandsKeepTheirForm(t *testing.T) {
	want, err := os.ReadFile("testdata/commands.form")
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(catalog.CommandForms(), "\n") + "\n"
	if got == string(want) {
		return
	}
	had, have := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for _, line := range had {
		if !slices.Contains(have, line) {
			t.Errorf("gone: %s", line)
		}
	}
	for _, line := range have {
		if !slices.Contains(had, line) {
			t.Errorf("new: %s", line)
		}
	}
	t.Error("commands have another form or order than testdata/commands.form: DESIGN.md §5, \"Other versions\"")
}

// TestUpgradePageNamesEveryCommand: an operator looks a command's number up there.
func TestUpgradePageNamesEveryCommand(t *testing.T) {
	page, err := os.ReadFile("../docs/upgrading.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, c := range catalog.CommandTypes() {
		want = append(want, fmt.Sprint(uint8(c)))
	}
	wantInOrder(t, string(page), "commands", want, `(?m)^\| (\d+) \| .* \| \d+\.\d+\.\d+ \|`)
	if ok := regexp.MustCompile(`does not know: a newer version wrote it`).Match(page); !ok {
		t.Error("docs/upgrading.md does not quote the line that a server stops with")
	}
}
