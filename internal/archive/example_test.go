package archive_test

import (
	"bytes"
	"fmt"
	"io"

	"praetor/internal/archive"
)

func Example() {
	state := []byte("the state of a server")
	meta := &archive.Meta{Version: 1, ID: "2-203-1700000000000", Index: 203, Term: 2, Size: int64(len(state))}
	var file bytes.Buffer
	err := archive.Write(&file, meta, func(w io.Writer) error {
		_, err := w.Write(state)
		return err
	})
	if err != nil {
		panic(err)
	}
	var restored bytes.Buffer // counts only if Read returns without an error
	read, err := archive.Read(&file, &restored)
	if err != nil {
		panic(err)
	}
	fmt.Println(read.Index, restored.String())
	// Output: 203 the state of a server
}
