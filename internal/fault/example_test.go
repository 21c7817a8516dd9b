package fault_test

import (
	"fmt"

	"praetor/internal/fault"
)

func Example() {
	find := func(id string) error { return fault.New(fault.NotFound, "unknown service ID: %s", id) }
	err := fmt.Errorf("deregister: %w", find("web"))
	fmt.Println(err)
	fmt.Println(fault.KindOf(err) == fault.NotFound)
	// Output:
	// deregister: unknown service ID: web
	// true
}
