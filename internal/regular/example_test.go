package regular_test

import (
	"fmt"
	"os"
	"path/filepath"

	"praetor/internal/regular"
)

func Example() {
	dir, err := os.MkdirTemp("", "regular")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "rules.hcl")
	if err := os.WriteFile(path, []byte("key"), 0o600); err != nil {
		panic(err)
	}
	text, err := regular.Read(path, 1<<20)
	fmt.Println(string(text), err)
	_, err = regular.Read(path, 2)
	fmt.Println(err != nil)
	_, err = regular.Read(dir, 1<<20)
	fmt.Println(err != nil)
	// Output:
	// key <nil>
	// true
	// true
}
