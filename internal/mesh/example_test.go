package mesh_test

import (
	"fmt"

	"praetor/internal/configentry"
	"praetor/internal/mesh"
)

func Example() {
	none := func(kind, name string) configentry.Entry { return nil }
	fmt.Println(mesh.CheckChain(none, "web"), mesh.ProtocolOf(none, "web"))
	addr := mesh.VirtualAddr(7)
	number, ok := mesh.VirtualNumber(addr.String())
	fmt.Println(addr, number, ok)
	// Output:
	// <nil> tcp
	// 240.0.0.7 7 true
}
