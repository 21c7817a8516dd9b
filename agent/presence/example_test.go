package presence_test

import (
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/config"
	"praetor/agent/presence"
)

func Example() {
	dir, err := os.MkdirTemp("", "data")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	const id = "0f3a3c1f-0d3c-4c7e-9d51-8a5d0e7c2b10"
	f := presence.In(dir, &config.Runtime{Server: true, ServerRejoinAgeMax: 7 * 24 * time.Hour}, hclog.NewNullLogger())
	fmt.Println(f.CheckAbsence(time.Now())) // before anything else
	fmt.Println(f.CheckVotes(id))           // once the node ID is known
	// Output:
	// <nil>
	// <nil>
}
