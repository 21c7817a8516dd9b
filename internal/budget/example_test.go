package budget_test

import (
	"context"
	"fmt"

	"praetor/internal/budget"
)

func Example() {
	b := &budget.Budget{Most: 100, MostPerClient: 60}
	give, err := b.Take(context.Background(), "10.0.0.1", 50, nil)
	fmt.Println(b.Total(), err)
	_, err = b.Take(context.Background(), "10.0.0.1", 50, nil) // does not wait: Wait is 0
	fmt.Println(err)
	give() // the answer is sent
	fmt.Println(b.Total())
	// Output:
	// 50 <nil>
	// too many bytes are under way to this client
	// 0
}
