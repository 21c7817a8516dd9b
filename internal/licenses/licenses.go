package licenses

import (
	_ "embed"
	"strings"
)

//go:generate go test . -run TestTextIsUpToDate -update

// Text is a list of modules and their licences, and the texts of these.
//
//go:embed licenses.txt
var Text string

// ByModule are the licences, named as SPDX names them, by the module's path; Go's own
// library is "std".
func ByModule() map[string]string {
	list, _, _ := strings.Cut(Text, "\n\n")
	m := map[string]string{}
	for line := range strings.Lines(list) {
		if f := strings.Fields(line); len(f) == 2 {
			m[f[0]] = f[1]
		}
	}
	return m
}
