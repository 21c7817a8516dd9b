package backup_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"praetor/internal/backup"
)

func Example() {
	dir, err := os.MkdirTemp("", "backup")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	store, err := backup.Open(backup.Target{LocalPath: dir})
	if err != nil {
		panic(err)
	}
	job := backup.Job{
		Store: store, Prefix: "consul", Retain: 30,
		Save: func(context.Context) (io.ReadCloser, uint64, error) {
			return io.NopCloser(strings.NewReader("an archive")), 7, nil
		},
		Verify: func(r io.Reader) error { _, err := io.Copy(io.Discard, r); return err },
	}
	saved, err := job.Run(context.Background())
	fmt.Println(saved.Index, saved.Bytes, err)
	// Output: 7 10 <nil>
}
