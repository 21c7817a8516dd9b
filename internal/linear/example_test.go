package linear_test

import (
	"fmt"
	"time"

	"praetor/internal/linear"
)

func Example() {
	w := linear.NewWatch(time.Now())
	w.Ask() // the writer is about to write 1
	w.See(linear.Sight{Call: w.Now(), Return: w.Now(), Index: 7, Modify: 7, Value: 1, Strict: true})
	fmt.Println(w.Check(1))
	w.See(linear.Sight{Call: w.Now(), Return: w.Now(), Index: 6, Modify: 6, Value: 0, Strict: true})
	fmt.Println(w.Check(1) != nil)
	// Output:
	// <nil>
	// true
}
