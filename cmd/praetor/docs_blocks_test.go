package main_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// block is a block of code of a page.
type block struct {
	at   string // page and line
	lang string // what its fence says; "" for commands
	text string
	why  string // why it is not run; "" if it is
}

// notRun stands above a block that is not run, with the reason.
var notRun = regexp.MustCompile(`^ *<!-- not run: (\S.*) -->$`)

// blocksOf gives the blocks of a page, and marks that are wrong. Commands are blocks that are
// indented, or fenced as sh or as nothing.
func blocksOf(page, text string) (blocks []block, faults []string) {
	var why string
	fenced, indented, blank := false, false, true
	for i, line := range strings.Split(text, "\n") {
		at := fmt.Sprintf("%s:%d", page, i+1)
		mark := notRun.FindStringSubmatch(line)
		lang, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		code := !fenced && !fence && strings.HasPrefix(line, "    ") && strings.TrimSpace(line) != "" && (indented || blank)
		switch {
		case fence && !fenced, code && !indented:
			blocks = append(blocks, block{at: at, why: why})
			why = ""
			if fence {
				blocks[len(blocks)-1].lang = strings.TrimPrefix(lang, "sh")
			}
		case mark != nil && why == "":
			why = mark[1]
		case strings.Contains(line, "<!-- not run"), why != "" && strings.TrimSpace(line) != "":
			faults = append(faults, at+": above a block that is not run stands one line, <!-- not run: why -->")
			why = ""
		}
		if code || fenced && !fence {
			blocks[len(blocks)-1].text += strings.TrimPrefix(line, "    ") + "\n"
		}
		blank = strings.TrimSpace(line) == ""
		indented = code || indented && blank
		fenced = fenced != fence
	}
	return blocks, faults
}

func TestBlocksOfAPage(t *testing.T) {
	t.Parallel()
	blocks, faults := blocksOf("a.md", strings.ReplaceAll(`# Page

    praetor one
      continued

    praetor two
text
    goes on

'''sh
praetor three
'''

1. In a list:

       praetor four
<!-- not run: it is for cron -->

    praetor five

'''hcl
a = 1

    b = 2
'''
'''
praetor six
'''
`, "'''", "```"))
	want := []block{
		{"a.md:3", "", "praetor one\n  continued\npraetor two\n", ""},
		{"a.md:10", "", "praetor three\n", ""},
		{"a.md:16", "", "   praetor four\n", ""},
		{"a.md:19", "", "praetor five\n", "it is for cron"},
		{"a.md:21", "hcl", "a = 1\n\nb = 2\n", ""},
		{"a.md:26", "", "praetor six\n", ""},
	}
	if !slices.Equal(blocks, want) || len(faults) > 0 {
		t.Errorf("got  %q\nwant %q\nand %q", blocks, want, faults)
	}
	for _, text := range []string{
		"<!-- not run: why -->\ntext\n\n    praetor one\n", // above text
		"<!-- not run:  -->\n\n    praetor one\n",          // no reason
		"<!-- not run: a -->\n<!-- not run: b -->\n\n    praetor one\n",
	} {
		if _, faults := blocksOf("a.md", text); len(faults) != 1 {
			t.Errorf("%q: %q", text, faults)
		}
	}
}

var (
	commandHead = regexp.MustCompile("^#+ (?:Flags of )?`praetor (.*)`$")
	flagRow     = regexp.MustCompile("^\\| `-([a-z0-9_-]+)")
	flagWord    = regexp.MustCompile(`^--?([a-z][a-z0-9_-]+)`)
	endOfWords  = regexp.MustCompile(` [|&<>].*`) // what a shell does next
)

// commandFlags are the flags of each command by docs/cli.md and docs/configuration.md, which are
// made of the program; those of many under "".
func commandFlags(t *testing.T) map[string][]string {
	t.Helper()
	flags := map[string][]string{}
	for _, page := range []string{"cli.md", "configuration.md"} {
		text, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		command := ""
		for line := range strings.Lines(string(text)) {
			if head := commandHead.FindStringSubmatch(strings.TrimSpace(line)); head != nil {
				command = head[1]
				flags[command] = append([]string{}, flags[command]...)
			} else if row := flagRow.FindStringSubmatch(line); row != nil {
				flags[command] = append(flags[command], row[1])
			}
		}
	}
	return flags
}

// TestCommandsOfBlocksThatAreNotRunExist, and so do their flags, and those of the examples in the
// commands' help. They are only read: some of them change their reader's machine.
func TestCommandsOfBlocksThatAreNotRunExist(t *testing.T) {
	t.Parallel()
	flags, tried := commandFlags(t), 0
	for _, page := range pages(t) {
		for _, b := range page.blocks {
			if b.why == "" && page.name != "cli.md" {
				continue
			}
			for line := range strings.Lines(b.text) {
				words := strings.Fields(endOfWords.ReplaceAllString(line, ""))
				if len(words) < 2 || words[0] != "praetor" {
					continue
				}
				tried++
				command := ""
				for n := range words {
					if name := strings.Join(words[1:n+1], " "); flags[name] != nil {
						command = name
					}
				}
				if command == "" && !strings.HasPrefix(words[1], "-") {
					t.Errorf("%s: no such command: %s", b.at, line)
				}
				for _, word := range words {
					flag := flagWord.FindStringSubmatch(word)
					if flag != nil && !slices.Contains(flags[command], flag[1]) && !slices.Contains(flags[""], flag[1]) {
						t.Errorf("%s: praetor %s has no flag %s: %s", b.at, command, word, line)
					}
				}
			}
		}
	}
	if tried < 200 {
		t.Errorf("%d commands only", tried)
	}
}
