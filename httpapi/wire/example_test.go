package wire_test

import (
	"fmt"
	"strings"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/definition"
)

func Example() {
	var body wire.Register
	if err := definition.Decode(strings.NewReader(`{"Node": "n1", "Address": "10.0.0.1"}`), &body); err != nil {
		panic(err)
	}
	registration := body.Row()
	fmt.Println(registration.Node, registration.Address)

	names := wire.AppendList(nil, []*catalog.Node{{Node: "n1"}, {Node: "n2"}}, func(b []byte, n *catalog.Node) []byte {
		return append(append(append(b, '"'), n.Node...), '"')
	})
	fmt.Println(string(names))
	// Output:
	// n1 10.0.0.1
	// ["n1","n2"]
}
