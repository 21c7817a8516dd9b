package builtin_test

import (
	"fmt"
	"strings"

	"praetor/internal/acl/builtin"
)

func Example() {
	t, found := builtin.TemplateNamed("builtin/service")
	if !found {
		panic("no such template")
	}
	policy, err := t.Render("web")
	if err != nil {
		panic(err)
	}
	fmt.Println(strings.Contains(policy.Rules, `service "web"`), t.Check("no such name!") != nil)
	// Output: true true
}
