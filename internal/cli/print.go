package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// outputFormat is how a command prints what it found: as text for people, or as the
// API's own JSON for programs.
type outputFormat struct {
	name    string
	refusal string // of any other
	indent  string // of the JSON
}

const (
	formatPretty = "pretty"
	formatJSON   = "json"
)

func (o *outputFormat) register(cmd *cobra.Command) {
	o.refusal, o.indent = "Unknown format: %s", "    "
	cmd.Flags().StringVar(&o.name, "format", formatPretty, "Output format: pretty or json.")
}

// check refuses other formats: before a write, of which nobody would see the answer.
func (o *outputFormat) check() error {
	if o.name == formatPretty || o.name == formatJSON {
		return nil
	}
	return fail(o.refusal, o.name)
}

func (o *outputFormat) isJSON() bool { return o.name == formatJSON }

// printList prints a list as JSON, "[]" for an empty one, or calls pretty.
func printList[E any](cmd *cobra.Command, o *outputFormat, list []E, pretty func()) error {
	if list == nil {
		list = []E{}
	}
	return o.print(cmd, list, pretty)
}

// print prints an answer as JSON, or calls pretty.
func (o *outputFormat) print(cmd *cobra.Command, answer any, pretty func()) error {
	if err := o.check(); err != nil {
		return err
	}
	if !o.isJSON() {
		pretty()
		return nil
	}
	text, err := json.MarshalIndent(answer, "", o.indent)
	if err != nil {
		return fail("Error encoding the answer: %s", err)
	}
	fmt.Fprintln(cmd.OutOrStdout(), string(text))
	return nil
}

// printLines writes each text on a line of its own.
func printLines(cmd *cobra.Command, list []string) {
	for _, text := range list {
		fmt.Fprintln(cmd.OutOrStdout(), text)
	}
}

// printColumns writes rows with two spaces between columns, the last cell of a
// row unpadded (reference/cli.md §1.6, "columns").
func printColumns(cmd *cobra.Command, rows [][]string) {
	writeColumns(cmd.OutOrStdout(), rows, 2)
}

// printTabs writes rows with at least six spaces between columns
// (reference/cli.md §1.6, "tab table").
func printTabs(cmd *cobra.Command, rows [][]string) {
	writeColumns(cmd.OutOrStdout(), rows, 6)
}

func writeColumns(w io.Writer, rows [][]string, gap int) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+gap))
			}
		}
		b.WriteString("\n")
	}
	fmt.Fprint(w, b.String())
}
