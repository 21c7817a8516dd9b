package cache_test

import (
	"fmt"

	"praetor/internal/cache"
)

func Example() {
	pages := cache.Map[string, []byte]{MaxBytes: 1 << 20}
	pages.Put("/", []byte("home"), len("/")+len("home"))
	if page, ok := pages.Get("/"); ok {
		fmt.Printf("%s\n", page)
	}
	// Output: home
}
