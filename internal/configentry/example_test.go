package configentry_test

import (
	"fmt"
	"strings"

	"praetor/internal/configentry"
)

func Example() {
	// From a client, in any spelling of keys.
	body := strings.NewReader(`{"kind": "service-splitter", "name": "web", "splits": [{"weight": 90}, {"weight": 10, "service": "canary"}]}`)
	entry, err := configentry.DecodeJSON(body)
	if err != nil {
		panic(err)
	}
	// Prepare fills in defaults, and says what is wrong with the entry.
	if err := configentry.Prepare(entry); err != nil {
		panic(err)
	}
	stored, err := configentry.Encode(entry) // as it is stored and shown
	if err != nil {
		panic(err)
	}
	fmt.Println(string(stored))
	again, err := configentry.Load(configentry.KindServiceSplitter, stored)
	fmt.Println(again.EntryName(), err)
	// Output:
	// {"Kind":"service-splitter","Name":"web","Splits":[{"Weight":90},{"Weight":10,"Service":"canary"}]}
	// web <nil>
}
