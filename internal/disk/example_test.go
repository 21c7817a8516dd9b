package disk_test

import (
	"fmt"
	"os"

	"praetor/internal/disk"
)

func Example() {
	bytes, err := disk.Free(os.TempDir())
	fmt.Println(bytes > 0, err)
	// Output: true <nil>
}
