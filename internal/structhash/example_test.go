package structhash_test

import (
	"fmt"
	"reflect"

	"praetor/internal/structhash"
)

func Example() {
	type port struct {
		Name  string
		Index uint64
	}
	saying := structhash.Form{Member: func(_ reflect.Type, f reflect.StructField, v reflect.Value) (reflect.Value, bool) {
		return v, f.Name != "Index"
	}}
	a, b := port{"http", 1}, port{"http", 2}
	fmt.Println(structhash.Of(a, saying) == structhash.Of(&b, saying))
	fmt.Println(structhash.Of(a, structhash.Form{}) == structhash.Of(b, structhash.Form{}))
	// Output:
	// true
	// false
}
