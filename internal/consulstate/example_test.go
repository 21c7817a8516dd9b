package consulstate_test

import (
	"bytes"
	"fmt"

	"praetor/catalog"
	"praetor/internal/consulstate"
)

func Example() {
	old := catalog.New()
	write, err := catalog.Encode(catalog.KVWriteCommand, &catalog.KVWrite{Entry: catalog.KVEntry{Key: "a", Value: []byte("1")}})
	if err != nil {
		panic(err)
	}
	old.Apply([]catalog.Entry{{Index: 7, Data: write}})
	var state bytes.Buffer // what internal/archive finds in a snapshot file
	if err := old.Read().WriteSnapshot(&state); err != nil {
		panic(err)
	}

	restored := catalog.New()
	if _, err := consulstate.Import(restored, &state); err != nil {
		panic(err)
	}
	index, entry := restored.Read().KVGet(nil, "a")
	fmt.Println(index, string(entry.Value))
	// Output: 7 1
}
