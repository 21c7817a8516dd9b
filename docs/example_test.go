package docs_test

import (
	"fmt"
	"strings"

	"praetor/docs"
)

func ExampleTopic() {
	text, ok := docs.Topic("leader")
	first, _, _ := strings.Cut(text, "\n")
	fmt.Println(first, ok)
	// Output: ## There is no leader true
}
