package process_test

import (
	"context"
	"fmt"
	"os"

	"praetor/internal/process"
)

func Example() {
	c, err := process.Start(process.Options{Line: "echo deployed", Stdout: os.Stdout})
	if err != nil {
		panic(err)
	}
	lost := context.Background().Done() // such as of a lock: never here
	select {
	case <-c.Done():
		fmt.Println(c.Err())
	case <-lost:
		c.Stop(process.Grace)
	}
	// Output:
	// deployed
	// <nil>
}
