package pattern_test

import (
	"fmt"

	"praetor/internal/pattern"
)

func Example() {
	p, err := pattern.Compile("^web-[0-9]+$")
	if err != nil {
		panic(err)
	}
	fmt.Println(p.MatchString("web-7"), p.MatchString("db-7"))
	_, err = pattern.Compile("(")
	fmt.Println(err != nil)
	// Output:
	// true false
	// true
}
