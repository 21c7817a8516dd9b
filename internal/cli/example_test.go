package cli_test

import (
	"fmt"
	"os"
	"strings"

	"praetor/internal/cli"
)

func Example() {
	code := cli.Main([]string{"praetor", "validate", "-h"}, strings.NewReader(""), os.Stdout, os.Stderr)
	os.Exit(code)
}

func Example_mistake() {
	var errs strings.Builder
	code := cli.Main([]string{"praetor", "memebers"}, strings.NewReader(""), os.Stdout, &errs)
	fmt.Println(code, strings.Contains(errs.String(), "members"))
	// Output: 127 true
}
