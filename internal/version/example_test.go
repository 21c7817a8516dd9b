package version_test

import (
	"fmt"
	"strings"

	"praetor/internal/version"
)

func Example() {
	tags := map[string]string{"build": version.Compatible + ":"}
	fmt.Println(strings.Count(tags["build"], "."), strings.HasPrefix(version.Revision(), "praetor-"+version.Praetor))
	// Output: 2 true
}
