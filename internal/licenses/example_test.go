package licenses_test

import (
	"fmt"

	"praetor/internal/licenses"
)

func Example() {
	fmt.Println(licenses.ByModule()["github.com/hashicorp/raft"], len(licenses.Text) > 10000)
	// Output: MPL-2.0 true
}
