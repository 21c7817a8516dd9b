package acl_test

import (
	"fmt"
	"strings"

	"praetor/internal/acl"
)

func Example() {
	// A resolver makes an authorizer of a token; this one may read keys below app/.
	az := acl.New("8a5d0e7c-0d3c-4c7e-9d51-0f3a3c1f2b10", func(n acl.Need) bool {
		return n.Resource() == acl.Resource(acl.Key) && n.Access() == acl.Read && strings.HasPrefix(n.Name(), "app/")
	})
	fmt.Println(az.Check(acl.Key.Read("app/config")))
	fmt.Println(az.Allows(acl.Key.Read("other")))
	fmt.Println(az.Check(acl.Key.Write("app/config")))
	// Output:
	// <nil>
	// false
	// Permission denied: token with AccessorID '8a5d0e7c-0d3c-4c7e-9d51-0f3a3c1f2b10' lacks permission 'key:write' on "app/config"
}
