package rounds_test

import (
	"context"
	"fmt"

	"praetor/internal/rounds"
)

func Example() {
	price := 1
	prices := rounds.New(func() (int, error) { return price, nil })
	fmt.Println(prices.Wait(context.Background()))
	price = 2
	fmt.Println(prices.Wait(context.Background()))
	// Output:
	// 1 <nil>
	// 2 <nil>
}
