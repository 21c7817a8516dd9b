package query

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hil/ast"
	"github.com/hashicorp/hil/scanner"
)

// A template is parsed and evaluated each time somebody looks up a name that it
// stands for. Both take some microseconds for each expression in it, and their calls
// nest as the expressions do: within these limits a millisecond or two.
const (
	maxTemplateDepth = 64
	maxTemplateMarks = 1000 // of all texts
	templateMarks    = "{}()[]\"!?:+-*/%&|=<>,"
)

// tooMuch says which limit a text with expressions exceeds.
func (r *renderer) tooMuch(text string) error {
	for i := range len(text) {
		if strings.IndexByte(templateMarks, text[i]) >= 0 {
			r.marks++
		}
	}
	if r.marks > maxTemplateMarks {
		return fmt.Errorf("the texts of a template with expressions may have %d brackets, quotes and operators together", maxTemplateMarks)
	}
	if n := depth(text); n > maxTemplateDepth {
		return fmt.Errorf("%d expressions inside each other are too many: at most %d are allowed", n, maxTemplateDepth)
	}
	return nil
}

// depth is how deep the expressions in a text are inside each other at most. An
// operator may take all that follows it as its operand, until its bracket closes.
func depth(text string) int {
	var open []int // expressions begun since each bracket that is open
	deepest, now := 0, 0
	for token := range scanner.Scan(text, ast.InitPos) { // read to its end, which ends the scanner
		switch token.Type {
		case scanner.BEGIN, scanner.OPAREN, scanner.OBRACKET, scanner.OQUOTE:
			open = append(open, 1)
			now++
		case scanner.END, scanner.CPAREN, scanner.CBRACKET, scanner.CQUOTE:
			if last := len(open) - 1; last >= 0 {
				now -= open[last]
				open = open[:last]
			}
		case scanner.LITERAL, scanner.STRING, scanner.INTEGER, scanner.FLOAT, scanner.BOOL, scanner.IDENTIFIER,
			scanner.PERIOD, scanner.COMMA, scanner.COLON, scanner.EOF, scanner.INVALID:
		default:
			if last := len(open) - 1; last >= 0 {
				open[last]++
				now++
			}
		}
		deepest = max(deepest, now)
	}
	return deepest
}
