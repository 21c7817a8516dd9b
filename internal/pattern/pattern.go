package pattern

import (
	"fmt"
	"regexp"
	"regexp/syntax"
)

// The limits of one pattern.
const (
	MaxBytes        = 1 << 10 // of its text
	MaxInstructions = 2000    // of its program
	MaxGroups       = 32      // that capture
)

// Pattern is a regular expression that is cheap to match.
type Pattern struct {
	*regexp.Regexp
	// Instructions is the length of the program: the most steps that one byte of
	// text can cost.
	Instructions int
}

// Compile compiles a text in the syntax of package regexp. An error says what is
// wrong with the text, as regexp.Compile does, or which limit it exceeds.
func Compile(text string) (*Pattern, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("%d bytes are too long: at most %d are allowed", len(text), MaxBytes)
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	if n := tree.MaxCap(); n > MaxGroups {
		return nil, fmt.Errorf("%d groups are too many: at most %d are allowed", n, MaxGroups)
	}
	if n := leastSize(tree); n > MaxInstructions {
		return nil, tooComplex(n)
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, err
	}
	if n := len(program.Inst); n > MaxInstructions {
		return nil, tooComplex(n)
	}
	compiled, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	return &Pattern{compiled, len(program.Inst)}, nil
}

func tooComplex(instructions int) error {
	return fmt.Errorf("it is too complex: %d instructions, at most %d are allowed", instructions, MaxInstructions)
}

// enough is where leastSize stops counting: beyond any program, and a thousand times of
// it, as often as a repetition may be, are still an int of 32 bits.
const enough = 1 << 20

// leastSize is a lower bound of the number of instructions that a tree compiles
// to, found without repeating anything. The program is at most some three times as
// long: each repetition adds an instruction or two of its own.
func leastSize(re *syntax.Regexp) int {
	size := 0
	for _, sub := range re.Sub {
		size = min(size+leastSize(sub), enough)
	}
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune)
	case syntax.OpRepeat:
		return min(size*max(re.Min, re.Max), enough)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	}
	return size
}
