package filter_test

import (
	"context"
	"fmt"

	"praetor/catalog"
	"praetor/internal/filter"
)

func Example() {
	f, err := filter.New[filter.Node](`Meta.rack == "7" and Node matches "^web"`)
	if err != nil {
		panic(err)
	}
	nodes, err := filter.Keep(context.Background(), f, []*catalog.Node{
		{Node: "web-1", Meta: map[string]string{"rack": "7"}},
		{Node: "web-2", Meta: map[string]string{"rack": "8"}},
		{Node: "db-1", Meta: map[string]string{"rack": "7"}},
	})
	for _, n := range nodes {
		fmt.Println(n.Node, err)
	}
	// Output: web-1 <nil>
}
