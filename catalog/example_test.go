package catalog_test

import (
	"fmt"

	"praetor/catalog"
)

func Example() {
	st := catalog.New()
	cmd, err := catalog.Encode(catalog.RegisterCommand, &catalog.Register{
		Node: "n1", Address: "10.0.0.1", Service: &catalog.Service{ID: "web-1", Service: "web", Port: 80},
	})
	if err != nil {
		panic(err)
	}
	for _, result := range st.Apply([]catalog.Entry{{Index: 7, Data: cmd}}) {
		fmt.Println(result)
	}
	watch := make(catalog.WatchSet)
	index, instances := st.Read().ServiceHealth(watch, "web")
	fmt.Println(index, instances[0].Node.Address, instances[0].Service.Port)
	// Output:
	// <nil>
	// 7 10.0.0.1 80
}
