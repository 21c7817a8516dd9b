package userevent_test

import (
	"fmt"
	"maps"
	"slices"

	"praetor/internal/userevent"
)

func Example() {
	// On the server that fires it:
	fired, err := userevent.New("deploy", []byte("v7"))
	if err != nil {
		panic(err)
	}
	fired.ServiceFilter = "^web$"
	payload, err := fired.Encode()
	if err != nil {
		panic(err)
	}

	// On every agent, which hears it through gossip:
	ring := userevent.NewRing()
	e, meant, err := userevent.Decode(userevent.Prefix+"deploy", 3, payload)
	if err != nil {
		panic(err)
	}
	services := maps.All(map[string][]string{"web": {"v1"}})
	if meant.Match("node-1", services) {
		ring.Add(e)
	}
	list, _ := ring.Events()
	for e := range slices.Values(list) {
		fmt.Println(e.Name, string(e.Payload), e.LTime)
	}
	// Output: deploy v7 3
}
