package durable_test

import (
	"fmt"
	"os"
	"path/filepath"

	"praetor/internal/durable"
)

func Example() {
	dir, err := os.MkdirTemp("", "durable")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "node-id")
	fmt.Println(durable.WriteFile(path, []byte("0f3a"), 0o600)) // whole, or as it was
	text, err := os.ReadFile(path)
	fmt.Println(string(text), err)
	// Output:
	// <nil>
	// 0f3a <nil>
}
