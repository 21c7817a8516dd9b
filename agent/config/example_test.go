package config_test

import (
	"fmt"

	"praetor/agent/config"
)

func Example() {
	flags := config.Flags{Dev: true, HCL: []string{`node_name = "n1" service { name = "web" port = 80 }`}}
	rt, warnings, err := config.Load(&flags)
	if err != nil {
		panic(err)
	}
	fmt.Println(rt.NodeName, rt.Server, rt.Services[0].Service.Port, len(warnings))

	flags.HCL = []string{`datacentre = "dc2"`}
	_, _, err = config.Load(&flags)
	fmt.Println(err != nil)
	// Output:
	// n1 true 80 0
	// true
}
