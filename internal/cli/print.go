package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

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
