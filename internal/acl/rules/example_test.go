package rules_test

import (
	"fmt"

	"praetor/internal/acl"
	"praetor/internal/acl/rules"
)

func Example() {
	write, err := rules.Parse(`key_prefix "app/" { policy = "write" }`)
	if err != nil {
		panic(err)
	}
	deny, err := rules.Parse(`key "app/secret" { policy = "deny" }`)
	if err != nil {
		panic(err)
	}
	set := rules.Merge(write, deny)
	for _, need := range []acl.Need{acl.Key.Write("app/x"), acl.Key.Read("app/secret"), acl.Key.Read("other")} {
		fmt.Println(need.Name(), set.Allows(need, false)) // false: what no rule is about is denied
	}
	// Output:
	// app/x true
	// app/secret false
	// other false
}
